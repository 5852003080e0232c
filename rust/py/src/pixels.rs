//! The arrays that callers give: seen to be frames of the right shape and type, then used as plain bytes.

#![allow(unsafe_code, reason = "borrows the memory of a caller's array while the GIL is released")]

use std::slice;

use billiards_video::Geometry;
use pyo3::buffer::PyUntypedBuffer;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

/// A caller's array, which has the shape and the type of a frame.
pub(crate) struct Pixels {
    buffer: PyUntypedBuffer,
    frame_bytes: usize,
}

impl Pixels {
    /// A frame to publish.
    ///
    /// # Errors
    /// `ValueError` that shows both sides, `TypeError` for what is no array.
    pub(crate) fn to_publish(frame: &Bound<'_, PyAny>, geometry: Geometry) -> PyResult<Pixels> {
        Pixels::new(frame, geometry, ["frame", "the writer's"])
    }

    /// An array to fill.
    ///
    /// # Errors
    /// As [`Pixels::to_publish`], and `ValueError` for an array that may not be written to.
    pub(crate) fn to_fill(out: &Bound<'_, PyAny>, geometry: Geometry) -> PyResult<Pixels> {
        let pixels = Pixels::new(out, geometry, ["out", "the frames'"])?;
        if pixels.buffer.readonly() {
            return Err(PyValueError::new_err("out is read-only: give an array that may be written to"));
        }
        Ok(pixels)
    }

    fn new(array: &Bound<'_, PyAny>, geometry: Geometry, [what, whose]: [&str; 2]) -> PyResult<Pixels> {
        let mismatch = |got: String| {
            PyValueError::new_err(format!("{what} is {got}, these don't match {whose} {}", shape_of(geometry)))
        };
        // Some arrays (of dates, say) export no buffer, but have a type to show.
        let buffer = PyUntypedBuffer::get(array).map_err(|_no_buffer| match describe_array(array) {
            Some(got) => mismatch(got),
            None => PyTypeError::new_err(format!(
                "{what} is of type {}: a uint8 array of {} is needed",
                array.get_type(),
                shape_of(geometry)
            )),
        })?;
        let (height, width) = (geometry.height() as usize, geometry.width() as usize);
        let fits = match *buffer.shape() {
            [rows, columns] => (rows, columns, 1) == (height, width, geometry.channels()),
            [rows, columns, channels] => {
                (rows, columns, channels) == (height, width, geometry.channels()) && channels != 1
            }
            _ => false,
        };
        if !fits || !is_uint8(&buffer) {
            return Err(mismatch(describe_array(array).unwrap_or_else(|| describe_buffer(&buffer))));
        }
        Ok(Pixels { buffer, frame_bytes: geometry.frame_bytes() })
    }

    /// Whether rows follow each other without padding, as they do in a segment.
    pub(crate) fn is_contiguous(&self) -> bool {
        self.buffer.is_c_contiguous()
    }

    /// The bytes of a contiguous array.
    pub(crate) fn bytes(&self) -> &[u8] {
        assert!(self.is_contiguous(), "strided arrays are copied by NumPy");
        // SAFETY: the exporter keeps as many bytes alive and in place as the contiguous frame has until the buffer is
        // released, which takes this borrow's end. Should another thread of the caller write to its array meanwhile, the
        // frame gets a mixture of old and new bytes; that is the caller's race, as with every function that reads arrays.
        unsafe { slice::from_raw_parts(self.buffer.buf_ptr().cast(), self.frame_bytes) }
    }

    /// The bytes of a contiguous array, to write to.
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        assert!(self.is_contiguous() && !self.buffer.readonly(), "seen when the array was taken");
        // SAFETY: as in `bytes`, and the exporter allows writing. What another thread of the caller reads meanwhile is
        // its own race.
        unsafe { slice::from_raw_parts_mut(self.buffer.buf_ptr().cast(), self.frame_bytes) }
    }
}

fn is_uint8(buffer: &PyUntypedBuffer) -> bool {
    let format = buffer.format().to_bytes();
    buffer.item_size() == 1 && matches!(format, b"B" | b"@B" | b"=B" | b"<B" | b">B" | b"!B" | b"|B")
}

/// A frame's shape as NumPy writes it: "(1080, 1920, 3) uint8".
fn shape_of(geometry: Geometry) -> String {
    match geometry.channels() {
        1 => format!("({}, {}) uint8", geometry.height(), geometry.width()),
        channels => format!("({}, {}, {channels}) uint8", geometry.height(), geometry.width()),
    }
}

/// The same of something that looks like an array.
fn describe_array(array: &Bound<'_, PyAny>) -> Option<String> {
    let (shape, dtype) = (array.getattr("shape").ok()?, array.getattr("dtype").ok()?);
    Some(format!("{shape} {dtype}"))
}

/// The same of any other exporter of the buffer protocol.
fn describe_buffer(buffer: &PyUntypedBuffer) -> String {
    let shape: Vec<String> = buffer.shape().iter().map(usize::to_string).collect();
    let comma = if shape.len() == 1 { "," } else { "" };
    format!("({}{comma}) of format '{}'", shape.join(", "), buffer.format().to_string_lossy())
}
