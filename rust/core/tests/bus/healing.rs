//! The name may be taken away: it comes back, or its new owner is respected.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use billiards_video::{Directories, Error, Notice, Reader, ReaderOptions, Reason, Stamp, State, Writer, WriterOptions};

use crate::support::place::{NAME, Place, name};
use crate::support::process::{Process, heard, say};
use crate::support::{SOON, namespace, pattern, publish, read, small, until};

/// Publishes at a pace until something is so, and says how long it took.
fn publish_until(writer: &mut Writer, mut is_so: impl FnMut(&mut Writer) -> bool) -> Duration {
    let start = Instant::now();
    while !is_so(writer) {
        assert!(start.elapsed() < SOON);
        thread::sleep(Duration::from_millis(5)); // a frame's pace
        publish(writer);
    }
    start.elapsed()
}

fn healed(writer: &mut Writer) -> usize {
    writer.notices().iter().filter(|notice| matches!(notice, Notice::Healed { .. }) && notice.is_warning()).count()
}

/// What is removed while frames are published, be it the name, the leases or the status, is there again within about a
/// second; attached readers follow, miss what they did not see and no more, and what they hold stays whole.
#[test]
fn what_is_removed_comes_back() {
    for suffix in [NAME, ".leases", ".status"] {
        let place = Place::new();
        let mut writer = place.writer();
        let readers = [place.reader(), place.observer()];
        publish(&mut writer);
        let epoch = writer.epoch();
        let held: Vec<_> = readers.iter().map(read).collect();
        writer.set_state(State::Stalled, Reason::SlowFrames);
        writer.set_status(b"{\"a\": 1}").unwrap();
        fs::remove_file(place.ending(suffix)).unwrap();
        let delay = publish_until(&mut writer, |writer| writer.epoch() != epoch);
        assert!(delay < Duration::from_millis(1500), "{suffix}: healed after {delay:?}");
        assert_eq!(1, healed(&mut writer));
        let files = place.files();
        assert_eq!(4, files.len(), "{files:?}");
        assert_eq!(writer.path(), place.frames());
        let last = publish(&mut writer);
        for reader in &readers {
            let frame = read(reader);
            assert_eq!((writer.epoch(), last), (reader.epoch().unwrap(), frame.info().frame_number));
            assert_eq!(last - 1, frame.info().missed, "{suffix}: all between the first and the last");
            assert_eq!((State::Stalled, Reason::SlowFrames), reader.state().unwrap());
            assert_eq!(b"{\"a\": 1}", &*reader.status().unwrap());
        }
        for frame in &held {
            pattern::check(frame, epoch, 0);
        }
        drop(place.reader());
        drop(writer);
        assert!(place.files().is_empty(), "{:?}", place.files());
    }
}

/// A reader that waits when the name is removed gets the first frame of the new segment, without a time-out of its own.
#[test]
fn who_waits_is_carried_over() {
    let place = Place::new();
    let mut writer = place.writer();
    let reader = place.reader();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| read(&reader));
        fs::remove_file(place.frames()).unwrap();
        let start = Instant::now();
        while writer.path().symlink_metadata().is_err() {
            assert!(start.elapsed() < SOON);
            writer.tend().unwrap(); // no frames: `tend` heals as well
            thread::sleep(Duration::from_millis(5));
        }
        publish(&mut writer);
        assert_eq!(0, waiting.join().unwrap().info().missed);
    });
}

/// Where a thread tidies while another has a buffer on loan, the buffer stays one of the segment that it is published in:
/// the name comes back behind that frame, and not under it.
#[test]
fn a_parked_loan_keeps_its_segment() {
    let place = Place::new();
    let mut writer = place.writer();
    let reader = place.reader();
    publish(&mut writer);
    let epoch = writer.epoch();
    let mut loan = writer.loan().unwrap().unwrap();
    pattern::fill(loan.pixels(), epoch, 1);
    let view = loan.park();
    fs::remove_file(place.frames()).unwrap();
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(1200) {
        writer.tidy();
        writer.tend().unwrap();
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(epoch, writer.epoch());
    writer.resume().unwrap().publish_untidied(&Stamp::default()).unwrap();
    drop(view);
    let frame = reader.newest().unwrap().unwrap();
    assert_eq!(1, frame.info().frame_number);
    pattern::check(&frame, epoch, 1);
    writer.tidy();
    assert_eq!(1, healed(&mut writer));
    assert_ne!(epoch, writer.epoch());
}

/// The lock file is the right to the name, but without it a live writer's segment still keeps others out, and the right
/// is taken again.
#[test]
fn a_removed_lock_file_lets_nobody_in() {
    let place = Place::new();
    let mut writer = place.writer();
    let pid = format!("pid {}", std::process::id());
    fs::remove_file(place.file("cam.lock")).unwrap();
    let other = Process::start("writer", &[place.path().to_str().unwrap()]);
    assert!(other.hear().contains(&format!("another process already publishes 'cam' ({pid}")));
    other.finish();
    assert_eq!(3, place.files().len(), "the one who was refused leaves nothing: {:?}", place.files());
    let epoch = writer.epoch();
    publish_until(&mut writer, |_| place.file("cam.lock").exists());
    assert_eq!((epoch, 0), (writer.epoch(), healed(&mut writer)), "the segment is as good as before");
    assert!(matches!(place.refusal(), Error::NameInUse { holder, .. } if holder == pid));
    drop(writer);
    assert!(place.files().is_empty());
}

/// Where another program's file stands at the name after a removal, it is left alone, the writer says so once, publishes
/// on for those who are attached, and takes the name back when it is free again.
#[test]
fn a_foreign_file_at_the_name_is_left_alone() {
    let place = Place::new();
    let mut writer = place.writer();
    let reader = place.reader();
    let epoch = writer.epoch();
    fs::remove_file(place.frames()).unwrap();
    fs::write(place.frames(), "mine").unwrap();
    let mut told = Vec::new();
    let start = Instant::now();
    publish_until(&mut writer, |writer| {
        told.extend(writer.notices());
        start.elapsed() > Duration::from_millis(2300) // two looks, at least
    });
    let [Notice::CannotHeal { path, problem }] = &told[..] else { panic!("{told:?}") };
    assert_eq!(&place.frames(), path);
    assert!(problem.contains("another program's file"), "{problem}");
    assert_eq!("mine", fs::read_to_string(place.frames()).unwrap());
    assert_eq!((epoch, writer.stats().published - 1), (reader.epoch().unwrap(), read(&reader).info().frame_number));
    let error = writer.reshape(small()).unwrap_err();
    assert!(matches!(error, Error::NameTaken { .. }), "{error}");
    assert_eq!("mine", fs::read_to_string(place.frames()).unwrap());

    fs::remove_file(place.frames()).unwrap();
    publish_until(&mut writer, |writer| writer.epoch() != epoch);
    assert_eq!(1, healed(&mut writer));
    publish(&mut writer);
    drop(read(&reader));
    drop(writer);
    assert!(place.files().is_empty());
}

/// Where another live writer's segment stands at the name, a writer steps down: CLOSED with the reason, every further
/// attempt raises naming the other, and its end harms the other in nothing.
#[test]
fn a_writer_steps_down_for_another() {
    let place = Place::new();
    let mut writer = place.writer();
    publish(&mut writer);
    let (reader, observer) = (place.reader(), place.observer());
    let held = (writer.epoch(), read(&reader));
    fs::remove_file(place.frames()).unwrap();
    fs::remove_file(place.file("cam.lock")).unwrap();
    let mut other = Process::start("writer", &[place.path().to_str().unwrap()]);
    assert!(other.hear().starts_with("writes "));
    let text =
        format!("this writer has lost the name 'cam' to pid {}: stop one of the two, then start again", other.pid());
    let error = until("the writer steps down", || writer.tend().err());
    assert_eq!(text, error.to_string());
    let [notice] = &writer.notices()[..] else { panic!("one notice") };
    assert!(notice.is_warning() && notice.to_string().contains(&format!("pid {}", other.pid())), "{notice}");
    let pixels = pattern::frame(small().frame_bytes(), 0, 0);
    let refused = [
        writer.loan().map(|_| ()),
        writer.write(&pixels, &billiards_video::Stamp::default()).map(|_| ()),
        writer.reshape(small()),
        writer.tend(),
    ];
    for result in refused {
        assert_eq!(text, result.unwrap_err().to_string());
    }
    writer.set_state(State::Live, Reason::None);
    assert_eq!((State::Closed, Reason::NameTaken), reader.state().unwrap());

    other.tell("publish 3");
    other.expect("published 2");
    for reader in [&reader, &observer] {
        assert_eq!(2, read(reader).info().frame_number);
        assert_eq!(other.pid(), reader.writer_pid().unwrap());
    }
    pattern::check(&held.1, held.0, 0);
    drop(writer);
    other.tell("publish 1");
    other.expect("published 3");
    assert_eq!(3, read(&reader).info().frame_number);
    other.tell("close");
    other.finish();
    assert!(place.files().is_empty(), "{:?}", place.files());
}

/// Between the loss of a name and the writer's look at it lies up to a second, in which nothing of the other's may be
/// overwritten: not by a change of size either, which publishes a segment.
#[test]
fn a_change_of_size_respects_another_s_name_too() {
    let place = Place::new();
    let mut writer = place.writer();
    fs::remove_file(place.frames()).unwrap();
    fs::remove_file(place.file("cam.lock")).unwrap();
    let other = Process::start("writer", &[place.path().to_str().unwrap()]);
    other.hear();
    let inode = |path: &Path| path.metadata().unwrap().ino();
    let before = inode(&place.frames());
    assert!(matches!(writer.reshape(small()), Err(Error::SteppedDown { .. })));
    assert_eq!(before, inode(&place.frames()));
    drop(writer);
    other.finish();
}

/// A dead writer's segment at the name is no reason to step down: it is replaced.
#[test]
fn a_dead_segment_at_the_name_is_replaced() {
    let place = Place::new();
    let mut writer = place.writer();
    let reader: Reader = place.reader();
    fs::remove_file(place.frames()).unwrap();
    fs::remove_file(place.file("cam.lock")).unwrap();
    let other = Process::start("writer", &[place.path().to_str().unwrap()]);
    other.hear();
    other.kill();
    let epoch = writer.epoch();
    publish_until(&mut writer, |writer| writer.epoch() != epoch);
    publish(&mut writer);
    drop(read(&reader));
    assert_eq!(4, place.files().len(), "{:?}", place.files());
}

/// A private directory that is removed with all that is in it, as temporary files are at times, is made again, for this user
/// alone; one that somebody else has put in its place is not trusted, and said so, until it is gone.
#[test]
fn a_private_directory_is_made_again() {
    let disk = Place::below(Path::new(env!("CARGO_TARGET_TMPDIR")));
    let environment = [("TMPDIR", disk.path()), ("XDG_RUNTIME_DIR", Path::new(""))];
    let shm = Path::new("/dev/shm");
    let Some(mut writer) = namespace::with_tmpfs_and(shm, "ro", &environment, "healing writer", &[]) else { return };
    // In the namespace this user is root to itself.
    let own = disk.file("billiards_video-0");
    assert_eq!(own.join(NAME).to_str().unwrap(), writer.hear());
    let options = ReaderOptions { directories: Directories::only(&own), ..disk.reader_options() };
    let reader = Reader::attach(&name(), options).unwrap();
    writer.tell("until told something");
    fs::remove_dir_all(&own).unwrap();
    let told = writer.hear();
    assert!(told.ends_with("had been removed by another process and was published again"), "{told}");
    assert_eq!(0o700, own.metadata().unwrap().mode() & 0o7777);
    let attached_to = reader.epoch().unwrap();
    let healed = until("the reader follows", || {
        drop(read(&reader));
        Some(reader.epoch().unwrap()).filter(|&epoch| epoch != attached_to)
    });

    writer.tell("until told something");
    fs::rename(&own, disk.file("elsewhere")).unwrap();
    fs::DirBuilder::new().mode(0o755).create(&own).unwrap();
    let told = writer.hear();
    assert!(told.contains("cannot be published again") && told.contains("others may enter it (mode 755"), "{told}");
    assert_eq!(0, fs::read_dir(&own).unwrap().count(), "nothing is put where others may enter");
    writer.tell("until told something");
    fs::remove_dir(&own).unwrap();
    let told = writer.hear();
    assert!(told.ends_with("was published again"), "{told}");
    until("the reader follows", || {
        drop(read(&reader));
        Some(reader.epoch().unwrap()).filter(|&epoch| epoch != healed)
    });
    writer.finish();
    assert_eq!(0, fs::read_dir(&own).unwrap().count());
}

/// Publishes at a pace in the standard directories until it has something to tell, and tells it, as often as it is asked to.
pub(crate) fn writer() {
    let mut writer = Writer::create(&name(), small(), WriterOptions::default()).unwrap();
    say(writer.path().to_str().unwrap());
    writer.notices();
    publish(&mut writer);
    while heard().is_some() {
        let mut told = Vec::new();
        publish_until(&mut writer, |writer| {
            told = writer.notices();
            !told.is_empty()
        });
        publish(&mut writer);
        say(&told[0].to_string());
    }
}

/// A writer that cannot mend its name publishes on, for those who are attached; but where the stream stands elsewhere by
/// then, they find it within some seconds: who waits for each frame, who always finds one, and who watches.
#[test]
fn readers_of_a_writer_that_cannot_heal_find_the_stream_elsewhere() {
    let (place, second) = (Place::new(), Place::new());
    let first = place.file("first");
    fs::create_dir(&first).unwrap();
    let directories = Directories::only(&first).or(second.path());
    let start = || {
        let options = WriterOptions { directories: directories.clone(), ..WriterOptions::default() };
        Writer::create(&name(), small(), options).unwrap()
    };
    let mut stranded = start();
    let attach = |observe| {
        let options = ReaderOptions { directories: directories.clone(), observe, ..ReaderOptions::default() };
        Reader::attach(&name(), options).unwrap()
    };
    let (waiting, behind, observer) = (attach(false), attach(false), attach(true));
    publish(&mut stranded);
    fs::rename(&first, place.file("aside")).unwrap();
    let mut successor = start();
    publish(&mut successor);
    let found = publish_until(&mut stranded, |_| {
        let is_there = |reader: &Reader| reader.epoch().unwrap() == successor.epoch();
        for reader in [&waiting, &observer] {
            while reader.wait(Some(Duration::from_millis(1))).unwrap().is_some() {}
        }
        let _frame = behind.newest_here().unwrap().or_else(|| behind.newest().unwrap());
        is_there(&waiting) && is_there(&behind) && is_there(&observer)
    });
    assert!(found > Duration::from_secs(1), "frames put a look off, and nobody followed the first for {found:?}");
}
