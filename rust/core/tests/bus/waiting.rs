//! Waiting for a frame: woken at once, out of time in time, at the end when it is the end, and not before.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use billiards_video::{Error, Frame, Reader, ReaderOptions, Reason, State};
use rustix::time::{ClockId, clock_gettime};

use crate::support::place::{Place, name};
use crate::support::{SOON, pattern, publish, read, until};

/// Waits, and says when the next thing it does is to sleep.
fn wait_aloud(reader: &Reader, asleep: &Sender<()>) -> Result<Option<Frame>, Error> {
    let mut told = false;
    reader.wait_with(Some(SOON), &mut || {
        if !std::mem::replace(&mut told, true) {
            asleep.send(()).unwrap();
        }
        false
    })
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
            let now = clock_gettime(ClockId::Monotonic);
            assert_eq!(number, frame.info().frame_number);
            let now = u64::try_from(now.tv_sec * 1_000_000_000 + now.tv_nsec).unwrap();
            Duration::from_nanos(now - frame.info().published_ns)
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
    let mut delays = Duration::ZERO;
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
            delays += start.elapsed();
        });
    }
    assert!(delays < Duration::from_millis(400), "10 signals took {delays:?}");
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

/// When the source has ended, the last frame is still given, and then the end at once, to whoever waits however long.
#[test]
fn the_end_comes_after_the_last_frame_and_at_once() {
    for observe in [false, true] {
        for _ in 0..50 {
            let place = Place::new();
            let mut writer = place.writer();
            let options = ReaderOptions { observe, ..place.reader_options() };
            let reader = Reader::attach(&name(), options).unwrap();
            let (asleep, falls_asleep) = channel();
            thread::scope(|scope| {
                let waiting = scope.spawn(|| {
                    let last = wait_aloud(&reader, &asleep).unwrap().unwrap();
                    let start = Instant::now();
                    let end = reader.wait(None);
                    (last.info().frame_number, end.map(|_| ()), start.elapsed())
                });
                falls_asleep.recv_timeout(SOON).unwrap();
                publish(&mut writer);
                writer.close(State::Ended, Reason::EndOfSource);
                let (last, end, delay) = waiting.join().unwrap();
                assert_eq!(0, last);
                assert!(matches!(end, Err(Error::EndOfStream { .. })), "{end:?}");
                assert!(delay < Duration::from_millis(200), "{delay:?}");
            });
            assert_eq!((State::Ended, Reason::EndOfSource), reader.state().unwrap());
            assert!(reader.newest().unwrap().is_none(), "without waiting, there is just nothing new");
            assert!(matches!(reader.wait(Some(Duration::ZERO)), Err(Error::EndOfStream { .. })));
        }
    }
}

/// A last frame that is there already is announced, and given, before the end is.
#[test]
fn a_last_frame_that_waits_comes_before_the_end() {
    let place = Place::new();
    let mut writer = place.writer();
    let readers = [place.reader(), place.observer()];
    publish(&mut writer);
    writer.close(State::Ended, Reason::EndOfSource);
    for reader in readers {
        assert!(reader.wait_newer_with(None, &mut || false).unwrap());
        assert_eq!(0, reader.wait(None).unwrap().unwrap().info().frame_number);
        assert!(matches!(reader.wait_newer_with(None, &mut || false), Err(Error::EndOfStream { .. })));
        assert!(matches!(reader.wait(None), Err(Error::EndOfStream { .. })));
    }
}

/// A writer that stops has closed, which is not the end: whoever waits goes on with its successor.
#[test]
fn closed_is_not_the_end() {
    let place = Place::new();
    let mut writer = place.writer();
    publish(&mut writer);
    let reader = place.reader();
    let old = (reader.epoch().unwrap(), read(&reader));
    let (asleep, falls_asleep) = channel();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| wait_aloud(&reader, &asleep));
        falls_asleep.recv_timeout(SOON).unwrap();
        drop(writer);
        let mut successor = place.writer();
        publish(&mut successor);
        let frame = waiting.join().unwrap().unwrap().unwrap();
        assert_eq!(successor.epoch(), reader.epoch().unwrap());
        pattern::check(&frame, successor.epoch(), 0);
    });
    pattern::check(&old.1, old.0, 0);
}

/// A reader that never waits, or never long enough for a look of its own, goes on with a successor too.
#[test]
fn a_reader_that_only_polls_follows_too() {
    type Poll = fn(&Reader) -> Option<Frame>;
    let polls: [Poll; 3] = [
        |reader| reader.newest().unwrap(),
        |reader| reader.wait(Some(Duration::ZERO)).unwrap(),
        |reader| reader.wait(Some(Duration::from_millis(20))).unwrap(),
    ];
    for poll in polls {
        for observe in [false, true] {
            let place = Place::new();
            let mut writer = place.writer();
            publish(&mut writer);
            let reader = Reader::attach(&name(), ReaderOptions { observe, ..place.reader_options() }).unwrap();
            let _old = until("the first frame", || poll(&reader));
            drop(writer);
            assert!(poll(&reader).is_none());
            let mut successor = place.writer();
            publish(&mut successor);
            let frame = until("the successor's frame", || poll(&reader));
            pattern::check(&frame, successor.epoch(), 0);
        }
    }
}

/// What the stream is doing reaches its readers, and wakes nobody for nothing.
#[test]
fn states_are_seen() {
    let place = Place::new();
    let mut writer = place.writer();
    let reader = place.reader();
    assert_eq!((State::Live, Reason::None), reader.state().unwrap());
    for state in [State::Stalled, State::Reconnecting, State::Failed, State::Live] {
        for &reason in Reason::ALL {
            writer.set_state(state, reason);
            assert_eq!((state, reason), reader.state().unwrap());
            assert!(reader.wait(Some(Duration::ZERO)).unwrap().is_none());
        }
    }
    writer.set_state(State::Failed, Reason::Disconnected);
    drop(writer);
    assert_eq!((State::Failed, Reason::Disconnected), reader.state().unwrap());
}

/// The writer's life is the kernel's word: true while it lives, false when it is gone, whatever the state says.
#[test]
fn the_writer_s_life_is_known() {
    let place = Place::new();
    let writer = place.writer();
    let readers = [place.reader(), place.observer()];
    assert!(readers.iter().all(|reader| reader.writer_alive().unwrap()));
    drop(writer);
    assert!(!readers.iter().any(|reader| reader.writer_alive().unwrap()));
}
