//! A buffer of the segment as an object that exports Python's buffer protocol.
//!
//! The chain goes frame -> array -> hold, and never back: NumPy's arrays are not seen by the cycle
//! collector, so a hold that knew its array would live for ever, and with it the lease.

#![allow(unsafe_code, reason = "the buffer protocol is pointers")]

use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::OnceLock;

use billiards_video::{BufferView, Frame, Geometry, SlotAddress, SlotView};
use pyo3::exceptions::PyBufferError;
use pyo3::ffi;
use pyo3::prelude::*;

/// Keeps one buffer from being written to again, for as long as an array or a memoryview shows it.
#[pyclass(frozen, module = "billiards_video._core")]
pub(crate) struct Hold {
    pixels: Pixels,
    /// What `Py_buffer` points to: a `Hold` does not move, and outlives its views.
    shape: [ffi::Py_ssize_t; 3],
    strides: [ffi::Py_ssize_t; 3],
    dimensions: c_int,
}

enum Pixels {
    /// A reader's frame, read-only; its lease ends when it is dropped.
    Leased(Frame),
    /// A buffer that will show a frame: the hold and its array are not given out before the frame is there. (Whoever digs
    /// them out of the garbage collector sees mapped memory, and bytes that change.)
    Prepared { buffer: BufferView, frame: OnceLock<Frame> },
    /// A writer's slot, writable until it is frozen, and not loaned again until this is dropped. It too may be prepared: it
    /// is given out when the slot has been loaned.
    Loaned { address: SlotAddress, view: OnceLock<SlotView>, frozen: OnceLock<()> },
}

impl Hold {
    pub(crate) fn leased(frame: Frame) -> Hold {
        let geometry = frame.info().geometry;
        Hold::new(Pixels::Leased(frame), geometry)
    }

    /// A hold for a frame that has not come yet.
    pub(crate) fn prepared(buffer: BufferView) -> Hold {
        let geometry = buffer.geometry();
        Hold::new(Pixels::Prepared { buffer, frame: OnceLock::new() }, geometry)
    }

    /// Takes the frame that the hold was prepared for; gives it back if it lies elsewhere.
    pub(crate) fn fill(&self, arrived: Frame) -> Result<(), Frame> {
        match &self.pixels {
            Pixels::Prepared { buffer, frame } if buffer.shows(&arrived) => frame.set(arrived),
            _ => Err(arrived),
        }
    }

    pub(crate) fn loaned(view: SlotView) -> Hold {
        let (address, geometry) = (view.address().clone(), view.geometry());
        Hold::new(Pixels::Loaned { address, view: OnceLock::from(view), frozen: OnceLock::new() }, geometry)
    }

    /// A hold for a slot that has not been loaned yet.
    pub(crate) fn blank(address: SlotAddress) -> Hold {
        let geometry = address.geometry();
        Hold::new(Pixels::Loaned { address, view: OnceLock::new(), frozen: OnceLock::new() }, geometry)
    }

    /// Takes the loan that the hold was prepared for; gives it back if it is of another slot.
    pub(crate) fn lend(&self, loaned: SlotView) -> Result<(), SlotView> {
        match &self.pixels {
            Pixels::Loaned { address, view, .. } if address == loaned.address() => view.set(loaned),
            _ => Err(loaned),
        }
    }

    #[allow(clippy::cast_possible_wrap, reason = "a frame has at most 2^30 bytes")]
    fn new(pixels: Pixels, geometry: Geometry) -> Hold {
        let (height, width) = (geometry.height() as isize, geometry.width() as isize);
        let channels = geometry.channels() as isize;
        Hold {
            pixels,
            shape: [height, width, channels],
            strides: [width * channels, channels, 1],
            dimensions: if channels == 1 { 2 } else { 3 },
        }
    }

    /// From now on it exports read-only views. Those exported before stay as they are.
    pub(crate) fn freeze(&self) {
        if let Pixels::Loaned { frozen, .. } = &self.pixels {
            frozen.get_or_init(|| ());
        }
    }

    pub(crate) fn is_frozen(&self) -> bool {
        matches!(&self.pixels, Pixels::Loaned { frozen, .. } if frozen.get().is_some())
    }

    fn is_writable(&self) -> bool {
        matches!(&self.pixels, Pixels::Loaned { frozen, .. } if frozen.get().is_none())
    }

    /// Of a writer's slot.
    pub(crate) fn address(&self) -> Option<SlotAddress> {
        match &self.pixels {
            Pixels::Loaned { address, .. } => Some(address.clone()),
            _ => None,
        }
    }

    pub(crate) fn geometry(&self) -> Geometry {
        match &self.pixels {
            Pixels::Leased(frame) => frame.info().geometry,
            Pixels::Prepared { buffer, .. } => buffer.geometry(),
            Pixels::Loaned { address, .. } => address.geometry(),
        }
    }

    fn bytes(&self) -> (*mut u8, usize) {
        match &self.pixels {
            Pixels::Leased(frame) => (frame.as_ptr().cast_mut(), frame.len()),
            Pixels::Prepared { buffer, .. } => (buffer.as_ptr().cast_mut(), buffer.geometry().frame_bytes()),
            Pixels::Loaned { address, .. } => (address.as_mut_ptr(), address.geometry().frame_bytes()),
        }
    }
}

#[pymethods]
impl Hold {
    /// Fills what was asked for, and refuses what would need a copy or the right to write.
    #[allow(clippy::cast_possible_wrap, reason = "a frame has at most 2^30 bytes")]
    #[allow(clippy::needless_pass_by_value, reason = "the signature of the protocol")]
    unsafe fn __getbuffer__(slf: Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        let hold = slf.get();
        let asked = |flag: c_int| flags & flag == flag;
        let readonly = !hold.is_writable();
        let refusal = if view.is_null() {
            Some("no view to fill")
        } else if readonly && asked(ffi::PyBUF_WRITABLE) {
            Some("a published frame is read-only: copy it to change it")
        } else if asked(ffi::PyBUF_F_CONTIGUOUS) && !asked(ffi::PyBUF_ANY_CONTIGUOUS) {
            Some("the rows of a frame are contiguous, its columns are not: it cannot be viewed in Fortran's order")
        } else {
            None
        };
        if let Some(problem) = refusal {
            if !view.is_null() {
                // SAFETY: the caller's view is valid for writes; on failure the protocol wants its owner to be null.
                unsafe { (*view).obj = ptr::null_mut() };
            }
            return Err(PyBufferError::new_err(problem));
        }
        let (start, length) = hold.bytes();
        let shape = asked(ffi::PyBUF_ND).then(|| hold.shape.as_ptr().cast_mut());
        let strides = asked(ffi::PyBUF_STRIDES).then(|| hold.strides.as_ptr().cast_mut());
        let format = asked(ffi::PyBUF_FORMAT).then(|| c"B".as_ptr().cast_mut());
        let filled = ffi::Py_buffer {
            buf: start.cast::<c_void>(),
            len: length as ffi::Py_ssize_t,
            itemsize: 1,
            readonly: c_int::from(readonly),
            // Without a shape the consumer sees plain bytes.
            ndim: if shape.is_some() { hold.dimensions } else { 1 },
            shape: shape.unwrap_or(ptr::null_mut()),
            strides: strides.unwrap_or(ptr::null_mut()),
            format: format.unwrap_or(ptr::null_mut()),
            suboffsets: ptr::null_mut(),
            internal: ptr::null_mut(),
            obj: slf.into_ptr(),
        };
        // SAFETY: the caller's view is valid for writes and not initialised yet. What it points to lives in the hold, or
        // for ever, or is the frame's memory that the hold keeps; the reference in `obj` keeps the hold until
        // `PyBuffer_Release`. Consumers do not write through shape, strides and format.
        unsafe { view.write(filled) };
        Ok(())
    }
}
