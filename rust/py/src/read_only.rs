//! Makes an array read-only after it was given out.
//!
//! `ndarray.setflags` does that, and costs ten microseconds once a frame, where the caches are cold. To C it is an inline
//! function, `PyArray_CLEARFLAGS`, which is compiled into every extension: where an array keeps its flags is part of NumPy's
//! binary interface. That they are there is seen once, on an array of our own; where they are not, `setflags` is called.

#![allow(unsafe_code, reason = "an array's flags have no function in NumPy's binary interface")]

use std::ffi::{c_char, c_int, c_void};
use std::ptr;

use pyo3::ffi;
use pyo3::prelude::*;

const WRITEABLE: c_int = 0x0400;

/// The beginning of an array: `PyArrayObject_fields` in NumPy's `ndarraytypes.h`, the same since NumPy 1.7.
#[repr(C)]
struct ArrayFields {
    head: ffi::PyObject,
    data: *mut c_char,
    dimensions: c_int,
    shape: *mut c_void,
    strides: *mut c_void,
    base: *mut ffi::PyObject,
    descriptor: *mut ffi::PyObject,
    flags: c_int,
}

/// How arrays of this NumPy are made read-only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadOnly {
    /// By their flags.
    Flags,
    /// By their method.
    Method,
}

impl ReadOnly {
    /// Looks at an array, made by NumPy for this, which may be written to.
    pub(crate) fn seen_on(array: &Bound<'_, PyAny>) -> PyResult<ReadOnly> {
        let told = || array.getattr("flags")?.getattr("num")?.extract::<c_int>();
        // SAFETY: as in `make`. In a NumPy that is laid out otherwise the word lies inside of the object all the same, which
        // has more fields than these, and whatever it is, it is only read.
        let found = || unsafe { flags(array).read() };
        let before = told()? == found();
        array.call_method1("setflags", (false,))?;
        let after = told()? == found();
        let is_there = before && after && told()? & WRITEABLE == 0;
        Ok(if is_there { ReadOnly::Flags } else { ReadOnly::Method })
    }

    /// Makes an `ndarray`, not an object of a derived class, read-only. It keeps the GIL.
    pub(crate) fn make(self, array: &Bound<'_, PyAny>) -> PyResult<()> {
        if self == ReadOnly::Method {
            return array.call_method1("setflags", (false,)).map(drop);
        }
        // SAFETY: the object is an `ndarray` and alive, and `seen_on` has found its flags where they are looked for. Whoever
        // changes them has the GIL, as this thread has; without one, NumPy too leaves an array's flags to its users.
        unsafe { *flags(array) &= !WRITEABLE };
        Ok(())
    }
}

/// Where an `ndarray` has its flags.
fn flags(array: &Bound<'_, PyAny>) -> *mut c_int {
    let fields = array.as_ptr().cast::<ArrayFields>();
    // SAFETY: the place of a field, inside of a living object; nothing is read.
    unsafe { ptr::addr_of_mut!((*fields).flags) }
}
