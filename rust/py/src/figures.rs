//! Figures for people, as immutable records.

use pyo3::prelude::*;

/// What one live reader handle says of itself. Another process's word: shown, never relied upon.
#[pyclass(frozen, eq, get_all, module = "billiards_video.ipc")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReaderFigures {
    line: usize,
    pid: u32,
    name: String,
    frames_read: u64,
    missed: u64,
    held: u32,
    held_since_ns: Option<u64>,
    attached_ns: u64,
    last_sequence: u64,
}

impl From<billiards_video::ReaderFigures> for ReaderFigures {
    fn from(figures: billiards_video::ReaderFigures) -> ReaderFigures {
        ReaderFigures {
            line: figures.line,
            pid: figures.pid,
            name: figures.name,
            frames_read: figures.frames_read,
            missed: figures.missed,
            held: figures.held,
            held_since_ns: figures.held_since_ns,
            attached_ns: figures.attached_ns,
            last_sequence: figures.last_sequence,
        }
    }
}

#[pymethods]
impl ReaderFigures {
    fn __repr__(&self) -> String {
        format!("<{self:?}>")
    }
}

/// The counters in a segment's header, as its writer keeps them.
#[pyclass(frozen, eq, get_all, module = "billiards_video.ipc")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Counters {
    captured: u64,
    published: u64,
    dropped: u64,
    heartbeat_ns: u64,
    buffers: u32,
    latest_sequence: u64,
}

impl From<billiards_video::Counters> for Counters {
    fn from(counters: billiards_video::Counters) -> Counters {
        Counters {
            captured: counters.captured,
            published: counters.published,
            dropped: counters.dropped,
            heartbeat_ns: counters.heartbeat_ns,
            buffers: counters.buffers,
            latest_sequence: counters.latest_sequence,
        }
    }
}

#[pymethods]
impl Counters {
    fn __repr__(&self) -> String {
        format!("<{self:?}>")
    }
}

/// What became of the waits of a reader that asked for low latency.
#[pyclass(frozen, eq, get_all, module = "billiards_video.ipc")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Anticipation {
    timed: u64,
    met: u64,
    polled_ns: u64,
}

impl From<billiards_video::Anticipation> for Anticipation {
    fn from(anticipation: billiards_video::Anticipation) -> Anticipation {
        let billiards_video::Anticipation { timed, met, polled_ns } = anticipation;
        Anticipation { timed, met, polled_ns }
    }
}

#[pymethods]
impl Anticipation {
    fn __repr__(&self) -> String {
        format!("<{self:?}>")
    }
}
