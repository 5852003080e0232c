//! NumPy's few functions that the glue calls, looked up once.

use billiards_video::Geometry;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

static NUMPY: PyOnceLock<NumPy> = PyOnceLock::new();

pub(crate) struct NumPy {
    asarray: Py<PyAny>,
    ascontiguousarray: Py<PyAny>,
    copyto: Py<PyAny>,
    empty: Py<PyAny>,
    uint8: Py<PyAny>,
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
                uint8: function("uint8")?,
            })
        })
    }

    /// An array that views an exporter of the buffer protocol, and keeps it alive.
    pub(crate) fn view<'py>(&self, exporter: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.asarray.bind(exporter.py()).call1((exporter,))
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
