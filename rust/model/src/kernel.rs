//! The kernel's half of a sleep: a futex, made of parts that loom watches.
//!
//! Who sleeps here does so until somebody wakes the word: there are no slices of a quarter of a second, and loom fails
//! where everybody that is left sleeps.

use crate::sync::{AtomicU32, Condvar, Mutex, Ordering};

/// The sleepers on one word.
#[derive(Debug)]
pub(crate) struct Futex {
    queue: Mutex<()>,
    woken: Condvar,
}

impl Futex {
    pub(crate) fn new() -> Futex {
        Futex { queue: Mutex::new(()), woken: Condvar::new() }
    }

    /// Sleeps until the word is woken, if it still is what the sleeper has seen.
    pub(crate) fn wait(&self, word: &AtomicU32, seen: u32) {
        let queue = self.queue.lock().expect("loom stops at the first panic");
        // Relaxed: the lock of the queue, which a wake-up takes too, is all the order that the kernel promises.
        if word.load(Ordering::Relaxed) == seen {
            drop(self.woken.wait(queue));
        }
    }

    /// Wakes all that sleep on the word.
    pub(crate) fn wake(&self) {
        let _queue = self.queue.lock().expect("loom stops at the first panic");
        self.woken.notify_all();
    }
}
