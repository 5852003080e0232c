//! Frames made ready while there is nothing to show.
//!
//! A reader that has slept for a frame's time runs cold: its code and data have left the caches, and what takes a
//! fraction of a microsecond in a loop takes twenty. So what does not depend on the frame is done before the sleep: the
//! array over each buffer, and the object around it. When a frame has come, it is put into the one made for its buffer.
//!
//! Not in free-threaded Python. There, what one thread made and another lets go of ends when the first comes back to running
//! Python code, and not before: a frame that was prepared by another thread would be held for as long as that one waits.

use billiards_video::BufferView;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::errors::to_python;
use crate::frame::Frame;
use crate::home_mutex::HomeMutex;

/// How many frames are made at a time for a buffer. After a sleep the first costs twenty microseconds, the others one each:
/// making them seldom saves a tenth of what a waiting reader costs.
const IN_STOCK: usize = 16;

/// Frames for one buffer that show nothing yet.
struct Stock {
    buffer: BufferView,
    frames: Vec<Py<Frame>>,
}

/// A stock for each buffer of the segment that is read now, in the buffers' order.
pub(crate) struct Prepared(HomeMutex<Vec<Stock>>);

impl Prepared {
    pub(crate) fn new() -> Prepared {
        Prepared(HomeMutex::new(Vec::new()))
    }

    /// Fills the stock up where a buffer has run out of it, and lets go of what is for a segment of the past.
    pub(crate) fn prepare(&self, py: Python<'_>, handle: &billiards_video::Reader) -> PyResult<()> {
        if is_free_threaded(py)? {
            return Ok(());
        }
        {
            let stocks = self.0.lock(py)?;
            let is_full = stocks.iter().all(|stock| !stock.frames.is_empty());
            if is_full && handle.has_buffers(stocks.iter().map(|stock| &stock.buffer)).map_err(to_python)? {
                return Ok(());
            }
        }
        self.restock(py, handle)
    }

    #[cold]
    #[inline(never)]
    fn restock(&self, py: Python<'_>, handle: &billiards_video::Reader) -> PyResult<()> {
        let buffers = handle.buffers().map_err(to_python)?;
        let mut stocks = std::mem::take(&mut *self.0.lock(py)?);
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
        let replaced = std::mem::replace(&mut *self.0.lock(py)?, stocks);
        drop(replaced);
        Ok(())
    }

    /// The frame as an object: the one prepared for its buffer, or a new one.
    pub(crate) fn give(&self, py: Python<'_>, frame: billiards_video::Frame) -> PyResult<Py<Frame>> {
        let made = {
            let mut stocks = self.0.lock(py)?;
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

    /// Takes the array of each buffer's next frame, as the caller will take that of the one that comes: what is needed for
    /// it is in the caches then. No Python code runs meanwhile, which could find frames that show nothing, and no other thread.
    pub(crate) fn rehearse(&self, py: Python<'_>) {
        let next = self.0.lock(py).map(|stocks| {
            stocks.iter().filter_map(|stock| stock.frames.last()).map(|frame| frame.clone_ref(py)).collect::<Vec<_>>()
        });
        for frame in next.into_iter().flatten() {
            let _array = frame.bind(py).getattr(intern!(py, "array"));
        }
    }

    /// Lets go of everything if it is for another segment than the one that is read now.
    pub(crate) fn forget_the_past(&self, py: Python<'_>, handle: &billiards_video::Reader) -> PyResult<()> {
        let Some(buffer) = self.0.lock(py)?.first().map(|stock| stock.buffer.clone()) else { return Ok(()) };
        if !handle.buffers().map_err(to_python)?.contains(&buffer) {
            self.clear(py);
        }
        Ok(())
    }

    pub(crate) fn clear(&self, py: Python<'_>) {
        let gone = self.0.lock(py).map(|mut stocks| std::mem::take(&mut *stocks));
        drop(gone); // outside the lock
    }
}

/// Whether this Python is built to run without a GIL, whether it does or not.
pub(crate) fn is_free_threaded(py: Python<'_>) -> PyResult<bool> {
    static FREE_THREADED: PyOnceLock<bool> = PyOnceLock::new();
    let look = || py.import("sys")?.getattr("abiflags")?.contains("t");
    FREE_THREADED.get_or_try_init(py, look).copied()
}
