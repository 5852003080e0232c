//! Processes that hold every buffer of a segment, and a writer that finds none.

use std::fs;
use std::time::{Duration, Instant};

use billiards_video::{Notice, Writer};
use rustix::process::Signal;

use crate::support::place::Place;
use crate::support::process::Process;
use crate::support::{publish, try_publish, until};

/// A process that holds up to three frames.
#[derive(Debug)]
pub(super) struct Holder {
    process: Process,
    pub(super) held: usize,
    /// Before and after the moment from which on it has held one.
    since: (Instant, Instant),
}

impl Holder {
    /// Starts one, without anything in its hands.
    fn start(place: &Place) -> Holder {
        let process = Process::start("reader", &[place.path().to_str().expect("plain")]);
        process.expect("attached");
        Holder { process, held: 0, since: (Instant::now(), Instant::now()) }
    }

    fn hold(&mut self, number: u64) {
        let before = Instant::now();
        self.process.tell("hold");
        self.process.expect(&format!("holds {number}"));
        if self.held == 0 {
            self.since = (before, Instant::now());
        }
        self.held += 1;
    }

    /// Lets go of the oldest. It looks at all that it holds before.
    pub(super) fn let_go(&mut self) {
        self.process.tell("drop");
        self.process.expect("dropped");
        self.held -= 1;
    }

    pub(super) fn stop(&self) {
        self.process.signal(Signal::STOP);
    }

    pub(super) fn go_on(&self) {
        self.process.signal(Signal::CONT);
    }

    pub(super) fn kill(self) {
        self.process.kill();
    }

    pub(super) fn finish(self) {
        self.process.finish();
    }

    /// Whether a warning of this moment names it, with what it holds and for how long.
    #[track_caller]
    fn expect_named(&self, holders: &str, told: (Instant, Instant)) {
        let pid = self.process.pid();
        let start = format!("'reader {pid}' pid {pid}: {} of 3 for ", self.held);
        let rest = holders.split_once(&start).unwrap_or_else(|| panic!("no \"{start}\" in \"{holders}\"")).1;
        let milliseconds: u128 = rest.split_once(" ms").expect("a duration").0.parse().expect("a number");
        let (least, most) = (told.0.duration_since(self.since.1), told.1.duration_since(self.since.0));
        // A duration is rounded down, there and here.
        let right = least.as_millis().saturating_sub(1)..=most.as_millis() + 1;
        assert!(right.contains(&milliseconds), "{milliseconds} ms, and it is {right:?}: {holders}");
    }
}

/// Attempts that found no buffer.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    /// How long each took: figures, since on a busy machine any may be put off by others.
    took: Vec<Duration>,
    /// How often one slept, whatever for.
    slept: u64,
}

#[derive(Debug)]
pub(super) struct Siege {
    pub(super) place: Place,
    pub(super) writer: Writer,
    pub(super) holders: Vec<Holder>,
    /// Frames that were dropped so far.
    pub(super) dropped: u64,
    warned: Option<(Instant, Instant)>,
}

impl Siege {
    /// As many processes as it takes to hold `held` frames, each in a buffer of its own.
    pub(super) fn lay(max_buffers: u8, held: usize) -> Siege {
        let place = Place::new();
        let mut writer = place.writer_with(max_buffers);
        let mut holders: Vec<Holder> = (0..held.div_ceil(3)).map(|_| Holder::start(&place)).collect();
        for turn in 0..held {
            let number = publish(&mut writer);
            holders[turn / 3].hold(number);
        }
        assert!(writer.notices().iter().all(|notice| matches!(notice, Notice::Grew { .. })));
        Siege { place, writer, holders, dropped: 0, warned: None }
    }

    /// Tries so often to get a buffer, and never gets one: each time it is told so at once.
    pub(super) fn fail(&mut self, times: u64, attempts: &mut Attempts) {
        let (before, slept) = (Instant::now(), voluntary_switches());
        for _ in 0..times {
            let start = Instant::now();
            let is_none = self.writer.loan().unwrap().is_none();
            attempts.took.push(start.elapsed());
            assert!(is_none, "a buffer, although all are held");
        }
        attempts.slept += voluntary_switches() - slept;
        self.dropped += times;
        self.warned = self.warned.or(Some((before, Instant::now())));
        self.expect_counted();
    }

    /// The drops are counted, each.
    #[track_caller]
    pub(super) fn expect_counted(&self) {
        let observed = self.place.observer().counters().unwrap();
        assert_eq!((self.dropped, self.dropped), (self.writer.stats().dropped, observed.dropped));
    }

    /// There is a warning of the first attempt that failed, which names every holder; no other within ten seconds.
    #[track_caller]
    pub(super) fn expect_warning(&mut self) -> String {
        let told = self.warned.take().expect("an attempt has failed");
        let mut warnings = self.warnings();
        let most = 1 + told.0.elapsed().as_secs() / 10;
        assert!((1..=most).contains(&(warnings.len() as u64)), "{warnings:?}");
        let (buffers, text) = warnings.remove(0);
        assert_eq!(self.writer.stats().buffers, buffers);
        self.holders.iter().for_each(|holder| holder.expect_named(&text, told));
        text
    }

    /// What was told of starvation since the last look: how many buffers, held by whom.
    pub(super) fn warnings(&mut self) -> Vec<(usize, String)> {
        let starved = |notice| match notice {
            Notice::Starved { buffers, holders } => Some((buffers, holders)),
            _ => None,
        };
        self.writer.notices().into_iter().filter_map(starved).collect()
    }

    /// Publishes so many frames, and drops what finds no buffer, which may happen while others look at the newest.
    pub(super) fn publish(&mut self, frames: u64) {
        for _ in 0..frames {
            until("a free buffer", || {
                let published = try_publish(&mut self.writer);
                self.dropped += u64::from(published.is_none());
                published
            });
        }
        self.expect_counted();
    }

    /// Wakes the holders, who look at all that they hold; ends the stream, of which nothing is left.
    pub(super) fn end(self) {
        let Siege { place, writer, holders, .. } = self;
        for mut holder in holders {
            holder.go_on();
            while holder.held > 0 {
                holder.let_go();
            }
            holder.finish();
        }
        drop(writer);
        assert!(place.files().is_empty(), "{:?}", place.files());
    }
}

impl Attempts {
    /// The figures; no attempt waited for anything.
    pub(super) fn figures(mut self) -> String {
        self.took.sort();
        let at = |share: usize| self.took[(self.took.len() - 1) * share / 100];
        let figures = format!(
            "{} attempts that found no buffer took {:.1?} (p50), {:.1?} (p99), {:.1?} (max), and slept {} times",
            self.took.len(),
            at(50),
            at(99),
            at(100),
            self.slept
        );
        assert_eq!(0, self.slept, "{figures}");
        figures
    }
}

/// How often this thread has given the processor away because it had to wait.
fn voluntary_switches() -> u64 {
    let status = fs::read_to_string("/proc/thread-self/status").unwrap();
    let count = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:")).expect("a count");
    count.trim().parse().expect("a number")
}
