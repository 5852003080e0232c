//! Writers and readers in containers: processes, mounts and IPC of their own, and nothing in common but a directory in
//! memory.

use std::path::Path;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use billiards_video::{Access, Error, Frame, Reader, WriterOptions};
use rustix::time::{ClockId, clock_gettime};

use crate::support::namespace::{Elsewhere, kill_container};
use crate::support::place::{Place, name};
use crate::support::process::{Process, say};
use crate::support::roles::reader_options;
use crate::support::size::report;
use crate::support::{SOON, pattern, publish, publish_many, read, small, until};
use crate::two_users::open_to_all;
use crate::waiting::wait_aloud;

/// A container's only directory in common with this process.
const SHM: &str = "/dev/shm";
const WAKES: u32 = 10;
/// What ten wake-ups may take. By a reader's own looks alone it would be an eighth of a second each, on average.
const AT_ONCE: Duration = Duration::from_millis(400);

fn container(place: &Place, role: &str) -> Option<Process> {
    Elsewhere::container(place.path()).start(role, &[SHM])
}

/// A reader in a container reads, and holds; what it holds, and its line, are free again when its container is killed.
#[test]
fn a_reader_in_a_container_lets_go_when_it_is_killed() {
    let place = Place::new();
    let mut writer = place.writer_with(4);
    let Some(mut reader) = container(&place, "reader") else { return };
    reader.expect("attached");
    for _ in 0..2 {
        let number = publish(&mut writer);
        reader.tell("hold");
        reader.expect(&format!("holds {number}"));
    }
    publish(&mut writer);
    assert_eq!((1, 4, 1), (writer.readers().len(), writer.stats().buffers, writer.stats().buffers_free));
    kill_container(&reader);
    until("its holds end", || (writer.readers().is_empty() && writer.stats().buffers_free == 3).then_some(()));
    publish_many(&mut writer, 100);
    assert_eq!((4, 0), (writer.stats().buffers, writer.stats().dropped));
}

/// A writer in a container is read here, keeps other writers out, and lives as long as its container: then its last frame
/// is still there, the name is free, and who was attached goes on with its successor.
#[test]
fn a_writer_in_a_container_gives_its_name_back_when_it_is_killed() {
    let place = Place::new();
    let Some(mut writer) = container(&place, "writer") else { return };
    assert!(writer.hear().starts_with("writes "));
    let readers = [place.reader(), place.observer()];
    writer.tell("publish 3");
    writer.expect("published 2");
    let (epoch, held) = (readers[0].epoch().unwrap(), readers.each_ref().map(read));
    assert!(readers.iter().all(|reader| reader.writer_alive().unwrap()));
    let refused = place.refusal();
    assert!(matches!(&refused, Error::NameInUse { path, .. } if *path == place.file("cam.lock")), "{refused}");

    kill_container(&writer);
    until("its death is seen", || readers.iter().all(|reader| !reader.writer_alive().unwrap()).then_some(()));
    let told = place.reader_refusal().to_string();
    assert!(told.contains("its writer has died (last frame 2, "), "{told}");
    let mut successor = place.writer();
    publish(&mut successor);
    for (reader, frame) in readers.iter().zip(&held) {
        assert_eq!(0, read(reader).info().frame_number);
        assert!(reader.writer_alive().unwrap());
        pattern::check(frame, epoch, 2);
    }
}

/// Containers that share nothing but the directory find each other, whichever came first; a reader follows from a writer in
/// one to a writer in the next, and two writers do not meet.
#[test]
fn containers_among_themselves() {
    let place = Place::new();
    let Some(mut reader) = container(&place, "reader") else { return };
    let mut last = None;
    for round in 0..2 {
        let mut writer = container(&place, "writer").expect("as before");
        assert!(writer.hear().starts_with("writes "));
        if round == 0 {
            reader.expect("attached");
        }
        reader.tell("read");
        writer.tell("publish 5");
        writer.expect("published 4");
        last = Some(reader.hear());
        let other = container(&place, "writer").expect("as before");
        let told = other.hear();
        let told = told.strip_prefix("refused: another process already publishes 'cam' (pid ").expect(&told);
        assert!(told.contains(" of another PID namespace, /dev/shm/cam.lock)"), "{told}");
        other.finish();
        kill_container(&writer);
        until("the name is free", || place.try_writer(small(), place.writer_options()).ok());
    }
    assert!(last.is_some_and(|said| said.starts_with("read ")));
    reader.finish();
    assert!(place.files().is_empty(), "{:?}", place.files());
}

/// A frame wakes those who wait for it in another container, in both directions, at once.
#[test]
fn a_frame_wakes_the_sleepers_in_other_containers() {
    let place = Place::new();
    let mut writer = place.writer();
    let Some(sleeper) = container(&place, "sleeper") else { return };
    let mut delays = Duration::ZERO;
    for _ in 0..WAKES {
        sleeper.expect("falls asleep");
        thread::sleep(Duration::from_millis(3)); // from saying so to sleeping; what comes earlier is seen anyhow
        publish(&mut writer);
        delays += Duration::from_nanos(sleeper.hear().parse().unwrap());
    }
    report(&format!("a frame wakes a reader in a container after {:?} on average", delays / WAKES));
    assert!(delays < AT_ONCE, "{WAKES} wake-ups in a container took {delays:?}");
    sleeper.finish();
    drop(writer);

    let mut writer = container(&place, "writer").expect("as before");
    writer.hear();
    let reader = place.reader();
    let (asleep, falls_asleep) = channel();
    let delays: Duration = thread::scope(|scope| {
        let sleeper = scope.spawn(|| (0..WAKES).map(|_| delay(&wait_aloud(&reader, &asleep).unwrap().unwrap())).sum());
        for _ in 0..WAKES {
            falls_asleep.recv_timeout(SOON).unwrap();
            thread::sleep(Duration::from_millis(3));
            writer.tell("publish 1");
            writer.hear();
        }
        sleeper.join().unwrap()
    });
    report(&format!("a frame from a container wakes a reader after {:?} on average", delays / WAKES));
    assert!(delays < AT_ONCE, "{WAKES} wake-ups from a container took {delays:?}");
}

/// A container whose users are others than the machine's: the same user behind another number is the owner still, and reads
/// in place; anybody else has to be let in and named, and is told so.
#[test]
fn users_have_other_numbers_in_a_container() {
    const USER: u32 = 4001;
    const UNKNOWN: &str = "65534";
    let place = Place::new();
    open_to_all(&place);
    let theirs = Elsewhere::new().user(USER, &[]);
    // Root in there, and the user outside.
    let Some(mut writer) = theirs.clone().alone().start("writer", &[place.path().to_str().unwrap()]) else { return };
    assert!(writer.hear().starts_with("writes "));
    let mut reader = theirs.start("reader", &[place.path().to_str().unwrap()]).expect("as before");
    reader.expect("attached");
    reader.tell("hold");
    writer.tell("publish 1");
    reader.expect("holds 0");
    assert!(matches!(place.refusal(), Error::NameTaken { problem, .. } if problem.contains("belongs to user 4001")));
    drop((writer, reader));

    let place = Place::new();
    for (access, owner, told) in [
        (
            Access::Owner,
            "0",
            "permission denied: it belongs to user 65534 (nobody; in a container, whoever is not known there) with mode 600",
        ),
        (
            Access::Everyone,
            "0",
            "whoever is not known there), not to user 0; to watch that user's stream, name it with owner=65534",
        ),
        (Access::Everyone, UNKNOWN, "observes 0"),
    ] {
        let mut writer = place.try_writer(small(), WriterOptions { access, ..place.writer_options() }).unwrap();
        publish(&mut writer);
        let visitor = theirs.clone().alone().start("visitor", &[place.path().to_str().unwrap(), owner]);
        let said = visitor.expect("as before").hear();
        assert!(said.contains(told), "{said}");
    }
}

/// Waits again and again, and says how late each frame was.
pub(crate) fn sleeper(directory: &Path) {
    let reader = Reader::attach(&name(), reader_options(directory)).unwrap();
    for _ in 0..WAKES {
        let mut told = false;
        let frame = reader.wait_with(Some(SOON), &mut || {
            if !std::mem::replace(&mut told, true) {
                say("falls asleep");
            }
            false
        });
        say(&delay(&frame.unwrap().expect("a frame soon")).as_nanos().to_string());
    }
}

/// How long ago a frame was published.
fn delay(frame: &Frame) -> Duration {
    let now = clock_gettime(ClockId::Monotonic);
    let now = u64::try_from(now.tv_sec * 1_000_000_000 + now.tv_nsec).unwrap();
    Duration::from_nanos(now - frame.info().published_ns)
}
