//! Directories without room, or without the right to write: passed over for the next, and left as they were.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use billiards_video::{Directories, Format, Geometry, Reader, Writer};

use crate::fallback::with;
use crate::growth::limit_file_size;
use crate::support::place::{Place, name};
use crate::support::process::{Process, say};
use crate::support::roles::reader_options;
use crate::support::{namespace, publish, read, small};

/// A directory that is too small is passed over, saying how much is needed, how much there is and how to change it; and
/// keeps nothing of the attempt.
#[test]
fn a_full_tmpfs_is_passed_over() {
    let (small, roomy) = (Place::new(), Place::new());
    for (size, free) in [("1m", " and 1.0 MB are free"), ("4k", " and 0.0 MB are free")] {
        let arguments = [small.path(), roomy.path()].map(|path| path.to_str().unwrap());
        let arguments = [arguments[0], arguments[1], "1920", "1080"];
        let Some(process) = namespace::with_tmpfs(small.path(), &format!("size={size}"), "falling back", &arguments)
        else {
            return;
        };
        let told = process.hear();
        let reason = "no space left: 1920x1080 BGR24 needs 18.7 MB";
        assert!(
            told.contains(&format!("because {}: {reason}{free} (make it larger", small.path().display())),
            "{told}"
        );
        process.expect(roomy.frames().to_str().unwrap());
        process.expect("left in the first: []");
        process.expect("left in both: []");
        process.finish();
    }
}

/// A directory that cannot be written to is passed over too, also where a dead writer's files lie in it.
#[test]
fn a_read_only_directory_is_passed_over() {
    let (sealed, roomy) = (Place::new(), Place::new());
    let arguments = [sealed.path(), roomy.path()].map(|path| path.to_str().unwrap());
    let arguments = [arguments[0], arguments[1], "64", "64"];
    let Some(process) = namespace::with_tmpfs(sealed.path(), "ro", "falling back", &arguments) else { return };
    let told = process.hear();
    assert!(told.contains("Read-only file system"), "{told}");
    process.expect(roomy.frames().to_str().unwrap());
    process.expect("left in the first: []");
    process.expect("left in both: []");
    process.finish();
}

/// Nor does a dead writer's lock file in such a directory pass for a name that is taken.
#[test]
fn leftovers_in_a_read_only_directory_do_not_matter() {
    let (sealed, roomy) = (Place::new(), Place::new());
    let arguments = [sealed.path(), roomy.path()].map(|path| path.to_str().unwrap());
    let Some(process) = namespace::with_tmpfs(sealed.path(), "size=1m", "sealed", &arguments) else { return };
    let told = process.hear();
    assert!(told.contains("Read-only file system"), "{told}");
    process.expect(roomy.frames().to_str().unwrap());
    process.finish();
}

/// Where a killed writer's files take the room that its successor needs, the successor has it: it does not go elsewhere.
#[test]
fn a_dead_writer_s_room_is_used_again() {
    let (small, roomy) = (Place::new(), Place::new());
    let arguments = [small.path(), roomy.path()].map(|path| path.to_str().unwrap());
    // A segment with its files takes 96 KiB.
    let Some(process) = namespace::with_tmpfs(small.path(), "size=144k", "succeeding", &arguments) else { return };
    process.expect("over what was half done: first directory");
    process.expect("over a dead segment: first directory");
    process.finish();
    assert!(roomy.files().is_empty());
}

/// A directory without room for a single byte keeps no lock file of the attempt either.
#[test]
fn a_directory_without_a_byte_keeps_nothing() {
    let (full, roomy) = (Place::new(), Place::new());
    let arguments = [full.path(), roomy.path()].map(|path| path.to_str().unwrap());
    let Some(process) = namespace::with_tmpfs(full.path(), "size=64k", "filled", &arguments) else { return };
    let told = process.hear();
    assert!(told.contains("no space left"), "{told}");
    process.expect(roomy.frames().to_str().unwrap());
    process.expect(r#"left in the first: ["filling"]"#);
    process.expect(r#"left in both: ["filling"]"#);
    process.finish();
}

/// Where the file size is limited, that is a reason too; it needs no tmpfs of its own to be seen.
#[test]
fn a_limit_of_the_process_is_a_reason() {
    let (first, second) = (Place::new(), Place::new());
    let arguments = [first.path(), second.path()].map(|path| path.to_str().unwrap());
    let process = Process::start("limited start", &arguments);
    let told = process.hear();
    assert!(matches!(told.matches("File too large").count(), 2) && told.starts_with("no directory can hold"), "{told}");
    process.finish();
    assert_eq!((Vec::<String>::new(), Vec::new()), (first.files(), second.files()));
}

/// Where there is room for one segment and not for a second beside it, a change of size and a removed name are told how much
/// more is needed and what gives it, once, and frames go on meanwhile.
#[test]
fn a_second_segment_without_room_is_explained() {
    let place = Place::new();
    let arguments = [place.path().to_str().unwrap()];
    let Some(process) = namespace::with_tmpfs(place.path(), "size=2m", "crowded", &arguments) else { return };
    let told = "no space left: 512x512 BGR24 needs 2.4 MB beside the one in use (make it larger with 'mount -o \
                remount,size=...', in a container with --shm-size)";
    process.expect(&format!("no directory can hold the shared memory 'cam': {}: {told}", arguments[0]));
    let told = process.hear();
    assert!(told.contains("was removed by another process and cannot be published again"), "{told}");
    assert!(told.contains("no space left: 700x700 GRAY8 needs 1.5 MB beside the one in use"), "{told}");
    process.expect("told 1 time, read 1");
    process.finish();
}

/// Says where it publishes and what it was told, and what is left.
pub(crate) fn writer(first: &Path, second: &Path, [width, height]: [u32; 2]) {
    let geometry = Geometry::new(width, height, Format::Bgr24).unwrap();
    let mut writer = Writer::create(&name(), geometry, with(Directories::only(first).or(second))).unwrap();
    say(&writer.notices().iter().map(ToString::to_string).collect::<Vec<_>>().join("; "));
    say(writer.path().to_str().unwrap());
    let files =
        |path: &Path| -> Vec<_> { fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name()).collect() };
    say(&format!("left in the first: {:?}", files(first)));
    drop(writer);
    say(&format!("left in both: {:?}", [files(first), files(second)].concat()));
}

/// Says where it publishes after a start that was killed half way, and after a writer that was killed.
pub(crate) fn succeeding(first: &Path, second: &Path) {
    let place = |writer: &Writer| if writer.path().starts_with(first) { "first directory" } else { "elsewhere" };
    let start = || Writer::create(&name(), small(), with(Directories::only(first).or(second))).unwrap();
    let unborn = first.join(".cam.0123456789abcdef");
    fs::write(&unborn, vec![1; 100 * 1024]).unwrap();
    say(&format!("over what was half done: {}", place(&start())));
    let dead = Process::start("writer", &[first.to_str().unwrap()]);
    dead.hear();
    dead.kill();
    say(&format!("over a dead segment: {}", place(&start())));
}

/// Fills the first directory, and then as `writer`.
pub(crate) fn filled(first: &Path, second: &Path) {
    let mut filling = fs::File::create(first.join("filling")).unwrap();
    while std::io::Write::write_all(&mut filling, &[0; 4096]).is_ok() {}
    writer(first, second, [64, 64]);
}

/// Seals the first directory with leftovers in it, says where it publishes then and what it was told.
pub(crate) fn sealed(first: &Path, second: &Path) {
    for leftover in ["cam", "cam.lock"] {
        fs::write(first.join(leftover), [0; 4096]).unwrap();
        fs::set_permissions(first.join(leftover), fs::Permissions::from_mode(0o600)).unwrap();
    }
    let remount = std::process::Command::new("mount").args(["-o", "remount,bind,ro"]).arg(first).status().unwrap();
    assert!(remount.success());
    let mut writer = Writer::create(&name(), small(), with(Directories::only(first).or(second))).unwrap();
    say(&writer.notices()[0].to_string());
    say(writer.path().to_str().unwrap());
}

/// May make no file as large as a segment.
pub(crate) fn limited(first: &Path, second: &Path) {
    limit_file_size(Some(16 * 1024));
    let result = Writer::create(&name(), small(), with(Directories::only(first).or(second)));
    limit_file_size(None);
    say(&result.unwrap_err().to_string());
}

/// Changes the size to one that does not fit, loses its name, and says what it was told.
pub(crate) fn crowded(directory: &Path) {
    let geometry = Geometry::new(700, 700, Format::Gray8).unwrap();
    let mut writer = Writer::create(&name(), geometry, with(Directories::only(directory))).unwrap();
    let reader = Reader::attach(&name(), reader_options(directory)).unwrap();
    publish(&mut writer);
    say(&writer.reshape(Geometry::new(512, 512, Format::Bgr24).unwrap()).unwrap_err().to_string());
    drop(read(&reader));
    fs::remove_file(writer.path()).unwrap();
    let (start, mut told) = (Instant::now(), Vec::new());
    while start.elapsed() < Duration::from_millis(2200) {
        writer.tend().unwrap();
        told.extend(writer.notices());
        thread::sleep(Duration::from_millis(20));
    }
    say(&told[0].to_string());
    publish(&mut writer);
    say(&format!("told {} time, read {}", told.len(), read(&reader).info().frame_number));
}
