//! The core's errors as Python exceptions: the one place that maps them. Every text is the core's own.

use std::io;

use billiards_video::Error;
use pyo3::PyTypeInfo;
use pyo3::create_exception;
use pyo3::exceptions::{
    PyException, PyFileExistsError, PyOSError, PyPermissionError, PyRuntimeError, PyTimeoutError, PyValueError,
};
use pyo3::prelude::*;

create_exception!(
    billiards_video,
    EndOfStream,
    PyException,
    "The source has ended and its last frame was read: there will be no more frames."
);

/// What a reader says that is not attached, or was detached by another thread while it waited.
pub(crate) fn not_attached() -> PyErr {
    PyRuntimeError::new_err("Reader not attached. Call attach() first.")
}

/// What a writer says before `initialize()` and after `cleanup()`.
pub(crate) fn not_initialized() -> PyErr {
    PyRuntimeError::new_err("Writer not initialized. Call initialize() first.")
}

/// The exception that stands for an error of the core.
pub(crate) fn to_python(error: Error) -> PyErr {
    let text = error.to_string();
    match error {
        Error::BadName { .. }
        | Error::BadGeometry { .. }
        | Error::BadOption { .. }
        | Error::SizeMismatch { .. }
        | Error::StatusTooLong { .. } => PyValueError::new_err(text),
        Error::NotCreated { .. } | Error::NotAccessible { .. } => PyTimeoutError::new_err(text),
        Error::EndOfStream { .. } => EndOfStream::new_err(text),
        Error::NameInUse { .. } => PyFileExistsError::new_err(text),
        Error::NameTaken { .. } => PyPermissionError::new_err(text),
        Error::NoRoom { .. } => os_error(io::ErrorKind::StorageFull, Some(NO_SPACE), text),
        Error::Io { source, .. } => os_error(source.kind(), source.raw_os_error(), text),
        _ => PyRuntimeError::new_err(text),
    }
}

const NO_SPACE: i32 = 28; // ENOSPC, the same number on every Linux

/// The subclass of `OSError` that fits, with `errno` set and the text as it is: without "[Errno 13]" before it.
fn os_error(kind: io::ErrorKind, errno: Option<i32>, text: String) -> PyErr {
    let error = PyErr::from(io::Error::new(kind, text));
    if let Some(errno) = errno {
        Python::attach(|py| {
            debug_assert!(error.get_type(py).is_subclass(&PyOSError::type_object(py)).unwrap_or(false));
            // An OSError's errno is a plain attribute; should setting it fail, the text still says everything.
            let _without_errno = error.value(py).setattr("errno", errno);
        });
    }
    error
}
