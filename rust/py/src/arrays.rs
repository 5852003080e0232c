//! NumPy's few functions that the glue calls, looked up once.

use billiards_video::Geometry;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::hold::Hold;
use crate::read_only::ReadOnly;

static NUMPY: PyOnceLock<NumPy> = PyOnceLock::new();

pub(crate) struct NumPy {
    asarray: Py<PyAny>,
    ascontiguousarray: Py<PyAny>,
    copyto: Py<PyAny>,
    empty: Py<PyAny>,
    ndarray: Py<PyAny>,
    uint8: Py<PyAny>,
    read_only: ReadOnly,
}

impl NumPy {
    /// Imports NumPy the first time, which the module does when it is imported itself.
    pub(crate) fn get(py: Python<'_>) -> PyResult<&'static NumPy> {
        NUMPY.get_or_try_init(py, || {
            let numpy = py.import("numpy")?;
            let function = |name| numpy.getattr(name).map(Bound::unbind);
            Ok(NumPy {
                asarray: function("asarray")?,
                ascontiguousarray: function("ascontiguousarray")?,
                copyto: function("copyto")?,
                empty: function("empty")?,
                ndarray: function("ndarray")?,
                uint8: numpy.call_method1("dtype", ("uint8",))?.unbind(),
                read_only: ReadOnly::seen_on(&numpy.call_method1("empty", (1,))?)?,
            })
        })
    }

    /// An array over a hold of a frame of this geometry. It keeps the hold itself alive, with no memoryview in between: one
    /// object less to make and unmake for each frame, and `setflags` asks the hold before it allows writing.
    pub(crate) fn over<'py>(&self, hold: &Bound<'py, Hold>, geometry: Geometry) -> PyResult<Bound<'py, PyAny>> {
        let (height, width, channels) = (geometry.height(), geometry.width(), geometry.channels());
        let ndarray = self.ndarray.bind(hold.py());
        match channels {
            1 => ndarray.call1(((height, width), &self.uint8, hold)),
            _ => ndarray.call1(((height, width, channels), &self.uint8, hold)),
        }
    }

    /// An array that views an exporter of the buffer protocol, and keeps it alive.
    pub(crate) fn view<'py>(&self, exporter: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.asarray.bind(exporter.py()).call1((exporter,))
    }

    /// Makes an array that [`over`](Self::over) gave read-only.
    pub(crate) fn make_read_only(&self, array: &Bound<'_, PyAny>) -> PyResult<()> {
        self.read_only.make(array)
    }

    /// A new C-contiguous array with the same elements.
    pub(crate) fn contiguous<'py>(&self, array: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.ascontiguousarray.bind(array.py()).call1((array,))
    }

    /// Copies one array into another of the same shape, without the GIL.
    pub(crate) fn copy(&self, to: &Bound<'_, PyAny>, from: &Bound<'_, PyAny>) -> PyResult<()> {
        self.copyto.bind(to.py()).call1((to, from)).map(drop)
    }

    /// A new array for one frame, its bytes not set.
    pub(crate) fn empty<'py>(&self, py: Python<'py>, geometry: Geometry) -> PyResult<Bound<'py, PyAny>> {
        let (height, width, channels) = (geometry.height(), geometry.width(), geometry.channels());
        let function = self.empty.bind(py);
        match channels {
            1 => function.call1(((height, width), &self.uint8)),
            _ => function.call1(((height, width, channels), &self.uint8)),
        }
    }
}
