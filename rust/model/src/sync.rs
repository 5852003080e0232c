//! What `crate::sync` is to the protocol file here: loom's atomics, fence and mutex.

pub(crate) use loom::sync::Mutex;
pub(crate) use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
