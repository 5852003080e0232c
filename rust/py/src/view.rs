//! The array over a hold, made when it is first asked for and kept until the frame or the slot lets go of it.

use billiards_video::{SlotAddress, SlotView};
use pyo3::prelude::*;

use crate::arrays::NumPy;
use crate::hold::Hold;
use crate::home_mutex::HomeMutex;

/// A hold and its array, or nothing once it has ended. What the caller took from it lives on by itself.
pub(crate) struct View(HomeMutex<Option<Parts>>);

struct Parts {
    hold: Py<Hold>,
    array: Option<Py<PyAny>>,
}

impl View {
    pub(crate) fn new(py: Python<'_>, hold: Hold) -> PyResult<View> {
        Ok(View(HomeMutex::new(Some(Parts { hold: Py::new(py, hold)?, array: None }))))
    }

    /// With the array made at once, not when it is asked for.
    pub(crate) fn with_array(py: Python<'_>, hold: Hold) -> PyResult<View> {
        let hold = Bound::new(py, hold)?;
        let array = NumPy::get(py)?.over(&hold, hold.get().geometry())?.unbind();
        Ok(View(HomeMutex::new(Some(Parts { hold: hold.unbind(), array: Some(array) }))))
    }

    /// Gives a prepared hold its frame; gives the frame back if it is not the one it was prepared for.
    pub(crate) fn fill(&self, py: Python<'_>, frame: billiards_video::Frame) -> Result<(), billiards_video::Frame> {
        match self.0.lock(py).as_deref() {
            Ok(Some(parts)) => parts.hold.get().fill(frame),
            _ => Err(frame),
        }
    }

    /// Gives a blank its loan; gives the loan back if it is not of the slot that the blank was made for.
    pub(crate) fn lend(&self, py: Python<'_>, loaned: SlotView) -> Result<(), SlotView> {
        match self.0.lock(py).as_deref() {
            Ok(Some(parts)) => parts.hold.get().lend(loaned),
            _ => Err(loaned),
        }
    }

    /// The writer's slot that it shows; `None` after the end.
    pub(crate) fn address(&self, py: Python<'_>) -> PyResult<Option<SlotAddress>> {
        Ok(self.0.lock(py)?.as_ref().and_then(|parts| parts.hold.get().address()))
    }

    /// The array, the same one every time; `None` after the end.
    pub(crate) fn array(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        loop {
            let hold = match &*self.0.lock(py)? {
                None => return Ok(None),
                Some(Parts { array: Some(array), .. }) => return Ok(Some(array.clone_ref(py))),
                Some(Parts { hold, array: None }) => hold.clone_ref(py),
            };
            let was_frozen = hold.get().is_frozen();
            // The lock is not held here: NumPy may let another thread run.
            let made = NumPy::get(py)?.over(hold.bind(py), hold.get().geometry())?.unbind();
            match &mut *self.0.lock(py)? {
                None => return Ok(Some(made)),
                Some(parts) if was_frozen == hold.get().is_frozen() => {
                    return Ok(Some(parts.array.get_or_insert(made).clone_ref(py)));
                }
                Some(_) => {} // `freeze` came in between, and did not see this array, which may be written to
            }
        }
    }

    /// Makes the array read-only, and what is exported from now on.
    pub(crate) fn freeze(&self, py: Python<'_>) -> PyResult<()> {
        let array = match &*self.0.lock(py)? {
            None => return Ok(()),
            Some(parts) => {
                parts.hold.get().freeze();
                parts.array.as_ref().map(|array| array.clone_ref(py))
            }
        };
        array.map_or(Ok(()), |array| NumPy::get(py)?.make_read_only(array.bind(py)))
    }

    /// Lets go. The hold ends now, or with the last array or memoryview that the caller has kept.
    pub(crate) fn end(&self, py: Python<'_>) {
        let parts = self.0.lock(py).map(|mut parts| parts.take());
        drop(parts); // not under the lock: it may end the hold, and with it run any code
    }
}
