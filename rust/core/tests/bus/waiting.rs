//! Waiting for a frame: woken at once, out of time in time, and interrupted when told so.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use billiards_video::{Error, Frame, Reader};
use rustix::time::{ClockId, clock_gettime};

use crate::support::place::{Place, name};
use crate::support::{SOON, publish, read};

/// Waits, and says when the next thing it does is to sleep.
pub(crate) fn wait_aloud(reader: &Reader, asleep: &Sender<()>) -> Result<Option<Frame>, Error> {
    let mut told = false;
    reader.wait_with(Some(SOON), &mut || {
        if !std::mem::replace(&mut told, true) {
            asleep.send(()).unwrap();
        }
        false
    })
}

/// How long ago a frame was published.
pub(crate) fn age(frame: &Frame) -> Duration {
    let now = clock_gettime(ClockId::Monotonic);
    let now = u64::try_from(now.tv_sec * 1_000_000_000 + now.tv_nsec).unwrap();
    Duration::from_nanos(now - frame.info().published_ns)
}

/// A frame published while a reader sleeps wakes it, and does not wait for its own quarter-second look.
#[test]
fn a_frame_wakes_the_sleepers() {
    const FRAMES: u64 = 10;
    let place = Place::new();
    let mut writer = place.writer();
    let (asleep, falls_asleep) = channel();
    let sleeper = |reader: Reader, asleep: Sender<()>| {
        let delay = |number| {
            let frame = wait_aloud(&reader, &asleep).unwrap().unwrap();
            let age = age(&frame);
            assert_eq!(number, frame.info().frame_number);
            age
        };
        (0..FRAMES).map(delay).sum::<Duration>()
    };
    thread::scope(|scope| {
        let sleepers = [place.reader(), place.observer()].map(|reader| {
            let asleep = asleep.clone();
            scope.spawn(move || sleeper(reader, asleep))
        });
        for _ in 0..FRAMES {
            falls_asleep.recv_timeout(SOON).unwrap();
            falls_asleep.recv_timeout(SOON).unwrap();
            thread::sleep(Duration::from_millis(3)); // from saying so to sleeping; what comes earlier is seen anyhow
            publish(&mut writer);
        }
        for sleeper in sleepers {
            let delays = sleeper.join().unwrap();
            // By its own looks alone it would take an eighth of a second each, on average.
            assert!(delays < Duration::from_millis(400), "{FRAMES} wake-ups took {delays:?}");
        }
    });
}

/// A wait ends with nothing when its time is up, not before and not long after, however short it is.
#[test]
fn a_wait_ends_when_its_time_is_up() {
    let place = Place::new();
    let mut writer = place.writer();
    publish(&mut writer);
    let reader = place.reader();
    let _last = read(&reader);
    for milliseconds in [0, 1, 30, 300] {
        let (start, timeout) = (Instant::now(), Duration::from_millis(milliseconds));
        assert!(reader.wait(Some(timeout)).unwrap().is_none());
        assert!(!reader.wait_newer_with(Some(timeout), &mut || false).unwrap());
        assert!((2 * timeout..2 * timeout + Duration::from_millis(500)).contains(&start.elapsed()));
    }
}

/// A wait asks at least every quarter of a second whether to go on, and stops when told so; so does an attach.
#[test]
fn a_wait_can_be_interrupted() {
    let place = Place::new();
    let attach = Reader::attach_with(&name(), place.reader_options(), &mut || true);
    assert!(matches!(attach, Err(Error::Interrupted)));
    let _writer = place.writer();
    let reader = place.reader();
    let mut asked = Vec::new();
    let result = reader.wait_with(None, &mut || {
        asked.push(Instant::now());
        asked.len() == 4
    });
    assert!(matches!(result, Err(Error::Interrupted)));
    for pair in asked.windows(2) {
        assert!(pair[1] - pair[0] < Duration::from_millis(400), "{:?}", pair[1] - pair[0]);
    }
}

/// A signal that is handled ends the sleep at once, so that who interrupts by signals does not wait for the next look.
#[test]
#[allow(unsafe_code, reason = "signal handlers, and signals to one thread, have no safe wrapper")]
fn a_signal_ends_the_sleep() {
    static SIGNALLED: AtomicBool = AtomicBool::new(false);
    extern "C" fn handler(_signal: libc::c_int) {
        SIGNALLED.store(true, Ordering::Relaxed);
    }
    // SAFETY: the handler does what a handler may do.
    let before = unsafe { libc::signal(libc::SIGUSR1, handler as *const () as libc::sighandler_t) };
    assert_ne!(libc::SIG_ERR, before);
    let place = Place::new();
    let _writer = place.writer();
    let reader = place.reader();
    let (asleep, falls_asleep) = channel();
    let mut at_once = 0;
    for _ in 0..10 {
        thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                let mut told = false;
                let result = reader.wait_with(Some(SOON), &mut || {
                    if !std::mem::replace(&mut told, true) {
                        // SAFETY: gives this thread's own number.
                        asleep.send(unsafe { libc::pthread_self() }).unwrap();
                    }
                    SIGNALLED.swap(false, Ordering::Relaxed)
                });
                assert!(matches!(result, Err(Error::Interrupted)));
            });
            let thread = falls_asleep.recv_timeout(SOON).unwrap();
            thread::sleep(Duration::from_millis(3)); // from saying so to sleeping
            let start = Instant::now();
            // SAFETY: the thread is not joined yet.
            assert_eq!(0, unsafe { libc::pthread_kill(thread, libc::SIGUSR1) });
            waiting.join().unwrap();
            at_once += usize::from(start.elapsed() < Duration::from_millis(100));
        });
    }
    // One that is handled between the last question and the sleep ends nothing, and waits for the next look.
    assert!(at_once >= 8, "{at_once} of 10 signals were heard at once");
}

/// Looking whether something is there takes nothing.
#[test]
fn waiting_for_news_takes_nothing() {
    let place = Place::new();
    let mut writer = place.writer();
    let reader = place.reader();
    publish(&mut writer);
    for _ in 0..2 {
        assert!(reader.wait_newer_with(Some(SOON), &mut || false).unwrap());
    }
    assert_eq!(0, writer.readers()[0].held);
    assert_eq!(0, read(&reader).info().frame_number);
}
