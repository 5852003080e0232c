//! The one door to atomics and locks.
//!
//! Nothing else in the crate names `std::sync::atomic` (a lint says so). The model check compiles the file
//! `protocol.rs` unchanged against another module of this name, whose atomics are loom's.

#![allow(clippy::disallowed_types, reason = "this module is the door that the lint points to")]

pub(crate) use std::sync::Mutex;
pub(crate) use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicU64, Ordering, fence};
