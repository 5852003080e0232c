//! The reading side.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use billiards_video::{Error, Geometry, Name, ReaderOptions};
use pyo3::exceptions::{PyTimeoutError, PyUnicodeDecodeError};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::arrays::NumPy;
use crate::enumerations::{format_member, state_member};
use crate::errors::{not_attached, to_python};
use crate::figures::{Anticipation, Counters, ReaderFigures};
use crate::frame::Frame;
use crate::hold::Hold;
use crate::home_mutex::HomeMutex;
use crate::metadata::FrameMetadata;
use crate::pixels::Pixels;
use crate::prepared::Prepared;
use crate::ranges::within;
use crate::waiting::{duration, wait};

type Handle = Arc<billiards_video::Reader>;
/// A copied frame, or twice nothing: the drop-in surface's answer.
type Copied = (Option<Py<PyAny>>, Option<FrameMetadata>);

/// How often a wait on an ended stream looks whether a new one has begun. Nobody wakes it.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// What `SharedMemoryFrameReader` is made of.
#[pyclass(frozen, subclass, module = "billiards_video._core")]
pub(crate) struct Reader {
    name: Name,
    options: ReaderOptions,
    attached: HomeMutex<Option<Handle>>,
    prepared: Prepared,
}

impl Reader {
    fn handle(&self, py: Python<'_>) -> PyResult<Handle> {
        self.attached.lock(py)?.clone().ok_or_else(not_attached)
    }

    fn geometry(&self, py: Python<'_>) -> PyResult<Geometry> {
        self.handle(py)?.geometry().map_err(to_python)
    }

    /// Whether `detach()` has not been called since `handle` was taken. Called without the GIL.
    fn wants(&self, handle: &Handle) -> bool {
        is_the_same(self.attached.lock_detached().as_ref(), handle)
    }

    /// The newest frame, if it is newer than the last one; at most a move to another segment is waited for.
    fn newest(py: Python<'_>, handle: &Handle) -> Result<Option<billiards_video::Frame>, Error> {
        // A frame that is there takes well under a microsecond: were the GIL released for it, another thread might keep it
        // for 5 ms. An observer's copy takes longer, and so does a move to another segment.
        if !handle.is_observer()?
            && let Some(frame) = handle.newest_here()?
        {
            return Ok(Some(frame));
        }
        py.detach(|| handle.wait_with(Some(Duration::ZERO), &mut || false))
    }

    /// The next frame, waiting for it.
    fn next(
        &self,
        py: Python<'_>,
        handle: &Handle,
        timeout: Option<Duration>,
    ) -> PyResult<Option<billiards_video::Frame>> {
        if !handle.is_observer().map_err(to_python)?
            && let Some(frame) = handle.newest_here().map_err(to_python)?
        {
            return Ok(Some(frame)); // as in `newest`
        }
        self.prepared.prepare(py, handle)?;
        let rehearse = |py: Python<'_>| {
            if self.options.low_latency {
                self.prepared.rehearse(py);
            }
        };
        wait(py, || self.wants(handle), rehearse, |interrupt| handle.wait_with(timeout, interrupt))
    }

    /// Refuses an array that does not fit before a frame is taken, which would be lost for it; and lets go of what was
    /// prepared for leases of a segment of the past.
    fn before_copying(&self, py: Python<'_>, handle: &Handle, out: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        self.prepared.forget_the_past(py, handle)?;
        match out {
            Some(out) => Pixels::to_fill(out, handle.geometry().map_err(to_python)?).map(drop),
            None => Ok(()),
        }
    }

    fn copied(
        py: Python<'_>,
        frame: Option<billiards_video::Frame>,
        out: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Copied> {
        let Some(frame) = frame else { return Ok((None, None)) };
        let info = *frame.info();
        let array = match out {
            Some(out) => out,
            None => NumPy::get(py)?.empty(py, info.geometry)?,
        };
        let mut target = Pixels::to_fill(&array, info.geometry)?;
        if target.is_contiguous() {
            py.detach(|| frame.copy_to(target.bytes_mut())).map_err(to_python)?;
        } else {
            let numpy = NumPy::get(py)?;
            let hold = Bound::new(py, Hold::leased(frame))?;
            numpy.copy(&numpy.view(&array)?, &numpy.over(&hold, info.geometry)?)?;
        }
        Ok((Some(array.unbind()), Some(FrameMetadata::from(&info))))
    }
}

fn is_the_same(now: Option<&Handle>, handle: &Handle) -> bool {
    now.is_some_and(|now| Arc::ptr_eq(now, handle))
}

#[pymethods]
impl Reader {
    #[new]
    #[pyo3(signature = (name, *, reader_name=None, owner=None, allow_dead=false, observe=false, max_leases=3, low_latency=false))]
    fn new(
        name: &str,
        reader_name: Option<String>,
        owner: Option<i64>,
        allow_dead: bool,
        observe: bool,
        max_leases: i64,
        low_latency: bool,
    ) -> PyResult<Reader> {
        let name = Name::new(name).map_err(to_python)?;
        let owner = owner.map(|owner| within("owner", owner, 0, u32::MAX.into())).transpose()?;
        let max_leases = within("max_leases", max_leases, 1, 3)?;
        let mut options =
            ReaderOptions { owner, allow_dead, observe, max_leases, low_latency, ..ReaderOptions::default() };
        if let Some(reader_name) = reader_name {
            options.reader_name = reader_name;
        }
        Ok(Reader { name, options, attached: HomeMutex::new(None), prepared: Prepared::new() })
    }

    /// Attaches to the stream, waiting for it up to `timeout` seconds.
    #[pyo3(signature = (timeout=5.0))]
    fn attach(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<()> {
        if let Some(handle) = self.attached.lock(py)?.clone() {
            return handle.epoch().map(drop).map_err(to_python); // a parent's handle, in a forked child, is none
        }
        let timeout = duration(timeout)?.unwrap_or(Duration::MAX);
        let options = ReaderOptions { timeout, ..self.options.clone() };
        let attach =
            |interrupt: &mut dyn FnMut() -> bool| billiards_video::Reader::attach_with(&self.name, options, interrupt);
        let handle = Arc::new(wait(py, || true, |_| (), attach)?);
        let mut attached = self.attached.lock(py)?;
        if attached.is_none() {
            *attached = Some(handle);
        } // else another thread was first, and this handle goes
        Ok(())
    }

    /// Lets go of the stream. Frames still held stay valid.
    fn detach(&self, py: Python<'_>) {
        let Ok(handle) = self.attached.lock(py).map(|mut attached| attached.take()) else {
            return; // a child's, which holds nothing
        };
        self.prepared.clear(py);
        py.detach(|| drop(handle));
    }

    /// A leased frame, waiting for it up to `timeout` seconds.
    #[pyo3(signature = (timeout=1.0))]
    fn lease(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<Py<Frame>> {
        let handle = self.handle(py)?;
        let next = self.next(py, &handle, duration(timeout)?);
        if !is_the_same(self.attached.lock(py)?.as_ref(), &handle) {
            self.prepared.clear(py); // detached meanwhile: nothing may keep the segment
        }
        if let Some(frame) = next? {
            return self.prepared.give(py, frame);
        }
        let (state, reason) = handle.state().map_err(to_python)?;
        let because = if reason.as_str().is_empty() { String::new() } else { format!(", {reason}") };
        Err(PyTimeoutError::new_err(format!(
            "no newer frame of '{}' came within {:?}s (the stream is {state}{because})",
            self.name.as_str(),
            timeout.unwrap_or(f64::INFINITY),
        )))
    }

    /// A leased frame, if there is a newer one now.
    fn try_lease(&self, py: Python<'_>) -> PyResult<Option<Py<Frame>>> {
        let newest = Reader::newest(py, &self.handle(py)?).map_err(to_python)?;
        newest.map(|frame| self.prepared.give(py, frame)).transpose()
    }

    /// A copy of the newest frame, if it is newer than the last one.
    #[pyo3(signature = (out=None))]
    fn read_frame(&self, py: Python<'_>, out: Option<Bound<'_, PyAny>>) -> PyResult<Copied> {
        let handle = self.handle(py)?;
        self.before_copying(py, &handle, out.as_ref())?;
        match Reader::newest(py, &handle) {
            Err(Error::EndOfStream { .. }) => Ok((None, None)),
            newest => Reader::copied(py, newest.map_err(to_python)?, out),
        }
    }

    /// A copy of the newest frame, waiting for it up to `timeout` seconds.
    #[pyo3(signature = (timeout=1.0, out=None))]
    fn wait_for_frame(&self, py: Python<'_>, timeout: Option<f64>, out: Option<Bound<'_, PyAny>>) -> PyResult<Copied> {
        let handle = self.handle(py)?;
        self.before_copying(py, &handle, out.as_ref())?;
        let timeout = duration(timeout)?;
        let begin = Instant::now();
        let frame = wait(
            py,
            || self.wants(&handle),
            |_| (),
            |interrupt| {
                loop {
                    let left = timeout.map(|timeout| timeout.saturating_sub(begin.elapsed()));
                    match handle.wait_with(left, interrupt) {
                        // A client that knows nothing of an end asks again and again, and must not spin; and should the
                        // source be started again, it goes on.
                        Err(Error::EndOfStream { .. }) => match left {
                            Some(left) if left.is_zero() => return Ok(None),
                            left => thread::sleep(left.unwrap_or(LOOK_AGAIN).min(LOOK_AGAIN)),
                        },
                        frame => return frame,
                    }
                    if interrupt() {
                        return Err(Error::Interrupted);
                    }
                }
            },
        )?;
        Reader::copied(py, frame, out)
    }

    /// Waits for a newer frame up to `timeout` seconds, and takes nothing.
    #[pyo3(signature = (timeout=1.0))]
    fn wait_newer(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        let handle = self.handle(py)?;
        let timeout = duration(timeout)?;
        wait(py, || self.wants(&handle), |_| (), |interrupt| handle.wait_newer_with(timeout, interrupt))
    }

    /// The live readers of the segment that is read now.
    fn readers(&self, py: Python<'_>) -> PyResult<Vec<ReaderFigures>> {
        let handle = self.handle(py)?;
        let figures = py.detach(|| handle.readers()).map_err(to_python)?;
        Ok(figures.into_iter().map(ReaderFigures::from).collect())
    }

    /// The writer's status text, which the bus does not look into.
    fn status_text(&self, py: Python<'_>) -> PyResult<String> {
        let handle = self.handle(py)?;
        let bytes = py.detach(|| handle.status()).map_err(to_python)?;
        String::from_utf8(bytes)
            .map_err(|error| PyUnicodeDecodeError::new_err_from_utf8(py, error.as_bytes(), error.utf8_error()))
    }

    /// The name of the stream.
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
        format_member(py, self.geometry(py)?.format())
    }

    /// Bytes in a frame.
    #[getter]
    fn bytes_per_frame(&self, py: Python<'_>) -> PyResult<usize> {
        Ok(self.geometry(py)?.frame_bytes())
    }

    /// What the stream is doing and why, as its writer last said.
    #[getter]
    fn state(&self, py: Python<'_>) -> PyResult<(Py<PyAny>, &'static str)> {
        let (state, reason) = self.handle(py)?.state().map_err(to_python)?;
        Ok((state_member(py, state)?, reason.as_str()))
    }

    /// The writer's counters.
    #[getter]
    fn counters(&self, py: Python<'_>) -> PyResult<Counters> {
        self.handle(py)?.counters().map(Counters::from).map_err(to_python)
    }

    /// What became of the waits of a reader that asked for low latency.
    #[getter]
    fn anticipation(&self, py: Python<'_>) -> PyResult<Anticipation> {
        Ok(Anticipation::from(self.handle(py)?.anticipation()))
    }

    /// The random number of the segment that is read now.
    #[getter]
    fn epoch(&self, py: Python<'_>) -> PyResult<u64> {
        self.handle(py)?.epoch().map_err(to_python)
    }

    /// The file of the segment that is read now.
    #[getter]
    fn path(&self, py: Python<'_>) -> PyResult<PathBuf> {
        self.handle(py)?.path().map_err(to_python)
    }

    /// The writer's process.
    #[getter]
    fn writer_pid(&self, py: Python<'_>) -> PyResult<u32> {
        self.handle(py)?.writer_pid().map_err(to_python)
    }

    /// Whether the writer lives, by the kernel's word.
    #[getter]
    fn writer_alive(&self, py: Python<'_>) -> PyResult<bool> {
        self.handle(py)?.writer_alive().map_err(to_python)
    }

    /// Whether this reader watches without holding: its leases are copies.
    #[getter]
    fn is_observer(&self, py: Python<'_>) -> PyResult<bool> {
        self.handle(py)?.is_observer().map_err(to_python)
    }

    /// Whether the reader is attached.
    #[getter]
    fn is_attached(&self, py: Python<'_>) -> PyResult<bool> {
        Ok(self.attached.lock(py)?.is_some())
    }

    fn __enter__(slf: Py<Self>, py: Python<'_>) -> PyResult<Py<Self>> {
        slf.get().attach(py, Some(5.0))?;
        Ok(slf)
    }

    #[pyo3(signature = (*exception))]
    fn __exit__(&self, exception: &Bound<'_, PyTuple>) {
        self.detach(exception.py());
    }
}
