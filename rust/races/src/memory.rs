//! A segment on the heap: its words, its lines with the kernel's locks on them, and pixels that a race detector watches.

#![allow(
    unsafe_code,
    reason = "the pixels are plain memory that several threads share: the protocol alone guards them"
)]

use std::cell::UnsafeCell;

use crate::protocol::{Bells, Lines, Words};
use crate::sync::{AtomicU32, AtomicU64, Ordering};

/// Words of a frame: enough of them that half of a frame can be another one's.
pub(crate) const WORDS: usize = if cfg!(miri) { 3 } else { 64 };

/// All that the threads share.
#[derive(Debug)]
pub(crate) struct Segment {
    latest: AtomicU64,
    bell: AtomicU32,
    notify: AtomicU32,
    slots: Vec<Slot>,
    lines: Vec<Line>,
}

/// One buffer and its descriptor.
#[derive(Debug)]
struct Slot {
    sequence: AtomicU64,
    /// The one number of the descriptor that the stories use. Relaxed, as the core's are.
    number: AtomicU64,
    leased: [UnsafeCell<u64>; WORDS],
    copied: [AtomicU64; WORDS],
}

/// One lease line, and the kernel's lock on it.
#[derive(Debug)]
struct Line {
    mask: AtomicU32,
    /// 1 while somebody alive has the lock. Acquire and Release, as the kernel's own locking orders what came before an
    /// unlock and what comes after a look that saw it.
    lock: AtomicU32,
}

// SAFETY: the cells are the leased pixels. That no two threads are in one at a time, unless both only look, is what the
// protocol promises and what this crate is there to check.
unsafe impl Sync for Segment {}

impl Segment {
    /// A fresh segment. `slots` counts the buffers that may ever exist.
    pub(crate) fn new(slots: usize, lines: usize) -> Segment {
        let slot = || Slot {
            sequence: AtomicU64::new(0),
            number: AtomicU64::new(0),
            leased: [const { UnsafeCell::new(0) }; WORDS],
            copied: [const { AtomicU64::new(0) }; WORDS],
        };
        let line = || Line { mask: AtomicU32::new(0), lock: AtomicU32::new(0) };
        Segment {
            latest: AtomicU64::new(0),
            bell: AtomicU32::new(0),
            notify: AtomicU32::new(0),
            slots: (0..slots).map(|_| slot()).collect(),
            lines: (0..lines).map(|_| line()).collect(),
        }
    }

    /// Locks a free line, as `F_OFD_SETLK` does: without waiting.
    pub(crate) fn lock_any(&self) -> Option<usize> {
        let free = |line: &Line| line.lock.compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed).is_ok();
        self.lines.iter().position(free)
    }

    /// A line's owner has died: the kernel takes its lock back, and nothing else changes.
    pub(crate) fn unlock(&self, line: usize) {
        self.lines[line].lock.store(0, Ordering::Release);
    }

    /// The writer draws the frame `number` into a slot that it has claimed.
    pub(crate) fn draw(&self, slot: usize, number: u64) {
        let slot = &self.slots[slot];
        slot.number.store(number, Ordering::Relaxed);
        for (at, (leased, copied)) in slot.leased.iter().zip(&slot.copied).enumerate() {
            copied.store(word(number, at), Ordering::Relaxed);
            // SAFETY: that nobody else is there is the protocol's promise.
            unsafe { leased.get().write(word(number, at)) };
        }
    }

    /// What somebody who holds the slot sees in it: the frame's number, if all of it is that frame's.
    pub(crate) fn look(&self, slot: usize) -> Option<u64> {
        let slot = &self.slots[slot];
        // SAFETY: that nobody writes there is the protocol's promise.
        let words = slot.leased.iter().map(|leased| unsafe { leased.get().read() });
        whole(slot.number.load(Ordering::Relaxed), words)
    }

    /// What an observer copies out of the slot: the numbers may be of several frames.
    pub(crate) fn copy(&self, slot: usize) -> Copy {
        let slot = &self.slots[slot];
        let number = slot.number.load(Ordering::Relaxed);
        Copy { number, words: std::array::from_fn(|at| slot.copied[at].load(Ordering::Relaxed)) }
    }
}

/// An observer's copy of a slot.
#[derive(Debug)]
pub(crate) struct Copy {
    number: u64,
    words: [u64; WORDS],
}

impl Copy {
    /// The frame's number, if all of it is that frame's.
    pub(crate) fn whole(&self) -> Option<u64> {
        whole(self.number, self.words.iter().copied())
    }
}

fn whole(number: u64, words: impl Iterator<Item = u64>) -> Option<u64> {
    // All words are looked at, also behind a wrong one: each is an access that a tool judges.
    let wrong = words.enumerate().filter(|&(at, found)| found != word(number, at)).count();
    (wrong == 0).then_some(number)
}

/// The word at `at` in the frame `number`.
fn word(number: u64, at: usize) -> u64 {
    (number << 8 | at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

impl Words for Segment {
    fn latest(&self) -> &AtomicU64 {
        &self.latest
    }

    fn sequence(&self, slot: usize) -> &AtomicU64 {
        &self.slots[slot].sequence
    }
}

impl Bells for Segment {
    fn bell(&self) -> &AtomicU32 {
        &self.bell
    }

    fn notify(&self) -> &AtomicU32 {
        &self.notify
    }

    fn wake(&self) {
        // Nobody here sleeps; what comes before a sleep is `actors::doze`.
    }
}

impl Lines for Segment {
    fn count(&self) -> usize {
        self.lines.len()
    }

    fn mask(&self, line: usize) -> &AtomicU32 {
        &self.lines[line].mask
    }

    fn is_live(&self, line: usize) -> bool {
        self.lines[line].lock.load(Ordering::Acquire) == 1
    }
}
