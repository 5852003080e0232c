//! Readers of files that say anything.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;

use billiards_video::{Frame, Reader, ReaderOptions};

use super::fields::{Patch, Which, header, sequence};
use super::place::{Remains, clear, lock, name, path, reader_options};
use super::script::Script;
use super::{Outcome, examine};

/// The most bytes a frames file is drawn out to. It bounds the frame too, which a header could make 2^30 bytes long.
const LONGEST: u64 = 4 << 20;
/// The most steps after a reader has attached.
const STEPS: usize = 40;

/// Plants a segment with damage, attaches to it and reads, while more damage is done and other segments take its name.
pub(crate) fn attach(place: &Path, bytes: &[u8]) -> Outcome {
    clear(place);
    let mut scene = Scene { place, script: Script::new(bytes), epoch: 0, frames: None, lives: Vec::new() };
    scene.plant();
    let options = scene.options();
    let mut outcome = Outcome::default();
    match Reader::attach(&name(), options) {
        Err(error) => {
            examine::refusal(&error);
            outcome.refused = true;
        }
        Ok(reader) => outcome.frames = scene.read(&reader),
    }
    outcome
}

struct Scene<'p, 'b> {
    place: &'p Path,
    script: Script<'b>,
    epoch: u64,
    /// The frames file that stands under the name.
    frames: Option<File>,
    /// Files whose lock says that their writer lives.
    lives: Vec<File>,
}

impl Scene<'_, '_> {
    /// Puts the files of a new epoch under the name, over those of the last one.
    fn plant(&mut self) {
        let remains = Remains::get(self.place);
        self.epoch += 1;
        for which in [Which::Leases, Which::Status, Which::Frames] {
            if which != Which::Frames && self.script.once_in(16) {
                continue; // it is missing
            }
            let damages = self.script.below(8).saturating_sub(4);
            let patches: Vec<Patch> = (0..damages).map(|_| Patch::draw(&mut self.script, which)).collect();
            let length = self.length(remains.length(which));
            let file = remains.plant(&path(self.place, which, self.epoch), which, self.epoch, &patches, length);
            if which == Which::Frames {
                if !self.script.once_in(4) {
                    lock(&file, 0);
                    self.lives.push(file.try_clone().expect("a descriptor"));
                }
                self.frames = Some(file);
            }
        }
    }

    /// A length that is right, or nearly, or anything.
    fn length(&mut self, right: u64) -> u64 {
        match self.script.below(16) {
            0 => right.saturating_sub(1 + self.script.below(4)),
            1 => right + self.script.below(6 * 4160),
            2 => self.script.below(right + 1),
            3 => self.script.below(LONGEST),
            _ => right,
        }
    }

    fn options(&mut self) -> ReaderOptions {
        ReaderOptions {
            allow_dead: !self.script.once_in(4),
            owner: self.script.pick(&[None, Some(0), Some(u32::MAX)]),
            reader_name: String::from_utf8_lossy(self.script.bytes(3)).repeat(30),
            max_leases: if self.script.once_in(16) {
                self.script.pick(&[0, 4, 255])
            } else {
                self.script.pick(&[1, 2, 3])
            },
            observe: self.script.once_in(2),
            ..reader_options(self.place)
        }
    }

    /// Reads while the script lasts; gives how many frames there were.
    fn read(&mut self, reader: &Reader) -> u64 {
        let mut held: Vec<Frame> = Vec::new();
        let mut frames = 0;
        for _ in 0..STEPS {
            examine::figures(reader);
            match self.script.below(8) {
                0 => self.patch(),
                1 => self.name_a_frame(),
                2 => self.resize(reader),
                3 if self.script.once_in(4) => self.plant(),
                4 if self.script.once_in(4) => examine::status(reader),
                5 if !held.is_empty() => drop(held.remove(0)),
                6 if self.script.once_in(4) => self.remove_something(),
                _ => {
                    let frame = examine::read(reader, self.script.below(examine::WAYS));
                    frames += u64::from(frame.is_some());
                    held.extend(frame);
                }
            }
            held.iter().for_each(examine::frame);
            if self.script.is_over() {
                break;
            }
        }
        frames
    }

    /// Writes over some bytes of the files that stand now.
    fn patch(&mut self) {
        let which = self.script.pick(&Which::ALL);
        let patch = Patch::draw(&mut self.script, which);
        let Some(file) = self.open(which) else { return };
        // Not past the end: that would be a resize.
        let length = file.metadata().expect("an open file").len();
        if patch.at + patch.bytes.len() as u64 <= length {
            file.write_all_at(&patch.bytes, patch.at).expect("room");
        }
    }

    /// Makes some slot the newest frame in all that a reader looks at.
    fn name_a_frame(&mut self) {
        let (slot, number) = (self.script.below(17), 2 * (1 + self.script.below(256)));
        let frames = self.frames.as_ref().expect("planted");
        if frames.metadata().expect("an open file").len() < 4096 {
            return;
        }
        frames.write_all_at(&number.to_le_bytes(), sequence(slot.min(15))).expect("room");
        frames.write_all_at(&(number << 8 | slot).to_le_bytes(), header("latest")).expect("room");
    }

    /// Draws a file out, or cuts it off where nobody has it mapped.
    fn resize(&mut self, reader: &Reader) {
        let which = self.script.pick(&[Which::Frames, Which::Frames, Which::Leases, Which::Status]);
        let Some(file) = self.open(which) else { return };
        let length = file.metadata().expect("an open file").len();
        let wanted = self.length(length);
        if wanted > length || which == Which::Status || reader.is_observer().unwrap() {
            file.set_len(wanted).expect("room");
        }
    }

    /// A file that stands now.
    fn open(&self, which: Which) -> Option<File> {
        match which {
            Which::Frames => Some(self.frames.as_ref().expect("planted").try_clone().expect("a descriptor")),
            _ => File::options().write(true).open(path(self.place, which, self.epoch)).ok(),
        }
    }

    fn remove_something(&mut self) {
        let gone = path(self.place, self.script.pick(&Which::ALL), self.epoch);
        let _may_be_gone_already = fs::remove_file(gone);
    }
}
