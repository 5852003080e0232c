//! Readers that poll for a frame when it is due: what they get is what others get, sooner, and polling has its bounds.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use billiards_video::{Anticipation, Reader, ReaderOptions, Writer};

use crate::support::place::{Place, name};
use crate::support::{SOON, publish, read, small};

const PERIOD: Duration = Duration::from_millis(30);

/// How many frames have to be met. More would take long where the machine is busy, and nothing keeps time.
const ENOUGH: u64 = 3;

/// How many timed frames without enough that are met are no coincidence.
const MANY: u64 = 50;

fn impatient(place: &Place, observe: bool) -> Reader {
    let options = ReaderOptions { low_latency: true, observe, ..place.reader_options() };
    Reader::attach(&name(), options).unwrap()
}

/// Publishes to the microsecond until told otherwise.
fn keep_time(writer: &mut Writer, stop: &AtomicBool) {
    let mut due = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        thread::sleep(due.saturating_duration_since(Instant::now() + Duration::from_micros(500)));
        while Instant::now() < due {
            std::hint::spin_loop();
        }
        publish(writer);
        due += PERIOD;
    }
}

/// With a publisher that keeps time, frames are met: taken by a reader that is already awake. Each is whole.
#[test]
fn a_punctual_publisher_is_met() {
    for observe in [false, true] {
        let place = Place::new();
        let mut writer = place.writer();
        let reader = impatient(&place, observe);
        assert_eq!(Anticipation::default(), reader.anticipation());
        let stop = AtomicBool::new(false);
        let begin = Instant::now();
        thread::scope(|scope| {
            scope.spawn(|| keep_time(&mut writer, &stop));
            while reader.anticipation().met < ENOUGH && begin.elapsed() < SOON {
                let _frame = read(&reader);
            }
            stop.store(true, Ordering::Relaxed);
        });
        let Anticipation { timed, met, polled_ns } = reader.anticipation();
        if met < ENOUGH && timed < MANY {
            let _unheard = writeln!(
                std::io::stderr(),
                "NOT TESTED, since this machine is too busy to keep time: that frames are met ({met} of {timed} were)"
            );
        } else {
            assert!(met >= ENOUGH, "met {met} of {timed} frames that were timed, in {:?}", begin.elapsed());
        }
        let (polled, share) = (Duration::from_nanos(polled_ns), begin.elapsed() / 20);
        assert!(polled < share, "polled for {polled:?} of {:?}", begin.elapsed());
    }
}

/// Frames at odd moments are waited for as ever: each one comes, and nothing is polled for.
#[test]
fn frames_out_of_step_are_slept_for() {
    let place = Place::new();
    let mut writer = place.writer();
    let reader = impatient(&place, false);
    for number in 0..60_u64 {
        thread::scope(|scope| {
            let waiting = scope.spawn(|| read(&reader));
            thread::sleep(Duration::from_millis(1 + number * number % 13));
            publish(&mut writer);
            assert_eq!(number, waiting.join().unwrap().info().frame_number);
        });
    }
    let polled = Duration::from_nanos(reader.anticipation().polled_ns);
    assert!(polled < Duration::from_millis(20), "polled for {polled:?}");
}

/// A publisher that stops in the middle of its rhythm is waited for no longer than asked, and its successor is followed.
#[test]
fn a_rhythm_that_breaks_is_only_a_rhythm() {
    let place = Place::new();
    let mut writer = place.writer();
    let reader = impatient(&place, false);
    for _ in 0..30 {
        publish(&mut writer);
        drop(read(&reader));
        thread::sleep(Duration::from_millis(4));
    }
    let begin = Instant::now();
    assert!(reader.wait(Some(PERIOD)).unwrap().is_none());
    assert!(begin.elapsed() >= PERIOD);
    drop(writer);
    let mut writer = place.writer_of(small());
    let number = publish(&mut writer);
    assert_eq!(number, read(&reader).info().frame_number);
}
