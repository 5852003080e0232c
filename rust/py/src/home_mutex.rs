//! A mutex for threads that run Python, in processes that fork.

use std::process;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use billiards_video::Error;
use pyo3::prelude::*;
use pyo3::sync::MutexExt;

use crate::errors::to_python;

/// A mutex that knows the process in which it was made. A forked child finds it as it was at the fork: if another thread
/// of the parent had it then, nobody will ever give it back, and the child is told instead of waiting.
pub(crate) struct HomeMutex<T> {
    value: Mutex<T>,
    pid: u32,
}

impl<T> HomeMutex<T> {
    pub(crate) fn new(value: T) -> HomeMutex<T> {
        HomeMutex { value: Mutex::new(value), pid: process::id() }
    }

    /// Whether this is a forked child of the process in which the mutex was made.
    pub(crate) fn is_inherited(&self) -> bool {
        process::id() != self.pid
    }

    /// # Errors
    /// `RuntimeError` in a forked child.
    pub(crate) fn check_fork(&self) -> PyResult<()> {
        if self.is_inherited() { Err(to_python(Error::Forked)) } else { Ok(()) }
    }

    /// The value, waiting without the GIL while another thread has it. Nothing that runs Python code may happen meanwhile.
    ///
    /// # Errors
    /// `RuntimeError` in a forked child, where a thread that is not there has it.
    pub(crate) fn lock(&self, py: Python<'_>) -> PyResult<MutexGuard<'_, T>> {
        if let Some(value) = self.lock_if_free() {
            return Ok(value);
        }
        self.check_fork()?;
        Ok(self.value.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner))
    }

    /// The value, if no other thread has it.
    pub(crate) fn lock_if_free(&self) -> Option<MutexGuard<'_, T>> {
        match self.value.try_lock() {
            Ok(value) => Some(value),
            Err(TryLockError::Poisoned(value)) => Some(value.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// The value, for a thread that has not got the GIL: with it, it would keep it from one that has the value and is about
    /// to come back from waiting, and both would wait for ever.
    pub(crate) fn lock_detached(&self) -> MutexGuard<'_, T> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
