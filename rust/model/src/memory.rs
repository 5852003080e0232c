//! A segment on the heap, made of parts that loom watches.
//!
//! It knows nothing of the protocol: it is the memory, the kernel's locks, and a witness. The witness counts who holds
//! what outside of the modelled memory, so that a broken protocol cannot talk its way out.

use crate::promise;
use crate::sync::{AtomicU32, AtomicU64, Ordering};
use loom::cell::UnsafeCell;
use std::cell::Cell;

/// What stands in a slot whose loan was begun and cancelled; no frame has an odd number.
const SCRIBBLE: u64 = 1;

/// The bytes of one slot, reduced to one number: the sequence of the frame that they show.
#[derive(Debug)]
enum Pixels {
    /// As in mapped memory: plain bytes. loom fails on any two accesses, one of them a write, that no happens-before
    /// orders, in whatever order it ran them. The unit is what it watches, the number rides along.
    Plain(UnsafeCell<()>, Cell<u64>),
    /// For copying observers, who read without holding. Their bytes race by design, so they are relaxed atomics here.
    Racing(AtomicU64),
}

/// The kernel's side and the reader's side of one lease line.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) mask: AtomicU32,
    /// The lock on the line's byte: 1 while a live process has it. The kernel's own locking orders what happened
    /// before an unlock before what follows a look that saw it.
    lock: AtomicU32,
}

/// All that the processes share.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) latest: AtomicU64,
    pub(crate) notify: AtomicU32,
    pub(crate) sequences: Vec<AtomicU64>,
    pixels: Vec<Pixels>,
    pub(crate) lines: Vec<Line>,
    /// How many frames are held in each slot, as the readers see it: from "the attempt succeeded" to "about to release".
    witness: Vec<Cell<u32>>,
}

impl Segment {
    /// A fresh segment whose readers lease: `slots` counts the buffers that may ever exist.
    pub(crate) fn leased(slots: usize, lines: usize) -> Segment {
        Segment::with(lines, (0..slots).map(|_| Pixels::Plain(UnsafeCell::new(()), Cell::new(0))).collect())
    }

    /// A fresh segment whose readers only copy.
    pub(crate) fn copied(slots: usize) -> Segment {
        Segment::with(0, (0..slots).map(|_| Pixels::Racing(AtomicU64::new(0))).collect())
    }

    fn with(lines: usize, pixels: Vec<Pixels>) -> Segment {
        Segment {
            latest: AtomicU64::new(0),
            notify: AtomicU32::new(0),
            sequences: pixels.iter().map(|_| AtomicU64::new(0)).collect(),
            witness: pixels.iter().map(|_| Cell::new(0)).collect(),
            pixels,
            lines: (0..lines).map(|_| Line { mask: AtomicU32::new(0), lock: AtomicU32::new(0) }).collect(),
        }
    }

    pub(crate) fn mask(&self, line: usize) -> &AtomicU32 {
        &self.lines[line].mask
    }

    /// Tries to lock a line, without waiting, as `F_OFD_SETLK` does.
    pub(crate) fn lock(&self, line: usize) -> bool {
        self.lines[line].lock.compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// The death of a line's owner: the kernel takes the lock back, and nothing else changes.
    pub(crate) fn bury(&self, line: usize) {
        self.lines[line].lock.store(0, Ordering::Release);
    }

    /// The writer's probe, as `F_OFD_GETLK` answers it.
    pub(crate) fn is_locked(&self, line: usize) -> bool {
        self.lines[line].lock.load(Ordering::Acquire) == 1
    }

    /// The writer was told that the slot is its own.
    pub(crate) fn hand_out(&self, slot: usize) {
        assert_eq!(self.witness[slot].get(), 0, "{}", promise::HANDED_OUT);
    }

    /// The writer fills the slot with the frame `sequence`.
    pub(crate) fn draw(&self, slot: usize, sequence: u64) {
        match &self.pixels[slot] {
            Pixels::Plain(watched, value) => watched.with_mut(|_| value.set(sequence)),
            Pixels::Racing(value) => value.store(sequence, Ordering::Relaxed),
        }
    }

    /// The writer begins a frame in the slot, and thinks better of it.
    pub(crate) fn scribble(&self, slot: usize) {
        self.draw(slot, SCRIBBLE);
    }

    /// What a reader sees in the slot.
    pub(crate) fn look(&self, slot: usize) -> u64 {
        match &self.pixels[slot] {
            Pixels::Plain(watched, value) => watched.with(|_| value.get()),
            Pixels::Racing(value) => value.load(Ordering::Relaxed),
        }
    }

    /// A reader was told that it holds the slot.
    pub(crate) fn hold(&self, slot: usize) {
        self.witness[slot].set(self.witness[slot].get() + 1);
    }

    /// A reader has finished with the slot, and is about to say so (or has died).
    pub(crate) fn let_go(&self, slot: usize) {
        self.witness[slot].set(self.witness[slot].get() - 1);
    }
}
