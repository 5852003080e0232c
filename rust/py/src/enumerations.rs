//! `FrameFormat` and `State`: Python enumerations made from the core's, so that no number is written twice.

use billiards_video::{Format, Reason, State};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{IntoPyDict, PyType};

static FRAME_FORMAT: PyOnceLock<Enumeration> = PyOnceLock::new();
static STATE: PyOnceLock<Enumeration> = PyOnceLock::new();

/// An `enum.IntEnum`, with its members at hand by their number.
struct Enumeration {
    class: Py<PyType>,
    members: Vec<(u32, Py<PyAny>)>,
}

impl Enumeration {
    fn new(py: Python<'_>, name: &str, doc: &str, values: Vec<(String, u32)>) -> PyResult<Enumeration> {
        let place = [("module", "billiards_video"), ("qualname", name)].into_py_dict(py)?;
        let numbers: Vec<u32> = values.iter().map(|(_, number)| *number).collect();
        let class = py.import("enum")?.getattr("IntEnum")?.call((name, values), Some(&place))?;
        class.setattr("__doc__", doc)?;
        let members = numbers
            .into_iter()
            .map(|number| Ok((number, class.call1((number,))?.unbind())))
            .collect::<PyResult<_>>()?;
        Ok(Enumeration { class: class.cast_into::<PyType>()?.unbind(), members })
    }

    fn member(&self, py: Python<'_>, number: u32) -> Py<PyAny> {
        let found = self.members.iter().find(|(value, _)| *value == number);
        found.map_or_else(|| py.None(), |(_, member)| member.clone_ref(py))
    }
}

fn frame_format(py: Python<'_>) -> PyResult<&'static Enumeration> {
    FRAME_FORMAT.get_or_try_init(py, || {
        let values = Format::ALL.iter().map(|format| (format.to_string(), format.code())).collect();
        let doc = "How the pixels of a frame are laid out: uint8, channels interleaved, rows without padding.";
        Enumeration::new(py, "FrameFormat", doc, values)
    })
}

fn state(py: Python<'_>) -> PyResult<&'static Enumeration> {
    STATE.get_or_try_init(py, || {
        let values = State::ALL.iter().map(|state| (state.to_string(), state.code())).collect();
        Enumeration::new(py, "State", "What a stream is doing, as its writer last said.", values)
    })
}

/// Adds both classes to the module.
pub(crate) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    module.add("FrameFormat", frame_format(py)?.class.clone_ref(py))?;
    module.add("State", state(py)?.class.clone_ref(py))
}

/// The member of `FrameFormat` for a format.
pub(crate) fn format_member(py: Python<'_>, format: Format) -> PyResult<Py<PyAny>> {
    Ok(frame_format(py)?.member(py, format.code()))
}

/// The member of `State` for a state.
pub(crate) fn state_member(py: Python<'_>, value: State) -> PyResult<Py<PyAny>> {
    Ok(state(py)?.member(py, value.code()))
}

/// The format that a `FrameFormat`, or its number, stands for.
///
/// # Errors
/// `ValueError` for any other number, `TypeError` for what is no number.
pub(crate) fn format_from(given: &Bound<'_, PyAny>) -> PyResult<Format> {
    let code: i64 = given.extract()?;
    u32::try_from(code).ok().and_then(Format::from_code).ok_or_else(|| {
        let allowed: Vec<String> = Format::ALL.iter().map(|format| format!("{format} ({})", format.code())).collect();
        PyValueError::new_err(format!("frame_format is {code}: allowed are {}", allowed.join(", ")))
    })
}

/// The state that a `State`, or its number, stands for.
///
/// # Errors
/// `ValueError` for any other number, `TypeError` for what is no number.
pub(crate) fn state_from(given: &Bound<'_, PyAny>) -> PyResult<State> {
    let code: i64 = given.extract()?;
    u32::try_from(code).ok().and_then(State::from_code).ok_or_else(|| {
        let allowed: Vec<String> = State::ALL.iter().map(|state| format!("{state} ({})", state.code())).collect();
        PyValueError::new_err(format!("state is {code}: allowed are {}", allowed.join(", ")))
    })
}

/// The reason that its words stand for.
///
/// # Errors
/// `ValueError` for words that stand for none.
pub(crate) fn reason_from(words: &str) -> PyResult<Reason> {
    Reason::ALL.iter().copied().find(|reason| reason.as_str() == words).ok_or_else(|| {
        let allowed: Vec<String> = Reason::ALL.iter().map(|reason| format!("'{reason}'")).collect();
        PyValueError::new_err(format!("reason is '{words}': allowed are {}", allowed.join(", ")))
    })
}
