//! A writer that starts where anything stands under the names of its files.

use std::fs::{self, DirBuilder, File};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use billiards_video::{Error, Reader, ReaderOptions, Writer};
use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::fields::{Patch, Which};
use super::place::{NAME, Remains, clear, geometry, lock, name, path, publish, reader_options, writer_options};
use super::script::Script;
use super::{Outcome, examine};
use crate::support::pattern;

/// What links lead to, and nobody may touch.
const TREASURE: &[u8] = b"somebody's own file, which happens to be longer than a word";
/// Files beside the stream's, whose names are nearly its own. They stay.
const BYSTANDERS: [&str; 6] =
    ["cam2", "cam.txt", "cam.lock.lock", "cam.0123.leases", "cam.0123456789ABCDEF.status", ".cam.0123456789abcdeg"];

/// Plants anything, reads it if it can be read, starts a writer, and publishes if it starts.
pub(crate) fn start(place: &Path, bytes: &[u8]) -> Outcome {
    clear(place);
    let remains = Remains::get(place);
    let mut scene = Scene { script: Script::new(bytes), place, remains, lives: Vec::new() };
    scene.furnish();
    let before = fs::read_dir(place).expect("the place").count();
    let mut outcome = Outcome::default();
    outcome.frames += look(place);
    match Writer::create(&name(), geometry(), writer_options(place)) {
        Err(error) => {
            let expected = matches!(error, Error::NameTaken { .. } | Error::NameInUse { .. } | Error::NoRoom { .. });
            assert!(expected, "not a reason not to start: {error}");
            examine::is_for_people(&error);
            assert!(error.to_string().contains(NAME), "what is in the way: {error}");
            outcome.refused = true;
        }
        Ok(writer) => outcome.frames += serve(place, writer),
    }
    scene.nothing_else_has_changed();
    assert!(fs::read_dir(place).expect("the place").count() <= before, "more is left than was there before");
    // Whatever it was, nothing of it stays in the way when it is gone.
    drop(scene);
    clear(place);
    outcome.frames += serve(place, Writer::create(&name(), geometry(), writer_options(place)).expect("a free name"));
    outcome
}

/// Reads what there is to read, without waiting for anything; gives whether it was a frame.
fn look(place: &Path) -> u64 {
    match Reader::attach(&name(), ReaderOptions { allow_dead: true, ..reader_options(place) }) {
        Err(error) => {
            examine::refusal(&error);
            0
        }
        Ok(reader) => {
            examine::figures(&reader);
            examine::status(&reader);
            u64::from(examine::read(&reader, 0).is_some())
        }
    }
}

/// Publishes and reads a few frames; gives how many.
fn serve(place: &Path, mut writer: Writer) -> u64 {
    let reader = Reader::attach(&name(), reader_options(place)).expect("a live writer");
    for expected in 0..4 {
        let number = publish(&mut writer).expect("a free buffer");
        let frame = reader.newest().expect("a whole segment").expect("a frame");
        assert_eq!((expected, expected), (number, frame.info().frame_number));
        pattern::check(&frame, writer.epoch(), number);
    }
    4
}

struct Scene<'p, 'b> {
    script: Script<'b>,
    place: &'p Path,
    remains: &'static Remains,
    lives: Vec<File>,
}

impl Scene<'_, '_> {
    fn furnish(&mut self) {
        fs::create_dir(self.treasury()).expect("an empty place");
        fs::write(self.treasure(), TREASURE).expect("room");
        for bystander in BYSTANDERS {
            fs::write(self.place.join(bystander), bystander).expect("room");
        }
        let epoch = self.script.pick(&[1, u64::MAX, 0, 0x0123_4567_89ab_cdef]);
        let mut spots = Which::ALL.map(|which| (path(self.place, which, epoch), Some(which))).to_vec();
        spots.push((self.place.join(format!("{NAME}.lock")), None));
        spots.push((self.place.join(format!(".{NAME}.{epoch:016x}")), Some(Which::Frames)));
        for (spot, which) in spots {
            self.plant(&spot, which, epoch);
        }
    }

    fn treasury(&self) -> PathBuf {
        self.place.join("elsewhere")
    }

    fn treasure(&self) -> PathBuf {
        self.treasury().join("treasure")
    }

    /// Puts something at a spot; as `which`, where it is to be what belongs there.
    fn plant(&mut self, spot: &Path, which: Option<Which>, epoch: u64) {
        match self.script.below(16) {
            0..=5 => {}
            6..=8 => {
                let Some(which) = which else { return fs::write(spot, self.script.bytes(20)).expect("room") };
                let patches: Vec<Patch> =
                    (0..self.script.below(4)).map(|_| Patch::draw(&mut self.script, which)).collect();
                let whole = self.remains.length(which);
                let length = if self.script.once_in(3) { self.script.below(whole) } else { whole };
                drop(self.remains.plant(spot, which, epoch, &patches, length));
            }
            9 => fs::write(spot, self.script.bytes(5000)).expect("room"),
            10 => self.plant_directory(spot),
            11 => mknodat(CWD, spot, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a free spot"),
            12 => symlink(self.script.pick(&["elsewhere/treasure", "nowhere", ".", "elsewhere"]), spot).expect("free"),
            13 => fs::hard_link(self.treasure(), spot).expect("a free spot"),
            _ => {
                let file = File::create_new(spot).expect("a free spot");
                let mode = self.script.pick(&[0o600, 0o666, 0o000, 0o620, 0o444, 0o700]);
                file.set_permissions(fs::Permissions::from_mode(mode)).expect("our own file");
                (&file).write_all(self.script.bytes(20)).expect("room");
                if self.script.once_in(2) {
                    lock(&file, 0);
                    self.lives.push(file);
                }
            }
        }
    }

    fn plant_directory(&mut self, spot: &Path) {
        DirBuilder::new().mode(0o700).create(spot).expect("a free spot");
        if self.script.once_in(2) {
            fs::write(spot.join("inside"), b"").expect("room");
        }
    }

    /// What is not the stream's is as it was.
    fn nothing_else_has_changed(&self) {
        assert_eq!(TREASURE, fs::read(self.treasure()).expect("it is there"), "a link was followed");
        for bystander in BYSTANDERS {
            assert_eq!(bystander.as_bytes(), fs::read(self.place.join(bystander)).expect("it is there"));
        }
        assert_eq!(1, fs::read_dir(self.treasury()).expect("it is there").count());
    }
}
