//! Waiting without the GIL, within hearing of Ctrl-C.

use std::time::Duration;

use billiards_video::Error;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::errors::{not_attached, to_python};

/// Longer than anybody waits, and short enough to be added to any clock.
const FOREVER_SECONDS: f64 = 1e9;

/// A time-out in seconds as a duration: `None` without limit; what is negative is no wait at all.
///
/// # Errors
/// `ValueError` for what is not a number.
pub(crate) fn duration(seconds: Option<f64>) -> PyResult<Option<Duration>> {
    match seconds {
        Some(seconds) if seconds.is_nan() => {
            Err(PyValueError::new_err("timeout is nan: give seconds, or None to wait without limit"))
        }
        Some(seconds) if seconds < FOREVER_SECONDS => Ok(Some(Duration::from_secs_f64(seconds.max(0.0)))),
        _ => Ok(None),
    }
}

/// Runs a wait of the core with the GIL released. The wait calls its argument at least every 250 ms, and at once when a
/// signal came, and ends where that says so: a signal's handler has raised (`KeyboardInterrupt`, for one), the handle is
/// no longer `wanted`, or the interpreter shuts down. `rehearse` is called beside: shortly before a frame is due, by who waits
/// for it with low latency.
pub(crate) fn wait<T: Send>(
    py: Python<'_>,
    wanted: impl Fn() -> bool + Sync,
    rehearse: impl Fn(Python<'_>) + Sync,
    run: impl FnOnce(&mut dyn FnMut() -> bool) -> Result<T, Error> + Send,
) -> PyResult<T> {
    let mut raised = None;
    let mut just_attached = true;
    let result = py.detach(|| {
        run(&mut || {
            if !wanted() {
                return true;
            }
            // Before the first sleep there is nothing to hear yet, and another thread may keep the GIL for 5 ms.
            if std::mem::take(&mut just_attached) {
                return false;
            }
            let heard = Python::try_attach(|py| {
                py.check_signals()?;
                rehearse(py);
                Ok(())
            });
            match heard {
                Some(Ok(())) => false,
                Some(Err(error)) => {
                    raised = Some(error);
                    true
                }
                None => true,
            }
        })
    });
    match (raised, result) {
        (Some(error), _) => Err(error),
        (None, Err(Error::Interrupted)) => Err(not_attached()),
        (None, result) => result.map_err(to_python),
    }
}
