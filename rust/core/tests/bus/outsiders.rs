//! Other users who may watch: they see every frame, and nothing that they do is felt.
//!
//! Needs other users, so it is root that sees it.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::sync::mpsc::TryRecvError;
use std::thread;
use std::time::{Duration, Instant};

use billiards_video::{Access, Error, Reader, ReaderOptions, Writer, WriterOptions};
use rustix::process::Signal;

use crate::support::namespace::Elsewhere;
use crate::support::place::{Place, name};
use crate::support::process::{Process, hearing, say};
use crate::support::roles::{reader_options, writer_options};
use crate::support::{SOON, pattern, publish, publish_many, read, small, try_publish, until};

const STRANGER: u32 = 4003;
const GROUP: u32 = 4242;

/// What may take a moment here: a frame, a new segment. Far below the quarter of a second of any look.
const MOMENT: Duration = Duration::from_millis(200);

/// A place like /dev/shm, where files are of the group that `Access::Group` lets in.
fn place_of_the_group() -> Place {
    let place = Place::new();
    if rustix::process::geteuid().is_root() {
        chown(place.path(), None, Some(GROUP)).unwrap();
    }
    fs::set_permissions(place.path(), Permissions::from_mode(0o3777)).unwrap();
    place
}

fn for_the_group(place: &Place) -> WriterOptions {
    WriterOptions { access: Access::Group, ..place.writer_options() }
}

fn start(place: &Place, groups: &[u32], role: &str) -> Option<Process> {
    let owner = rustix::process::geteuid().as_raw().to_string();
    Elsewhere::new().user(STRANGER, groups).start(role, &[place.path().to_str().unwrap(), &owner])
}

/// Who is of the group watches, who is not is told what stands in the way.
#[test]
fn the_group_may_watch_and_others_are_told() {
    let place = place_of_the_group();
    let mut writer = place.try_writer(small(), for_the_group(&place)).unwrap();
    publish(&mut writer);
    let Some(mut member) = start(&place, &[GROUP], "visitor") else { return };
    let owner = rustix::process::geteuid().as_raw();
    member.expect(&format!("observes 0 of user {owner} in {}", place.path().display()));
    member.tell("who reads?");
    assert!(member.hear().ends_with("failed: only the stream's own user sees its readers"));
    let told = start(&place, &[], "visitor").unwrap().hear();
    assert!(told.starts_with("Shared memory segment 'cam' not accessible within 0.03s: "), "{told}");
    assert!(told.contains(&format!("it belongs to user {owner} with mode 640, this is user {STRANGER}")), "{told}");
    assert!(told.contains(&format!("run as that user or in group {GROUP}, or publish with")), "{told}");
    assert!(writer.readers().is_empty());
}

/// Whatever an observer of another user tries is refused, and whatever it may hold (locks of each kind, mappings) is felt
/// by nobody: not by frames, growth, a change of size, healing, a restart, or a successor; and nobody is taken for alive.
#[test]
fn an_observer_of_another_user_can_change_nothing() {
    let place = place_of_the_group();
    let mut writer = place.try_writer(small(), for_the_group(&place)).unwrap();
    publish(&mut writer);
    let Some(mut outsider) = start(&place, &[GROUP], "outsider") else { return };
    // Nine by path on four files, twelve by descriptor on the two that it may open.
    outsider.expect("observes 0, was refused 60 attempts");
    let reader = place.reader();
    let mut follow = |writer: &mut Writer, what: &str, began: Instant| {
        let number = publish(writer);
        assert!(began.elapsed() < MOMENT, "{what} took {:?}", began.elapsed());
        let frame = read(&reader);
        assert_eq!(number, frame.info().frame_number, "{what}");
        assert!(reader.writer_alive().unwrap());
        drop(frame);
        outsider.tell("read"); // and holds all that it may of this segment
        outsider.expect(&format!("observes {number}"));
        outsider.tell("look");
        outsider.expect("its writer lives: true");
    };
    follow(&mut writer, "a frame", Instant::now());
    let began = Instant::now();
    publish_many(&mut writer, 1000);
    follow(&mut writer, "1000 frames", began);
    let greedy = place.reader();
    let held: Vec<_> = (0..3).map(|_| (publish(&mut writer), read(&greedy))).collect();
    follow(&mut writer, "growth", Instant::now());
    assert_eq!(5, writer.stats().buffers);
    drop(held);
    let began = Instant::now();
    writer.reshape(small()).unwrap();
    follow(&mut writer, "a change of size", began);
    let epoch = writer.epoch();
    fs::remove_file(place.frames()).unwrap();
    until("it heals", || {
        thread::sleep(Duration::from_millis(5));
        writer.tend().unwrap();
        (writer.epoch() != epoch).then_some(())
    });
    follow(&mut writer, "healing", Instant::now());
    drop(writer);
    let began = Instant::now();
    let mut writer = place.try_writer(small(), for_the_group(&place)).unwrap();
    follow(&mut writer, "a restart", began);
    drop(writer);

    let dying = Process::start("open writer", &[place.path().to_str().unwrap()]);
    assert!(dying.hear().starts_with("flows: "));
    outsider.tell("read");
    outsider.hear();
    until("the reader follows", || read(&reader).info().frame_number.gt(&0).then_some(()));
    dying.kill();
    outsider.tell("hold the dead");
    outsider.expect("its writer lives: false");
    assert!(!reader.writer_alive().unwrap());
    assert!(matches!(place.reader_refusal(), Error::NotCreated { hint, .. } if hint.contains("has died")));
    let began = Instant::now();
    let mut writer = place.try_writer(small(), for_the_group(&place)).unwrap();
    publish(&mut writer);
    assert!(began.elapsed() < MOMENT, "a successor took {:?}", began.elapsed());
    assert_eq!(0, read(&reader).info().frame_number);
    drop(writer);
    outsider.finish();
    assert!(place.files().is_empty(), "{:?}", place.files());
}

/// An observer of another user that is stopped (SIGSTOP), asleep or in the middle of a copy, delays nothing, and goes on
/// with the newest frame when it is let go on.
#[test]
fn a_stopped_observer_of_another_user_delays_nothing() {
    let place = place_of_the_group();
    let mut writer = place.try_writer(small(), for_the_group(&place)).unwrap();
    publish(&mut writer);
    let Some(mut outsider) = start(&place, &[GROUP], "outsider") else { return };
    outsider.hear();
    for round in 0..20 {
        outsider.tell("wait");
        outsider.expect("waits");
        if round % 2 == 0 {
            publish(&mut writer); // it is about to copy this one; in the other rounds it is about to sleep
        }
        outsider.signal(Signal::STOP);
        let began = Instant::now();
        publish_many(&mut writer, 100);
        assert!(began.elapsed() < MOMENT, "100 frames took {:?}", began.elapsed());
        outsider.signal(Signal::CONT);
        assert!(outsider.hear().starts_with("observes "));
    }
    assert_eq!(0, writer.stats().dropped);
}

/// A file that its owner cuts off, at any length, while an observer of another user reads without a pause: an error that
/// says so and no signal, and frames again as soon as there is a whole segment.
#[test]
fn an_observer_of_another_user_survives_a_truncation() {
    let place = place_of_the_group();
    let Some(observer) = start(&place, &[], "restless observer") else { return };
    for length in [0, 100, 300, 2100, 4095, 4096, 5000, 4096 + 2 * small().frame_bytes() as u64] {
        let writer = Process::start("open writer", &[place.path().to_str().unwrap()]);
        let flows = writer.hear();
        while observer.hear() != flows {}
        File::options().write(true).open(place.frames()).unwrap().set_len(length).unwrap();
        // The writer dies of it when it touches what is gone. With the header's first half left and nothing newer in it,
        // that is all there is to see.
        let is_seen = |told: &str| told.contains("it was cut off") || (length > 2048 && told == "nothing flows");
        while !is_seen(&observer.hear()) {}
        drop(writer);
        fs::remove_file(place.frames()).unwrap();
    }
    observer.finish();
}

/// Publishes for everybody without a pause, until it is killed.
pub(crate) fn writer(directory: &Path) {
    let options = WriterOptions { access: Access::Everyone, ..writer_options(directory) };
    let mut writer = Writer::create(&name(), small(), options).unwrap();
    publish(&mut writer);
    say(&format!("flows: {:016x}", writer.epoch()));
    let start = Instant::now();
    while start.elapsed() < SOON {
        try_publish(&mut writer);
        thread::sleep(Duration::from_micros(200));
    }
}

/// Reads without a pause, checks every frame, and says of which segment they are, that there are none, or which error there
/// is: whenever it is not what it said last.
pub(crate) fn observer(directory: &Path, owner: u32) {
    let options = ReaderOptions { owner: Some(owner), ..reader_options(directory) };
    let reader = Reader::attach(&name(), options).unwrap();
    let (told, mut last) = (hearing(), String::new());
    while !matches!(told.try_recv(), Err(TryRecvError::Disconnected)) {
        let seen = match reader.wait(Some(Duration::from_millis(20))) {
            Ok(Some(frame)) => {
                pattern::check(&frame, reader.epoch().unwrap(), frame.info().frame_number);
                format!("flows: {:016x}", reader.epoch().unwrap())
            }
            Ok(None) => "nothing flows".to_owned(),
            Err(error) => error.to_string(),
        };
        if seen != last {
            say(&seen);
            last = seen;
        }
    }
}
