//! Makes an array read-only after it was given out.
//!
//! `ndarray.setflags` does that, and costs ten microseconds once a frame, where the caches are cold. To C it is an inline
//! function, `PyArray_CLEARFLAGS`, which is compiled into every extension: where an array keeps its flags is part of NumPy's
//! binary interface. That they are there is seen once, on an array of our own; where they are not, `setflags` is called.

#![allow(unsafe_code, reason = "an array's flags have no function in NumPy's binary interface")]

use std::ffi::{c_char, c_int, c_void};
use std::sync::atomic::{AtomicI32, Ordering};

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
    flags: AtomicI32,
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
        let before = told()? == flags(array).load(Ordering::Relaxed);
        array.call_method1("setflags", (false,))?;
        let after = told()? == flags(array).load(Ordering::Relaxed);
        let is_there = before && after && told()? & WRITEABLE == 0;
        Ok(if is_there { ReadOnly::Flags } else { ReadOnly::Method })
    }

    /// Makes an `ndarray`, not an object of a derived class, read-only. It keeps the GIL.
    pub(crate) fn make(self, array: &Bound<'_, PyAny>) -> PyResult<()> {
        if self == ReadOnly::Method {
            return array.call_method1("setflags", (false,)).map(drop);
        }
        flags(array).fetch_and(!WRITEABLE, Ordering::Relaxed);
        Ok(())
    }
}

fn flags<'a>(array: &'a Bound<'_, PyAny>) -> &'a AtomicI32 {
    let fields = array.as_ptr().cast::<ArrayFields>();
    // SAFETY: the object is an `ndarray`, as the callers see to, and alive while it is borrowed; every `ndarray` begins with
    // these fields. In a NumPy that is laid out otherwise the word lies inside the object all the same, which has more
    // fields than these, and is only read before `seen_on` has said which it is.
    unsafe { &(*fields).flags }
}
