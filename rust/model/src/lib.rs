//! The model check of `rust/core/src/protocol.rs`: `cargo test --release -p billiards-video-model`.
//!
//! The crate compiles the very file that the core compiles, against [loom]'s atomics, and tells it short stories: a
//! writer, a reader or two, one that is killed, one that inherits its line. loom runs a story once for each way in
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
//! # What it does not show
//!
//! - **More threads, longer lives.** A story is a few frames long and has two threads, or three with a bound on how
//!   often they interrupt each other (at the story, with the reason). loom offers the last seven values of a word,
//!   no older.
//! - **What fences do not order.** To loom a `fence(SeqCst)` also orders plain memory with every earlier one; in
//!   C11 it orders only what is atomic. So nothing may rest on two fences alone that guards pixels, and nothing
//!   does: a reader's looks come after the writer's drawing by the Release and Acquire of `latest`, and before its
//!   next drawing by those of the mask, of `adopt`, or of the kernel's lock; the two fences decide who backs off.
//! - **Load buffering**: a load that returns a value stored later in the same run. It cannot reach this protocol.
//!   Each of its loads is an Acquire, or a fence or a Release stands between it and its thread's next store; but
//!   for the writer's hint, which may be anything.
//! - **`SeqCst` accesses**, which loom takes for less than they are. The protocol has none, only fences.
//! - **Everything below and around**: the mapping, a second process, the kernel's locks, the futex, signals,
//!   streaming stores (which owe a store fence before the publish). Real processes cover them, in the tests of the
//!   core and of the package.
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
mod sync;

#[cfg(test)]
mod mutants {
    include!(concat!(env!("OUT_DIR"), "/mutants.rs"));
}
