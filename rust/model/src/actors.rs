//! The writer and the readers of a story, and what they insist on.
//!
//! Compiled once for each copy of the protocol file: `super::protocol` is the intact one, or a mutant.

use super::protocol::{self, Attempt, Bells, Holds, Latest, Lines, Publisher, Words};
use crate::kernel::Futex;
use crate::memory::Segment;
use crate::promise;
use crate::sync::{AtomicU32, AtomicU64, Ordering};
use std::cell::Cell;
use std::rc::Rc;

impl Words for Segment {
    fn latest(&self) -> &AtomicU64 {
        &self.latest
    }

    fn sequence(&self, slot: usize) -> &AtomicU64 {
        &self.sequences[slot]
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
        self.sleepers.iter().flatten().for_each(Futex::wake);
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
pub(crate) struct Writer {
    segment: Rc<Segment>,
    publisher: Publisher,
    pinned: u32,
    last: u64,
}

impl Writer {
    /// The writer of a segment that begins with `slots` buffers, for readers that may hold `limit` frames each.
    pub(crate) fn new(segment: &Rc<Segment>, slots: usize, limit: u32) -> Writer {
        Writer { segment: Rc::clone(segment), publisher: Publisher::new(slots, limit), pinned: 0, last: 0 }
    }

    /// From now on the slot is not taken, as if a view of it were alive: the others come round sooner.
    pub(crate) fn pin(&mut self, slot: usize) {
        self.pinned |= 1 << slot;
    }

    /// Publishes a frame. The story has buffers enough.
    pub(crate) fn publish(&mut self) {
        assert!(self.offer(), "{}", promise::PROGRESS);
    }

    /// Publishes a frame, or drops it for want of a buffer.
    pub(crate) fn offer(&mut self) -> bool {
        let Some(slot) = self.loan() else { return false };
        self.last += 2;
        self.segment.draw(slot, self.last);
        assert_eq!(self.publisher.publish(&*self.segment, &*self.segment, slot), self.last, "sequences rise by two");
        true
    }

    /// Begins a frame, if there is a buffer, and gives it up.
    pub(crate) fn cancel(&mut self) {
        if let Some(slot) = self.loan() {
            self.segment.scribble(slot);
        }
    }

    /// Appends a buffer.
    pub(crate) fn grow(&mut self) {
        self.publisher.grow();
    }

    /// Appends a buffer if the others are in use, as the writer does behind each frame.
    pub(crate) fn grow_if_exhausted(&mut self) {
        if self.publisher.is_exhausted(&*self.segment, self.pinned) {
            self.grow();
        }
    }

    fn loan(&mut self) -> Option<usize> {
        let slot = self.publisher.claim(&*self.segment, &*self.segment, self.pinned)?;
        self.segment.hand_out(slot);
        Some(slot)
    }
}

/// One reader handle, which owns a line.
#[derive(Debug)]
pub(crate) struct Reader {
    segment: Rc<Segment>,
    line: usize,
    holds: Holds,
    newest: Cell<u64>,
}

impl Reader {
    /// Takes a line as its new owner does: locks it, empties it, uses it.
    pub(crate) fn attach(segment: &Rc<Segment>, line: usize, limit: u32) -> Reader {
        assert!(segment.lock(line), "nobody alive has the line");
        protocol::adopt(segment.mask(line));
        Reader { segment: Rc::clone(segment), line, holds: Holds::new(limit), newest: Cell::new(0) }
    }

    pub(crate) fn line(&self) -> usize {
        self.line
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

    /// Holds the newest frame. Nobody publishes meanwhile, so one attempt has to be enough.
    pub(crate) fn must_hold(&self, slots: usize) -> Latest {
        self.hold(slots).expect(promise::NEWEST)
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
        self.segment.unlock(self.line);
    }

    #[track_caller]
    fn check(&self, frame: Latest) {
        assert_eq!(self.segment.look(frame.slot), frame.sequence, "{}", promise::TORN);
    }
}

/// Copies the newest frame once, as somebody who has no line.
pub(crate) fn copy(segment: &Segment) {
    let Some(newest) = Latest::load(segment) else { return };
    // Relaxed: the order that this needs has to come from the protocol file.
    let sequence = || segment.sequences[newest.slot].load(Ordering::Relaxed);
    if let Some(copied) = protocol::observe(newest, sequence, || segment.copy(newest.slot)) {
        assert_eq!(copied, newest.sequence, "{}", promise::TORN);
    }
}

/// Which of the two words somebody sleeps on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Word {
    Bell,
    Notify,
}

impl Word {
    fn of(self, segment: &Segment) -> &AtomicU32 {
        match self {
            Word::Bell => segment.bell(),
            Word::Notify => segment.notify(),
        }
    }
}

/// Sleeps until there is a frame of this sequence, or a newer one.
pub(crate) fn sleep(segment: &Segment, word: Word, sequence: u64) {
    let sleepers = &segment.sleepers.as_ref().expect("a story with sleepers")[word as usize];
    loop {
        let number = protocol::glance(word.of(segment));
        if Latest::load(segment).is_some_and(|newest| newest.sequence >= sequence) {
            return;
        }
        sleepers.wait(word.of(segment), number);
    }
}

/// Does what comes before a sleep: takes the number to sleep on, then looks at the newest frame.
pub(crate) fn doze(segment: &Segment, word: Word) {
    let notified = protocol::glance(word.of(segment));
    let newest = Latest::load(segment);
    // The writer announces nothing but frames here: the number n announces the sequence 2n.
    assert!(newest.map_or(0, |frame| frame.sequence) >= 2 * u64::from(notified), "{}", promise::WAKE_UP);
    if let Some(frame) = newest {
        let sequence = segment.sequences[frame.slot].load(Ordering::Relaxed);
        assert!(sequence >= frame.sequence, "{}", promise::NEWEST);
    }
}
