//! What is known of a frame beside its pixels.

use billiards_video::{Format, FrameInfo};
use pyo3::exceptions::PyOverflowError;
use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyDict};

use crate::enumerations::{format_from, format_member};

const SECOND_NS: u64 = 1_000_000_000;

/// What is known of a frame beside its pixels; immutable.
#[pyclass(frozen, eq, hash, module = "billiards_video")]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FrameMetadata {
    #[pyo3(get)]
    frame_number: u64,
    #[pyo3(get)]
    timestamp_sec: u64,
    #[pyo3(get)]
    timestamp_nsec: u64,
    #[pyo3(get)]
    width: u32,
    #[pyo3(get)]
    height: u32,
    format: Format,
    #[pyo3(get)]
    captured_ns: u64,
    #[pyo3(get)]
    published_ns: u64,
    #[pyo3(get)]
    position_ns: Option<u64>,
    #[pyo3(get)]
    loop_count: u32,
    #[pyo3(get)]
    discontinuity: bool,
    #[pyo3(get)]
    missed: u64,
    #[pyo3(get)]
    sequence: u64,
}

impl From<&FrameInfo> for FrameMetadata {
    fn from(info: &FrameInfo) -> FrameMetadata {
        FrameMetadata {
            frame_number: info.frame_number,
            timestamp_sec: info.wall_ns / SECOND_NS,
            timestamp_nsec: info.wall_ns % SECOND_NS,
            width: info.geometry.width(),
            height: info.geometry.height(),
            format: info.geometry.format(),
            captured_ns: info.captured_ns,
            published_ns: info.published_ns,
            position_ns: info.position_ns,
            loop_count: info.loop_count,
            discontinuity: info.discontinuity,
            missed: info.missed,
            sequence: info.sequence,
        }
    }
}

#[pymethods]
impl FrameMetadata {
    #[new]
    #[pyo3(signature = (
        frame_number, timestamp_sec, timestamp_nsec, width, height, format, *, captured_ns=0, published_ns=0,
        position_ns=None, loop_count=0, discontinuity=false, missed=0, sequence=0
    ))]
    #[allow(clippy::similar_names, reason = "the names of the system that this one replaces")]
    #[allow(clippy::too_many_arguments, reason = "the six of the system that this one replaces, and what is new")]
    fn new(
        frame_number: u64,
        timestamp_sec: u64,
        timestamp_nsec: u64,
        width: u32,
        height: u32,
        format: &Bound<'_, PyAny>,
        captured_ns: u64,
        published_ns: u64,
        position_ns: Option<u64>,
        loop_count: u32,
        discontinuity: bool,
        missed: u64,
        sequence: u64,
    ) -> PyResult<FrameMetadata> {
        let format = format_from(format)?;
        Ok(FrameMetadata {
            frame_number,
            timestamp_sec,
            timestamp_nsec,
            width,
            height,
            format,
            captured_ns,
            published_ns,
            position_ns,
            loop_count,
            discontinuity,
            missed,
            sequence,
        })
    }

    /// The pixel format.
    #[getter]
    fn format(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        format_member(py, self.format)
    }

    /// When the frame was captured, in Unix seconds.
    #[getter]
    #[allow(clippy::cast_precision_loss, reason = "a float has no more; wall_ns is exact")]
    fn timestamp(&self) -> f64 {
        self.timestamp_sec as f64 + self.timestamp_nsec as f64 / SECOND_NS as f64
    }

    /// When the frame was captured, in Unix nanoseconds.
    #[getter]
    fn wall_ns(&self) -> PyResult<u64> {
        let whole = self.timestamp_sec.checked_mul(SECOND_NS);
        whole
            .and_then(|whole| whole.checked_add(self.timestamp_nsec))
            .ok_or_else(|| PyOverflowError::new_err("timestamp_sec is too large for nanoseconds in 64 bits"))
    }

    /// For copy and pickle.
    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyDict>)> {
        let format = format_member(py, self.format)?;
        let six = (self.frame_number, self.timestamp_sec, self.timestamp_nsec, self.width, self.height, format);
        let rest = [
            ("captured_ns", self.captured_ns),
            ("published_ns", self.published_ns),
            ("loop_count", self.loop_count.into()),
            ("missed", self.missed),
            ("sequence", self.sequence),
        ]
        .into_py_dict(py)?;
        rest.set_item("position_ns", self.position_ns)?;
        rest.set_item("discontinuity", self.discontinuity)?;
        Ok((six.into_pyobject(py)?.into_any(), rest))
    }

    fn __repr__(&self) -> String {
        let position = self.position_ns.map_or_else(|| "None".to_owned(), |position| position.to_string());
        let discontinuity = if self.discontinuity { "True" } else { "False" };
        format!(
            "FrameMetadata(frame_number={}, timestamp_sec={}, timestamp_nsec={}, width={}, height={}, \
             format=FrameFormat.{}, captured_ns={}, published_ns={}, position_ns={position}, loop_count={}, \
             discontinuity={discontinuity}, missed={}, sequence={})",
            self.frame_number,
            self.timestamp_sec,
            self.timestamp_nsec,
            self.width,
            self.height,
            self.format,
            self.captured_ns,
            self.published_ns,
            self.loop_count,
            self.missed,
            self.sequence
        )
    }
}
