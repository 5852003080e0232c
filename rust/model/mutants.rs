//! What the protocol file must not lose: each mutant takes one thing away, and names the stories that miss it.
//!
//! Read by `build.rs`, which writes each mutant's file and its tests.

/// The protocol file with something taken away.
pub(crate) struct Mutant {
    pub(crate) name: &'static str,
    /// What is replaced by what. Each text must occur exactly once in the file.
    pub(crate) edits: &'static [(&'static str, &'static str)],
    /// The scenario that fails, and the promise (in `src/promise.rs`) whose breaking it must be.
    pub(crate) caught_by: &'static [(&'static str, &'static str)],
}

pub(crate) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "without_the_scan_behind_the_fence",
        edits: &[("if self.is_held(lines, slot) {", "if false {")],
        caught_by: &[],
    },
    Mutant {
        name: "without_the_readers_check",
        edits: &[("if words.sequence(slot).load(Ordering::Relaxed) == newest.sequence {", "if true {")],
        caught_by: &[],
    },
    Mutant {
        name: "without_the_writers_fence",
        edits: &[("fence(Ordering::SeqCst);\n            if self.is_held", "if self.is_held")],
        caught_by: &[],
    },
    Mutant {
        name: "writers_fence_weakened",
        edits: &[("fence(Ordering::SeqCst);\n            if self.is_held", "fence(Ordering::AcqRel);\n            if self.is_held")],
        caught_by: &[],
    },
    Mutant {
        name: "without_the_readers_fence",
        edits: &[("fence(Ordering::SeqCst);\n        // Relaxed: the frame's bytes", "// Relaxed: the frame's bytes")],
        caught_by: &[],
    },
    Mutant {
        name: "readers_fence_weakened",
        edits: &[("fence(Ordering::SeqCst);\n        // Relaxed: the frame's bytes", "fence(Ordering::AcqRel);\n        // Relaxed: the frame's bytes")],
        caught_by: &[],
    },
    Mutant {
        name: "without_the_odd_sequence",
        edits: &[("sequence.store(self.last + 1, Ordering::Relaxed);", "")],
        caught_by: &[],
    },
    Mutant {
        name: "odd_sequence_behind_the_fence",
        edits: &[("sequence.store(self.last + 1, Ordering::Relaxed);", ""),
        ("if self.is_held(lines, slot) {", "sequence.store(self.last + 1, Ordering::Relaxed); if self.is_held(lines, slot) {")],
        caught_by: &[],
    },
    Mutant {
        name: "without_the_restore",
        edits: &[("sequence.store(self.sequences[slot], Ordering::Relaxed);", "")],
        caught_by: &[],
    },
    Mutant {
        name: "cancel_forgotten",
        edits: &[("self.sequences[slot] = self.last + 1;\n", "")],
        caught_by: &[],
    },
    Mutant {
        name: "cancel_restores",
        edits: &[("self.sequences[slot] = self.last + 1;\n", ""),
          ("-> Option<usize> {\n        let mut open", "-> Option<usize> {\n for (slot, &old) in self.sequences[..self.slots].iter().enumerate() { words.sequence(slot).store(old, Ordering::Relaxed); }        let mut open")],
        caught_by: &[],
    },
    Mutant {
        name: "a_reaper_writes_the_line",
        edits: &[("&& lines.is_live(line)", "&& (lines.is_live(line) || { lines.mask(line).store(0, Ordering::Relaxed); false })")],
        caught_by: &[],
    },
    Mutant {
        name: "the_dead_are_held",
        edits: &[("&& lines.is_live(line)", "")],
        caught_by: &[],
    },
    Mutant {
        name: "the_living_are_dead",
        edits: &[("&& lines.is_live(line)", "&& !lines.is_live(line)")],
        caught_by: &[],
    },
    Mutant {
        name: "latest_load_relaxed",
        edits: &[("words.latest().load(Ordering::Acquire)", "words.latest().load(Ordering::Relaxed)")],
        caught_by: &[],
    },
    Mutant {
        name: "latest_store_relaxed",
        edits: &[("words.latest().store(Latest { sequence: self.last, slot }.pack(), Ordering::Release)", "words.latest().store(Latest { sequence: self.last, slot }.pack(), Ordering::Relaxed)")],
        caught_by: &[],
    },
    Mutant {
        name: "notify_load_relaxed",
        edits: &[("words.notify().load(Ordering::Acquire)", "words.notify().load(Ordering::Relaxed)")],
        caught_by: &[],
    },
    Mutant {
        name: "notify_store_relaxed",
        edits: &[("words.notify().store(self.notified, Ordering::Release)", "words.notify().store(self.notified, Ordering::Relaxed)")],
        caught_by: &[],
    },
    Mutant {
        name: "scan_relaxed",
        edits: &[("lines.mask(line).load(Ordering::Acquire)", "lines.mask(line).load(Ordering::Relaxed)")],
        caught_by: &[],
    },
    Mutant {
        name: "give_back_relaxed",
        edits: &[("mask.fetch_and(!(1 << slot), Ordering::Release)", "mask.fetch_and(!(1 << slot), Ordering::Relaxed)")],
        caught_by: &[],
    },
    Mutant {
        name: "give_back_stored",
        edits: &[("mask.fetch_and(!(1 << slot), Ordering::Release)", "mask.store(mask.load(Ordering::Relaxed) & !(1 << slot), Ordering::Release)")],
        caught_by: &[],
    },
    Mutant {
        name: "adopt_relaxed",
        edits: &[("mask.store(0, Ordering::Release)", "mask.store(0, Ordering::Relaxed)")],
        caught_by: &[],
    },
    Mutant {
        name: "without_adopt",
        edits: &[("mask.store(0, Ordering::Release);", "")],
        caught_by: &[],
    },
    Mutant {
        name: "without_the_observers_fence",
        edits: &[("fence(Ordering::Acquire);", "")],
        caught_by: &[],
    },
    Mutant {
        name: "without_the_observers_first_look",
        edits: &[("if sequence() != newest.sequence {", "if false {")],
        caught_by: &[],
    },
    Mutant {
        name: "without_the_observers_second_look",
        edits: &[("(sequence() == newest.sequence).then_some(copied)", "Some(copied)")],
        caught_by: &[],
    },
    Mutant {
        name: "bit_stored",
        edits: &[("mask.fetch_or(1 << slot, Ordering::Relaxed)", "mask.store(mask.load(Ordering::Relaxed) | 1 << slot, Ordering::Relaxed)")],
        caught_by: &[],
    },
    Mutant {
        name: "bit_cleared_too_early",
        edits: &[("counts[slot] -= 1;\n    if counts[slot] == 0 {", "counts[slot] -= 1;\n    {")],
        caught_by: &[],
    },
    Mutant {
        name: "one_hold_too_many",
        edits: &[(">= self.limit as usize", "> self.limit as usize")],
        caught_by: &[],
    },
    Mutant {
        name: "latest_before_the_sequence",
        edits: &[
          ("words.sequence(slot).store(self.last, Ordering::Relaxed);\n", ""),
          ("self.notify(words);\n        self.last", "words.sequence(slot).store(self.last, Ordering::Relaxed); self.notify(words);\n        self.last"),
        ],
        caught_by: &[],
    },
    Mutant {
        name: "notify_before_latest",
        edits: &[
          ("self.last += 2;\n", "self.last += 2;\n self.notify(words);"),
          ("self.notify(words);\n        self.last\n", "self.last\n"),
        ],
        caught_by: &[],
    },
    Mutant {
        name: "without_the_bound",
        edits: &[("slot >= slots.min(MAX_SLOTS)", "slot >= MAX_SLOTS")],
        caught_by: &[],
    },
    Mutant {
        name: "the_newest_is_taken",
        edits: &[("& !self.latest.map_or(0, |slot| 1 << slot)", "")],
        caught_by: &[],
    },
    Mutant {
        name: "a_failed_attempt_keeps_its_bit",
        edits: &[("give_back(&mut counts, mask, slot);\n        Attempt", "Attempt")],
        caught_by: &[],
    },
    Mutant {
        name: "look_outside_the_lock",
        edits: &[("let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);\n", "let look = Latest::load(words);\nlet mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);\n"),
        ("let Some(newest) = Latest::load(words).filter", "let Some(newest) = look.filter")],
        caught_by: &[],
    },
];
