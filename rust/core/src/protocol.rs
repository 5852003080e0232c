//! The protocol between one writer and its readers, and the argument for each of its orderings.
//!
//! # The problem
//!
//! A writer that never waits hands out the buffers of a segment one after the other; any number of readers, in
//! processes that may die between two instructions, keep the newest frame in place for as long as they look at it.
//! No byte of a buffer that a live reader holds may change, and no reader may cost the writer a wait.
//!
//! # The shape
//!
//! Hazard pointers with a Dekker handshake. Each reader handle owns one *line* with a bit mask of the slots that it
//! holds. A reader names the slot *first* and checks *then* that the frame is still in it; the writer makes the slot's
//! sequence odd *first* and looks at the masks *then*. Both put a `fence(SeqCst)` between their two steps. The two
//! fences have one total order:
//!
//! - The reader's comes first: the writer's scan, behind its own fence, sees the bit. It gives the slot up, having
//!   written no byte of it.
//! - The writer's comes first: the reader's check, behind its own fence, sees the odd sequence or a later one. It
//!   gives the bit back and starts again with the newest frame.
//! - Both may back off. The writer then takes another slot, the reader another frame; neither waits.
//!
//! A sequence is used once, in one slot, and never comes back, so an equal sequence means that the frame is there. A slot
//! whose sequence was made odd stays odd until its next publish: whether it was given up to a reader that holds it, who
//! does not look again, or loaned and cancelled. It is never the newest one, so nobody but a late reader finds it so.
//!
//! # What is shared, and who may be believed
//!
//! The writer reads nothing that it wrote itself back from shared memory: sequences and the newest slot have private
//! copies here. It reads one thing of the readers, their masks, and a mask can only ever keep slots from being used.
//! A line whose owner the kernel calls dead is disregarded but never written: its next owner, who has locked it,
//! zeroes it. If that owner locks after the probe, it also sets its bit after the writer's fence, and its check fails.
//!
//! # Nothing comes of what is still to come
//!
//! C11 lets a load return what, by way of another thread, comes of a store behind it in its own thread, and some hardware
//! does reorder a load with a later store ("load buffering"). No ordering below is there for that alone, so this is why it
//! cannot happen. Such a circle runs forwards in the writer, from a load to a later store, then through a reader, from a
//! load of that store to a store of its own, back to a load of the writer, perhaps several times. On each of its ways
//! through a reader, one of the two words that it crosses is a Release that an Acquire reads:
//!
//! - In by `latest` or by a number to sleep on: these are.
//! - In by a sequence, or by the bytes of a frame: then out by a mask, which the writer's scan acquires, and which was
//!   cleared or emptied with Release, or set behind a fence that comes after the load.
//!
//! With one of the two, the writer's store comes before its load: if the Release leads in, since otherwise the load would
//! come before the very store that it reads; if it leads out, since otherwise the reader's load would. So every way
//! through a reader leads forwards in the writer, and none back to where it began. The writer's hint in `claim` is no
//! Acquire: it may return anything, and anything will do.
//!
//! # How it is checked
//!
//! The crate `rust/model` compiles this file against loom, explores it, and compiles it again with each line that
//! matters taken out or weakened; every such mutant must fail. The text of this file is the input of that check: a
//! mutation names the exact source it replaces, and a mutation that no longer applies is an error.

use crate::sync::{AtomicU32, AtomicU64, Mutex, Ordering, fence};
use std::sync::PoisonError;

/// The most buffers a segment can have: `latest` has 8 bits for the slot, a mask has 32.
pub(crate) const MAX_SLOTS: usize = 16;

/// The words of a segment, written by its writer alone: in mapped memory, on the heap, or in a model.
pub(crate) trait Words {
    /// The newest complete frame, packed by [`Latest::pack`]; 0 before the first.
    fn latest(&self) -> &AtomicU64;
    /// The sequence of the frame in `slot`: 0 never written, odd while bytes may be changing, else complete.
    fn sequence(&self, slot: usize) -> &AtomicU64;
}

/// The words that readers sleep on, written by the writer alone. Both count publishes and changes of state.
///
/// There are two, since whoever can map a word can reach everybody who sleeps on it: wake them for nothing, or move them
/// to a word that nobody rings. Who may write leases sleeps apart from those who may only see the frames.
pub(crate) trait Bells {
    /// For those who can open the leases file.
    fn bell(&self) -> &AtomicU32;
    /// For all others.
    fn notify(&self) -> &AtomicU32;
    /// Wakes those who sleep on either word. Never waits.
    fn wake(&self);
}

/// The lease lines: the masks, each written by its reader alone, and the kernel's word on who lives.
pub(crate) trait Lines {
    /// How many lines there are.
    fn count(&self) -> usize;
    /// The slots that the owner of `line` names, one bit each.
    fn mask(&self, line: usize) -> &AtomicU32;
    /// Whether somebody alive owns `line`, as the kernel knows it (a lock that dies with its owner).
    fn is_live(&self, line: usize) -> bool;
}

/// One value of the `latest` word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Latest {
    pub(crate) sequence: u64,
    pub(crate) slot: usize,
}

impl Latest {
    pub(crate) fn pack(self) -> u64 {
        self.sequence << 8 | self.slot as u64
    }

    /// The frame that a word names; `None` for "no frame yet". The slot may be any number below 256: check it.
    pub(crate) fn unpack(word: u64) -> Option<Latest> {
        (word != 0).then_some(Latest { sequence: word >> 8, slot: (word & 0xff) as usize })
    }

    /// The newest complete frame.
    pub(crate) fn load(words: &impl Words) -> Option<Latest> {
        // Acquire, with the Release in `publish`: the caller's reads of this frame's pixels and descriptor must not
        // move before this load, or they could see the slot as it was before the frame.
        Latest::unpack(words.latest().load(Ordering::Acquire))
    }
}

/// The number to sleep on, from the one of the [`Bells`] on which it is to be slept. Take it *before* looking for a frame,
/// and sleep only while it has not changed.
pub(crate) fn glance(word: &AtomicU32) -> u32 {
    // Acquire, with the Releases in `notify`: the look at `latest` that follows must not move before this load. If it
    // did, it could miss a frame whose increment is already in the number, and the sleep would miss its wake-up.
    word.load(Ordering::Acquire)
}

/// The writer's half: which slots hold what, in private memory.
#[derive(Debug)]
pub(crate) struct Publisher {
    slots: usize,
    held_limit: u32,
    last: u64,
    latest: Option<usize>,
    notified: u32,
    sequences: [u64; MAX_SLOTS],
}

impl Publisher {
    /// The writer of a fresh segment of `slots` buffers, whose readers may hold `held_limit` of them each.
    pub(crate) fn new(slots: usize, held_limit: u32) -> Publisher {
        assert!((3..=MAX_SLOTS).contains(&slots), "a segment has 3 to 16 buffers");
        Publisher { slots, held_limit, last: 0, latest: None, notified: 0, sequences: [0; MAX_SLOTS] }
    }

    /// How many buffers there are.
    pub(crate) fn slots(&self) -> usize {
        self.slots
    }

    /// The slot of the newest frame.
    pub(crate) fn latest(&self) -> Option<usize> {
        self.latest
    }

    /// One more buffer exists: its memory is there, its sequence is 0.
    pub(crate) fn grow(&mut self) {
        assert!(self.slots < MAX_SLOTS, "a segment has at most 16 buffers");
        self.slots += 1;
    }

    /// Takes a slot to write into, oldest first, or none if each is held. Never waits: it looks at each slot at most once.
    ///
    /// `pinned` names slots that are not to be taken, whatever the readers say. When this returns a slot, its sequence
    /// is odd and every byte of it is the caller's until [`publish`](Self::publish) or for ever.
    pub(crate) fn claim(&mut self, words: &impl Words, lines: &impl Lines, pinned: u32) -> Option<usize> {
        let mut open = self.open(pinned);
        // A hint, with no ordering of its own: slots that no mask names are tried first, so that in the usual case no
        // liveness probe (a system call) is made. Dead owners' slots come second.
        let named = named(lines);
        while let Some(slot) = self.oldest(open & !named).or_else(|| self.oldest(open)) {
            let sequence = words.sequence(slot);
            // Relaxed: the fence below keeps this store before the scan and before every byte written to the slot.
            sequence.store(self.last + 1, Ordering::Relaxed);
            // The writer's half of the handshake. The scan must not move before the odd sequence: a reader could name
            // the slot and find it unchanged in between. For copying observers it is also the release fence of the
            // seqlock: no byte of the new frame may become visible before the odd sequence.
            fence(Ordering::SeqCst);
            if self.is_held(lines, slot) {
                // The sequence stays odd: only a reader that is late can find it so, and it is to look again anyway.
                open &= !(1 << slot);
                continue;
            }
            return Some(slot);
        }
        None
    }

    /// Makes the frame in a claimed slot the newest, and wakes the sleepers. Pixels and descriptor are complete; gives the
    /// frame's sequence.
    pub(crate) fn publish(&mut self, words: &impl Words, bells: &impl Bells, slot: usize) -> u64 {
        self.last += 2;
        self.latest = Some(slot);
        self.sequences[slot] = self.last;
        // Relaxed: nobody looks for this sequence who has not read it in `latest`, whose Release comes after.
        words.sequence(slot).store(self.last, Ordering::Relaxed);
        // Release: pixels, descriptor and the even sequence must not move after this store; it is what readers acquire.
        words.latest().store(Latest { sequence: self.last, slot }.pack(), Ordering::Release);
        self.notify(bells);
        self.last
    }

    /// Ends the sleep of whoever glanced before this call: a frame or a state is new.
    pub(crate) fn notify(&mut self, bells: &impl Bells) {
        self.notified = self.notified.wrapping_add(1);
        // Release, on both: the store of `latest`, or of the state, must not move after these. See `glance`.
        bells.bell().store(self.notified, Ordering::Release);
        bells.notify().store(self.notified, Ordering::Release);
        // After the stores. The kernel compares the word with the number glanced at once more, under a lock of its own,
        // before it lets anybody sleep; so who was let sleep is there to be woken, and who comes later does not sleep.
        bells.wake();
    }

    /// Whether no slot could be claimed now. A look, not a promise: a reader may name or leave a slot at any time.
    pub(crate) fn is_exhausted(&self, lines: &impl Lines, pinned: u32) -> bool {
        let open = self.open(pinned);
        open & !named(lines) == 0 && self.free(lines, pinned) == 0
    }

    /// How many slots could be claimed now, dead owners' among them.
    pub(crate) fn free(&self, lines: &impl Lines, pinned: u32) -> usize {
        let open = self.open(pinned);
        (0..self.slots).filter(|&slot| open & 1 << slot != 0 && !self.is_held(lines, slot)).count()
    }

    fn open(&self, pinned: u32) -> u32 {
        let all = (1u32 << self.slots) - 1;
        all & !pinned & !self.latest.map_or(0, |slot| 1 << slot)
    }

    fn oldest(&self, among: u32) -> Option<usize> {
        (0..self.slots).filter(|slot| among & 1 << slot != 0).min_by_key(|&slot| self.sequences[slot])
    }

    fn is_held(&self, lines: &impl Lines, slot: usize) -> bool {
        (0..lines.count()).any(|line| {
            // Acquire, with the Releases in `Holds::release` and `adopt`: our writes into the slot must not move before
            // this load, or they could reach a reader that has not finished with it.
            let mask = lines.mask(line).load(Ordering::Acquire);
            // More bits than a handle can hold is not a mask that this protocol writes: it protects nothing.
            mask & 1 << slot != 0 && mask.count_ones() <= self.held_limit && lines.is_live(line)
        })
    }
}

/// The slots that any line names, its owner dead or alive.
fn named(lines: &impl Lines) -> u32 {
    (0..lines.count()).map(|line| lines.mask(line).load(Ordering::Relaxed)).fold(0, |union, mask| union | mask)
}

/// What an attempt to hold the newest frame came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// The frame is in its slot and stays there until the hold is released.
    Held(Latest),
    /// There is no frame newer than the one named.
    Nothing,
    /// The writer took the slot back in between: there is a newer frame by now.
    Overtaken,
    /// The handle holds as many slots as it may.
    TooMany,
    /// `latest` names a slot that this segment cannot have.
    Impossible(Latest),
}

/// The reader's half: what one handle holds. A handle may be used by several threads, and several holds of one frame
/// share a bit; count and bit change together, under one lock, in which nothing allocates or calls back.
#[derive(Debug)]
pub(crate) struct Holds {
    counts: Mutex<[u32; MAX_SLOTS]>,
    limit: u32,
}

impl Holds {
    pub(crate) fn new(limit: u32) -> Holds {
        Holds { counts: Mutex::new([0; MAX_SLOTS]), limit }
    }

    /// How many slots the handle may hold.
    pub(crate) fn limit(&self) -> u32 {
        self.limit
    }

    /// Tries once to hold the newest frame, if it is newer than `seen` and in one of the first `slots` slots.
    pub(crate) fn try_hold(&self, words: &impl Words, mask: &AtomicU32, seen: u64, slots: usize) -> Attempt {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        // The look must not move before the bits that this handle cleared. A handle that cleared one, and still sees an
        // old frame, would name that frame's slot as well: a writer whose scan saw the old bit, and then the new one,
        // would find two buffers taken by one hold, and drop a frame although there are enough. A store before a load,
        // on both sides (there: `latest`, then the scan behind the fence), so it takes a fence on both.
        fence(Ordering::SeqCst);
        let Some(newest) = Latest::load(words).filter(|newest| newest.sequence > seen) else {
            return Attempt::Nothing;
        };
        let slot = newest.slot;
        if slot >= slots.min(MAX_SLOTS) {
            return Attempt::Impossible(newest);
        }
        if counts[slot] == 0 && counts.iter().filter(|&&count| count > 0).count() >= self.limit as usize {
            return Attempt::TooMany;
        }
        counts[slot] += 1;
        if counts[slot] == 1 {
            // Relaxed: the fence below keeps it before the check. Whoever sees this bit and misses one that was cleared
            // before may write to that slot: the fence above has released what was read there.
            mask.fetch_or(1 << slot, Ordering::Relaxed);
        }
        // The reader's half of the handshake. The check must not move before the bit: the writer could scan in between,
        // find the slot free, and write into it behind a check that has already passed.
        fence(Ordering::SeqCst);
        // Relaxed: the frame's bytes came with `latest`; that they stay is between the two fences.
        if words.sequence(slot).load(Ordering::Relaxed) == newest.sequence {
            return Attempt::Held(newest);
        }
        give_back(&mut counts, mask, slot);
        Attempt::Overtaken
    }

    /// Ends one hold of `slot`. The caller has finished with its bytes.
    pub(crate) fn release(&self, mask: &AtomicU32, slot: usize) {
        give_back(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner), mask, slot);
    }
}

fn give_back(counts: &mut [u32; MAX_SLOTS], mask: &AtomicU32, slot: usize) {
    counts[slot] -= 1;
    if counts[slot] == 0 {
        // Release: this handle's reads of the slot must not move after the bit is gone; the writer acquires it.
        mask.fetch_and(!(1 << slot), Ordering::Release);
    }
}

/// Empties a line that its new owner has just locked, before its first use.
pub(crate) fn adopt(mask: &AtomicU32) {
    // Release: what the dead owner read, which the kernel's lock put before us, must not move after this store. A writer
    // that sees the line empty has no probe to order it.
    mask.store(0, Ordering::Release);
}

/// Copies the frame that `newest` names, for a reader that holds nothing: `None` if the writer took the slot meanwhile.
///
/// `sequence` loads the slot's sequence and `copy` copies what it guards. This is a seqlock: a torn copy is made and
/// thrown away, never returned.
pub(crate) fn observe<T>(newest: Latest, sequence: impl Fn() -> u64, copy: impl FnOnce() -> T) -> Option<T> {
    if sequence() != newest.sequence {
        return None;
    }
    let copied = copy();
    // The second look must not move before the copy. Acquire: if any copied byte was of a later frame, its writer's
    // fence makes the odd sequence, or a later one, visible to the load below.
    fence(Ordering::Acquire);
    (sequence() == newest.sequence).then_some(copied)
}
