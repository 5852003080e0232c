//! What the protocol must not lose: each mutant takes one thing away, and names the stories that miss it.
//!
//! `build.rs` makes a copy of the protocol file from each, and a test from each story that it names.

/// A copy of the protocol file with something taken away.
pub(crate) struct Mutant {
    pub(crate) name: &'static str,
    /// What is replaced, and by what. The first must occur exactly once in the file.
    pub(crate) edits: &'static [(&'static str, &'static str)],
    /// A story of `src/scenarios` that fails, and the promise of `src/promise.rs` that it must fail by.
    pub(crate) caught_by: &'static [(&'static str, &'static str)],
}

pub(crate) const MUTANTS: &[Mutant] = &[
    // The handshake, step by step.
    Mutant {
        name: "without_the_second_scan",
        edits: &[("if self.is_held(lines, slot) {", "if false {")],
        caught_by: &[
            ("ONE_READER", "RACE"),
            ("TWO_READERS", "RACE"),
            ("ONE_HANDLE", "RACE"),
            ("OBSERVER_BESIDE_READER", "RACE"),
        ],
    },
    Mutant {
        name: "without_the_readers_check",
        edits: &[("if words.sequence(slot).load(Ordering::Relaxed) == newest.sequence {", "if true {")],
        caught_by: &[("ONE_READER", "RACE"), ("TWO_READERS", "RACE"), ("ONE_HANDLE", "RACE")],
    },
    Mutant {
        name: "without_the_writers_fence",
        edits: &[("fence(Ordering::SeqCst);\n            if self.is_held", "if self.is_held")],
        caught_by: &[("ONE_READER", "RACE"), ("TWO_READERS", "RACE"), ("OBSERVER", "TORN")],
    },
    Mutant {
        name: "writers_fence_not_sequentially_consistent",
        edits: &[(
            "fence(Ordering::SeqCst);\n            if self.is_held",
            "fence(Ordering::AcqRel);\n            if self.is_held",
        )],
        caught_by: &[("ONE_READER", "RACE"), ("TWO_READERS", "RACE")],
    },
    Mutant {
        name: "without_the_readers_fence",
        edits: &[("fence(Ordering::SeqCst);\n        // Relaxed: the frame's", "// Relaxed: the frame's")],
        caught_by: &[("ONE_READER", "RACE"), ("TWO_READERS", "RACE")],
    },
    Mutant {
        name: "readers_fence_not_sequentially_consistent",
        edits: &[(
            "fence(Ordering::SeqCst);\n        // Relaxed: the frame's",
            "fence(Ordering::AcqRel);\n        // Relaxed: the frame's",
        )],
        caught_by: &[("ONE_READER", "RACE"), ("TWO_READERS", "RACE")],
    },
    Mutant {
        name: "fence_before_the_look_not_sequentially_consistent",
        edits: &[(
            "fence(Ordering::SeqCst);\n        let Some(newest)",
            "fence(Ordering::AcqRel);\n        let Some(newest)",
        )],
        caught_by: &[("TWO_READS", "PROGRESS")],
    },
    Mutant {
        name: "without_the_odd_sequence",
        edits: &[("sequence.store(self.last + 1, Ordering::Relaxed);", "")],
        caught_by: &[("ONE_READER", "RACE"), ("OBSERVER", "TORN")],
    },
    Mutant {
        name: "odd_sequence_behind_the_fence",
        edits: &[
            ("sequence.store(self.last + 1, Ordering::Relaxed);", ""),
            (
                "if self.is_held(lines, slot) {",
                "sequence.store(self.last + 1, Ordering::Relaxed);\nif self.is_held(lines, slot) {",
            ),
        ],
        caught_by: &[("ONE_READER", "RACE"), ("OBSERVER", "TORN")],
    },
    Mutant {
        name: "the_newest_frames_slot_is_taken",
        edits: &[("& !self.latest.map_or(0, |slot| 1 << slot)", "")],
        caught_by: &[("DEAD_READER", "NEWEST")],
    },
    // A cancelled loan has handed bytes out: this one puts the sequence of the frame that was there back all the same.
    Mutant {
        name: "a_cancelled_loan_is_restored",
        edits: &[(
            "let mut open = self.open(pinned);",
            "let mut open = self.open(pinned);\n\
             for (slot, old) in self.sequences[..self.slots].iter().enumerate() {\n\
             words.sequence(slot).store(*old, Ordering::Relaxed);\n\
             }",
        )],
        caught_by: &[("CANCELLED", "RACE")],
    },
    // Life and death.
    Mutant {
        name: "a_reaper_writes_the_line",
        edits: &[(
            "&& lines.is_live(line)",
            "&& (lines.is_live(line) || { lines.mask(line).store(0, Ordering::Relaxed); false })",
        )],
        caught_by: &[("HEIR", "RACE")],
    },
    Mutant {
        name: "the_dead_hold_for_ever",
        edits: &[("&& lines.is_live(line)", "")],
        caught_by: &[("DEAD_READER", "PROGRESS")],
    },
    Mutant {
        name: "a_line_is_not_emptied",
        edits: &[("mask.store(0, Ordering::Release);", "")],
        caught_by: &[("HEIR", "RACE"), ("TWO_HEIRS", "RACE")],
    },
    // The handle's counts.
    Mutant {
        name: "the_first_release_clears_the_bit",
        edits: &[("counts[slot] -= 1;\n    if counts[slot] == 0 {", "counts[slot] -= 1;\n    {")],
        caught_by: &[("ONE_HANDLE", "RACE")],
    },
    Mutant {
        name: "a_failed_attempt_keeps_its_bit",
        edits: &[("give_back(&mut counts, mask, slot);\n        Attempt", "Attempt")],
        caught_by: &[("ONE_READER", "NEWEST")],
    },
    Mutant {
        name: "one_hold_too_many",
        edits: &[(">= self.limit as usize", "> self.limit as usize")],
        caught_by: &[("ONE_HANDLE", "RACE")],
    },
    Mutant {
        name: "the_look_outside_the_lock",
        edits: &[
            (
                "let mut counts = self.counts.lock()",
                "let look = Latest::load(words);\nlet mut counts = self.counts.lock()",
            ),
            ("let Some(newest) = Latest::load(words)", "let Some(newest) = look"),
        ],
        caught_by: &[("ONE_HANDLE", "ORDER")],
    },
    Mutant {
        name: "any_slot_is_possible",
        edits: &[("slot >= slots.min(MAX_SLOTS)", "slot >= MAX_SLOTS")],
        caught_by: &[("GROWTH", "BOUND")],
    },
    Mutant {
        name: "never_exhausted",
        edits: &[("open & !named(lines) == 0 && self.free(lines, pinned) == 0", "false")],
        caught_by: &[("GROWTH_BESIDE_OBSERVER", "PROGRESS")],
    },
    // The order of a publish.
    Mutant {
        name: "latest_before_the_sequence",
        edits: &[
            ("words.sequence(slot).store(self.last, Ordering::Relaxed);", ""),
            (
                "self.notify(bells);\n        self.last",
                "words.sequence(slot).store(self.last, Ordering::Relaxed);\nself.notify(bells);\nself.last",
            ),
        ],
        caught_by: &[("WAKE_UP", "NEWEST")],
    },
    Mutant {
        name: "notify_before_latest",
        edits: &[
            ("self.last += 2;", "self.last += 2;\nself.notify(bells);"),
            ("self.notify(bells);\n        self.last\n", "self.last\n"),
        ],
        caught_by: &[("WAKE_UP", "WAKE_UP"), ("SLEEPERS", "ASLEEP")],
    },
    // The two words that readers sleep on.
    Mutant {
        name: "the_bell_is_not_stored",
        edits: &[("bells.bell().store(self.notified, Ordering::Release);", "")],
        caught_by: &[("SLEEPERS", "ASLEEP")],
    },
    Mutant {
        name: "notify_is_not_stored",
        edits: &[("bells.notify().store(self.notified, Ordering::Release);", "")],
        caught_by: &[("SLEEPERS", "ASLEEP")],
    },
    Mutant { name: "nobody_is_woken", edits: &[("bells.wake();", "")], caught_by: &[("SLEEPERS", "ASLEEP")] },
    Mutant {
        name: "woken_before_the_stores",
        edits: &[
            ("bells.bell().store(self.notified", "bells.wake();\nbells.bell().store(self.notified"),
            ("        bells.wake();\n    }", "    }"),
        ],
        caught_by: &[("SLEEPERS", "ASLEEP")],
    },
    Mutant {
        name: "woken_between_the_stores",
        edits: &[
            ("bells.notify().store(self.notified", "bells.wake();\nbells.notify().store(self.notified"),
            ("        bells.wake();\n    }", "    }"),
        ],
        caught_by: &[("SLEEPERS", "ASLEEP")],
    },
    // The observer's seqlock.
    Mutant {
        name: "without_the_observers_second_look",
        edits: &[("(sequence() == newest.sequence).then_some(copied)", "Some(copied)")],
        caught_by: &[("OBSERVER", "TORN"), ("OBSERVER_BESIDE_READER", "TORN"), ("GROWTH_BESIDE_OBSERVER", "TORN")],
    },
    Mutant {
        name: "without_the_observers_fence",
        edits: &[("fence(Ordering::Acquire);", "")],
        caught_by: &[("OBSERVER", "TORN"), ("GROWTH_BESIDE_OBSERVER", "TORN")],
    },
    // Each ordering that is not Relaxed, made Relaxed.
    Mutant {
        name: "latest_loaded_relaxed",
        edits: &[("words.latest().load(Ordering::Acquire)", "words.latest().load(Ordering::Relaxed)")],
        // Holders have the fence between this load and the pixels; observers have nothing else.
        caught_by: &[("OBSERVER", "TORN")],
    },
    Mutant {
        name: "latest_stored_relaxed",
        edits: &[("slot }.pack(), Ordering::Release)", "slot }.pack(), Ordering::Relaxed)")],
        caught_by: &[("ONE_READER", "RACE"), ("TWO_READERS", "RACE"), ("OBSERVER", "TORN")],
    },
    Mutant {
        name: "number_loaded_relaxed",
        edits: &[("word.load(Ordering::Acquire)", "word.load(Ordering::Relaxed)")],
        caught_by: &[("WAKE_UP", "WAKE_UP")],
    },
    Mutant {
        name: "bell_stored_relaxed",
        edits: &[(
            "bells.bell().store(self.notified, Ordering::Release)",
            "bells.bell().store(self.notified, Ordering::Relaxed)",
        )],
        caught_by: &[("WAKE_UP", "WAKE_UP")],
    },
    Mutant {
        name: "notify_stored_relaxed",
        edits: &[(
            "bells.notify().store(self.notified, Ordering::Release)",
            "bells.notify().store(self.notified, Ordering::Relaxed)",
        )],
        caught_by: &[("WAKE_UP", "WAKE_UP")],
    },
    Mutant {
        name: "masks_scanned_relaxed",
        edits: &[("lines.mask(line).load(Ordering::Acquire)", "lines.mask(line).load(Ordering::Relaxed)")],
        caught_by: &[("ONE_READER", "RACE"), ("TWO_READERS", "RACE")],
    },
    Mutant {
        name: "bit_cleared_relaxed",
        edits: &[(
            "mask.fetch_and(!(1 << slot), Ordering::Release)",
            "mask.fetch_and(!(1 << slot), Ordering::Relaxed)",
        )],
        caught_by: &[("ONE_READER", "RACE"), ("TWO_READERS", "RACE")],
    },
    Mutant {
        name: "line_emptied_relaxed",
        edits: &[("mask.store(0, Ordering::Release)", "mask.store(0, Ordering::Relaxed)")],
        caught_by: &[("HEIR", "RACE"), ("TWO_HEIRS", "RACE")],
    },
];
