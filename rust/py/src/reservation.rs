//! The right to a name, before there is a frame to size a segment by.

use billiards_video::{Format, Name, WriterOptions};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::enumerations::format_from;
use crate::errors::to_python;
use crate::home_mutex::HomeMutex;
use crate::ranges::geometry;
use crate::writer::{SharedMemoryFrameWriter, writer_options};

/// Holds a name for a writer that is to come.
#[pyclass(frozen, module = "billiards_video.ipc")]
pub(crate) struct Reservation {
    name: Name,
    options: WriterOptions,
    taken: HomeMutex<Option<billiards_video::Reservation>>,
}

impl Reservation {
    fn give_up(&self, py: Python<'_>) -> PyResult<Option<billiards_video::Reservation>> {
        Ok(self.taken.lock(py)?.take())
    }
}

#[pymethods]
impl Reservation {
    #[new]
    #[pyo3(signature = (name, *, max_buffers=8, access="owner"))]
    fn new(py: Python<'_>, name: &str, max_buffers: i64, access: &str) -> PyResult<Reservation> {
        let name = Name::new(name).map_err(to_python)?;
        let options = writer_options(max_buffers, access)?;
        let take = || billiards_video::Reservation::take(&name, options.clone());
        let taken = HomeMutex::new(Some(py.detach(take).map_err(to_python)?));
        Ok(Reservation { name, options, taken })
    }

    /// Publishes an empty segment under the name, and gives its writer, which is initialized.
    #[pyo3(
        signature = (width, height, frame_format=None),
        text_signature = "($self, width, height, frame_format=FrameFormat.BGR24)"
    )]
    fn publish(
        &self,
        py: Python<'_>,
        width: i64,
        height: i64,
        frame_format: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<SharedMemoryFrameWriter> {
        let format = frame_format.map_or(Ok(Format::Bgr24), format_from)?;
        let geometry = geometry(width, height, format)?;
        let taken = self.give_up(py)?.ok_or_else(|| {
            PyRuntimeError::new_err("this reservation is over: it was published or cancelled; take the name anew")
        })?;
        let writer = py.detach(|| taken.publish(geometry)).map_err(to_python)?;
        Ok(SharedMemoryFrameWriter::initialized(self.name.clone(), self.options.clone(), writer))
    }

    /// Gives the name back. Does nothing if that was done, or after `publish`.
    fn cancel(&self, py: Python<'_>) {
        drop(self.give_up(py));
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*exception))]
    fn __exit__(&self, exception: &Bound<'_, PyTuple>) {
        self.cancel(exception.py());
    }
}
