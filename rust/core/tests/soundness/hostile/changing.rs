//! Contents that change while they are read: somebody writes over them as fast as they can.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use billiards_video::{Error, Frame, Reader, Writer};

use crate::support::place::Place;
use crate::support::size::{report, sized};
use crate::support::{pattern, publish, read, small, try_publish};

/// The line that is written over: of the third reader that attaches.
const LINE: u64 = 4096 + 2 * 128;

/// All of the header is written over while a writer publishes and readers read: frames of the right size or errors, and
/// the frames that were held before stay as they are.
#[test]
fn a_header_that_changes_while_it_is_read() {
    let place = Place::new();
    let mut writer = place.writer();
    let keeper = place.reader();
    let held = [(); 3].map(|()| {
        publish(&mut writer);
        read(&keeper)
    });
    let readers = [place.reader(), place.observer()];
    let file = File::options().write(true).open(place.frames()).unwrap();
    let race = Race::new(sized(2_000, 2_000_000));
    thread::scope(|scope| {
        scope.spawn(|| race.write(1, |noise| write_over_header(noise, &file)));
        for reader in readers {
            let race = &race;
            scope.spawn(move || race.read(|| take_anything(&reader)));
        }
        race.publish(&mut writer);
    });
    for frame in &held {
        pattern::check(frame, writer.epoch(), frame.info().frame_number);
    }
    race.report("header");
}

/// A reader's own line is written over all the time: every other reader has each of its frames whole, and the writer has a
/// buffer for each, but for a few.
#[test]
fn a_line_that_changes_while_it_is_scanned() {
    let place = Place::new();
    let mut writer = place.writer();
    let readers = [place.reader(), place.reader()];
    let bad = place.reader();
    let file = File::options().write(true).open(place.ending(".leases")).unwrap();
    let race = Race::new(sized(2_000, 2_000_000));
    let epoch = writer.epoch();
    thread::scope(|scope| {
        scope.spawn(|| {
            race.write(2, |noise| {
                write_over_line(noise, &file);
                drop(bad.newest()); // of its own doing: anything but a crash
            });
        });
        for reader in readers {
            let race = &race;
            scope.spawn(move || {
                let mut last = None;
                race.read(|| take_whole(&reader, epoch, &mut last));
            });
        }
        race.publish(&mut writer);
    });
    race.report("line");
    // A buffer is missing until there are as many as readers hold and seem to hold: one more each time. After that, a line
    // that changes between two looks of one scan may seem to hold more than any can, once in a million scans.
    let few = 5 + race.published.into_inner() / 100_000;
    let dropped = race.dropped.into_inner();
    assert!(dropped <= few, "eight buffers are enough, and {dropped} frames found none");
}

fn write_over_header(noise: &mut Noise, file: &File) {
    let word = if noise.below(2) == 0 { noise.below(64) << 8 | noise.below(9) } else { noise.word() };
    // Most of them where readers look for the newest frame, and in the sequences that they compare.
    let at = match noise.below(3) {
        0 => 384,
        1 => 2048 + 128 * noise.below(16),
        _ => 8 * noise.below(512),
    };
    file.write_all_at(&word.to_le_bytes(), at).unwrap();
}

/// Any bits in the mask, few bits in it, anything in the figures behind it.
fn write_over_line(noise: &mut Noise, file: &File) {
    let any = noise.word().to_le_bytes();
    match noise.below(3) {
        0 => file.write_all_at(&any[..4], LINE).unwrap(),
        1 => {
            let mask = (1_u32 << noise.below(8)) | 1 << noise.below(8);
            file.write_all_at(&mask.to_le_bytes(), LINE).unwrap();
        }
        _ => file.write_all_at(&any, LINE + 8 * noise.below(16)).unwrap(),
    }
}

/// Takes a frame of which only the size is certain, and reads all of it.
fn take_anything(reader: &Reader) -> bool {
    let _any = (reader.state().unwrap(), reader.counters().unwrap(), reader.status().unwrap());
    match reader.wait(Some(Duration::ZERO)) {
        Ok(Some(frame)) => {
            assert_eq!(small().frame_bytes(), frame.len());
            std::hint::black_box(frame.iter().map(|&byte| u64::from(byte)).sum::<u64>());
            true
        }
        Ok(None) | Err(Error::Corrupt { .. } | Error::EndOfStream { .. }) => false,
        Err(error) => panic!("{error}"),
    }
}

/// Takes a frame that is whole, and keeps it until it has taken the next.
fn take_whole(reader: &Reader, epoch: u64, last: &mut Option<Frame>) -> bool {
    let Some(frame) = reader.newest().unwrap() else { return false };
    pattern::check(&frame, epoch, frame.info().frame_number);
    if let Some(before) = last.replace(frame) {
        pattern::check(&before, epoch, before.info().frame_number);
    }
    true
}

/// Threads that go on until enough frames are taken, until the time is over, or until one of them fails.
struct Race {
    wanted: u64,
    until: Instant,
    taken: AtomicU64,
    words: AtomicU64,
    published: AtomicU64,
    dropped: AtomicU64,
    is_over: AtomicBool,
}

impl Race {
    fn new(wanted: u64) -> Race {
        let [taken, words, published, dropped] = [const { AtomicU64::new(0) }; 4];
        let until = Instant::now() + Duration::from_secs(sized(4, 600));
        Race { wanted, until, taken, words, published, dropped, is_over: AtomicBool::new(false) }
    }

    fn run(&self, mut step: impl FnMut()) {
        struct Over<'o>(&'o AtomicBool);
        impl Drop for Over<'_> {
            fn drop(&mut self) {
                self.0.store(true, Ordering::Relaxed);
            }
        }
        let _over = Over(&self.is_over);
        let is_enough = || {
            let taken = self.taken.load(Ordering::Relaxed);
            self.is_over.load(Ordering::Relaxed) || taken >= self.wanted || (taken > 0 && Instant::now() > self.until)
        };
        while !is_enough() {
            step();
        }
    }

    fn write(&self, seed: u64, mut step: impl FnMut(&mut Noise)) {
        let mut noise = Noise(seed);
        self.run(|| {
            step(&mut noise);
            self.words.fetch_add(1, Ordering::Relaxed);
        });
    }

    fn read(&self, mut take: impl FnMut() -> bool) {
        self.run(|| {
            self.taken.fetch_add(u64::from(take()), Ordering::Relaxed);
        });
    }

    fn publish(&self, writer: &mut Writer) {
        self.run(|| {
            let count = if try_publish(writer).is_some() { &self.published } else { &self.dropped };
            count.fetch_add(1, Ordering::Relaxed);
        });
    }

    fn report(&self, what: &str) {
        let [taken, words, published, dropped] =
            [&self.taken, &self.words, &self.published, &self.dropped].map(|count| count.load(Ordering::Relaxed));
        report(&format!(
            "hostile {what}: {words} words over it while {published} frames were published, {dropped} dropped, {taken} taken"
        ));
    }
}

struct Noise(u64);

impl Noise {
    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0.rotate_left(17)
    }

    fn below(&mut self, limit: u64) -> u64 {
        (self.word() >> 20) % limit
    }
}
