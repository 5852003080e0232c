//! A frame in a reader's hands.

use std::ops::Deref;
use std::sync::Arc;

use crate::attachment::{Attachment, Pixels};
use crate::streaming_copy::copy_over;
use crate::{Error, FrameInfo, Geometry};

/// The newest frame, as a reader took it. It dereferences to the pixels: rows from the top, without padding.
///
/// For as long as it lives its bytes do not change, whatever becomes of the reader, the writer or the name; the buffer is
/// out of the writer's use, so keep it for as long as you look at it and no longer.
#[derive(Debug)]
#[must_use = "dropping a frame lets go of it"]
pub struct Frame {
    attachment: Arc<Attachment>,
    pixels: Pixels,
    info: FrameInfo,
}

impl Frame {
    pub(crate) fn new(attachment: Arc<Attachment>, pixels: Pixels, info: FrameInfo) -> Frame {
        Frame { attachment, pixels, info }
    }

    /// What is known of it.
    pub fn info(&self) -> &FrameInfo {
        &self.info
    }

    /// Whether the bytes are a private copy, as an observer gets them, and not the shared buffer.
    pub fn is_copy(&self) -> bool {
        matches!(self.pixels, Pixels::Copied(_))
    }

    /// Copies the pixels out; large frames past the caches.
    ///
    /// # Errors
    /// [`Error::SizeMismatch`] if `target` is not as long as the frame.
    pub fn copy_to(&self, target: &mut [u8]) -> Result<(), Error> {
        if target.len() != self.len() {
            return Err(Error::SizeMismatch { expected: self.info.geometry, got: target.len() });
        }
        copy_over(self, target);
        Ok(())
    }
}

/// A buffer of an attached segment, whether it holds a frame or not: the address for what is to show a frame later. It
/// keeps the memory mapped, and holds nothing.
#[derive(Clone, Debug)]
pub struct BufferView {
    attachment: Arc<Attachment>,
    slot: usize,
}

impl PartialEq for BufferView {
    /// Whether both are the same buffer of the same attachment.
    fn eq(&self, other: &BufferView) -> bool {
        self.slot == other.slot && Arc::ptr_eq(&self.attachment, &other.attachment)
    }
}

impl Eq for BufferView {}

impl BufferView {
    pub(crate) fn new(attachment: Arc<Attachment>, slot: usize) -> BufferView {
        BufferView { attachment, slot }
    }

    pub(crate) fn is_slot_of(&self, slot: usize, attachment: &Arc<Attachment>) -> bool {
        self.slot == slot && Arc::ptr_eq(&self.attachment, attachment)
    }

    /// The first of a frame's bytes. Reading them is right while a [`Frame`] that this view [`shows`](Self::shows) lives;
    /// at any other time they may be changing.
    pub fn as_ptr(&self) -> *const u8 {
        self.attachment.first_byte(self.slot).as_ptr()
    }

    /// Whether the frame lies in this buffer.
    pub fn shows(&self, frame: &Frame) -> bool {
        matches!(frame.pixels, Pixels::Held(slot) if slot == self.slot)
            && Arc::ptr_eq(&self.attachment, &frame.attachment)
    }

    /// What the bytes mean.
    pub fn geometry(&self) -> Geometry {
        self.attachment.geometry
    }
}

impl Deref for Frame {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.pixels {
            Pixels::Held(slot) => self.attachment.held(*slot),
            Pixels::Copied(bytes) => bytes,
        }
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        if let (Pixels::Held(slot), Some(lease)) = (&self.pixels, self.attachment.lease()) {
            lease.release(*slot);
        }
    }
}
