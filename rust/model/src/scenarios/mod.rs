//! The stories that loom explores.
//!
//! Compiled once for each copy of the protocol file: the actors follow the intact one, or a mutant.
//!
//! A story begins with steps of one thread, which cost nothing to explore, and lets its threads loose when everything
//! is in place. A frame held from the start, and a pinned buffer, bring the writer round to a held slot sooner.

mod copying;
mod leasing;
mod sleeping;

pub(crate) use copying::*;
pub(crate) use leasing::*;
pub(crate) use sleeping::*;

use loom::thread::JoinHandle;

fn join<T>(thread: JoinHandle<T>) -> T {
    thread.join().expect("loom stops at the first panic")
}
