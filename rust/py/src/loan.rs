//! A buffer lent to the publisher: filled in place, then published or cancelled.

use std::sync::Arc;

use billiards_video::{FrameInfo, SlotAddress, SlotView, Stamp};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::blanks;
use crate::errors::to_python;
use crate::hold::Hold;
use crate::home_mutex::HomeMutex;
use crate::metadata::FrameMetadata;
use crate::publishing::{Publishing, stamp};
use crate::view::View;

/// `with writer.loan() as slot:` lends a buffer for the block.
#[pyclass(frozen, module = "billiards_video.ipc")]
pub(crate) struct Loan {
    publishing: Arc<Publishing>,
    slot: HomeMutex<Option<Py<Slot>>>,
}

impl Loan {
    pub(crate) fn new(publishing: Arc<Publishing>) -> Loan {
        Loan { publishing, slot: HomeMutex::new(None) }
    }

    /// Of the loaned slot: the blank that was made for it, or a new one.
    fn view(py: Python<'_>, blank: Option<View>, loaned: SlotView) -> PyResult<View> {
        let Some(blank) = blank else { return View::new(py, Hold::loaned(loaned)) };
        match blank.lend(py, loaned) {
            Ok(()) => Ok(blank),
            Err(loaned) => View::new(py, Hold::loaned(loaned)),
        }
    }

    fn replace(&self, py: Python<'_>, slot: Option<Py<Slot>>) -> PyResult<Option<Py<Slot>>> {
        Ok(std::mem::replace(&mut *self.slot.lock(py)?, slot))
    }
}

#[pymethods]
impl Loan {
    /// The lent slot; None if every buffer is held, which counts as a dropped frame.
    fn __enter__(&self, py: Python<'_>) -> PyResult<Option<Py<Slot>>> {
        let lent = {
            let mut open = self.publishing.lock(py)?;
            let loaned = open.writer()?.loan().map_err(to_python)?.map(billiards_video::Loan::park);
            loaned.map(|loaned| (open.blanks.take(loaned.address()), loaned, open.begin_loan()))
        };
        let Some((blank, loaned, number)) = lent else { return Ok(None) };
        let made = Loan::view(py, blank, loaned)
            .and_then(|view| Py::new(py, Slot { publishing: Arc::clone(&self.publishing), number, view }));
        if made.is_err() {
            self.publishing.abandon(number);
        }
        let slot = made?;
        self.replace(py, Some(slot.clone_ref(py)))?;
        Ok(Some(slot))
    }

    /// Cancels what was not published.
    #[pyo3(signature = (*exception))]
    fn __exit__(&self, exception: &Bound<'_, PyTuple>) -> PyResult<()> {
        let py = exception.py();
        self.replace(py, None)?.map_or(Ok(()), |slot| slot.get().cancel(py))
    }
}

/// A lent buffer.
#[pyclass(frozen, module = "billiards_video.ipc")]
pub(crate) struct Slot {
    publishing: Arc<Publishing>,
    number: u64,
    view: View,
}

/// What there is to do when a frame has been published.
struct Behind {
    info: FrameInfo,
    is_untidy: bool,
    /// The slot, if there is no array for its next loan.
    bare: Option<SlotAddress>,
}

impl Slot {
    /// Publishes the loan if it is this slot's and still open.
    fn close(&self, py: Python<'_>, stamp: &Stamp) -> PyResult<Option<Behind>> {
        let address = self.view.address(py)?;
        let mut open = self.publishing.lock(py)?;
        if open.loan != self.number {
            return Ok(None);
        }
        open.loan = 0;
        let writer = open.writer()?;
        let Some(loan) = writer.resume() else { return Ok(None) };
        let info = loan.publish_untidied(stamp).map_err(to_python)?;
        let is_untidy = writer.is_untidy();
        let bare = address.filter(|address| open.blanks.lack(address));
        Ok(Some(Behind { info, is_untidy, bare }))
    }

    /// Makes the arrays of this slot's next loans.
    fn restock(&self, py: Python<'_>, address: &SlotAddress) -> PyResult<()> {
        let views = blanks::make(py, address)?;
        let past = {
            let mut open = self.publishing.lock(py)?;
            let is_current = open.writer.as_ref().is_some_and(|writer| writer.epoch() == address.epoch());
            if is_current { Ok(open.blanks.put(address, views)) } else { Err(views) }
        };
        drop(past); // outside of the lock
        Ok(())
    }

    fn cancel(&self, py: Python<'_>) -> PyResult<()> {
        if self.publishing.lock(py)?.loan == self.number {
            self.view.freeze(py)?;
            self.view.end(py);
            self.publishing.lock(py)?.cancel(self.number);
        }
        Ok(())
    }
}

#[pymethods]
impl Slot {
    /// The shared buffer: uint8, (height, width) or (height, width, channels), writable until it is published.
    #[getter]
    fn array(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.view.array(py)?.ok_or_else(closed)
    }

    /// Publishes the buffer as the newest frame, and makes `array` read-only.
    #[pyo3(signature = (
        frame_number=None, *, captured_ns=None, wall_ns=None, position_ns=None, loop_count=0, discontinuity=false
    ))]
    #[allow(clippy::too_many_arguments, reason = "what is known of a frame, by keyword")]
    fn publish(
        &self,
        py: Python<'_>,
        frame_number: Option<u64>,
        captured_ns: Option<u64>,
        wall_ns: Option<u64>,
        position_ns: Option<u64>,
        loop_count: u32,
        discontinuity: bool,
    ) -> PyResult<FrameMetadata> {
        let stamp = stamp(frame_number, captured_ns, wall_ns, position_ns, loop_count, discontinuity);
        let Behind { info, is_untidy, bare } = self.close(py, &stamp)?.ok_or_else(closed)?;
        // After it, and not before, as all that no reader needs to wait for. Under the GIL, which was not released in between,
        // no Python code can tell the difference.
        self.view.freeze(py)?;
        if let Some(address) = bare {
            // Without memory for them there are none, which is no reason to call the publication off: it has been made.
            let _stocked = self.restock(py, &address);
        }
        if is_untidy {
            self.publishing.detached(py, |writer| {
                writer.tidy();
                Ok(())
            })?;
        }
        Ok(FrameMetadata::from(&info))
    }
}

impl Drop for Slot {
    /// A slot that was lost with its loan open must not keep the writer from ever lending again.
    fn drop(&mut self) {
        self.publishing.abandon(self.number);
    }
}

fn closed() -> PyErr {
    PyRuntimeError::new_err("this loan is closed: it was published or cancelled; take the next one with writer.loan()")
}
