//! How a segment ends for its readers: with the source, or with a successor.

use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use billiards_video::{Error, Frame, Reader, ReaderOptions, Reason, State};

use crate::support::place::{Place, name};
use crate::support::{SOON, pattern, publish, read, until};
use crate::waiting::wait_aloud;

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
                    let end = reader.wait(Some(SOON));
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
        assert!(reader.wait_newer_with(Some(SOON), &mut || false).unwrap());
        assert_eq!(0, reader.wait(Some(SOON)).unwrap().unwrap().info().frame_number);
        assert!(matches!(reader.wait_newer_with(Some(SOON), &mut || false), Err(Error::EndOfStream { .. })));
        assert!(matches!(reader.wait(Some(SOON)), Err(Error::EndOfStream { .. })));
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
