//! How soon the next writer's frames come, after a writer of 1080p was killed with readers attached.

use std::path::Path;
use std::thread;
use std::time::Duration;

use billiards_video::{Format, Frame, Geometry, Reader, Stamp, Writer};
use rustix::time::{ClockId, clock_gettime};

use super::figures::Durations;
use super::victims::{directories, writer_options};
use crate::support::SOON;
use crate::support::place::{Place, name};
use crate::support::process::{Process, heard, say};
use crate::support::size::{is_full, report, sized};

/// From before it asks for the name to its first frame of 1080p, a new writer takes less than 50 ms, and readers that wait
/// for it have the frame at once: the one before has died under them, with frames that they hold.
#[test]
fn the_next_writer_is_there_at_once() {
    const WANTED: Duration = Duration::from_millis(50);
    let place = Place::new();
    let mut writer = start(&place);
    writer.tell("go");
    writer.hear();
    let readers = [place.reader(), place.observer()];
    let (mut taken, mut worked, mut late) = (Vec::new(), Vec::new(), [Vec::new(), Vec::new()]);
    for _ in 0..sized(3, 200) {
        let held: Vec<Frame> = (0..2).map(|_| publish_to(&readers, &mut writer)).collect();
        let mut next = start(&place); // before the death: how long a process takes to start is not the bus's
        writer.kill();
        thread::scope(|scope| {
            let waiting = readers.each_ref().map(|reader| scope.spawn(|| lateness(&frame_of(reader))));
            next.tell("go");
            let said = next.hear();
            let (whole, working) = said.split_once(' ').unwrap();
            taken.push(Duration::from_nanos(whole.parse().unwrap()));
            worked.push(Duration::from_nanos(working.parse().unwrap()));
            for (late, waiting) in late.iter_mut().zip(waiting) {
                late.push(waiting.join().unwrap());
            }
        });
        drop(held);
        writer = next;
    }
    drop(readers);
    writer.finish();
    assert!(place.files().is_empty(), "left behind: {:?}", place.files());

    let (taken, worked) = (Durations::new(taken), Durations::new(worked));
    report(&format!("from before the next writer asks for the name to its first 1080p frame: {}", taken.all()));
    report(&format!("  of that, the processor worked for it: {}", worked.all()));
    for (who, late) in ["a waiting reader", "a waiting observer"].into_iter().zip(late) {
        report(&format!("  from there until {who} has it: {}", Durations::new(late).all()));
    }
    // The slower ones say what else the machine was doing.
    let (usual, limit) = (taken.percentile(25), if is_full() { WANTED } else { 10 * WANTED });
    assert!(usual < limit && worked.median() < WANTED, "{usual:?}, {:?}", worked.median());
}

fn start(place: &Place) -> Process {
    let process = Process::start("kills successor", &[place.path().to_str().unwrap()]);
    process.expect("ready");
    process
}

/// One more frame, which all read; the first keeps it.
fn publish_to(readers: &[Reader; 2], writer: &mut Process) -> Frame {
    writer.tell("publish");
    writer.hear();
    let [kept, _copied] = readers.each_ref().map(frame_of);
    kept
}

fn frame_of(reader: &Reader) -> Frame {
    reader.wait(Some(SOON)).unwrap().expect("a frame soon")
}

/// How long ago a frame was published.
fn lateness(frame: &Frame) -> Duration {
    now(ClockId::Monotonic).saturating_sub(Duration::from_nanos(frame.info().published_ns))
}

fn now(clock: ClockId) -> Duration {
    Duration::try_from(clock_gettime(clock)).expect("after the start")
}

/// A writer that starts on command, and tells in nanoseconds how long it took to its first frame, and how long the
/// processor worked for it; then publishes on command.
pub(crate) fn successor(directory: &Path) {
    let geometry = Geometry::new(1920, 1080, Format::Bgr24).unwrap();
    let pixels = vec![0x5a; geometry.frame_bytes()];
    let options = writer_options(directories(&[directory]));
    say("ready");
    let Some(_go) = heard() else { return };
    let [start, began] = [ClockId::Monotonic, ClockId::ThreadCPUTime].map(now);
    let mut writer = Writer::create(&name(), geometry, options).unwrap();
    writer.write(&pixels, &Stamp::default()).unwrap().expect("a buffer");
    let since = |clock, before| now(clock).saturating_sub(before);
    let (whole, working) = (since(ClockId::Monotonic, start), since(ClockId::ThreadCPUTime, began));
    say(&format!("{} {}", whole.as_nanos(), working.as_nanos()));
    while let Some(_publish) = heard() {
        writer.write(&pixels, &Stamp::default()).unwrap().expect("a buffer");
        say("published");
    }
}
