//! Who sees a writer die: readers that were there before and live through it, and whoever comes to its remains.

use std::collections::VecDeque;
use std::fs;
use std::io::ErrorKind;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use billiards_video::{Directories, Error, Frame, Reader, ReaderOptions};

use super::victims::{STATUS, reader_options};
use crate::support::place::{Place, name};
use crate::support::{SOON, pattern, until};

/// Any frame of a segment.
pub(crate) const ANY: RangeInclusive<u64> = 0..=u64::MAX;

/// Two readers that do nothing but read: one leases, and holds two frames all the time, one copies.
#[derive(Debug)]
pub(crate) struct Witnesses {
    leasing: Reader,
    observer: Reader,
    held: VecDeque<(u64, Frame)>,
}

impl Witnesses {
    pub(crate) fn attach(directories: &Directories) -> Witnesses {
        let attach = |observe| {
            Reader::attach(&name(), ReaderOptions { observe, ..reader_options(directories.clone()) }).unwrap()
        };
        let (leasing, observer) = (attach(false), attach(true));
        Witnesses { leasing, observer, held: VecDeque::new() }
    }

    /// Both read the next frame, wherever it is: it has to be of this segment and have one of these numbers. The last two
    /// stay held. Gives how long the one that leases took.
    pub(crate) fn read(&mut self, epoch: u64, numbers: &RangeInclusive<u64>) -> Duration {
        let start = Instant::now();
        let frame = next(&self.leasing, epoch, numbers);
        let took = start.elapsed();
        drop(next(&self.observer, epoch, numbers));
        self.held.push_back((epoch, frame));
        while self.held.len() > 2 {
            self.held.pop_front();
        }
        took
    }

    /// What they hold is what it was.
    #[track_caller]
    pub(crate) fn check_held(&self) {
        for (epoch, frame) in &self.held {
            examine(frame, *epoch, &ANY);
        }
    }

    /// Both know of their writer's death, by the kernel's word.
    pub(crate) fn see_death(&self) {
        for reader in [&self.leasing, &self.observer] {
            assert!(!reader.writer_alive().unwrap());
        }
    }

    /// Of a dead writer, both read the last complete frame.
    pub(crate) fn read_last(&self, epoch: u64, numbers: &RangeInclusive<u64>) {
        for reader in [&self.leasing, &self.observer] {
            examine(&reader.newest().unwrap().expect("the dead writer's last frame"), epoch, numbers);
        }
    }
}

/// The next frame that a reader comes to by itself.
fn next(reader: &Reader, epoch: u64, numbers: &RangeInclusive<u64>) -> Frame {
    let frame = until("a reader follows", || match reader.wait(Some(SOON)) {
        Err(Error::EndOfStream { .. }) => None, // the dead writer's word: it holds until the next look for another
        frame => Some(frame.unwrap().expect("a frame soon")),
    });
    assert_eq!(epoch, reader.epoch().unwrap());
    examine(&frame, epoch, numbers);
    frame
}

/// Checks every byte of a frame, and all that is said of it.
#[track_caller]
pub(crate) fn examine(frame: &Frame, epoch: u64, numbers: &RangeInclusive<u64>) {
    pattern::check(frame, epoch, frame.info().frame_number);
    pattern::check_info(frame.info(), epoch);
    assert!(numbers.contains(&frame.info().frame_number), "{:?}, wanted {numbers:?}", frame.info());
}

/// Who comes to the name between two writers finds a whole segment there.
pub(crate) fn examine_remains(directories: &Directories) {
    for observe in [false, true] {
        let options = reader_options(directories.clone());
        let options = ReaderOptions { allow_dead: true, observe, timeout: Duration::ZERO, ..options };
        let reader = Reader::attach(&name(), options).unwrap();
        if let Some(frame) = reader.newest().unwrap() {
            examine(&frame, reader.epoch().unwrap(), &ANY);
        }
        match reader.status() {
            Err(Error::Io { source, .. }) if source.kind() == ErrorKind::TimedOut => {} // killed while it wrote it
            text => assert!([b"", STATUS[0], STATUS[1]].contains(&&*text.unwrap())),
        }
    }
}

/// How many descriptors and mappings of this process belong to files in some places, removed files among them.
pub(crate) fn belongings(places: &[Place]) -> [usize; 2] {
    let is_below = |file: &str| places.iter().any(|place| file.contains(&format!("{}/", place.path().display())));
    let target = |entry: fs::DirEntry| fs::read_link(entry.path()).unwrap_or_default();
    let descriptors = fs::read_dir("/proc/self/fd").unwrap().flatten().map(target);
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    [
        descriptors.filter(|target| is_below(&target.to_string_lossy())).count(),
        maps.lines().filter(|line| is_below(line)).count(),
    ]
}
