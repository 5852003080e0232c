//! What `crate::sync` is to the protocol file here: loom's atomics, fence and locks.

pub(crate) use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering};
pub(crate) use loom::sync::{Condvar, Mutex};

use std::cell::RefCell;
use std::rc::Rc;

/// What a sequentially consistent fence is to loom.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fences {
    /// A part of the step before it, as loom has it. Of the orders that two fences can have, it then tells one for each
    /// order of the *accesses* that depend on each other.
    Attached,
    /// A step of its own, which depends on all others like it: each order is told.
    Steps,
}

thread_local! {
    /// What makes steps of fences in this execution: loom orders accesses of one word in every way. The threads of a
    /// story are coroutines of one thread.
    static STEPS: RefCell<Option<Rc<AtomicU32>>> = const { RefCell::new(None) };
}

impl Fences {
    /// To be called first in each execution.
    pub(crate) fn begin(self) {
        let word = || Rc::new(AtomicU32::new(0));
        STEPS.set(matches!(self, Fences::Steps).then(word));
    }
}

pub(crate) fn fence(ordering: Ordering) {
    if ordering == Ordering::SeqCst
        && let Some(word) = STEPS.with_borrow(Clone::clone)
    {
        // Relaxed, so that it orders nothing that the fence behind it does not.
        word.fetch_add(1, Ordering::Relaxed);
    }
    loom::sync::atomic::fence(ordering);
}
