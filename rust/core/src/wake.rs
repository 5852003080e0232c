//! Sleeping on a word of shared memory, and waking those who do.
//!
//! The futexes are shared, not private: the kernel finds the sleepers by file and offset, across processes, and a
//! read-only mapping is enough to sleep.

use std::time::Duration;

use rustix::fs::Timespec;
use rustix::thread::futex::{Flags, wait, wake};

use crate::sync::AtomicU32;

/// How many sleepers at once one call wakes on a word that other users can sleep on. Waking a thread takes the waker some
/// microseconds, so somebody with thousands of them could hold a writer up. The kernel wakes those first who have slept
/// longest: with more than so many, the rest has its turn at the next frame.
const MOST_STRANGERS: u32 = 64;

/// Wakes everybody who sleeps on a word that only this user can reach. Never waits; costs a system call.
pub(crate) fn wake_all(word: &AtomicU32) {
    wake_up_to(word, i32::MAX as u32);
}

/// Wakes those who sleep on a word that other users may reach. Never waits; costs a system call.
pub(crate) fn wake_strangers(word: &AtomicU32) {
    wake_up_to(word, MOST_STRANGERS);
}

fn wake_up_to(word: &AtomicU32, most: u32) {
    // It fails only for an address that is not mapped, and this one is.
    let _woken = wake(word, Flags::empty(), most);
}

/// Sleeps until somebody wakes the word, it is no longer `seen`, `limit` has passed, or a signal was handled.
pub(crate) fn sleep_on(word: &AtomicU32, seen: u32, limit: Duration) {
    #[allow(clippy::cast_possible_wrap, reason = "limits are a quarter of a second")]
    let limit = Timespec { tv_sec: limit.as_secs() as i64, tv_nsec: i64::from(limit.subsec_nanos()) };
    // Whatever ends the sleep, the caller looks again.
    let _reason = wait(word, Flags::empty(), seen, Some(&limit));
}
