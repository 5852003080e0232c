//! Watching without a line: copies, whole ones, and nothing that could disturb.

use std::fs::File;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use billiards_video::{Error, Format, Geometry, Reader, ReaderOptions};

use crate::support::place::{Place, name};
use crate::support::process::Process;
use crate::support::{SOON, pattern, publish, read, try_publish, until};

/// An observer gets private copies, takes no line, holds nothing, and may keep as many frames as it likes.
#[test]
fn an_observer_gets_copies_and_holds_nothing() {
    let place = Place::new();
    let mut writer = place.writer_with(3);
    let observer = Reader::attach(&name(), ReaderOptions { observe: true, max_leases: 1, ..place.reader_options() });
    let observer = observer.unwrap();
    assert!(!place.reader().is_observer().unwrap());
    let mut kept = Vec::new();
    for _ in 0..50 {
        publish(&mut writer);
        let frame = read(&observer);
        assert!(frame.is_copy());
        kept.push(frame);
        assert_eq!((0, 2), (writer.readers().len(), writer.stats().buffers_free));
    }
    let epoch = writer.epoch();
    drop((writer, observer));
    kept.iter().zip(0..).for_each(|(frame, number)| pattern::check(frame, epoch, number));
}

/// An observer needs no leases file, and no write permission to anything.
#[test]
fn an_observer_needs_no_leases() {
    let place = Place::new();
    let mut writer = place.writer();
    std::fs::remove_file(place.ending(".leases")).unwrap();
    publish(&mut writer);
    assert_eq!(0, read(&place.observer()).info().frame_number);
}

/// Under a writer that laps it all the time, an observer's copies are whole or not made: pixels and metadata of one
/// frame, each newer than the last, also with cancelled loans in between.
#[test]
fn no_copy_is_torn() {
    const COPIES: u64 = 300;
    let place = Place::new();
    let mut writer = place.writer_of(Geometry::new(64, 64, Format::Bgra32).unwrap());
    let epoch = writer.epoch();
    let copies = AtomicU64::new(0);
    thread::scope(|scope| {
        let watchers: Vec<_> = (0..2)
            .map(|_| {
                let (observer, copies) = (place.observer(), &copies);
                scope.spawn(move || {
                    let mut last = None;
                    while copies.load(Ordering::Relaxed) < COPIES {
                        let Some(frame) = observer.newest().unwrap() else { continue };
                        pattern::check(&frame, epoch, frame.info().frame_number);
                        assert!(Some(frame.info().frame_number) > last);
                        assert_eq!(2 * (frame.info().frame_number + 1), frame.info().sequence);
                        let gap = last.map_or(0, |last| frame.info().frame_number - last - 1);
                        assert_eq!(gap, frame.info().missed);
                        last = Some(frame.info().frame_number);
                        copies.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        let start = std::time::Instant::now();
        while !watchers.iter().all(thread::ScopedJoinHandle::is_finished) {
            try_publish(&mut writer).unwrap();
            let mut loan = writer.loan().unwrap().unwrap();
            loan.pixels().fill(0xdd);
            loan.cancel();
            if start.elapsed() > SOON {
                let copies = copies.swap(COPIES, Ordering::Relaxed); // which ends them
                panic!("only {copies} copies of {} frames: this has shown nothing", writer.stats().published);
            }
        }
    });
}

/// A file that is cut off under an observer, at any length, is an error and not a signal, whatever it does at the time.
#[test]
fn a_truncation_is_an_error_and_not_a_signal() {
    for length in [0, 100, 300, 2100, 4096, 5000] {
        let place = Place::new();
        // In another process: a truncation is deadly to the writer itself, whose own user did it.
        let mut writer = crate::support::process::Process::start("writer", &[place.path().to_str().unwrap()]);
        writer.hear();
        writer.tell("publish 3");
        writer.expect("published 2");
        let observer = place.observer();
        File::options().write(true).open(place.frames()).unwrap().set_len(length).unwrap();
        for _ in 0..2 {
            let cut = [observer.newest().map(|_| ()), observer.wait(Some(SOON)).map(|_| ())];
            for result in cut {
                let Err(Error::Corrupt { problem, .. }) = result else { panic!("{length} bytes: {result:?}") };
                assert_eq!("it was cut off", problem);
            }
        }
        if length < 256 {
            assert!(matches!(observer.state(), Err(Error::Io { .. })));
            assert!(matches!(observer.counters(), Err(Error::Io { .. })));
        }
        assert!(observer.writer_alive().unwrap());
    }
}

/// An observer whose segment was cut off and taken away goes on with the next one by itself.
#[test]
fn an_observer_leaves_a_cut_off_segment() {
    let place = Place::new();
    let dead = Process::start("writer", &[place.path().to_str().unwrap()]);
    dead.hear();
    let observer = place.observer();
    dead.kill();
    File::options().write(true).open(place.frames()).unwrap().set_len(0).unwrap();
    assert!(matches!(observer.newest(), Err(Error::Corrupt { .. })));
    std::fs::remove_file(place.frames()).unwrap();
    let mut next = place.writer();
    publish(&mut next);
    let followed = until("the observer follows", || observer.wait(Some(SOON)).ok().flatten());
    assert_eq!(next.epoch(), observer.epoch().unwrap());
    pattern::check(&followed, next.epoch(), 0);
}
