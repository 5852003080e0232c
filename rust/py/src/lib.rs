//! The frame bus as a Python module: glue. Each body is one call of the core, with its errors mapped in `errors`.
//!
//! The classes are frozen and lock inside, so that handles may be used from several threads. No lock is held while
//! Python code runs, or while a thread waits.

mod arrays;
mod blanks;
mod enumerations;
mod errors;
mod figures;
mod frame;
mod hold;
mod home_mutex;
mod loan;
mod metadata;
mod pixels;
mod prepared;
mod publishing;
mod ranges;
mod read_only;
mod reader;
mod reservation;
mod view;
mod waiting;
mod writer;

/// `billiards_video._core`; described in `_core.pyi`.
#[pyo3::pymodule(gil_used = false)]
mod _core {
    use pyo3::exceptions::{PyImportError, PyRuntimeWarning};
    use pyo3::prelude::*;
    use pyo3::sync::PyOnceLock;

    #[pymodule_export]
    use crate::errors::EndOfStream;
    #[pymodule_export]
    use crate::figures::{Anticipation, Counters, ReaderFigures};
    #[pymodule_export]
    use crate::frame::Frame;
    #[pymodule_export]
    use crate::loan::{Loan, Slot};
    #[pymodule_export]
    use crate::metadata::FrameMetadata;
    #[pymodule_export]
    use crate::reader::Reader;
    #[pymodule_export]
    use crate::reservation::Reservation;
    #[pymodule_export]
    use crate::writer::SharedMemoryFrameWriter;

    #[pymodule_export]
    #[allow(non_upper_case_globals, reason = "Python's name for it")]
    const __version__: &str = env!("CARGO_PKG_VERSION");

    /// The `sys` of the interpreter that has the module: each interpreter has its own.
    static SYS: PyOnceLock<Py<PyModule>> = PyOnceLock::new();

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let py = module.py();
        // What is looked up once is one interpreter's, and would outlive it. Python itself refuses for us in subinterpreters
        // with a GIL of their own, not in those that share it.
        let sys = py.import("sys")?;
        if !SYS.get_or_init(py, || sys.clone().unbind()).is(&sys) {
            let text = "module billiards_video._core does not support loading in subinterpreters: \
                        another interpreter of this process has it, as only one can have NumPy";
            return Err(PyImportError::new_err(text));
        }
        if cfg!(debug_assertions) {
            let warning = py.get_type::<PyRuntimeWarning>();
            let text = c"billiards_video._core is a debug build, many times slower: run `maturin develop --release`";
            PyErr::warn(py, &warning, text, 1)?;
        }
        // The first time that a thread comes back by itself, PyO3 asserts that there is an interpreter: here and now, and not
        // in a waiting thread while the interpreter is taken down.
        py.detach(|| Python::try_attach(|_| ()));
        crate::arrays::NumPy::get(py)?; // so that no first frame waits for the import
        crate::enumerations::add_to(module)
    }
}
