//! What somebody else has put where our files should be, in a directory that everybody may write to: not followed, not
//! trusted, not changed, not waited for; with the kernel's own protections of such directories off and on.

mod fallbacks;
mod names;
mod races;

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use billiards_video::{Directories, Reader, ReaderOptions, Writer, WriterOptions};
use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::support::namespace::Elsewhere;
use crate::support::place::{Place, name};
use crate::support::process::{Process, heard, say};
use crate::support::protection::Protection;
use crate::support::{publish, read, small};
use crate::two_users::open_to_all;

pub(crate) use fallbacks::displaced_writer;
pub(crate) use races::{lock_holder, planter};

/// Whose process meets what was planted.
const VICTIM: u32 = 4001;
/// Who planted it.
const STRANGER: u32 = 4003;
const PRECIOUS: &str = "precious";

/// What may be planted, and by which words a writer and a reader say that they will not have it. What is a stranger's may be
/// refused for that.
const PLANTS: [(&str, &[&str]); 10] = [
    ("a link to a file", &["symbolic link"]),
    ("a link to nothing", &["symbolic link"]),
    ("a link to a device", &["symbolic link"]),
    ("a FIFO", &["not a regular file"]),
    ("a socket", &["not a regular file"]),
    ("a directory", &["not a regular file", "s a directory"]),
    ("a hard link", &["2 names (hard links)"]),
    ("a stranger's file", &["belongs to user 4003"]),
    ("a stranger's private file", &["belongs to user 4003"]),
    ("a file open to all", &["others may write to it (mode 666)"]),
];

/// A directory open to all, and a file of the victim's beside it that nobody must touch.
struct Scene {
    place: Place,
    elsewhere: Place,
    victim: u32,
}

impl Scene {
    fn new(victim: u32) -> Scene {
        let scene = Scene { place: Place::new(), elsewhere: Place::new(), victim };
        open_to_all(&scene.place);
        open_to_all(&scene.elsewhere);
        let precious = scene.precious();
        fs::write(&precious, PRECIOUS).unwrap();
        fs::set_permissions(&precious, Permissions::from_mode(0o600)).unwrap();
        lchown(&precious, Some(victim), None).unwrap();
        scene
    }

    fn precious(&self) -> PathBuf {
        self.elsewhere.file("precious")
    }

    fn plant(&self, what: &str, path: &Path) {
        let write = |mode, owner| {
            fs::write(path, "planted").unwrap();
            fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
            lchown(path, Some(owner), None).unwrap();
        };
        match what {
            "a link to a file" => symlink(self.precious(), path).unwrap(),
            "a link to nothing" => symlink(self.elsewhere.file("nothing"), path).unwrap(),
            "a link to a device" => symlink("/dev/null", path).unwrap(),
            "a FIFO" => mknodat(CWD, path, FileType::Fifo, Mode::from_bits_truncate(0o666), 0).unwrap(),
            "a socket" => drop(UnixListener::bind(path).unwrap()),
            "a directory" => fs::create_dir(path).unwrap(),
            "a hard link" => return fs::hard_link(self.precious(), path).unwrap(),
            "a stranger's file" => return write(0o666, STRANGER),
            "a stranger's private file" => return write(0o600, STRANGER),
            "a file open to all" => return write(0o666, self.victim),
            _ => panic!("{what}?"),
        }
        lchown(path, Some(STRANGER), None).unwrap();
    }

    /// What there is to change about what was planted, and about what it leads to.
    fn state(&self, path: &Path) -> impl PartialEq + std::fmt::Debug + use<> {
        let metadata = path.symlink_metadata().unwrap();
        let content =
            |path: &Path| path.symlink_metadata().is_ok_and(|it| it.is_file()).then(|| fs::read(path).unwrap());
        let entries = || fs::read_dir(path).unwrap().count();
        (
            (metadata.ino(), metadata.mode(), metadata.uid(), metadata.len(), content(path)),
            (content(&self.precious()), self.precious().metadata().unwrap().mode(), self.elsewhere.files()),
            metadata.is_dir().then(entries),
        )
    }
}

/// The victim's process, as root and as an ordinary user, with each level of protection, or with the one that there is.
fn with_victims(test: impl Fn(&Scene, &mut Process, &str)) {
    if !is_root() {
        return;
    }
    for level in 0..=2 {
        let protection = Protection::set(level);
        for victim in [0, VICTIM] {
            let scene = Scene::new(victim);
            if protection.is_some() {
                is_set(level, &scene);
            }
            let there = Elsewhere::new().user(victim, &[]);
            let Some(mut process) = there.start("victim", &[scene.place.path().to_str().unwrap()]) else { return };
            test(&scene, &mut process, &format!("user {victim}, level {level}"));
            process.finish();
        }
        if protection.is_none() {
            return;
        }
    }
}

/// Nobody else can make a stranger's files.
fn is_root() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        use std::io::Write;
        let _unheard = writeln!(std::io::stderr(), "NOT TESTED without root: what another user has planted");
    }
    is_root
}

/// Asks for a writer and a reader, and gives what each says, which they say at once.
fn attempt(process: &mut Process) -> [String; 2] {
    let began = Instant::now();
    process.tell("try");
    let said = [process.hear(), process.hear()];
    assert!(began.elapsed() < Duration::from_secs(2), "it waited {:?}: {said:?}", began.elapsed());
    said
}

fn remove(path: &Path) {
    if path.symlink_metadata().unwrap().is_dir() { fs::remove_dir(path) } else { fs::remove_file(path) }.unwrap();
}

/// Shows that the level is in force, by what it does to somebody less careful: who opens a stranger's file as if to make it.
fn is_set(level: u32, scene: &Scene) {
    let path = scene.place.file("bait");
    scene.plant("a stranger's file", &path);
    let opened = File::options().write(true).create(true).truncate(false).open(&path);
    assert_eq!(level == 0, opened.is_ok(), "level {level} does nothing: {opened:?}");
    remove(&path);
}

/// Tries to write and then to read, as often as it is told to, and says what came of it when all is over.
pub(crate) fn victim(directories: &Directories) {
    while heard().is_some() {
        let options = WriterOptions { directories: directories.clone(), ..WriterOptions::default() };
        let writer = Writer::create(&name(), small(), options).map(|mut writer| {
            publish(&mut writer);
            writer
        });
        let timeout = Duration::from_millis(2);
        let options = ReaderOptions { timeout, directories: directories.clone(), ..ReaderOptions::default() };
        let reads = |reader| format!("reads {}", read(&reader).info().frame_number);
        let reader = Reader::attach(&name(), options).map_or_else(|error| error.to_string(), reads);
        let writer = writer.map_or_else(|error| error.to_string(), |_over| "writes".to_owned());
        say(&writer);
        say(&reader);
    }
}
