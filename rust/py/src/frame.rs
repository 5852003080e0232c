//! A leased frame.

use std::sync::OnceLock;

use billiards_video::{BufferView, FrameInfo};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyTuple;

use crate::hold::Hold;
use crate::metadata::FrameMetadata;
use crate::view::View;

/// The newest frame, in place: `array` is the shared buffer, read-only, held until its last view is gone.
#[pyclass(frozen, module = "billiards_video")]
pub(crate) struct Frame {
    info: OnceLock<FrameInfo>,
    is_copy: bool,
    view: View,
    metadata: PyOnceLock<Py<FrameMetadata>>,
}

impl Frame {
    pub(crate) fn new(py: Python<'_>, frame: billiards_video::Frame) -> PyResult<Py<Frame>> {
        let (info, is_copy) = (OnceLock::from(*frame.info()), frame.is_copy());
        let view = View::new(py, Hold::leased(frame))?;
        Py::new(py, Frame { info, is_copy, view, metadata: PyOnceLock::new() })
    }

    /// A frame for a buffer that shows none yet, with its array. Not to be given out before `fill`.
    pub(crate) fn prepared(py: Python<'_>, buffer: BufferView) -> PyResult<Py<Frame>> {
        let view = View::with_array(py, Hold::prepared(buffer))?;
        Py::new(py, Frame { info: OnceLock::new(), is_copy: false, view, metadata: PyOnceLock::new() })
    }

    /// Makes a prepared frame the one that has come; gives that back if it lies elsewhere.
    pub(crate) fn fill(&self, py: Python<'_>, frame: billiards_video::Frame) -> Result<(), billiards_video::Frame> {
        let info = *frame.info();
        self.view.fill(py, frame)?;
        self.info.get_or_init(|| info);
        Ok(())
    }

    fn info(&self) -> &FrameInfo {
        self.info.get().expect("a frame is given out with its information")
    }
}

#[pymethods]
impl Frame {
    /// The pixels: uint8, (height, width) or (height, width, channels), read-only, without a copy.
    #[getter]
    fn array(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.view.array(py)?.ok_or_else(|| {
            PyRuntimeError::new_err(
                "this frame was given back at the end of its with block: use .array inside the block, or copy what you keep",
            )
        })
    }

    /// What is known of the frame beside its pixels.
    #[getter]
    fn metadata(&self, py: Python<'_>) -> PyResult<Py<FrameMetadata>> {
        let made = self.metadata.get_or_try_init(py, || Py::new(py, FrameMetadata::from(self.info())))?;
        Ok(made.clone_ref(py))
    }

    /// Whether the pixels are a private copy, as an observer gets them, and not the shared buffer.
    #[getter]
    fn is_copy(&self) -> bool {
        self.is_copy
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    /// Ends the hold, if no array or memoryview of the frame is left elsewhere; otherwise the last of them ends it.
    #[pyo3(signature = (*exception))]
    fn __exit__(&self, exception: &Bound<'_, PyTuple>) {
        self.view.end(exception.py());
    }

    fn __repr__(&self) -> String {
        format!(
            "<Frame {} of {}{}>",
            self.info().frame_number,
            self.info().geometry,
            if self.is_copy { ", a copy" } else { "" }
        )
    }
}
