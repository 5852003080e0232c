//! A writer and its readers, while somebody writes over the header and one reader scribbles over its own line.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;

use billiards_video::{Error, Format, Frame, Geometry, Reader, ReaderOptions, Reason, SlotView, State, Writer};

use super::fields::{Patch, Which, header, line, sequence};
use super::place::{clear, geometry, name, path, publish, reader_options, writer_options};
use super::script::Script;
use super::{Outcome, examine};
use crate::support::pattern;

/// The most steps of a script.
const STEPS: usize = 60;
/// The most frames that one handle may hold.
const MAX_HELD: usize = 3;
/// The line of the reader that keeps to the rules: it attaches first.
const GOOD_LINE: u64 = 0;
/// The line of the one that does not, as long as there is only the first segment.
const BAD_LINE: u64 = 1;

/// Plays a script in a directory of its own. The good reader takes each frame right after it was published, when nothing in
/// the header is older than its patches, and so has a right to it.
pub(crate) fn live(place: &Path, bytes: &[u8]) -> Outcome {
    clear(place);
    let mut scene = Scene::new(place, bytes);
    for _ in 0..STEPS {
        scene.step();
        scene.check_held();
        if scene.script.is_over() {
            break;
        }
    }
    scene.end()
}

struct Scene<'p, 'b> {
    place: &'p Path,
    script: Script<'b>,
    writer: Writer,
    /// Keeps to the rules, and nobody writes to its line.
    good: Reader,
    held: VecDeque<(u64, Frame)>,
    /// Has its line written over, and reads whatever the header says.
    bad: Reader,
    bad_held: Vec<Frame>,
    observer: Reader,
    /// The parked loan's buffer.
    parked: Option<SlotView>,
    frames: u64,
}

impl<'p, 'b> Scene<'p, 'b> {
    fn new(place: &'p Path, bytes: &'b [u8]) -> Scene<'p, 'b> {
        let writer = Writer::create(&name(), geometry(), writer_options(place)).expect("a free name");
        let attach = |options| Reader::attach(&name(), options).expect("a live writer");
        let [good, bad] = [(); 2].map(|()| attach(reader_options(place)));
        let observer = attach(ReaderOptions { observe: true, ..reader_options(place) });
        let script = Script::new(bytes);
        let (held, bad_held) = (VecDeque::new(), Vec::new());
        Scene { place, script, writer, good, held, bad, bad_held, observer, parked: None, frames: 0 }
    }

    fn step(&mut self) {
        match self.script.below(20) {
            0..=3 => self.publish(),
            4..=6 => self.patch_header(),
            7 => self.name_a_frame(),
            8 | 9 => self.scribble(),
            10..=12 => self.read_on_the_side(),
            13 => drop(self.held.pop_front()),
            14 => self.bad_held.clear(),
            15 => self.loan(),
            16 => self.tell(),
            17 => self.break_status(),
            18 => self.attach_another(),
            _ if self.script.once_in(4) => self.reshape(),
            _ => self.look_after_it(),
        }
    }

    /// Publishes a frame. It is dropped only if readers hold every buffer, or seem to; then there is one more, until there
    /// are eight.
    fn publish(&mut self) {
        self.cancel_parked();
        let number = (3..=8).find_map(|_| publish(&mut self.writer));
        let number = number.expect("two buffers more than these readers can hold, whatever is in their lines");
        if self.held.len() < MAX_HELD {
            let frame = self.good.newest().expect("a whole segment").expect("a frame that was just published");
            let info = frame.info();
            assert_eq!((number, self.writer.geometry()), (info.frame_number, info.geometry));
            assert!(!frame.is_copy());
            self.frames += 1;
            self.held.push_back((self.writer.epoch(), frame));
        }
        // The observer too sees that frame or, if it was told of later ones before, nothing.
        if let Some(copy) = examine::taken(self.observer.newest())
            && self.observer.epoch().unwrap() == self.writer.epoch()
            && self.observer.geometry().unwrap() == self.writer.geometry()
        {
            pattern::check(&copy, self.writer.epoch(), number);
        }
    }

    /// No frame that the good reader holds has changed.
    fn check_held(&self) {
        for (epoch, frame) in &self.held {
            pattern::check(frame, *epoch, frame.info().frame_number);
        }
    }

    fn file(&self, which: Which) -> Option<File> {
        File::options().write(true).open(path(self.place, which, self.writer.epoch())).ok()
    }

    fn patch_header(&mut self) {
        let patch = Patch::draw(&mut self.script, Which::Frames);
        if let Some(frames) = self.file(Which::Frames) {
            frames.write_all_at(&patch.bytes, patch.at).expect("room");
        }
    }

    /// Makes some slot the newest frame in all that a reader looks at, also one that is being written or is not there.
    fn name_a_frame(&mut self) {
        let (slot, number) = (self.script.below(17), 2 * (1 + self.script.below(64)));
        if let Some(frames) = self.file(Which::Frames) {
            frames.write_all_at(&number.to_le_bytes(), sequence(slot.min(15))).expect("room");
            frames.write_all_at(&(number << 8 | slot).to_le_bytes(), header("latest")).expect("room");
        }
    }

    /// Writes to the lease file, anywhere but to the good reader's line: most of all to masks.
    fn scribble(&mut self) {
        let mask = 1 << self.script.below(8) | 1 << self.script.below(8) | 1_u32 << self.script.below(32);
        let masks = |lines: std::ops::Range<u64>| {
            lines.map(|index| Patch { at: line(index), bytes: mask.to_le_bytes().to_vec() }).collect()
        };
        let patches: Vec<Patch> = match self.script.below(6) {
            0..=2 => masks(BAD_LINE..BAD_LINE + 1),
            3 => masks(BAD_LINE + 1..64), // nobody's
            _ => vec![Patch::draw(&mut self.script, Which::Leases)],
        };
        let Some(leases) = self.file(Which::Leases) else { return };
        for patch in patches.iter().filter(|patch| !patch.touches(line(GOOD_LINE), 128) && patch.at < line(64)) {
            leases.write_all_at(&patch.bytes, patch.at).expect("room");
        }
    }

    /// The others read: what they get is a frame by its size, and that is all that is known of it.
    fn read_on_the_side(&mut self) {
        let way = self.script.below(examine::WAYS);
        if self.script.once_in(3) {
            drop(examine::read(&self.observer, way));
        } else {
            self.bad_held.extend(examine::read(&self.bad, way));
        }
        for reader in [&self.good, &self.bad, &self.observer] {
            examine::figures(reader);
        }
    }

    fn loan(&mut self) {
        if self.parked.is_some() {
            assert!(matches!(self.writer.loan(), Err(Error::LoanOpen)));
            return self.cancel_parked();
        }
        let Some(mut loan) = self.writer.loan().expect("nobody else has the name") else { return };
        loan.pixels().fill(0xee); // what becomes no frame
        if self.script.once_in(2) {
            self.parked = Some(loan.park());
        }
    }

    fn cancel_parked(&mut self) {
        self.parked = None;
        if let Some(loan) = self.writer.resume() {
            loan.cancel();
        }
    }

    /// The writer tells things, and asks things of lines that anybody may have written to.
    fn tell(&mut self) {
        let states = [State::Live, State::Stalled, State::Reconnecting];
        self.writer.set_state(self.script.pick(&states), Reason::None);
        self.writer.set_status(&vec![b'x'; self.script.length(65_473)]).expect("it fits");
        self.writer.add_captured(self.script.below(256));
        self.writer.add_dropped(self.script.below(256));
    }

    fn look_after_it(&mut self) {
        self.writer.tend().expect("nobody else has the name");
        self.writer.tidy();
        let readers = self.writer.readers();
        assert!(readers.len() <= 64 && readers.iter().all(|reader| reader.held <= 3));
        assert!(readers.iter().all(|reader| !reader.name.contains(char::is_control)));
        let stats = self.writer.stats();
        assert!((3..=8).contains(&stats.buffers) && stats.buffers_free <= stats.buffers);
        for notice in self.writer.notices() {
            assert!(!notice.to_string().contains(char::is_control), "{notice:?}");
        }
    }

    /// Writes over the status, or cuts it off: it is read and written by system calls alone.
    fn break_status(&mut self) {
        let patch = Patch::draw(&mut self.script, Which::Status);
        let Some(status) = self.file(Which::Status) else { return };
        if self.script.once_in(2) {
            status.set_len(self.script.below(70_000)).expect("room");
        } else {
            status.write_all_at(&patch.bytes, patch.at).expect("room");
        }
        examine::status(&self.good);
    }

    fn attach_another(&mut self) {
        let observe = self.script.once_in(2);
        match Reader::attach(&name(), ReaderOptions { observe, ..reader_options(self.place) }) {
            Err(error) => examine::refusal(&error),
            Ok(reader) => {
                examine::figures(&reader);
                drop(examine::read(&reader, self.script.below(examine::WAYS)));
            }
        }
    }

    /// Frames of another size, perhaps where something else has taken the name or one of the files is gone. The good reader
    /// follows first, so that it has the first line again.
    fn reshape(&mut self) {
        self.cancel_parked();
        match self.script.below(4) {
            0 => drop(fs::remove_file(path(self.place, self.script.pick(&Which::ALL), self.writer.epoch()))),
            1 => {
                fs::remove_file(path(self.place, Which::Frames, 0)).expect("the name stands");
                fs::write(path(self.place, Which::Frames, 0), [0x55; 5000]).expect("room");
            }
            _ => {}
        }
        let sides = [(64, 65), (1, 1), (61, 67), (128, 64)];
        let (width, height) = self.script.pick(&sides);
        let reshaped = self.writer.reshape(Geometry::new(width, height, Format::Gray8).expect("a good size"));
        if let Err(error) = reshaped {
            // Another program's file stands under the name, and stays there.
            assert!(matches!(error, Error::NameTaken { .. }), "{error}");
            examine::is_for_people(&error);
            fs::remove_file(path(self.place, Which::Frames, 0)).expect("it stands there");
            self.writer.reshape(geometry()).expect("the name is free");
        }
        self.held.truncate(MAX_HELD - 1);
        self.publish();
    }

    fn end(mut self) -> Outcome {
        self.look_after_it();
        let frames = self.frames;
        let held = std::mem::take(&mut self.held);
        drop(self.parked.take());
        drop(self.writer);
        for (epoch, frame) in &held {
            pattern::check(frame, *epoch, frame.info().frame_number);
        }
        let left: Vec<_> = fs::read_dir(self.place).expect("the place").flatten().collect();
        assert!(left.is_empty(), "a clean end leaves nothing: {left:?}");
        Outcome { refused: false, frames }
    }
}
