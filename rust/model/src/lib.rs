//! The model check of `rust/core/src/protocol.rs`: `cargo test --release -p billiards-video-model`.
//!
//! The crate compiles the very file that the core compiles, against [loom]'s atomics, and tells it short stories: a
//! writer, readers and observers, one that is killed, one that inherits its line. loom runs a story once for each way in
//! which its threads can interleave and each value that the C11 memory model lets a load return, and the stories
//! insist on the promises:
//!
//! - No byte of a held buffer is handed out. A witness outside of the modelled memory counts who holds what; and
//!   loom itself fails on any two accesses to pixels, one of them a write, that no happens-before orders.
//! - A frame read is the frame published: each frame shows its own sequence, from the first look to the last.
//! - `latest` names a complete frame, also when the writer is killed in the middle of the next one.
//! - The writer always finds a buffer if there are two more than frames held or asked for at once.
//! - A reader never goes back, is never sent to a buffer that it does not know of, and sleeps on no number whose
//!   frame it has not seen. Whoever sleeps, on either word, is woken.
//!
//! # That it bites
//!
//! `mutants.rs` lists what the protocol must not lose: each step of the handshake, each ordering that is not
//! Relaxed. The build makes a copy of the protocol file without it, and a test that fails unless the named story
//! breaks the named promise. A mutation is a replacement of text that occurs once in the file: where the file
//! changes, the build says which mutants have to be written again. `--nocapture` prints how many executions each
//! story has, and in which one each mutant is caught.
//!
//! # The files
//!
//! `sync` is what the protocol file takes for its atomics. `memory` is the segment, `actors` are the writer and the
//! reader that follow the protocol, `kernel` is a futex, `scenarios` the stories; the last two are compiled once more for each mutant,
//! beside its copy of the file. `promise` has the words for what can break, `exploration` runs loom.
//!
//! `LOOM_LOCATION=1` in the environment makes loom name both sides of a race.
//!
//! # How far
//!
//! A story of two threads is told in full, or up to a number of interruptions where that takes minutes; a story of three
//! only up to a number. The bound stands at the story. `make soundness` (`BILLIARDS_VIDEO_SOUNDNESS=full`) has one
//! interruption more, or all of them. No mutant needs the wider bound.
//!
//! To loom, a `fence(SeqCst)` is no step: nobody is interrupted between it and the access before it, so of two fences it
//! tells one order for each order of the accesses around them. The stories in which two threads make fences are told a
//! second time, with fences that are steps (`sync::Fences`), up to two interruptions, or three.
//!
//! # What it does not show, and what covers that
//!
//! - **More threads, longer lives.** A story is a few frames long. loom offers the last seven values of a word, no older,
//!   and five threads. `rust/races` runs the same file with real threads on the heap for as long as one likes, under Miri
//!   and `ThreadSanitizer`; the campaigns in `rust/core/tests/soundness` read millions of frames in real processes.
//! - **What fences do not order.** To loom a `fence(SeqCst)` also orders plain memory with every earlier one; in
//!   C11 it orders only what is atomic. So nothing may rest on two fences alone that guards pixels, and nothing
//!   does: a reader's looks come after the writer's drawing by the Release and Acquire of `latest`, and before its
//!   next drawing by those of the mask, of `adopt`, or of the kernel's lock; the two fences decide who backs off. Miri
//!   does not take the order of two fences for an order of plain memory: a race that only they prevent is one to it.
//! - **Load buffering**: a load that returns what, by way of another thread, comes of a store behind it. loom runs its
//!   threads forwards, and so does Miri; x86 never does it, 64-bit ARM may. `protocol.rs` shows that no circle of that
//!   kind closes, but for the writer's hint, which may be anything. There is only that argument, and no test.
//! - **`SeqCst` accesses**, which loom takes for less than they are. The protocol has none, only fences.
//! - **Frames of more than one word.** Here a frame is one number, since each of its bytes is guarded like every other.
//!   Descriptors and pixels by the megabyte, and the streaming stores that owe a store fence before the publish, are in
//!   the campaigns of torn frames.
//! - **A death in the middle of a step.** Here an actor dies between two calls of the protocol, and keeps what it holds.
//!   `soundness/kills` kills real processes at every single instruction of them, and of start-up, healing and clean-up.
//! - **The kernel**: `kernel` says what a futex promises, `memory` what a lock of a byte does; that Linux keeps to it, in
//!   several processes, across namespaces, under signals, is tested in `rust/core/tests/bus`.
//! - **A neighbour that breaks the rules.** A reader that writes nonsense to its line, a writer that writes nonsense to its
//!   header: `soundness/hostile`, and the fuzzer in `rust/fuzz`.
//!
//! [loom]: https://docs.rs/loom

#[cfg(test)]
mod exploration;
#[cfg(test)]
mod intact;
#[cfg(test)]
mod kernel;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod promise;
#[cfg(test)]
#[path = "../../core/tests/bus/support/size.rs"]
#[allow(dead_code, reason = "the core's campaigns ask more of it")]
mod size;
#[cfg(test)]
mod sync;

#[cfg(test)]
mod mutants {
    include!(concat!(env!("OUT_DIR"), "/mutants.rs"));
}
