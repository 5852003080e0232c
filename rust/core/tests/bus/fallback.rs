//! When a directory does not serve: the next one, with the reason; and none at all.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use billiards_video::{Directories, Error, Format, Geometry, Reader, ReaderOptions, Writer, WriterOptions};

use crate::support::place::{Place, name};
use crate::support::process::{Process, heard, say};
use crate::support::{namespace, publish, read, small};

pub(crate) fn with(directories: Directories) -> WriterOptions {
    WriterOptions { directories, ..WriterOptions::default() }
}

/// A directory that is missing, or no directory, is passed over with one warning that says why; readers find the stream
/// in the next one; nothing is left in either.
#[test]
fn a_missing_directory_is_passed_over() {
    let place = Place::new();
    fs::write(place.file("file"), "").unwrap();
    for (first, reason) in [("missing", "No such file or directory"), ("file", "Not a directory")] {
        let second = Place::new();
        let first = place.file(first);
        let directories = Directories::only(&first).or(second.path());
        let mut writer = Writer::create(&name(), small(), with(directories.clone())).unwrap();
        assert_eq!(second.frames(), writer.path());
        let [notice] = &writer.notices()[..] else { panic!("one notice") };
        let text = notice.to_string();
        let start = format!("shared memory is in '{}', because {}: ", second.frames().display(), first.display());
        assert!(notice.is_warning() && text.starts_with(&start) && text.contains(reason), "{text}");
        assert!(!text.contains("tmpfs"), "it is memory: {text}");
        publish(&mut writer);
        let reader = ReaderOptions { directories: directories.clone(), ..second.reader_options() };
        let reader = Reader::attach(&name(), reader).unwrap();
        assert_eq!((0, second.frames()), (read(&reader).info().frame_number, reader.path().unwrap()));
        drop(writer);
        assert!(second.files().is_empty());
    }
}

/// Outside tmpfs the warning also says what that costs.
#[test]
fn a_directory_on_a_disk_is_warned_of() {
    let disk = Place::below(Path::new(env!("CARGO_TARGET_TMPDIR")));
    let kind = rustix::fs::statfs(disk.path()).unwrap().f_type;
    assert_ne!(0x0102_1994, kind, "the build directory is a tmpfs: this shows nothing");
    let directories = Directories::only(disk.file("missing")).or(disk.path());
    let mut writer = Writer::create(&name(), small(), with(directories)).unwrap();
    assert!(writer.notices()[0].to_string().ends_with("this is no tmpfs: writing it back to a disk may delay frames"));
    publish(&mut writer);
    drop(read(&disk.reader()));
}

/// Where no directory serves, the error says of each what was wrong with it.
#[test]
fn no_directory_at_all_is_an_error() {
    let place = Place::new();
    let (first, second) = (place.file("first"), place.file("second"));
    let directories = Directories::only(&first).or(&second);
    let full_hd = Geometry::new(1920, 1080, Format::Bgr24).unwrap();
    let error = Writer::create(&name(), full_hd, with(directories)).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, Error::NoRoom { .. }), "{text}");
    assert!(text.starts_with("no directory can hold the shared memory 'cam': "), "{text}");
    for path in [&first, &second] {
        assert!(text.contains(&format!("{}: No such file", path.display())), "{text}");
    }
    assert!(!first.exists() && !second.exists(), "only directories of our own are made");
}

/// A name that somebody has in a directory that serves is an error, and no reason to go elsewhere.
#[test]
fn a_taken_name_is_no_reason_to_go_elsewhere() {
    let (first, second) = (Place::new(), Place::new());
    fs::write(first.frames(), "mine").unwrap();
    fs::set_permissions(first.frames(), fs::Permissions::from_mode(0o600)).unwrap();
    let error = Writer::create(&name(), small(), with(Directories::only(first.path()).or(second.path()))).unwrap_err();
    assert!(matches!(error, Error::NameTaken { path, .. } if path == first.frames()));
    assert!(second.files().is_empty());
}

/// A reader with a list takes the first *live* segment, wherever a dead one lies, and finds the next one elsewhere.
#[test]
fn a_reader_takes_the_first_live_one() {
    let (first, second) = (Place::new(), Place::new());
    let dead = Process::start("writer", &[first.path().to_str().unwrap()]);
    dead.hear();
    dead.kill();
    let mut live = second.writer();
    publish(&mut live);
    let directories = Directories::only(first.path()).or(second.path());
    let options = ReaderOptions { directories, allow_dead: true, ..first.reader_options() };
    let reader = Reader::attach(&name(), options).unwrap();
    assert_eq!(second.frames(), reader.path().unwrap());
    drop((read(&reader), live));
    let mut moved = first.writer();
    publish(&mut moved);
    assert_eq!(0, read(&reader).info().frame_number);
    assert_eq!(first.frames(), reader.path().unwrap());
}

/// The standard list: `/dev/shm`, then a directory of our own in the runtime directory, then one in the temporary directory,
/// made for this user alone and not trusted where it is not as made.
#[test]
fn the_standard_list_in_its_order() {
    let disk = Place::below(Path::new(env!("CARGO_TARGET_TMPDIR")));
    let start = |shm: &str| {
        let (run, tmp) = (disk.file("run"), disk.file("tmp"));
        let environment = [("XDG_RUNTIME_DIR", run.as_path()), ("TMPDIR", tmp.as_path())];
        let mut process = namespace::with_tmpfs_and(Path::new("/dev/shm"), shm, &environment, "standard writer", &[])?;
        let path = process.hear();
        process.tell("end");
        process.finish();
        Some(PathBuf::from(path))
    };
    let Some(path) = start("size=1m") else { return };
    assert_eq!(Path::new("/dev/shm/cam"), path);
    let (run, tmp) = (disk.file("run/billiards_video"), disk.file("tmp"));
    // In the namespace this user is root to itself.
    let own = tmp.join("billiards_video-0");
    fs::create_dir(&tmp).unwrap();
    assert_eq!(Some(own.join("cam")), start("ro"), "no runtime directory");
    assert_eq!(0o700, own.metadata().unwrap().mode() & 0o7777);
    fs::create_dir(disk.file("run")).unwrap();
    assert_eq!(Some(run.join("cam")), start("ro"));
    assert_eq!(0o700, run.metadata().unwrap().mode() & 0o7777);
    for spoil in [0o750, 0o707] {
        fs::set_permissions(&run, fs::Permissions::from_mode(spoil)).unwrap();
        assert_eq!(Some(own.join("cam")), start("ro"), "mode {spoil:o} is not ours");
    }
    fs::remove_dir(&run).unwrap();
    symlink(disk.path(), &run).unwrap();
    assert_eq!(Some(own.join("cam")), start("ro"), "a link is not followed");
    assert_eq!(0, fs::read_dir(&own).unwrap().count());
}

/// Says where the standard list puts it.
pub(crate) fn standard() {
    let writer = Writer::create(&name(), small(), WriterOptions::default()).unwrap();
    say(writer.path().to_str().unwrap());
    heard();
}
