//! A buffer on its way to becoming a frame.

#![allow(unsafe_code, reason = "hands out the claimed buffer's bytes")]

use std::ptr::NonNull;
use std::sync::Arc;

use crate::segment::Segment;
use crate::{Error, FrameInfo, Geometry, Stamp, Writer};

/// A buffer to write the next frame into. It holds stale bytes of an older frame. Dropping it without publishing gives
/// it back, and no reader ever sees it.
#[derive(Debug)]
#[must_use = "dropping a loan cancels it"]
pub struct Loan<'w> {
    writer: &'w mut Writer,
    slot: usize,
}

impl<'w> Loan<'w> {
    pub(crate) fn new(writer: &'w mut Writer, slot: usize) -> Loan<'w> {
        Loan { writer, slot }
    }

    /// The buffer: rows from the top, without padding.
    pub fn pixels(&mut self) -> &mut [u8] {
        let segment = self.writer.segment();
        let (start, length) = (segment.start(self.slot), segment.geometry.frame_bytes());
        // SAFETY: the slot is claimed, so no live reader holds it and its memory exists; this borrow of the only loan is
        // exclusive in this process, but for views of a parked loan, whose holders answer for them.
        unsafe { segment.memory().claimed(start, length) }
    }

    /// The first byte of the buffer, for who fills it by other means than a slice.
    pub(crate) fn first_byte(&self) -> NonNull<u8> {
        let segment = self.writer.segment();
        segment.memory().bytes(segment.start(self.slot), segment.geometry.frame_bytes())
    }

    /// The buffer's number.
    pub fn slot(&self) -> usize {
        self.slot
    }

    /// Makes the buffer the newest frame and wakes whoever waits for it.
    ///
    /// # Errors
    /// [`Error::Forked`] in a child of the process that opened the loan.
    pub fn publish(self, stamp: &Stamp) -> Result<FrameInfo, Error> {
        let info = self.writer.publish(self.slot, stamp)?;
        self.writer.tidy();
        Ok(info)
    }

    /// As [`publish`](Self::publish), and leaves what is done behind a frame, which may take milliseconds, to a call of
    /// [`Writer::tidy`]: for who holds a lock that others wait for.
    ///
    /// # Errors
    /// As [`publish`](Self::publish).
    pub fn publish_untidied(self, stamp: &Stamp) -> Result<FrameInfo, Error> {
        self.writer.publish(self.slot, stamp)
    }

    /// Gives the buffer back. Like dropping it, said aloud.
    pub fn cancel(self) {}

    /// Leaves the loan open beyond this borrow, and gives a view of the buffer that may be kept.
    /// [`Writer::resume`] gives the loan back.
    pub fn park(self) -> SlotView {
        let view = SlotView::new(Arc::clone(self.writer.segment()), self.slot);
        self.writer.park(self.slot);
        view
    }
}

/// A loaned buffer's memory, for code that needs it beyond a borrow: an array of another language. As long as it lives,
/// the memory stays mapped and the buffer is not loaned again.
#[derive(Debug)]
pub struct SlotView(SlotAddress);

impl SlotView {
    fn new(segment: Arc<Segment>, slot: usize) -> SlotView {
        segment.pin(slot);
        SlotView(SlotAddress { segment, slot })
    }

    /// The first of [`len`](Self::len) bytes. Who writes through it after the loan was published or cancelled breaks the
    /// promise that frames do not change.
    pub fn as_mut_ptr(&self) -> *mut u8 {
        self.0.as_mut_ptr()
    }

    /// Bytes of the buffer.
    #[allow(clippy::len_without_is_empty, reason = "a frame is never empty")]
    pub fn len(&self) -> usize {
        self.geometry().frame_bytes()
    }

    /// What the bytes mean.
    pub fn geometry(&self) -> Geometry {
        self.0.geometry()
    }

    /// Which buffer it is.
    pub fn address(&self) -> &SlotAddress {
        &self.0
    }
}

impl Drop for SlotView {
    fn drop(&mut self) {
        self.0.segment.unpin(self.0.slot);
    }
}

/// A buffer of a writer's segment, whether it is loaned or not: the address for what is to show a loan later. It keeps
/// the memory mapped, and keeps nobody from the buffer.
#[derive(Clone, Debug)]
pub struct SlotAddress {
    segment: Arc<Segment>,
    slot: usize,
}

impl PartialEq for SlotAddress {
    /// Whether both are the same buffer of the same segment.
    fn eq(&self, other: &SlotAddress) -> bool {
        self.slot == other.slot && Arc::ptr_eq(&self.segment, &other.segment)
    }
}

impl Eq for SlotAddress {}

impl SlotAddress {
    /// The first of a frame's bytes. Writing them is right while a [`SlotView`] of this address lives and its loan is open;
    /// at any other time they may be a frame.
    pub fn as_mut_ptr(&self) -> *mut u8 {
        self.segment.memory().bytes(self.segment.start(self.slot), self.segment.geometry.frame_bytes()).as_ptr()
    }

    /// What the bytes mean.
    pub fn geometry(&self) -> Geometry {
        self.segment.geometry
    }

    /// The buffer's number.
    pub fn slot(&self) -> usize {
        self.slot
    }

    /// The random number of its segment.
    pub fn epoch(&self) -> u64 {
        self.segment.epoch
    }
}

impl Writer {
    /// Copies a frame into a buffer and publishes it. Large frames are copied past the caches. Never waits for a reader.
    /// `None`: every buffer is held, and the frame was dropped and counted.
    ///
    /// # Errors
    /// [`Error::SizeMismatch`], and those of [`loan`](Self::loan).
    pub fn write(&mut self, pixels: &[u8], stamp: &Stamp) -> Result<Option<FrameInfo>, Error> {
        let expected = self.geometry();
        if pixels.len() != expected.frame_bytes() {
            return Err(Error::SizeMismatch { expected, got: pixels.len() });
        }
        let Some(loan) = self.loan()? else { return Ok(None) };
        // SAFETY: the loan's buffer is as long as a frame, which `pixels` is, is nobody else's, and, being claimed, is not
        // what `pixels` could be a reader's view of.
        unsafe { crate::streaming_copy::copy(pixels, loan.first_byte().as_ptr()) };
        loan.publish(stamp).map(Some)
    }
}
