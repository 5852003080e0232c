//! One core writer, shared between the Python writer and its open loan, and usable from several threads.

use std::sync::MutexGuard;

use billiards_video::{Error, Geometry, Stamp, Writer};
use pyo3::prelude::*;

use crate::blanks::Blanks;
use crate::errors::{not_initialized, to_python};
use crate::home_mutex::HomeMutex;

/// A place for a writer, empty before `initialize()` and after `cleanup()`.
pub(crate) struct Publishing {
    open: HomeMutex<Open>,
}

pub(crate) struct Open {
    pub(crate) writer: Option<Writer>,
    /// Of the writer, or of the one that would be made.
    pub(crate) geometry: Geometry,
    /// Counts loans, so that a slot knows whether the open loan is its own; 0 while none is open.
    pub(crate) loan: u64,
    loans: u64,
    pub(crate) blanks: Blanks,
}

impl Open {
    pub(crate) fn begin_loan(&mut self) -> u64 {
        self.loans += 1;
        self.loan = self.loans;
        self.loan
    }

    /// Cancels the loan of this number if it is still open.
    pub(crate) fn cancel(&mut self, number: u64) {
        if self.loan == number {
            self.loan = 0;
            if let Some(loan) = self.writer.as_mut().and_then(Writer::resume) {
                loan.cancel();
            }
        }
    }

    /// What was prepared for a segment that is no longer the writer's: to be dropped outside of the lock.
    fn past(&mut self) -> Option<Blanks> {
        let epoch = self.writer.as_ref().map_or(0, Writer::epoch);
        self.blanks.are_past(epoch).then(|| std::mem::take(&mut self.blanks))
    }

    /// # Errors
    /// `RuntimeError` where there is no writer.
    pub(crate) fn writer(&mut self) -> PyResult<&mut Writer> {
        self.writer.as_mut().ok_or_else(not_initialized)
    }
}

impl Publishing {
    pub(crate) fn new(geometry: Geometry) -> Publishing {
        Publishing::of(None, geometry)
    }

    pub(crate) fn with(writer: Writer) -> Publishing {
        let geometry = writer.geometry();
        Publishing::of(Some(writer), geometry)
    }

    fn of(writer: Option<Writer>, geometry: Geometry) -> Publishing {
        Publishing { open: HomeMutex::new(Open { writer, geometry, loan: 0, loans: 0, blanks: Blanks::default() }) }
    }

    /// For what is short: the GIL stays. Nothing that runs Python code happens under this lock.
    ///
    /// # Errors
    /// `RuntimeError` in a forked child, where another thread of the parent may have held the lock, for ever.
    pub(crate) fn lock(&self, py: Python<'_>) -> PyResult<MutexGuard<'_, Open>> {
        self.open.lock(py)
    }

    /// For what is short and rare: as `lock`, and refused in a forked child, where the core would not ask.
    ///
    /// # Errors
    /// `RuntimeError` where there is no writer, and in a forked child.
    pub(crate) fn attached<T>(&self, py: Python<'_>, action: impl FnOnce(&mut Writer) -> T) -> PyResult<T> {
        self.check_fork()?;
        Ok(action(self.lock(py)?.writer()?))
    }

    /// Whether this is a forked child of the process that the writer is at home in.
    pub(crate) fn is_inherited(&self) -> bool {
        self.open.is_inherited()
    }

    /// # Errors
    /// `RuntimeError` in a forked child.
    pub(crate) fn check_fork(&self) -> PyResult<()> {
        self.open.check_fork()
    }

    /// Whether there is a writer. Called without the GIL.
    pub(crate) fn is_open(&self) -> bool {
        self.open.lock_detached().writer.is_some()
    }

    /// Puts a writer where none was. Called without the GIL.
    pub(crate) fn install(&self, writer: Writer) {
        self.open.lock_detached().writer = Some(writer);
    }

    /// Cancels the loan of this number if it is still open, and nobody else is at work here.
    pub(crate) fn abandon(&self, number: u64) {
        let Some(mut open) = self.open.lock_if_free() else { return };
        if open.loan == number && !self.is_inherited() {
            open.cancel(number);
        }
    }

    /// Ends the stream, where the writer is dropped without `cleanup()`. In a forked child it is the parent's.
    pub(crate) fn clear(&self) {
        let gone = self.open.lock_if_free().map(|mut open| (open.writer.take(), std::mem::take(&mut open.blanks)));
        drop(gone);
    }

    /// For what takes long: the GIL is released meanwhile.
    ///
    /// # Errors
    /// Those of `action`; `RuntimeError` where there is no writer, and in a forked child.
    pub(crate) fn detached<T: Send>(
        &self,
        py: Python<'_>,
        action: impl FnOnce(&mut Writer) -> Result<T, Error> + Send,
    ) -> PyResult<T> {
        self.check_fork()?;
        let result = py.detach(|| {
            let mut open = self.open.lock_detached();
            let result = action(open.writer.as_mut()?);
            open.geometry = open.writer.as_ref()?.geometry();
            Some((result, open.past()))
        });
        let (result, past) = result.ok_or_else(not_initialized)?;
        drop(past);
        result.map_err(to_python)
    }
}

/// What Python's publishing calls say of a frame.
pub(crate) fn stamp(
    frame_number: Option<u64>,
    captured_ns: Option<u64>,
    wall_ns: Option<u64>,
    position_ns: Option<u64>,
    loop_count: u32,
    discontinuity: bool,
) -> Stamp {
    Stamp { frame_number, captured_ns, wall_ns, position_ns, loop_count, discontinuity }
}
