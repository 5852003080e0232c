//! One writer to a name: the second is refused, the next takes over, and nothing stays behind.

use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::panic::catch_unwind;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use billiards_video::{Directories, Error, ReaderOptions, Reason, State, Writer};

use crate::permissions::read_lock;
use crate::support::place::{NAME, Place, name};
use crate::support::process::Process;
use crate::support::{pattern, publish, publish_many, read, small};

/// While a writer lives, a second one is refused, in its own process and in another, naming the holder's pid, and does not
/// disturb it.
#[test]
fn a_second_live_writer_is_refused_by_name() {
    let place = Place::new();
    let mut writer = place.writer();
    let before = place.files();
    let pid = std::process::id();
    let path = place.file("cam.lock");
    let text = format!(
        "another process already publishes 'cam' (pid {pid}, {}): stop it, or choose another shared_memory_name",
        path.display()
    );
    assert_eq!(text, place.refusal().to_string());
    let other = Process::start("writer", &[place.path().to_str().unwrap()]);
    other.expect(&format!("refused: {text}"));
    other.finish();
    assert_eq!(before, place.files());
    publish(&mut writer);
    drop(writer);

    let other = Process::start("writer", &[place.path().to_str().unwrap()]);
    assert!(other.hear().starts_with("writes "));
    assert!(matches!(place.refusal(), Error::NameInUse { holder, .. } if holder == format!("pid {}", other.pid())));
    other.finish();
    drop(place.writer());
}

/// What is let go of is free at once, although other threads of the process start programs all the time, whose first
/// moments share every descriptor: a successor need not try twice, and a reader's line is empty with its last frame.
#[test]
fn what_is_let_go_of_is_free_at_once() {
    let place = Place::new();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                assert!(Command::new("true").status().unwrap().success());
            }
        });
        let outcome = catch_unwind(|| {
            for _ in 0..500 {
                let writer = place.writer();
                drop(place.reader());
                assert!(writer.readers().is_empty());
            }
        });
        done.store(true, Ordering::Relaxed);
        outcome.unwrap();
    });
}

/// A clean stop leaves nothing, whoever is still attached and whatever they hold.
#[test]
fn a_clean_stop_leaves_nothing() {
    let place = Place::new();
    let mut writer = place.writer();
    assert_eq!(4, place.files().len(), "frames, leases, status, lock: {:?}", place.files());
    let (reader, observer) = (place.reader(), place.observer());
    publish(&mut writer);
    let frames = [read(&reader), read(&observer)];
    writer.close(State::Closed, Reason::Stopped);
    assert_eq!(Vec::<String>::new(), place.files());
    drop(frames);

    let other = Process::start("writer", &[place.path().to_str().unwrap()]);
    other.hear();
    other.finish();
    assert_eq!(Vec::<String>::new(), place.files());
}

/// After the SIGKILL of a writer the next one takes over at once; whoever was attached follows by itself; what was held
/// stays whole; and nothing of either is left in the end.
#[test]
fn a_killed_writer_s_successor_takes_over() {
    let place = Place::new();
    let mut first = Process::start("writer", &[place.path().to_str().unwrap()]);
    let epoch = u64::from_str_radix(first.hear().strip_prefix("writes ").unwrap(), 16).unwrap();
    let (reader, observer) = (place.reader(), place.observer());
    let mut other = Process::start("reader", &[place.path().to_str().unwrap()]);
    other.expect("attached");
    first.tell("publish 10");
    first.expect("published 9");
    let held = [read(&reader), read(&observer)];
    other.tell("hold");
    other.expect("holds 9");
    first.kill();
    assert_eq!(4, place.files().len());
    assert!(!reader.writer_alive().unwrap());

    let mut second = place.writer();
    assert_eq!((State::Superseded, Reason::NewWriter), reader.state().unwrap());
    assert_eq!(4, place.files().len(), "what the first has left is gone: {:?}", place.files());
    for _ in 0..10 {
        publish(&mut second);
    }
    for reader in [&reader, &observer] {
        let frame = read(reader);
        assert_eq!(second.epoch(), reader.epoch().unwrap());
        assert_eq!((9, 9), (frame.info().frame_number, frame.info().missed), "nine of the successor's came before");
    }
    other.tell("hold");
    other.expect("holds 9");
    for frame in &held {
        pattern::check(frame, epoch, 9);
    }
    drop(second);
    assert_eq!(Vec::<String>::new(), place.files());
    other.finish();
}

/// Whatever killed writers of this name have left, of any epoch and at any stage, is gone after a clean start and stop;
/// other names' files are not touched.
#[test]
fn leftovers_of_killed_writers_are_swept() {
    let place = Place::new();
    let ours = [
        ".cam.0123456789abcdef",
        "cam.0123456789abcdef.leases",
        "cam.0123456789abcdef.status",
        "cam.fedcba9876543210.status",
        "cam.lock",
    ];
    let others = [
        ".cam.x.0123456789abcdef",
        ".cam.0123456789abcde",
        "cam.0123456789ABCDEF.leases",
        "cam.x",
        "cam.x.0123456789abcdef.leases",
        "cam2.0123456789abcdef.leases",
        "xcam.0123456789abcdef.leases",
    ];
    for file in ours.iter().chain(&others) {
        fs::write(place.file(file), "left").unwrap();
        fs::set_permissions(place.file(file), fs::Permissions::from_mode(0o600)).unwrap();
    }
    drop(place.writer());
    let mut left: Vec<&str> = others.to_vec();
    left.sort_unstable();
    assert_eq!(left, place.files());
}

/// What a killed writer has left in one directory is gone after a clean start and stop in another of the list.
#[test]
fn leftovers_in_another_directory_are_swept() {
    let (first, second) = (Place::new(), Place::new());
    let old = Process::start("writer", &[second.path().to_str().unwrap()]);
    old.hear();
    old.kill();
    assert_eq!(4, second.files().len());
    let directories = Directories::only(first.path()).or(second.path());
    let options = billiards_video::WriterOptions { directories, ..first.writer_options() };
    let writer = first.try_writer(small(), options).unwrap();
    assert_eq!(first.path(), writer.path().parent().unwrap());
    drop(writer);
    assert_eq!((Vec::<String>::new(), Vec::new()), (first.files(), second.files()));
}

/// A live owner in any directory of the list is found, by its lock or, where that was removed, by its segment.
#[test]
fn a_live_owner_in_another_directory_is_found() {
    let (first, second) = (Place::new(), Place::new());
    let owner = second.writer();
    let directories = Directories::only(first.path()).or(second.path());
    let start = || {
        let options = billiards_video::WriterOptions { directories: directories.clone(), ..first.writer_options() };
        Writer::create(&name(), small(), options)
    };
    let pid = format!("pid {}", std::process::id());
    assert!(matches!(start(), Err(Error::NameInUse { holder, .. }) if holder == pid));
    fs::remove_file(second.file("cam.lock")).unwrap();
    assert!(matches!(start(), Err(Error::NameInUse { holder, .. }) if holder == pid));
    assert_eq!((Vec::<String>::new(), 3), (first.files(), second.files().len()));
    // A reader with the same list finds it where it is.
    let reader = ReaderOptions { directories, ..first.reader_options() };
    let reader = billiards_video::Reader::attach(&name(), reader).unwrap();
    assert_eq!(owner.path(), reader.path().unwrap());
}

/// Only a writer's lock is life: what anybody who may read can do, a read lock, neither keeps a successor out nor passes
/// for a writer.
#[test]
fn a_read_lock_is_no_life() {
    let place = Place::new();
    let dead = Process::start("writer", &[place.path().to_str().unwrap()]);
    dead.hear();
    let reader = place.reader();
    dead.kill();
    let frames = fs::File::open(place.frames()).unwrap();
    assert!(read_lock(&frames), "nobody has a lock on it");
    assert!(!reader.writer_alive().unwrap());
    assert!(matches!(place.reader_refusal(), Error::NotCreated { .. }));
    drop(place.writer());
}

/// A dead segment of another version of ours is replaced too, but nothing is written to what is not understood.
#[test]
fn another_version_s_segment_is_replaced_unread() {
    let place = Place::new();
    let dead = Process::start("writer", &[place.path().to_str().unwrap()]);
    dead.hear();
    dead.kill();
    let file = fs::File::options().read(true).write(true).open(place.frames()).unwrap();
    file.write_all_at(&2_u32.to_le_bytes(), 264).unwrap();
    let page = || {
        let mut page = vec![0; 4096];
        file.read_exact_at(&mut page, 0).unwrap();
        page
    };
    let before = page();
    drop(place.writer());
    assert!(before == page());
    assert!(place.files().is_empty());
}

/// A segment of the older system is replaced.
#[test]
fn what_a_dead_system_has_left_is_replaced() {
    let place = Place::new();
    let legacy = fs::File::create(place.frames()).unwrap();
    legacy.write_all_at(&0x4249_5441_4C4C_5344_u64.to_le_bytes(), 0).unwrap();
    legacy.set_len(18_666_496).unwrap();
    legacy.set_permissions(fs::Permissions::from_mode(0o600)).unwrap();
    let mut writer = place.writer();
    publish(&mut writer);
    drop(read(&place.reader()));
    drop(writer);
    assert!(place.files().is_empty());
}

/// Names that begin alike, or are as long as they may be, are different streams in one directory.
#[test]
fn names_do_not_depend_on_each_other() {
    let place = Place::new();
    let longest = "x".repeat(100);
    let names =
        ["cam.0123456789abcdef", "-cam", "_", longest.as_str()].map(|name| billiards_video::Name::new(name).unwrap());
    let mut writers: Vec<Writer> =
        names.iter().map(|name| Writer::create(name, small(), place.writer_options()).unwrap()).collect();
    writers.push(place.writer());
    assert_eq!(20, place.files().len());
    for (at, writer) in writers.iter_mut().enumerate() {
        publish_many(writer, at as u64 + 1);
    }
    for (at, name) in names.iter().enumerate() {
        let reader = billiards_video::Reader::attach(name, place.reader_options()).unwrap();
        assert_eq!(at as u64, read(&reader).info().frame_number);
    }
    let last = writers.pop().unwrap();
    assert_eq!(place.file(NAME), last.path());
    drop(last);
    assert_eq!(16, place.files().len());
    drop(writers);
    assert!(place.files().is_empty());
}
