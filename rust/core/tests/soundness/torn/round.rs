//! One round: a writer and some readers, each a process, for as long as it takes to read so many frames.

use std::fmt;
use std::time::{Duration, Instant};

use billiards_video::{Format, Geometry};

use crate::support::place::Place;
use crate::support::process::Process;

use super::stops::Stops;
use super::tally::{Read, Written};
use crate::random::Random;

/// How long a round may take without a word from any reader.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a round is to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Round {
    pub(super) readers: usize,
    pub(super) geometry: Geometry,
    pub(super) max_buffers: u8,
    /// How many frames are to be read, by all of them together; by each, at least one.
    pub(super) frames: u64,
    pub(super) seed: u64,
}

/// What one or several rounds came to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Outcome {
    pub(super) read: Read,
    pub(super) written: Written,
    pub(super) stops: u64,
    pub(super) took: Duration,
}

impl Round {
    pub(super) fn run(self) -> Outcome {
        let start = Instant::now();
        let place = Place::new();
        let mut random = Random::new(self.seed);
        let mut processes = vec![self.start("torn writer", &place, &mut random)];
        processes[0].expect("writes");
        processes.extend((0..self.readers).map(|_| self.start("torn reader", &place, &mut random)));

        let mut stops = Stops::new(random.next());
        let mut tallies = vec![Read::default(); self.readers];
        let mut heard_at = Instant::now();
        let go_on = |tallies: &[Read]| {
            let read = tallies.iter().map(|tally| tally.frames);
            read.clone().sum::<u64>() < self.frames || read.min() == Some(0)
        };
        while go_on(&tallies) {
            stops.pass(&processes);
            processes.iter_mut().for_each(Process::expect_alive);
            for (reader, tally) in processes[1..].iter().zip(&mut tallies) {
                if let Some(line) = reader.unheard().last() {
                    *tally = Read::parse(line);
                    heard_at = Instant::now();
                }
            }
            assert!(heard_at.elapsed() < PATIENCE, "no reader reads: {tallies:?}");
        }
        stops.end(&processes);

        let mut outcome = Outcome { stops: stops.count, ..Outcome::default() };
        for reader in processes.drain(1..) {
            outcome.read.add(&Read::parse(&reader.last_word()));
        }
        outcome.written = Written::parse(&processes.remove(0).last_word());
        assert!(place.files().is_empty(), "{:?}", place.files());
        outcome.took = start.elapsed();
        outcome
    }

    fn start(&self, role: &str, place: &Place, random: &mut Random) -> Process {
        let (width, height, format) = (self.geometry.width(), self.geometry.height(), self.geometry.format().code());
        let numbers = [random.next(), width.into(), height.into(), format.into(), self.max_buffers.into()];
        let mut words = vec![place.path().to_str().expect("plain").to_owned()];
        words.extend(numbers.map(|number| number.to_string()));
        Process::start(role, &words.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// In the other process: what it was started with.
    pub(super) fn parse(words: &[&str]) -> (u64, Geometry, u8) {
        let [seed, width, height, format, max_buffers] = words else { panic!("not a round's: {words:?}") };
        let number = |word: &str| word.parse::<u32>().expect("a number");
        let format = Format::from_code(number(format)).expect("a format");
        let geometry = Geometry::new(number(width), number(height), format).expect("a geometry");
        (seed.parse().expect("a number"), geometry, max_buffers.parse().expect("a number"))
    }
}

impl Outcome {
    pub(super) fn add(&mut self, other: &Outcome) {
        self.read.add(&other.read);
        self.written.add(&other.written);
        self.stops += other.stops;
        self.took += other.took;
    }

    /// That it came near to what it is to show: everything happened, so many buffers were written to, and a frame was held
    /// while so many others were published.
    #[track_caller]
    pub(super) fn expect_mixed(&self, buffers: u32, outlived: u64) {
        let Outcome { read, written, stops, .. } = self;
        let happened = [read.held, read.copied, read.observed, read.missed, written.dropped, written.cancelled, *stops];
        assert!(happened.iter().all(|count| *count > 0), "{self:?}");
        assert!(written.used.count_ones() >= buffers, "{self:?}");
        assert!(read.outlived >= outlived, "{self:?}");
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Outcome { read, written, stops, took } = self;
        write!(
            out,
            "{} frames published, {} read ({} held over later ones, {} copied, {} observed), torn 0, stale 0; \
             {} missed, {} dropped, {} loans cancelled, {} buffers at most, one hold outlived {} frames, \
             {} copies overtaken, {} handles, {stops} stops, {:.1} s",
            written.published,
            read.frames,
            read.held,
            read.copied,
            read.observed,
            read.missed,
            written.dropped,
            written.cancelled,
            written.buffers,
            read.outlived,
            read.overtaken,
            read.attached,
            took.as_secs_f64()
        )
    }
}
