//! `rust/core/src/protocol.rs` on real threads: `cargo test --release -p billiards-video-races`.
//!
//! The crate compiles the very file that the core compiles, against the same atomics, and runs it in one process over
//! memory on the heap, where race detectors see every access; in the mapped memory of several processes none does. The
//! pixels that leases guard are plain words: any two accesses to one, one of them a write, that no happens-before
//! orders, are undefined behaviour, which is what the tools report. The pixels that observers copy are atomics, since
//! those race by design. Every word of every frame is compared with what its number says, from the first look to the last.
//!
//! The same tests run three times (`setup/sanitize.sh`):
//!
//! - as they are, in `make test`: many frames on the machine's own memory model;
//! - under Miri: few frames, under many schedules; it knows Rust's rules of memory, returns old values from Relaxed loads
//!   where C11 lets it, and reports each race whatever the machine at hand would make of it;
//! - under `ThreadSanitizer`: many frames as compiled.
//!
//! Neither explores every interleaving: that is `rust/model`. They run what loom cannot: more threads, longer lives, std's
//! mutex, and words that are not one number but many.
//!
//! # Fences
//!
//! `ThreadSanitizer` does not know fences, and Miri knows them as C11 does. Were a pixel guarded by two fences and nothing
//! else, the first would report what is no race. None is: a reader's looks come after the writer's drawing by the Release
//! and Acquire of `latest`, and before its next drawing by those of the mask, of `adopt`, or of the kernel's lock; the
//! fences decide who backs off, and who backs off touches no pixel.

#[cfg(test)]
mod actors;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod memory;
#[cfg(test)]
#[path = "../../core/src/protocol.rs"]
#[allow(dead_code, reason = "the core asks things that these stories need not know")]
mod protocol;
#[cfg(test)]
mod stories;
#[cfg(test)]
#[path = "../../core/src/sync.rs"]
#[allow(unused_imports, reason = "the core's door to atomics is wider than the protocol needs")]
mod sync;
