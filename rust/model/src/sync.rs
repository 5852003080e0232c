//! What `crate::sync` is here: loom's atomics, fence and mutex under the names that the protocol file imports.

pub(crate) use loom::sync::Mutex;
pub(crate) use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
