//! Holding frames: what is held does not change, whatever anybody else does, and costs others nothing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use billiards_video::{Error, Format, Frame, Geometry, Reader, ReaderOptions, Stamp};

use crate::support::place::{Place, name};
use crate::support::{SOON, pattern, publish, publish_many, read, try_publish};

/// The bytes and the metadata of a held frame stay as they were while a thousand more are published.
#[test]
fn a_held_frame_does_not_change() {
    let place = Place::new();
    let mut writer = place.writer_of(Geometry::new(333, 111, Format::Rgb24).unwrap());
    let reader = place.reader();
    publish(&mut writer);
    let held = read(&reader);
    let info = *held.info();
    for _ in 0..1000 {
        publish(&mut writer);
    }
    pattern::check(&held, writer.epoch(), 0);
    assert_eq!(info, *held.info());
    assert_eq!(0, writer.stats().dropped);
    assert_eq!(1000, read(&reader).info().frame_number);
}

/// A handle may hold as many frames as its option says, three at most; one more raises, and letting go makes room.
#[test]
fn a_handle_holds_so_many_frames_and_no_more() {
    for max_leases in 1..=3 {
        let place = Place::new();
        let mut writer = place.writer();
        let reader = Reader::attach(&name(), ReaderOptions { max_leases, ..place.reader_options() }).unwrap();
        let mut held: Vec<Frame> = Vec::new();
        for _ in 0..max_leases {
            publish(&mut writer);
            held.push(read(&reader));
        }
        publish(&mut writer);
        for _ in 0..2 {
            let error = reader.newest().unwrap_err();
            assert!(matches!(error, Error::TooManyLeases { held } if held == u32::from(max_leases)));
            assert!(matches!(reader.wait(Some(SOON)), Err(Error::TooManyLeases { .. })));
        }
        assert_eq!(u32::from(max_leases), writer.readers()[0].held);
        drop(held.remove(0));
        let frame = read(&reader);
        assert_eq!(u64::from(max_leases), frame.info().frame_number);
        held.iter().zip(1..).for_each(|(frame, number)| pattern::check(frame, writer.epoch(), number));
    }
}

/// Handles do not count each other's frames and do not free them.
#[test]
fn handles_hold_for_themselves() {
    let place = Place::new();
    let mut writer = place.writer_with(16);
    let readers: Vec<Reader> = (0..5).map(|_| place.reader()).collect();
    publish(&mut writer);
    let same: Vec<Frame> = readers.iter().map(read).collect();
    assert_eq!(vec![1; 5], writer.readers().iter().map(|reader| reader.held).collect::<Vec<_>>());
    let mut others = Vec::new();
    for reader in &readers {
        publish(&mut writer);
        others.push(read(reader));
    }
    for (index, frame) in same.into_iter().enumerate() {
        publish_many(&mut writer, 20);
        pattern::check(&frame, writer.epoch(), 0);
        assert_eq!(5 - index, writer.readers().iter().filter(|reader| reader.held == 2).count());
    }
    others.iter().zip(1..).for_each(|(frame, number)| pattern::check(frame, writer.epoch(), number));
    assert_eq!(0, writer.stats().dropped);
}

/// Frames outlive their reader: they stay whole, and their buffers stay out of use, until the last one is dropped.
#[test]
fn frames_outlive_their_reader() {
    let place = Place::new();
    let mut writer = place.writer_with(4);
    let reader = place.reader();
    publish(&mut writer);
    let first = read(&reader);
    publish(&mut writer);
    let second = read(&reader);
    drop(reader);
    assert_eq!(2, writer.readers()[0].held);
    publish_many(&mut writer, 100);
    pattern::check(&first, writer.epoch(), 0);
    pattern::check(&second, writer.epoch(), 1);
    drop(first);
    publish_many(&mut writer, 100);
    pattern::check(&second, writer.epoch(), 1);
    drop(second);
    assert!(writer.readers().is_empty(), "the line is free with the last frame");
}

/// A frame outlives its writer too, which leaves nothing behind but the reader's memory.
#[test]
fn frames_outlive_their_writer() {
    let place = Place::new();
    let mut writer = place.writer();
    publish(&mut writer);
    let (epoch, frame) = (writer.epoch(), read(&place.reader()));
    drop(writer);
    assert!(place.files().is_empty());
    let mut successor = place.writer();
    publish_many(&mut successor, 10);
    pattern::check(&frame, epoch, 0);
}

/// Two threads on one handle, with holds that overlap and are dropped elsewhere: each frame goes to one of them, all
/// are whole, and the handle's line is empty in the end.
#[test]
fn two_threads_share_a_handle() {
    let place = Place::new();
    let mut writer = place.writer();
    let reader = place.reader();
    let epoch = writer.epoch();
    let done = AtomicBool::new(false);
    let take = || {
        let mut numbers = Vec::new();
        let mut kept: Option<Frame> = None;
        while !done.load(Ordering::Relaxed) {
            // Each keeps one while it takes the next: both together may be at three, and then one has to let go first.
            match reader.wait(Some(Duration::from_millis(1))) {
                Ok(Some(frame)) => {
                    pattern::check(&frame, epoch, frame.info().frame_number);
                    numbers.push(frame.info().frame_number);
                    let old = kept.replace(frame);
                    if let Some(old) = old {
                        pattern::check(&old, epoch, old.info().frame_number);
                    }
                }
                Ok(None) => {}
                Err(Error::TooManyLeases { .. }) => kept = None,
                Err(error) => panic!("{error}"),
            }
        }
        numbers
    };
    let (first, second) = thread::scope(|scope| {
        let threads = [scope.spawn(take), scope.spawn(take)];
        for _ in 0..20_000 {
            publish(&mut writer);
        }
        done.store(true, Ordering::Relaxed);
        let [first, second] = threads.map(|thread| thread.join().unwrap());
        (first, second)
    });
    assert!(first.is_sorted() && second.is_sorted(), "newest first, for either");
    let mut all = [first, second].concat();
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(count, all.len(), "a frame was given twice");
    let line = &writer.readers()[0];
    assert_eq!((count as u64, 0), (line.frames_read, line.held));
    assert_eq!(0, writer.stats().dropped);
}

/// At full speed, with more threads than cores so that readers are interrupted anywhere, and with cancelled loans: each
/// frame is one frame, its pixels, its number and its place in the order.
#[test]
fn no_frame_is_torn_at_full_speed() {
    let place = Place::new();
    let mut writer = place.writer_of(Geometry::new(64, 1, Format::Gray8).unwrap());
    let epoch = writer.epoch();
    let (done, mut published) = (AtomicBool::new(false), 0_u64);
    let read_on = |reader: Reader| {
        let mut frames = 0_u64;
        while !done.load(Ordering::Relaxed) {
            if let Some(frame) = reader.newest().unwrap() {
                let info = *frame.info();
                assert_eq!(2 * (info.frame_number + 1), info.sequence, "the metadata of another frame");
                pattern::check(&frame, epoch, info.frame_number);
                frames += 1;
            }
        }
        frames
    };
    thread::scope(|scope| {
        let readers: Vec<_> = (0..3).map(|_| place.reader()).map(|reader| scope.spawn(|| read_on(reader))).collect();
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(2) {
            for _ in 0..3 {
                published += u64::from(try_publish(&mut writer).is_some());
            }
            if let Some(mut loan) = writer.loan().unwrap() {
                loan.pixels().fill(0xdd);
            }
        }
        done.store(true, Ordering::Relaxed);
        let frames: u64 = readers.into_iter().map(|reader| reader.join().unwrap()).sum();
        assert!(frames > 100, "only {frames} frames: this has shown nothing"); // on one core, one for each interruption
    });
    // A reader that loses the processor between naming a buffer and finding it gone keeps that one from being taken: with
    // just enough buffers there may be none for once, and then there is one more.
    let dropped = writer.stats().dropped;
    assert!(dropped <= 5, "{dropped} of {published} frames found no buffer");
}

/// Frames of all sizes of buffer share pages with their neighbours: writing one does not disturb the next.
#[test]
fn neighbours_on_a_page_do_not_disturb_each_other() {
    let place = Place::new();
    let mut writer = place.writer_of(Geometry::new(7, 1, Format::Gray8).unwrap());
    let reader = place.reader();
    let mut held = Vec::new();
    for _ in 0..3 {
        publish(&mut writer);
        held.push(read(&reader));
    }
    for _ in 0..100 {
        writer.write(&[0xff; 7], &Stamp::default()).unwrap().unwrap();
    }
    held.iter().zip(0..).for_each(|(frame, number)| pattern::check(frame, writer.epoch(), number));
}

/// Who reads is seen by the writer, by every reader, and by an observer of the same user, alike; who has gone is not.
#[test]
fn everybody_sees_who_reads() {
    let place = Place::new();
    let mut writer = place.writer();
    let named = |reader_name: &str| {
        let reader_name = reader_name.to_owned();
        Reader::attach(&name(), ReaderOptions { reader_name, ..place.reader_options() }).unwrap()
    };
    let (vision, api, observer) = (named("vision"), named("api"), place.observer());
    publish(&mut writer);
    let held = read(&vision);
    let figures = writer.readers();
    let shown: Vec<_> = figures.iter().map(|figures| (figures.name.as_str(), figures.held)).collect();
    assert_eq!([("vision", 1), ("api", 0)], *shown);
    for witness in [&vision, &api, &observer] {
        assert_eq!(figures, witness.readers().unwrap());
    }
    drop((held, vision));
    for witness in [&api, &observer] {
        let left: Vec<_> = witness.readers().unwrap().into_iter().map(|figures| figures.name).collect();
        assert_eq!(["api"], *left);
    }
    drop(writer);
    assert_eq!(1, api.readers().unwrap().len());
    assert_eq!(0, observer.readers().unwrap().len());
}
