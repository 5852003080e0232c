//! The writer and the readers of a scenario, and what they insist on.
//!
//! Compiled once against each copy of the protocol file: `super::protocol` is the intact one or a mutant.

use super::protocol::{self, Attempt, Holds, Latest, Lines, Publisher, Words};
use crate::memory::{Segment};
use crate::promise;
use crate::sync::{AtomicU32, AtomicU64, Ordering};
use std::cell::Cell;
use std::rc::Rc;

impl Words for Segment {
    fn latest(&self) -> &AtomicU64 {
        &self.latest
    }

    fn notify(&self) -> &AtomicU32 {
        &self.notify
    }

    fn sequence(&self, slot: usize) -> &AtomicU64 {
        &self.sequences[slot]
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
        self.is_locked(line)
    }
}

/// The capture process.
#[derive(Debug)]
pub(crate) struct Camera {
    segment: Rc<Segment>,
    publisher: Publisher,
    pinned: u32,
    last: u64,
}

impl Camera {
    /// The writer of a segment that begins with `slots` buffers; `pinned` has a bit for each that it may not take.
    pub(crate) fn new(segment: &Rc<Segment>, slots: usize, held_limit: u32, pinned: u32) -> Camera {
        Camera { segment: Rc::clone(segment), publisher: Publisher::new(slots, held_limit), pinned, last: 0 }
    }

    /// Publishes one frame. There are buffers enough: two more than frames held or asked for at once.
    pub(crate) fn publish(&mut self) {
        assert!(self.offer(), "{}", promise::PROGRESS);
    }

    /// Publishes one frame, or drops it for want of a buffer.
    pub(crate) fn offer(&mut self) -> bool {
        let Some(slot) = self.loan() else { return false };
        self.segment.draw(slot, self.last + 2);
        self.last += 2;
        assert_eq!(self.publisher.publish(&*self.segment, slot), self.last, "sequences rise by two");
        true
    }

    /// Begins a frame and gives it up.
    pub(crate) fn cancel(&mut self) {
        if let Some(slot) = self.loan() {
            self.segment.scribble(slot);
        }
    }

    pub(crate) fn must_loan(&mut self) { assert!(self.loan().is_some(), "{}", promise::PROGRESS); }
    /// Appends a buffer.
    pub(crate) fn grow(&mut self) {
        self.publisher.grow();
    }

    fn loan(&mut self) -> Option<usize> {
        let slot = self.publisher.claim(&*self.segment, &*self.segment, self.pinned)?;
        self.segment.hand_out(slot);
        Some(slot)
    }
}

/// One reader handle and its line.
#[derive(Debug)]
pub(crate) struct Handle {
    segment: Rc<Segment>,
    line: usize,
    holds: Holds,
    newest: Cell<u64>,
}

impl Handle {
    /// Takes the line as a new owner does: locks it, empties it, uses it. None if somebody alive has it.
    pub(crate) fn attach(segment: &Rc<Segment>, line: usize, limit: u32) -> Option<Handle> {
        segment.lock(line).then(|| {
            protocol::adopt(segment.mask(line));
            Handle { segment: Rc::clone(segment), line, holds: Holds::new(limit), newest: Cell::new(0) }
        })
    }

    /// One attempt at the newest frame, seen before or not, by a reader that knows of `slots` buffers.
    pub(crate) fn attempt(&self, slots: usize) -> Attempt {
        let attempt = self.holds.try_hold(&*self.segment, self.segment.mask(self.line), 0, slots);
        if let Attempt::Held(frame) = attempt {
            assert!(frame.slot < slots, "{}", promise::BOUND);
            self.segment.hold(frame.slot);
            self.check(frame);
            assert!(frame.sequence >= self.newest.replace(frame.sequence), "{}", promise::ORDER);
        }
        attempt
    }

    /// Holds the newest frame, if one attempt is enough.
    pub(crate) fn hold(&self, slots: usize) -> Option<Latest> {
        match self.attempt(slots) {
            Attempt::Held(frame) => Some(frame),
            _ => None,
        }
    }

    /// Looks at a held frame for the last time, and lets it go.
    pub(crate) fn release(&self, frame: Latest) {
        self.check(frame);
        self.segment.let_go(frame.slot);
        self.holds.release(self.segment.mask(self.line), frame.slot);
    }

    /// Reads the newest frame, if one attempt is enough.
    pub(crate) fn read(&self, slots: usize) {
        if let Some(frame) = self.hold(slots) {
            self.release(frame);
        }
    }

    /// Looks at a held frame for the last time, and is killed.
    pub(crate) fn die(self, holding: Latest) {
        self.check(holding);
        self.segment.let_go(holding.slot);
        self.segment.bury(self.line);
    }

    fn check(&self, frame: Latest) {
        assert_eq!(self.segment.look(frame.slot), frame.sequence, "{}", promise::TORN);
    }
}

/// One copy of the newest frame, by somebody who has no line.
pub(crate) fn watch(segment: &Segment) {
    let Some(newest) = Latest::load(segment) else { return };
    let sequence = || {
        let sequence = segment.sequences[newest.slot].load(Ordering::Relaxed);
        assert!(sequence >= newest.sequence, "{}", promise::NEWEST);
        sequence
    };
    if let Some(copy) = protocol::observe(newest, sequence, || segment.look(newest.slot)) {
        assert_eq!(copy, newest.sequence, "{}", promise::TORN);
    }
}

/// One look of somebody who sleeps when nothing is new: the number to sleep on, and the newest frame after it.
pub(crate) fn glance(segment: &Segment) {
    let notified = protocol::glance(segment);
    let newest = Latest::load(segment).map_or(0, |newest| newest.sequence);
    // Every notification of these stories is a publish: n of them announce the sequence 2n.
    assert!(newest >= 2 * u64::from(notified), "{}", promise::WAKE_UP);
}
