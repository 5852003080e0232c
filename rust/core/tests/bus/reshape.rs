//! Another size or format: a new segment under the same name.

use std::fs;
use std::thread;
use std::time::Duration;

use billiards_video::{Error, Format, Geometry, Reason, State};

use crate::support::place::Place;
use crate::support::{SOON, pattern, publish, publish_many, read, small, until};

/// Readers follow to the new geometry with what they have missed counted over the border; held frames of the old one
/// stay whole; frame numbers, counters, state and status go on.
#[test]
fn readers_follow_to_another_geometry() {
    let place = Place::new();
    let mut writer = place.writer();
    let readers = [place.reader(), place.observer()];
    let late = place.reader();
    writer.set_status(b"{}").unwrap();
    writer.add_captured(9);
    publish_many(&mut writer, 3);
    let held: Vec<_> = readers.iter().map(read).collect();
    let old = (writer.epoch(), writer.geometry());
    publish_many(&mut writer, 2);
    let larger = Geometry::new(640, 480, Format::Bgra32).unwrap();
    writer.reshape(larger).unwrap();
    assert_eq!(larger, writer.geometry());
    assert_eq!(4, place.files().len(), "{:?}", place.files());
    publish_many(&mut writer, 4);
    for reader in &readers {
        let frame = read(reader);
        let info = frame.info();
        // 0 1 [2] 3 4 | 5 6 7 [8]
        assert_eq!((8, 8, 5, larger), (info.frame_number, info.sequence, info.missed, info.geometry));
        assert_eq!((larger, writer.epoch()), (reader.geometry().unwrap(), reader.epoch().unwrap()));
        assert_eq!((State::Live, 9), (reader.state().unwrap().0, reader.counters().unwrap().captured));
        assert_eq!((9, b"{}".to_vec()), (reader.counters().unwrap().published, reader.status().unwrap()));
    }
    assert_eq!(0, read(&late).info().missed, "a first read misses nothing, whatever was before");
    for frame in &held {
        pattern::check(frame, old.0, 2);
        assert_eq!(old.1, frame.info().geometry);
    }
    publish(&mut writer);
    let next: Vec<u64> = readers.iter().map(|reader| read(reader).info().missed).collect();
    assert_eq!(vec![0, 0], next);
    drop(writer);
    assert!(place.files().is_empty());
}

/// The last frame before a change is not skipped by a reader that waits for it, as long as nothing newer is there.
#[test]
fn a_waiting_reader_gets_the_last_frame_before_a_change() {
    let place = Place::new();
    let mut writer = place.writer();
    let reader = place.reader();
    for round in 0..100 {
        until("the reader follows", || {
            assert!(reader.newest().unwrap().is_none());
            (writer.epoch() == reader.epoch().unwrap()).then_some(())
        });
        thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                let frame = reader.wait(Some(SOON)).unwrap().unwrap();
                (frame.info().frame_number, frame.info().missed)
            });
            publish(&mut writer);
            writer.reshape(small()).unwrap();
            assert_eq!((round, 0), waiting.join().unwrap());
        });
    }
}

/// A sleeping reader learns of a change at once, and not by its quarter-second look.
#[test]
fn a_change_wakes_the_sleepers() {
    let place = Place::new();
    let mut writer = place.writer();
    let reader = place.reader();
    publish(&mut writer);
    drop(read(&reader));
    thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let mut looks = 0;
            let frame = reader.wait_with(Some(SOON), &mut || {
                looks += 1;
                false
            });
            (frame.unwrap().unwrap().info().frame_number, looks)
        });
        for _ in 0..20 {
            thread::sleep(Duration::from_millis(2));
            writer.reshape(small()).unwrap();
        }
        assert_eq!(0, writer.readers().iter().filter(|reader| reader.held > 0).count());
        publish(&mut writer);
        let (number, looks) = waiting.join().unwrap();
        assert_eq!(1, number);
        assert!(looks > 5, "woken only {looks} times by 20 changes");
    });
}

/// A change that has no room leaves the old segment in force.
#[test]
fn a_change_that_fails_changes_nothing() {
    let place = Place::new();
    let mut writer = place.writer();
    let reader = place.reader();
    let (epoch, files) = (writer.epoch(), place.files());
    // Unwritable to anybody but root, and missing for root too: the directory is renamed away.
    let away = place.path().with_extension("away");
    fs::rename(place.path(), &away).unwrap();
    let error = writer.reshape(small()).unwrap_err();
    fs::rename(&away, place.path()).unwrap();
    assert!(matches!(error, Error::Io { .. }), "{error}");
    assert_eq!((epoch, files), (writer.epoch(), place.files()));
    assert_eq!((State::Live, Reason::None), reader.state().unwrap());
    let number = publish(&mut writer);
    assert_eq!(number, read(&reader).info().frame_number);
}
