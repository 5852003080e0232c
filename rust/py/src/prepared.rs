//! Frames made ready while there is nothing to show.
//!
//! A reader that has slept for a frame's time runs cold: its code and data have left the caches, and what takes a
//! fraction of a microsecond in a loop takes twenty. So what does not depend on the frame is done before the sleep: the
//! array over each buffer, and the object around it. When a frame has come, it is put into the one made for its buffer.

use std::sync::{Mutex, MutexGuard, PoisonError};

use billiards_video::BufferView;
use pyo3::prelude::*;
use pyo3::sync::MutexExt;

use crate::errors::to_python;
use crate::frame::Frame;

/// How many frames are made at a time for a buffer. After a sleep the first costs twenty microseconds, the others one each:
/// making them seldom saves a tenth of what a waiting reader costs.
const IN_STOCK: usize = 16;

/// Frames for one buffer that show nothing yet.
struct Stock {
    buffer: BufferView,
    frames: Vec<Py<Frame>>,
}

/// A stock for each buffer of the segment that is read now, in the buffers' order.
#[derive(Default)]
pub(crate) struct Prepared(Mutex<Vec<Stock>>);

impl Prepared {
    /// Fills the stock up where a buffer has run out of it, and lets go of what is for a segment of the past.
    pub(crate) fn prepare(&self, py: Python<'_>, handle: &billiards_video::Reader) -> PyResult<()> {
        let buffers = handle.buffers().map_err(to_python)?;
        let serves = |stocks: &Vec<Stock>| {
            buffers.len() == stocks.len()
                && stocks
                    .iter()
                    .zip(&buffers)
                    .all(|(stock, buffer)| stock.buffer == *buffer && !stock.frames.is_empty())
        };
        if serves(&self.lock(py)) {
            return Ok(());
        }
        let mut stocks = std::mem::take(&mut *self.lock(py));
        stocks.retain(|stock| buffers.contains(&stock.buffer));
        for (place, buffer) in buffers.into_iter().enumerate() {
            if stocks.get(place).is_none_or(|stock| stock.buffer != buffer) {
                stocks.insert(place, Stock { buffer: buffer.clone(), frames: Vec::new() });
            }
            let frames = &mut stocks[place].frames;
            while frames.len() < IN_STOCK {
                frames.push(Frame::prepared(py, buffer.clone())?);
            }
        }
        // What another thread has put there meanwhile goes, outside the lock.
        let replaced = std::mem::replace(&mut *self.lock(py), stocks);
        drop(replaced);
        Ok(())
    }

    /// The frame as an object: the one prepared for its buffer, or a new one.
    pub(crate) fn give(&self, py: Python<'_>, frame: billiards_video::Frame) -> PyResult<Py<Frame>> {
        let made = {
            let mut stocks = self.lock(py);
            stocks.iter_mut().find(|stock| stock.buffer.shows(&frame)).and_then(|stock| stock.frames.pop())
        };
        let Some(made) = made else {
            // Nothing is left for this buffer, or all is for a segment of the past, which must not stay mapped for it.
            self.clear(py);
            return Frame::new(py, frame);
        };
        match made.get().fill(py, frame) {
            Ok(()) => Ok(made),
            Err(frame) => Frame::new(py, frame),
        }
    }

    /// Lets go of everything if it is for another segment than the one that is read now.
    pub(crate) fn forget_the_past(&self, py: Python<'_>, handle: &billiards_video::Reader) -> PyResult<()> {
        let Some(buffer) = self.lock(py).first().map(|stock| stock.buffer.clone()) else { return Ok(()) };
        if !handle.buffers().map_err(to_python)?.contains(&buffer) {
            self.clear(py);
        }
        Ok(())
    }

    pub(crate) fn clear(&self, py: Python<'_>) {
        let gone = std::mem::take(&mut *self.lock(py));
        drop(gone); // outside the lock
    }

    /// Nothing that runs Python code happens under this lock, so it is never held for long.
    fn lock(&self, py: Python<'_>) -> MutexGuard<'_, Vec<Stock>> {
        self.0.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner)
    }
}
