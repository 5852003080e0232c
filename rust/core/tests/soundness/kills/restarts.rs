//! How soon the next writer's frames come, after a writer of 1080p was killed with readers attached.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

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
    let (mut taken, mut late) = (Vec::new(), [Vec::new(), Vec::new()]);
    for _ in 0..sized(3, 200) {
        let held: Vec<Frame> = (0..2).map(|_| publish_to(&readers, &mut writer)).collect();
        let mut next = start(&place); // before the death: how long a process takes to start is not the bus's
        writer.kill();
        thread::scope(|scope| {
            let waiting = readers.each_ref().map(|reader| scope.spawn(|| lateness(&frame_of(reader))));
            next.tell("go");
            taken.push(Duration::from_nanos(next.hear().parse().unwrap()));
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

    let taken = Durations::new(taken);
    report(&format!("from before the next writer asks for the name to its first 1080p frame: {}", taken.all()));
    for (who, late) in ["a waiting reader", "a waiting observer"].into_iter().zip(late) {
        report(&format!("  from there until {who} has it: {}", Durations::new(late).all()));
    }
    let usual = taken.median();
    assert!(usual < if is_full() { WANTED } else { 10 * WANTED }, "{usual:?}");
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
    let now = Duration::try_from(clock_gettime(ClockId::Monotonic)).expect("after the start");
    now.saturating_sub(Duration::from_nanos(frame.info().published_ns))
}

/// A writer that starts on command, and tells in nanoseconds how long it took to its first frame; then publishes on command.
pub(crate) fn successor(directory: &Path) {
    let geometry = Geometry::new(1920, 1080, Format::Bgr24).unwrap();
    let pixels = vec![0x5a; geometry.frame_bytes()];
    let options = writer_options(directories(&[directory]));
    say("ready");
    let Some(_go) = heard() else { return };
    let start = Instant::now();
    let mut writer = Writer::create(&name(), geometry, options).unwrap();
    writer.write(&pixels, &Stamp::default()).unwrap().expect("a buffer");
    say(&start.elapsed().as_nanos().to_string());
    while let Some(_publish) = heard() {
        writer.write(&pixels, &Stamp::default()).unwrap().expect("a buffer");
        say("published");
    }
}
