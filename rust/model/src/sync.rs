//! What `crate::sync` is to the protocol file here: loom's atomics, fence and locks.

pub(crate) use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
pub(crate) use loom::sync::{Condvar, Mutex};
