//! A successor that is there and cannot be attached: tried again four times a second, and not passed over in silence.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::thread;
use std::time::{Duration, Instant};

use billiards_video::{Error, Frame, Reader, Writer};

use crate::support::place::Place;
use crate::support::{SOON, publish, read};

/// How long a refusal has to last before it is told.
const PATIENCE: Duration = Duration::from_secs(2);
const SHORT: Option<Duration> = Some(Duration::from_millis(60));
/// Where the layout's version is; see `docs/segment-layout.md`.
const ABI: u64 = 264;

/// A successor of the segment that `readers` have read, which is of another version of the layout.
fn foreign_successor(place: &Place, readers: &[Reader]) -> Writer {
    let mut first = place.writer();
    drop((publish(&mut first), first));
    for reader in readers {
        assert!(reader.newest().unwrap().is_none(), "the writer has stopped, and nobody has followed it");
    }
    let mut successor = place.writer();
    store_abi(place, 7);
    publish(&mut successor);
    successor
}

fn store_abi(place: &Place, version: u32) {
    let file = File::options().write(true).open(place.frames()).unwrap();
    file.write_all_at(&version.to_le_bytes(), ABI).unwrap();
}

/// A reader and an observer that have read the last frame of a writer that is gone.
fn readers(place: &Place) -> [Reader; 2] {
    let mut writer = place.writer();
    let readers = [place.reader(), place.observer()];
    publish(&mut writer);
    for reader in &readers {
        drop(read(reader));
    }
    readers
}

/// Has no time-out of its own; only a test that has failed already interrupts it.
fn wait_without_end(reader: &Reader) -> Result<Option<Frame>, Error> {
    let start = Instant::now();
    reader.wait_with(None, &mut || start.elapsed() > SOON)
}

/// Waits in short waits until one of them is an error; how long that took, and the error.
fn until_told(mut attempt: impl FnMut() -> Result<Option<Frame>, Error>) -> (Duration, Error) {
    let start = Instant::now();
    loop {
        match attempt() {
            Ok(frame) => assert!(frame.is_none(), "a frame came from nowhere"),
            Err(error) => return (start.elapsed(), error),
        }
        assert!(start.elapsed() < SOON, "nobody was told");
    }
}

/// Whatever a reader does to get a frame, it is told that the successor is of another version, when that has lasted; and it
/// goes on by itself as soon as there is one that it can read.
#[test]
fn a_successor_of_another_version_is_told_of() {
    type Wait = fn(&Reader) -> Result<Option<Frame>, Error>;
    let place = Place::new();
    let [reader, observer] = readers(&place);
    let successor = foreign_successor(&place, &[]);
    let waits: [(&str, &Reader, Wait); 4] = [
        ("short waits", &reader, |reader| reader.wait(SHORT)),
        ("a wait without end", &reader, wait_without_end),
        ("looks", &observer, |observer| {
            thread::sleep(Duration::from_millis(5)); // not to keep a core busy
            observer.newest()
        }),
        ("waits for news", &observer, |observer| {
            let is_newer = observer.wait_newer_with(SHORT, &mut || false)?;
            assert!(!is_newer);
            Ok(None)
        }),
    ];
    thread::scope(|scope| {
        for (what, reader, wait) in waits {
            scope.spawn(move || {
                let (after, error) = until_told(|| wait(reader));
                assert!(after > PATIENCE * 3 / 4, "{what} was told after {after:?}");
                let Error::NotAccessible { seconds, problem, .. } = error else { panic!("{what}: {error}") };
                assert!(problem.contains("its layout is version 7, this reader knows version 1"), "{what}: {problem}");
                assert!((2.0..10.0).contains(&seconds), "{what}: {seconds}");
            });
        }
    });
    drop(successor);
    let mut readable = place.writer();
    let number = publish(&mut readable);
    for reader in [&reader, &observer] {
        assert_eq!(number, read(reader).info().frame_number);
        assert!(reader.wait(SHORT).unwrap().is_none(), "what was refused is forgotten");
    }
}

/// What passes is not told: a wait goes on, and gives the first frame that it can.
#[test]
fn a_passing_refusal_is_not_told() {
    let place = Place::new();
    let readers = readers(&place);
    let _successor = foreign_successor(&place, &readers);
    thread::scope(|scope| {
        let waiting = readers.each_ref().map(|reader| scope.spawn(|| wait_without_end(reader)));
        thread::sleep(PATIENCE / 3);
        store_abi(&place, 1);
        for waiting in waiting {
            assert_eq!(0, waiting.join().unwrap().unwrap().unwrap().info().frame_number);
        }
    });
}

/// What stood in the way and went by itself is forgotten, although frames come again and put looks off.
#[test]
fn a_refusal_that_is_over_is_not_told_while_frames_come() {
    let place = Place::new();
    let mut writer = place.writer();
    publish(&mut writer);
    let readers = [place.reader(), place.observer()];
    for reader in &readers {
        drop(read(reader));
    }
    fs::rename(place.frames(), place.file("aside")).unwrap();
    fs::write(place.frames(), "no segment").unwrap();
    for reader in &readers {
        assert!(reader.wait(Some(Duration::from_millis(400))).unwrap().is_none(), "long enough for a look");
    }
    fs::rename(place.file("aside"), place.frames()).unwrap();
    let start = Instant::now();
    while start.elapsed() < PATIENCE + PATIENCE / 2 {
        publish(&mut writer);
        for reader in &readers {
            drop(read(reader));
            assert!(reader.wait(Some(Duration::from_millis(5))).unwrap().is_none());
        }
    }
}

/// A reader that finds no line free with the successor says so, and takes the first that becomes free.
#[test]
fn a_successor_without_a_free_line_is_told_of() {
    let place = Place::new();
    let [reader, observer] = readers(&place);
    let mut successor = place.writer();
    let mut crowd: Vec<Reader> = (0..64).map(|_| place.reader()).collect();
    publish(&mut successor);
    assert_eq!(0, read(&observer).info().frame_number, "an observer needs none");
    let (_, error) = until_told(|| reader.wait(Some(Duration::from_millis(300))));
    assert!(matches!(error, Error::LinesFull { .. }), "{error}");
    crowd.pop();
    assert_eq!(0, read(&reader).info().frame_number);
    assert!(!reader.is_observer().unwrap());
}
