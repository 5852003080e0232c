//! The publishing side.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use billiards_video::{Access, Geometry, Name, Reason, State, WriterOptions};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::arrays::NumPy;
use crate::enumerations::{format_from, format_member, reason_from, state_from};
use crate::errors::to_python;
use crate::figures::ReaderFigures;
use crate::loan::Loan;
use crate::pixels::Pixels;
use crate::publishing::{Publishing, stamp};
use crate::ranges::{geometry, within};

/// Publishes frames under a name.
#[pyclass(frozen, subclass, module = "billiards_video")]
pub(crate) struct SharedMemoryFrameWriter {
    name: Name,
    options: WriterOptions,
    publishing: Arc<Publishing>,
    /// Held by the thread that initializes.
    starting: Mutex<()>,
}

/// # Errors
/// `ValueError` for an access mode that there is not, and for a number out of range.
pub(crate) fn writer_options(max_buffers: i64, access: &str) -> PyResult<WriterOptions> {
    let max_buffers = within("max_buffers", max_buffers, 3, 16)?;
    let access = match access {
        "owner" => Access::Owner,
        "group" => Access::Group,
        "everyone" => Access::Everyone,
        other => {
            return Err(PyValueError::new_err(format!(
                "access is '{other}': allowed are 'owner', 'group', 'everyone'"
            )));
        }
    };
    Ok(WriterOptions { max_buffers, access, ..WriterOptions::default() })
}

impl SharedMemoryFrameWriter {
    /// Around a writer that is there already.
    pub(crate) fn initialized(
        name: Name,
        options: WriterOptions,
        writer: billiards_video::Writer,
    ) -> SharedMemoryFrameWriter {
        SharedMemoryFrameWriter {
            name,
            options,
            publishing: Arc::new(Publishing::with(writer)),
            starting: Mutex::new(()),
        }
    }

    fn geometry(&self, py: Python<'_>) -> PyResult<Geometry> {
        Ok(self.publishing.lock(py)?.geometry)
    }

    /// With a state, or as it is: what ended or failed stays so, anything else is closed.
    fn end(&self, py: Python<'_>, last: Option<(State, Reason)>) -> PyResult<()> {
        if self.publishing.is_inherited() {
            return Ok(()); // a `with` block that a child leaves does not end its parent's stream
        }
        let (writer, blanks) = {
            let mut open = self.publishing.lock(py)?;
            open.loan = 0;
            (open.writer.take(), std::mem::take(&mut open.blanks))
        };
        drop(blanks); // or the segment would stay mapped for them
        if let Some(writer) = writer {
            py.detach(|| match last {
                Some((state, reason)) => writer.close(state, reason),
                None => drop(writer),
            });
        }
        Ok(())
    }
}

#[pymethods]
impl SharedMemoryFrameWriter {
    #[new]
    #[pyo3(
        signature = (name, width, height, frame_format=None, *, max_buffers=8, access="owner"),
        text_signature = "(name, width, height, frame_format=FrameFormat.BGR24, *, max_buffers=8, access='owner')"
    )]
    fn new(
        name: &str,
        width: i64,
        height: i64,
        frame_format: Option<&Bound<'_, PyAny>>,
        max_buffers: i64,
        access: &str,
    ) -> PyResult<SharedMemoryFrameWriter> {
        let name = Name::new(name).map_err(to_python)?;
        let format = frame_format.map_or(Ok(billiards_video::Format::Bgr24), format_from)?;
        let geometry = geometry(width, height, format)?;
        let options = writer_options(max_buffers, access)?;
        let publishing = Arc::new(Publishing::new(geometry));
        Ok(SharedMemoryFrameWriter { name, options, publishing, starting: Mutex::new(()) })
    }

    /// Takes the name and publishes an empty segment under it. Does nothing if that was done.
    fn initialize(&self, py: Python<'_>) -> PyResult<()> {
        self.publishing.check_fork()?;
        let geometry = {
            let open = self.publishing.lock(py)?;
            if open.writer.is_some() {
                return Ok(());
            }
            open.geometry
        };
        // Without the GIL, and one thread at a time: the second finds the writer of the first.
        let create = || {
            let _starting = self.starting.lock().unwrap_or_else(PoisonError::into_inner);
            if !self.publishing.is_open() {
                self.publishing.install(billiards_video::Writer::create(&self.name, geometry, self.options.clone())?);
            }
            Ok(())
        };
        py.detach(create).map_err(to_python)
    }

    /// Copies a frame into the segment and publishes it; False if every buffer is held and it was dropped.
    #[pyo3(signature = (
        frame, frame_number=None, *, captured_ns=None, wall_ns=None, position_ns=None, loop_count=0, discontinuity=false
    ))]
    #[allow(clippy::too_many_arguments, reason = "what is known of a frame, by keyword")]
    fn write_frame(
        &self,
        py: Python<'_>,
        frame: &Bound<'_, PyAny>,
        frame_number: Option<u64>,
        captured_ns: Option<u64>,
        wall_ns: Option<u64>,
        position_ns: Option<u64>,
        loop_count: u32,
        discontinuity: bool,
    ) -> PyResult<bool> {
        let stamp = stamp(frame_number, captured_ns, wall_ns, position_ns, loop_count, discontinuity);
        loop {
            let geometry = self.publishing.lock(py)?.writer()?.geometry();
            let mut pixels = Pixels::to_publish(frame, geometry)?;
            if !pixels.is_contiguous() {
                // NumPy knows all strides. A loan would save the copy between, but could not be open while it works: another
                // thread's frame would find it so.
                pixels = Pixels::to_publish(&NumPy::get(py)?.contiguous(frame)?, geometry)?;
            }
            let published = self.publishing.detached(py, |writer| {
                if writer.geometry() == geometry { writer.write(pixels.bytes(), &stamp).map(Some) } else { Ok(None) }
            })?;
            if let Some(published) = published {
                return Ok(published.is_some());
            }
            // Another thread has reshaped meanwhile. As many bytes are not yet a frame of the new shape.
        }
    }

    /// A context manager that lends a buffer to write the next frame into.
    fn loan(&self) -> Loan {
        Loan::new(Arc::clone(&self.publishing))
    }

    /// Goes on with frames of another size, in a new segment under the same name.
    #[pyo3(signature = (width, height, frame_format=None))]
    fn reshape(
        &self,
        py: Python<'_>,
        width: i64,
        height: i64,
        frame_format: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let format = frame_format.map(format_from).transpose()?;
        let format = format.map_or_else(|| Ok(self.geometry(py)?.format()), PyResult::Ok)?;
        let geometry = geometry(width, height, format)?;
        self.publishing.detached(py, |writer| writer.reshape(geometry))
    }

    /// Says what the stream is doing and why.
    #[pyo3(signature = (state, reason=""))]
    fn set_state(&self, py: Python<'_>, state: &Bound<'_, PyAny>, reason: &str) -> PyResult<()> {
        let (state, reason) = (state_from(state)?, reason_from(reason)?);
        self.publishing.attached(py, |writer| writer.set_state(state, reason))
    }

    /// Replaces the status text, which readers see as `status()`: a JSON object.
    fn set_status(&self, py: Python<'_>, text: &str) -> PyResult<()> {
        self.publishing.attached(py, |writer| writer.set_status(text.as_bytes()))?.map_err(to_python)
    }

    /// Says that the writer is alive and looks after its name: once a second while no frames are published.
    fn tend(&self, py: Python<'_>) -> PyResult<()> {
        self.publishing.detached(py, billiards_video::Writer::tend)
    }

    /// What there is to log since the last call, each with its level: "info" or "warning".
    fn notices(&self, py: Python<'_>) -> PyResult<Vec<(&'static str, String)>> {
        let notices = self.publishing.attached(py, billiards_video::Writer::notices)?;
        let level = |warning| if warning { "warning" } else { "info" };
        Ok(notices.into_iter().map(|notice| (level(notice.is_warning()), notice.to_string())).collect())
    }

    /// The live readers, as they describe themselves.
    fn readers(&self, py: Python<'_>) -> PyResult<Vec<ReaderFigures>> {
        let figures = self.publishing.attached(py, |writer| writer.readers())?;
        Ok(figures.into_iter().map(ReaderFigures::from).collect())
    }

    /// Counts frames that the source gave.
    #[pyo3(signature = (n=1))]
    fn count_captured(&self, py: Python<'_>, n: u64) -> PyResult<()> {
        self.publishing.attached(py, |writer| writer.add_captured(n))
    }

    /// Counts frames that were given up before they reached a buffer.
    #[pyo3(signature = (n=1))]
    fn count_dropped(&self, py: Python<'_>, n: u64) -> PyResult<()> {
        self.publishing.attached(py, |writer| writer.add_dropped(n))
    }

    /// What was done so far.
    #[allow(clippy::cast_precision_loss, reason = "megabytes, for people")]
    fn get_stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.publishing.check_fork()?;
        let stats = self.publishing.lock(py)?.writer.as_ref().map(billiards_video::Writer::stats);
        let shown = PyDict::new(py);
        shown.set_item("initialized", stats.is_some())?;
        let Some(stats) = stats else { return Ok(shown) };
        shown.set_item("frames_written", stats.published)?;
        shown.set_item("current_buffer_index", stats.latest_slot.unwrap_or(0))?;
        shown.set_item("write_counter", stats.published)?;
        shown.set_item("total_size_mb", stats.segment_bytes as f64 / 1e6)?;
        shown.set_item("frames_captured", stats.captured)?;
        shown.set_item("frames_dropped", stats.dropped)?;
        shown.set_item("buffers", stats.buffers)?;
        shown.set_item("buffers_free", stats.buffers_free)?;
        Ok(shown)
    }

    /// Ends the stream: says why, removes the files, gives the name back. Does nothing if that was done.
    #[pyo3(
        signature = (state=None, reason="stopped"),
        text_signature = "($self, state=None, reason='stopped')"
    )]
    fn cleanup(&self, py: Python<'_>, state: Option<&Bound<'_, PyAny>>, reason: &str) -> PyResult<()> {
        let reason = reason_from(reason)?;
        let last = match state {
            Some(state) => Some((state_from(state)?, reason)),
            None if reason == Reason::Stopped => None,
            None => Some((State::Closed, reason)),
        };
        self.end(py, last)
    }

    /// The name.
    #[getter]
    fn name(&self) -> &str {
        self.name.as_str()
    }

    /// Pixels in a row.
    #[getter]
    fn width(&self, py: Python<'_>) -> PyResult<u32> {
        Ok(self.geometry(py)?.width())
    }

    /// Rows.
    #[getter]
    fn height(&self, py: Python<'_>) -> PyResult<u32> {
        Ok(self.geometry(py)?.height())
    }

    /// The pixel format.
    #[getter]
    fn frame_format(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let format = self.geometry(py)?.format();
        format_member(py, format)
    }

    /// Bytes in a frame.
    #[getter]
    fn bytes_per_frame(&self, py: Python<'_>) -> PyResult<usize> {
        Ok(self.geometry(py)?.frame_bytes())
    }

    /// The random number of the segment in force.
    #[getter]
    fn epoch(&self, py: Python<'_>) -> PyResult<u64> {
        self.publishing.attached(py, |writer| writer.epoch())
    }

    /// The file of the segment in force.
    #[getter]
    fn path(&self, py: Python<'_>) -> PyResult<PathBuf> {
        self.publishing.attached(py, |writer| writer.path().to_owned())
    }

    fn __enter__(slf: Py<Self>, py: Python<'_>) -> PyResult<Py<Self>> {
        slf.get().initialize(py)?;
        Ok(slf)
    }

    #[pyo3(signature = (*exception))]
    fn __exit__(&self, exception: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.end(exception.py(), None)
    }
}

impl Drop for SharedMemoryFrameWriter {
    /// An open slot keeps the place but not the stream.
    fn drop(&mut self) {
        self.publishing.clear();
    }
}
