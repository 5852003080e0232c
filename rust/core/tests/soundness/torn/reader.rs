//! A reader of a round: reads as fast as it can, holds, copies, observes, goes and comes back, until it is told to stop.
//! Every frame is checked to the last byte when it is let go, and what is said of it against what was said before.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use billiards_video::{Frame, FrameInfo, Geometry, Reader, ReaderOptions};
use rustix::time::{ClockId, clock_gettime};

use crate::support::pattern;
use crate::support::place::name;
use crate::support::process::{hearing, say};
use crate::support::roles::{reader_options, spin};

use super::tally::Read;
use crate::random::Random;

/// How many frames one handle may hold.
const MAX_HELD: usize = 3;
/// How much one handle reads at most, so that there are many.
const VISIT_BYTES: u64 = 256 << 20;
/// How often it says what it has done.
const TELL_EVERY: Duration = Duration::from_millis(20);
/// How long a frame may be on its way, before a reader lets go of all that it holds: it may be what others wait for.
const PATIENCE: Duration = Duration::from_millis(5);

struct Reading<'d> {
    directory: &'d Path,
    geometry: Geometry,
    random: Random,
    told: Receiver<String>,
    tally: Read,
    held: VecDeque<Held>,
    copy: Vec<u8>,
    told_at: Instant,
}

struct Held {
    frame: Frame,
    /// When it is let go, as a number of frames read by this process.
    until: u64,
}

/// One handle, from its opening to its end.
struct Visit {
    reader: Reader,
    epoch: u64,
    observes: bool,
    last: Option<FrameInfo>,
    /// How many reads a frame is held at most.
    hold: u64,
    /// Once in how many reads it sleeps until there is a frame; else it looks again and again.
    sleeps: u64,
}

pub(super) fn read(directory: &Path, seed: u64, geometry: Geometry) {
    let mut reading = Reading {
        directory,
        geometry,
        random: Random::new(seed),
        told: hearing(),
        tally: Read::default(),
        held: VecDeque::new(),
        copy: vec![0; geometry.frame_bytes()],
        told_at: Instant::now(),
    };
    while reading.goes_on() {
        reading.visit();
    }
    say(&reading.tally.line());
}

impl Reading<'_> {
    fn goes_on(&self) -> bool {
        self.told.try_recv() == Err(TryRecvError::Empty)
    }

    fn visit(&mut self) {
        let observes = self.random.once_in(4);
        let options = ReaderOptions { observe: observes, ..reader_options(self.directory) };
        let reader = Reader::attach(&name(), options).unwrap();
        self.tally.attached += 1;
        let mut visit = Visit {
            epoch: reader.epoch().unwrap(),
            reader,
            observes,
            last: None,
            hold: self.random.pick(&[0, 0, 1, 2, 10, 100, 1000]),
            sleeps: self.random.pick(&[1, 8, 64, u64::MAX]),
        };
        // An observer's read takes several times as long as a hold.
        let most = if observes { 1000 } else { 5000 };
        let steps = (VISIT_BYTES / self.geometry.frame_bytes() as u64).min(most);
        let mut left = self.random.below(steps) + 1;
        while left > 0 && self.goes_on() {
            self.step(&mut visit);
            self.tell();
            left -= 1;
        }
        // Now and then a frame outlives its handle.
        let keep = usize::from(self.random.once_in(2));
        self.let_all_go(&visit, keep);
    }

    fn tell(&mut self) {
        if self.told_at.elapsed() > TELL_EVERY {
            self.told_at = Instant::now();
            say(&self.tally.line());
        }
    }

    fn step(&mut self, visit: &mut Visit) {
        let read = self.tally.frames;
        while let Some(at) = self.held.iter().position(|held| held.until <= read) {
            self.let_go(visit, at);
        }
        if self.held.len() == MAX_HELD {
            let any = self.random.index(MAX_HELD);
            self.let_go(visit, any);
        }
        // Who holds two may be whom the writer waits for.
        let spins = self.held.len() > 1 || !self.random.once_in(visit.sleeps);
        let seen = visit.last.map_or(0, |info| info.sequence);
        let looks = visit.observes && spins && self.random.once_in(16);
        let is_newer = looks && visit.reader.counters().unwrap().latest_sequence > seen;
        let taken = if spins { visit.reader.newest() } else { visit.reader.wait(Some(PATIENCE)) };
        match taken.unwrap() {
            Some(frame) => self.take(visit, frame),
            None if is_newer => self.tally.overtaken += 1,
            // Nothing newer: what is held here may be the buffer that the writer wants.
            None if spins && !self.held.is_empty() && self.random.once_in(4) => self.let_go(visit, 0),
            None if spins => {}
            None => self.let_all_go(visit, 0),
        }
        if self.random.once_in(256) {
            spin(Duration::from_micros(self.random.below(200)));
        }
    }

    fn take(&mut self, visit: &mut Visit, frame: Frame) {
        let info = *frame.info();
        self.check_order(visit, &info);
        visit.last = Some(info);
        self.tally.frames += 1;
        self.tally.missed += info.missed;
        if visit.observes {
            self.tally.observed += 1;
            return pattern::prove(&frame, visit.epoch);
        }
        if self.random.once_in(8) {
            frame.copy_to(&mut self.copy).unwrap();
            pattern::check_info(frame.info(), visit.epoch);
            drop(frame);
            pattern::check(&self.copy, visit.epoch, info.frame_number);
            self.tally.copied += 1;
            return;
        }
        let until = self.tally.frames + self.random.below(visit.hold + 1);
        self.held.push_back(Held { frame, until });
    }

    /// A frame is newer than the last, and everything that counts frames agrees on how much.
    fn check_order(&self, visit: &Visit, info: &FrameInfo) {
        let last = visit.last;
        assert_eq!(2 * (info.frame_number + 1), info.sequence, "another frame's number: {info:?} after {last:?}");
        assert_eq!(self.geometry, info.geometry);
        assert!(info.published_ns <= monotonic_ns(), "published in the future: {info:?}");
        let Some(last) = last else { return assert_eq!(0, info.missed, "a first frame misses none: {info:?}") };
        assert!(info.sequence > last.sequence, "{info:?} after {last:?}");
        assert!(info.published_ns >= last.published_ns, "{info:?} after {last:?}");
        assert_eq!((info.sequence - last.sequence) / 2 - 1, info.missed, "{info:?} after {last:?}");
    }

    /// Lets go of the held frame at this place, which must still be what it was.
    fn let_go(&mut self, visit: &Visit, at: usize) {
        let held = self.held.remove(at).expect("held");
        pattern::prove(&held.frame, visit.epoch);
        let newest = visit.last.map_or(0, |info| info.sequence);
        let outlived = newest.saturating_sub(held.frame.info().sequence) / 2;
        self.tally.held += u64::from(outlived > 0);
        self.tally.outlived = self.tally.outlived.max(outlived);
    }

    fn let_all_go(&mut self, visit: &Visit, but: usize) {
        while self.held.len() > but {
            self.let_go(visit, 0);
        }
    }
}

fn monotonic_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    u64::try_from(now.tv_sec).expect("after its zero") * 1_000_000_000 + u64::try_from(now.tv_nsec).expect("as above")
}
