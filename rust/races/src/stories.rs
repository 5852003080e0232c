//! The stories, each a test: a writer, and several threads that read what it publishes.

use std::thread::{self, Scope};
use std::time::{Duration, Instant};

use crate::actors::{Dice, Handle, Reader, Writer, copy, doze};
use crate::memory::Segment;
use crate::protocol::Bells;
use crate::sync::{AtomicBool, AtomicU64, Ordering};

/// Frames that a story's readers read, all together, before it ends.
const READ: u64 = if cfg!(miri) { 12 } else { 50_000 };
/// How long it goes on for that on a machine that is busy with other things. Under Miri the clock is not the machine's.
const PATIENCE: Duration = Duration::from_secs(if cfg!(miri) { u64::MAX } else { 2 });

/// A segment, what was read of it so far, and whether somebody is through.
///
/// What is not the segment is Relaxed: it must not order what the protocol leaves without order.
#[derive(Debug)]
struct Stage {
    segment: Segment,
    is_over: AtomicBool,
    read: AtomicU64,
}

impl Stage {
    fn new(slots: usize, lines: usize) -> Stage {
        let segment = Segment::new(slots, lines);
        Stage { segment, is_over: AtomicBool::new(false), read: AtomicU64::new(0) }
    }

    /// Publishes frames until enough are read, and is killed in the middle of the next; gives how many were dropped.
    fn write(&self, mut writer: Writer<'_>) -> u64 {
        let (over, begun) = (Over(&self.is_over), Instant::now());
        let is_enough = || {
            let read = self.read.load(Ordering::Relaxed);
            self.is_over.load(Ordering::Relaxed) || read >= READ || (read > 0 && begun.elapsed() > PATIENCE)
        };
        while !is_enough() {
            writer.offer();
        }
        drop(over);
        let Writer { published, dropped, .. } = writer;
        report(&format!("{published} frames published in {} buffers, {dropped} dropped", writer.slots()));
        writer.die();
        dropped
    }

    /// Goes on with `step`, which gives how many frames it has read, until the writer is through.
    fn until_over(&self, mut step: impl FnMut() -> u64) {
        let _over = Over(&self.is_over);
        while !self.is_over.load(Ordering::Relaxed) {
            self.read.fetch_add(step(), Ordering::Relaxed);
        }
    }

    /// A thread that reads through a handle until the writer is through, keeping up to `keep` frames.
    fn read<'s>(&'s self, scope: &'s Scope<'s, '_>, handle: &'s Handle<'s>, slots: usize, keep: usize, seed: u64) {
        scope.spawn(move || {
            let mut reader = Reader::new(handle, slots, seed);
            self.until_over(|| u64::from(reader.step(keep)));
            reader.let_go();
        });
    }

    /// When all of them are gone: the last frame is there.
    fn end(&self, story: &str) {
        assert!(copy(&self.segment, &mut 0), "a dead writer's last frame cannot be had");
        report(&format!("{story}: {} frames read", self.read.load(Ordering::Relaxed)));
    }
}

/// Ends the story with the first of its threads, also where that one breaks off: its end is then the story's failure.
struct Over<'s>(&'s AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Two readers that hold a frame each, in four buffers: enough, so that no frame is dropped.
#[test]
fn two_readers() {
    let stage = Stage::new(4, 2);
    let handles = [(); 2].map(|()| Handle::attach(&stage.segment, 1));
    thread::scope(|scope| {
        for (handle, seed) in handles.iter().zip(1..) {
            stage.read(scope, handle, 4, 1, seed);
        }
        assert_eq!(stage.write(Writer::new(&stage.segment, 4, 4, 1)), 0, "the writer found no buffer");
    });
    stage.end("two readers");
}

/// Three readers that hold up to three frames each, in three buffers at first and as many as they need at last.
#[test]
fn growth() {
    let stage = Stage::new(12, 3);
    let handles = [(); 3].map(|()| Handle::attach(&stage.segment, 3));
    thread::scope(|scope| {
        for (handle, seed) in handles.iter().zip(1..) {
            stage.read(scope, handle, 12, 3, seed);
        }
        stage.write(Writer::new(&stage.segment, 3, 12, 3));
    });
    stage.end("growth");
}

/// Three threads read through one handle that may hold one frame, in three buffers: enough.
#[test]
fn one_handle() {
    let stage = Stage::new(3, 1);
    let handle = Handle::attach(&stage.segment, 1);
    thread::scope(|scope| {
        for seed in 1..=3 {
            stage.read(scope, &handle, 3, 1, seed);
        }
        assert_eq!(stage.write(Writer::new(&stage.segment, 3, 3, 1)), 0, "the writer found no buffer");
    });
    stage.end("one handle");
}

/// Readers are killed while they hold frames, and others inherit their lines at once. A reader that is about to be emptied
/// by its heir is in the writer's way for a moment: frames may be dropped.
#[test]
fn heirs() {
    let stage = Stage::new(6, 2);
    let deaths = AtomicU64::new(0);
    thread::scope(|scope| {
        for seed in 1..=2 {
            let (stage, deaths) = (&stage, &deaths);
            scope.spawn(move || {
                let mut dice = Dice::new(seed);
                stage.until_over(|| {
                    let handle = Handle::attach(&stage.segment, 2);
                    let mut reader = Reader::new(&handle, 6, dice.below(1000));
                    let read = (0..=dice.below(6)).filter(|_| reader.step(2)).count();
                    reader.last_look();
                    handle.die();
                    deaths.fetch_add(1, Ordering::Relaxed);
                    read as u64
                });
            });
        }
        stage.write(Writer::new(&stage.segment, 3, 6, 2));
    });
    report(&format!("heirs: {} deaths", deaths.load(Ordering::Relaxed)));
    stage.end("heirs");
}

/// Observers copy without a line while a reader leases, and somebody looks for frames between sleeps.
#[test]
fn observers() {
    let stage = Stage::new(3, 1);
    let handle = Handle::attach(&stage.segment, 1);
    thread::scope(|scope| {
        stage.read(scope, &handle, 3, 1, 1);
        for word in [Segment::bell, Segment::notify] {
            let stage = &stage;
            scope.spawn(move || {
                let mut seen = 0;
                stage.until_over(|| {
                    doze(&stage.segment, word);
                    u64::from(copy(&stage.segment, &mut seen))
                });
            });
        }
        assert_eq!(stage.write(Writer::new(&stage.segment, 3, 3, 1)), 0, "the writer found no buffer");
    });
    stage.end("observers");
}

#[expect(clippy::print_stdout, reason = "the figures of a story, seen with --nocapture")]
fn report(line: &str) {
    println!("{line}");
}
