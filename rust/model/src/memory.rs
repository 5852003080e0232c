//! A segment on the heap, made of parts that loom watches.
//!
//! It knows nothing of the protocol. It is the memory, the kernel's locks, and a witness: the witness counts who holds
//! what outside of the modelled memory, where a broken protocol cannot reach it.
//!
//! loom runs its threads as coroutines of one thread, so plain `Cell`s and an `Rc` around it all will do.

use crate::kernel::Futex;
use crate::promise;
use crate::sync::{AtomicU32, AtomicU64, Ordering};
use loom::cell::UnsafeCell;
use std::cell::Cell;

/// What a loan that was cancelled leaves in a slot. No frame has an odd number.
const SCRIBBLE: u64 = 1;

/// All that the processes share.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) latest: AtomicU64,
    pub(crate) bell: AtomicU32,
    pub(crate) notify: AtomicU32,
    /// Who sleeps on the bell, and who on the other word, in a story in which somebody sleeps.
    pub(crate) sleepers: Option<[Futex; 2]>,
    pub(crate) sequences: Vec<AtomicU64>,
    pub(crate) lines: Vec<Line>,
    pixels: Vec<Pixels>,
    /// How often each slot is held, as the readers see it: from a successful attempt to the last look.
    witness: Vec<Cell<u32>>,
}

/// One lease line, and the kernel's lock on it.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) mask: AtomicU32,
    /// 1 while somebody alive has the lock. Acquire and Release, as the kernel's own locking orders what came before an
    /// unlock and what comes after a look that saw it. Nothing more: a look may be out of date.
    lock: AtomicU32,
}

/// The bytes of one slot, reduced to one number: the sequence of the frame that they show.
#[derive(Debug, Default)]
struct Pixels {
    /// For readers who lease: plain bytes. loom watches the cell, and fails on any race, in whichever order it ran; the
    /// number rides along.
    leased: Option<UnsafeCell<()>>,
    number: Cell<u64>,
    /// For observers, who copy: their reads race by design, so here the bytes are a relaxed atomic.
    copied: Option<AtomicU64>,
}

impl Pixels {
    fn leased() -> Pixels {
        Pixels { leased: Some(UnsafeCell::new(())), ..Pixels::default() }
    }

    fn copied() -> Pixels {
        Pixels { copied: Some(AtomicU64::new(0)), ..Pixels::default() }
    }

    fn both() -> Pixels {
        Pixels { copied: Pixels::copied().copied, ..Pixels::leased() }
    }
}

impl Segment {
    /// A fresh segment whose readers lease. `slots` counts the buffers that may ever exist.
    pub(crate) fn leased(slots: usize, lines: usize) -> Segment {
        Segment::new(lines, (0..slots).map(|_| Pixels::leased()).collect())
    }

    /// A fresh segment whose readers copy.
    pub(crate) fn copied(slots: usize) -> Segment {
        Segment::new(0, (0..slots).map(|_| Pixels::copied()).collect())
    }

    /// A fresh segment some of whose readers lease and some copy.
    pub(crate) fn mixed(slots: usize, lines: usize) -> Segment {
        Segment::new(lines, (0..slots).map(|_| Pixels::both()).collect())
    }

    /// The same, with somebody to sleep on its words. (A wake-up costs executions: there is none in other stories.)
    pub(crate) fn with_sleepers(self) -> Segment {
        Segment { sleepers: Some([Futex::new(), Futex::new()]), ..self }
    }

    fn new(lines: usize, pixels: Vec<Pixels>) -> Segment {
        Segment {
            latest: AtomicU64::new(0),
            bell: AtomicU32::new(0),
            notify: AtomicU32::new(0),
            sleepers: None,
            sequences: pixels.iter().map(|_| AtomicU64::new(0)).collect(),
            lines: (0..lines).map(|_| Line { mask: AtomicU32::new(0), lock: AtomicU32::new(0) }).collect(),
            witness: pixels.iter().map(|_| Cell::new(0)).collect(),
            pixels,
        }
    }

    /// Tries to lock a line, as `F_OFD_SETLK` does: without waiting.
    pub(crate) fn lock(&self, line: usize) -> bool {
        self.lines[line].lock.compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// A line's owner has died: the kernel takes its lock back, and nothing else changes.
    pub(crate) fn unlock(&self, line: usize) {
        self.lines[line].lock.store(0, Ordering::Release);
    }

    /// Whether a line is locked, as `F_OFD_GETLK` tells it.
    pub(crate) fn is_locked(&self, line: usize) -> bool {
        self.lines[line].lock.load(Ordering::Acquire) == 1
    }

    /// The writer was told that the slot is its own.
    pub(crate) fn hand_out(&self, slot: usize) {
        assert_eq!(self.witness[slot].get(), 0, "{}", promise::HANDED_OUT);
    }

    /// The writer draws the frame `sequence` into the slot.
    #[track_caller]
    pub(crate) fn draw(&self, slot: usize, sequence: u64) {
        let pixels = &self.pixels[slot];
        if let Some(watched) = &pixels.leased {
            watched.with_mut(|_| pixels.number.set(sequence));
        }
        if let Some(number) = &pixels.copied {
            number.store(sequence, Ordering::Relaxed);
        }
    }

    /// The writer draws something into the slot that becomes no frame.
    #[track_caller]
    pub(crate) fn scribble(&self, slot: usize) {
        self.draw(slot, SCRIBBLE);
    }

    /// What a reader sees in a slot that it holds.
    #[track_caller]
    pub(crate) fn look(&self, slot: usize) -> u64 {
        let pixels = &self.pixels[slot];
        let watched = pixels.leased.as_ref().expect("a story in which somebody leases");
        watched.with(|_| pixels.number.get())
    }

    /// What an observer copies out of a slot.
    pub(crate) fn copy(&self, slot: usize) -> u64 {
        self.pixels[slot].copied.as_ref().expect("a story in which somebody copies").load(Ordering::Relaxed)
    }

    /// A reader was told that it holds the slot.
    pub(crate) fn hold(&self, slot: usize) {
        self.witness[slot].update(|holds| holds + 1);
    }

    /// A reader has looked at the slot for the last time.
    pub(crate) fn let_go(&self, slot: usize) {
        self.witness[slot].update(|holds| holds - 1);
    }
}
