//! The writer, the readers and the observers of a story: they follow the protocol, and check all that they see.

use std::collections::VecDeque;
use std::hint::spin_loop;
use std::thread::yield_now;

use crate::memory::Segment;
use crate::protocol::{self, Attempt, Holds, Latest, Lines, Publisher, Words};
use crate::sync::{AtomicU32, Ordering};

/// What a cancelled loan shows; no frame has this number.
const CANCELLED: u64 = 0xdead;

/// Numbers without a pattern, the same in each run.
#[derive(Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(2) + 1)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

fn pause(length: u64) {
    (0..length).for_each(|_| spin_loop());
}

/// The capture process.
#[derive(Debug)]
pub(crate) struct Writer<'s> {
    segment: &'s Segment,
    publisher: Publisher,
    dice: Dice,
    max_slots: usize,
    pub(crate) published: u64,
    pub(crate) dropped: u64,
}

impl<'s> Writer<'s> {
    /// The writer of a segment that begins with `slots` buffers and may have `max_slots`, for readers that may hold `limit`
    /// frames each.
    pub(crate) fn new(segment: &'s Segment, slots: usize, max_slots: usize, limit: u32) -> Writer<'s> {
        let publisher = Publisher::new(slots, limit);
        Writer { segment, publisher, dice: Dice::new(0), max_slots, published: 0, dropped: 0 }
    }

    /// Publishes a frame, or drops it for want of a buffer; now and then begins one that comes to nothing. Adds a buffer
    /// behind a frame where none is free, as long as it may.
    pub(crate) fn offer(&mut self) {
        if self.dice.below(5) == 0
            && let Some(slot) = self.claim()
        {
            self.segment.draw(slot, CANCELLED);
        }
        match self.claim() {
            Some(slot) => {
                self.published += 1;
                self.segment.draw(slot, self.published);
                let sequence = self.publisher.publish(self.segment, self.segment, slot);
                assert_eq!(sequence, 2 * self.published, "sequences rise by two");
            }
            None => self.dropped += 1,
        }
        if self.publisher.slots() < self.max_slots && self.publisher.is_exhausted(self.segment, 0) {
            self.publisher.grow();
        }
        // A pause, or the readers, when there are more of them than cores, would hardly ever catch up. Under Miri it is also
        // what lets others run where threads take turns only when one of them offers it.
        if cfg!(miri) || self.dice.below(16) == 0 { yield_now() } else { pause(self.dice.below(60)) }
    }

    /// Is killed in the middle of a frame.
    pub(crate) fn die(mut self) {
        if let Some(slot) = self.claim() {
            self.segment.draw(slot, CANCELLED);
        }
    }

    pub(crate) fn slots(&self) -> usize {
        self.publisher.slots()
    }

    fn claim(&mut self) -> Option<usize> {
        self.publisher.claim(self.segment, self.segment, 0)
    }
}

/// One reader handle, which owns a line and may be used by several threads.
#[derive(Debug)]
pub(crate) struct Handle<'s> {
    segment: &'s Segment,
    line: usize,
    holds: Holds,
}

impl<'s> Handle<'s> {
    /// Takes a line as its new owner does: locks it, empties it, uses it.
    pub(crate) fn attach(segment: &'s Segment, limit: u32) -> Handle<'s> {
        let line = loop {
            match segment.lock_any() {
                Some(line) => break line,
                None => yield_now(), // its last owner is about to die
            }
        };
        protocol::adopt(segment.mask(line));
        Handle { segment, line, holds: Holds::new(limit) }
    }

    /// Is killed: the kernel takes the line's lock, and the mask stays as it is.
    pub(crate) fn die(self) {
        self.segment.unlock(self.line);
    }
}

/// One thread that reads through a handle, holding several frames at a time.
#[derive(Debug)]
pub(crate) struct Reader<'h, 's> {
    handle: &'h Handle<'s>,
    slots: usize,
    held: VecDeque<Latest>,
    seen: u64,
    dice: Dice,
}

impl<'h, 's> Reader<'h, 's> {
    /// A reader of a segment of at most `slots` buffers.
    pub(crate) fn new(handle: &'h Handle<'s>, slots: usize, seed: u64) -> Reader<'h, 's> {
        Reader { handle, slots, held: VecDeque::new(), seen: 0, dice: Dice::new(seed) }
    }

    /// One step of a reader that keeps up to `keep` frames: lets some go, tries for a newer one; whether it got it.
    pub(crate) fn step(&mut self, keep: usize) -> bool {
        let stay = keep.saturating_sub(1).min(usize::try_from(self.dice.below(4)).expect("below four"));
        while self.held.len() > stay {
            self.release();
        }
        let Handle { segment, line, holds } = self.handle;
        match holds.try_hold(*segment, segment.mask(*line), self.seen, self.slots) {
            Attempt::Held(frame) => {
                assert!(frame.sequence > self.seen, "a reader went back to an older frame");
                self.seen = frame.sequence;
                self.held.push_back(frame);
                self.check(frame);
                pause(self.dice.below(30));
                return true;
            }
            // Nothing newer, or the other threads of this handle hold all that it may hold.
            Attempt::Nothing | Attempt::TooMany => yield_now(),
            Attempt::Overtaken => {}
            Attempt::Impossible(frame) => panic!("a reader was sent to a buffer that cannot be: {frame:?}"),
        }
        false
    }

    /// Looks at each held frame for the last time and lets go of it.
    pub(crate) fn let_go(&mut self) {
        while !self.held.is_empty() {
            self.release();
        }
    }

    /// Looks at each held frame for the last time, and no more: its process is about to be killed.
    pub(crate) fn last_look(self) {
        self.held.iter().for_each(|&frame| self.check(frame));
    }

    fn release(&mut self) {
        let frame = self.held.pop_front().expect("a held frame");
        self.check(frame);
        self.handle.holds.release(self.handle.segment.mask(self.handle.line), frame.slot);
    }

    fn check(&self, frame: Latest) {
        let seen = self.handle.segment.look(frame.slot);
        assert_eq!(seen, Some(frame.sequence / 2), "a held frame is not the frame published");
    }
}

/// Copies the newest frame, if it is newer than `seen`, as somebody who has no line; whether it could be had.
pub(crate) fn copy(segment: &Segment, seen: &mut u64) -> bool {
    let Some(newest) = Latest::load(segment).filter(|newest| newest.sequence > *seen) else {
        yield_now();
        return false;
    };
    // Relaxed: the order that this needs has to come from the protocol file.
    let sequence = || segment.sequence(newest.slot).load(Ordering::Relaxed);
    let Some(copied) = protocol::observe(newest, sequence, || segment.copy(newest.slot)) else { return false };
    assert_eq!(copied.whole(), Some(newest.sequence / 2), "a copied frame is not the frame published");
    *seen = newest.sequence;
    true
}

/// Does what comes before a sleep: takes the number to sleep on from one of the words, then looks at the newest frame.
pub(crate) fn doze(segment: &Segment, word: fn(&Segment) -> &AtomicU32) {
    let notified = protocol::glance(word(segment));
    // The writer announces nothing but frames here: the number n announces the sequence 2n.
    let newest = Latest::load(segment).map_or(0, |frame| frame.sequence);
    assert!(newest >= 2 * u64::from(notified), "a sleeper would miss a frame that was announced");
}
