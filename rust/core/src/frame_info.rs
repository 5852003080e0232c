//! What is known of a frame beside its pixels, as its publisher gives it and as its readers get it.

use crate::Geometry;
use crate::clock::wall_ns;
use crate::layout::{DISCONTINUITY, Descriptor, NO_POSITION};
use crate::sync::Ordering;

/// What a publisher says of a frame. What it leaves out is filled in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// The frame's number; else one more than the last one's, from 0.
    pub frame_number: Option<u64>,
    /// When it was captured, on `CLOCK_MONOTONIC`, in nanoseconds; else when it was published.
    pub captured_ns: Option<u64>,
    /// When it was captured, in Unix nanoseconds; else when it was published.
    pub wall_ns: Option<u64>,
    /// Where in its source it stands, in nanoseconds, if the source has positions.
    pub position_ns: Option<u64>,
    /// How often the source has started over.
    pub loop_count: u32,
    /// Whether frames are missing, or the source was opened anew, before this one.
    pub discontinuity: bool,
}

/// What is known of a published frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameInfo {
    /// Its place in the segment's order: 2, 4, 6, ... without a gap.
    pub sequence: u64,
    /// Its number, as its publisher counts.
    pub frame_number: u64,
    /// When it was captured, on `CLOCK_MONOTONIC`, in nanoseconds.
    pub captured_ns: u64,
    /// When it was published, on `CLOCK_MONOTONIC`, in nanoseconds.
    pub published_ns: u64,
    /// When it was captured, in Unix nanoseconds.
    pub wall_ns: u64,
    /// Where in its source it stands, in nanoseconds, if the source has positions.
    pub position_ns: Option<u64>,
    /// How often the source had started over.
    pub loop_count: u32,
    /// Whether frames are missing, or the source was opened anew, before this one.
    pub discontinuity: bool,
    /// How many published frames this reader has not seen since the last one that it has.
    pub missed: u64,
    /// Its size and format.
    pub geometry: Geometry,
}

impl FrameInfo {
    /// What a stamp comes to, for a frame about to be published. The sequence is not known yet.
    pub(crate) fn new(stamp: &Stamp, next_number: u64, published_ns: u64, geometry: Geometry) -> FrameInfo {
        FrameInfo {
            sequence: 0,
            frame_number: stamp.frame_number.unwrap_or(next_number),
            captured_ns: stamp.captured_ns.unwrap_or(published_ns),
            published_ns,
            wall_ns: stamp.wall_ns.unwrap_or_else(wall_ns),
            position_ns: stamp.position_ns.filter(|&position| position != NO_POSITION),
            loop_count: stamp.loop_count,
            discontinuity: stamp.discontinuity,
            missed: 0,
            geometry,
        }
    }
}

/// A descriptor's values, read once. Whatever they are, they are only numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Described {
    words: [u64; 6],
}

impl Described {
    /// The numbers after the sequence in a descriptor's bytes.
    pub(crate) const BYTES: usize = 48;

    pub(crate) fn load(descriptor: &Descriptor) -> Described {
        // Relaxed: the descriptor is in a slot that the caller holds; it came with `latest`.
        let relaxed = Ordering::Relaxed;
        let small = u64::from(descriptor.loop_count.load(relaxed)) | u64::from(descriptor.flags.load(relaxed)) << 32;
        let large = [
            &descriptor.frame_number,
            &descriptor.captured_ns,
            &descriptor.published_ns,
            &descriptor.wall_ns,
            &descriptor.position_ns,
        ]
        .map(|field| field.load(relaxed));
        Described { words: [large[0], large[1], large[2], large[3], large[4], small] }
    }

    pub(crate) fn from_bytes(bytes: &[u8; Described::BYTES]) -> Described {
        let mut words = [0; 6];
        for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(8)) {
            *word = u64::from_le_bytes(bytes.try_into().expect("chunks of eight"));
        }
        Described { words }
    }

    pub(crate) fn store(info: &FrameInfo, descriptor: &Descriptor) {
        // Relaxed: the Release of `latest`, which follows, publishes it.
        let relaxed = Ordering::Relaxed;
        descriptor.frame_number.store(info.frame_number, relaxed);
        descriptor.captured_ns.store(info.captured_ns, relaxed);
        descriptor.published_ns.store(info.published_ns, relaxed);
        descriptor.wall_ns.store(info.wall_ns, relaxed);
        descriptor.position_ns.store(info.position_ns.unwrap_or(NO_POSITION), relaxed);
        descriptor.loop_count.store(info.loop_count, relaxed);
        descriptor.flags.store(if info.discontinuity { DISCONTINUITY } else { 0 }, relaxed);
    }

    pub(crate) fn into_info(self, sequence: u64, missed: u64, geometry: Geometry) -> FrameInfo {
        let [frame_number, captured_ns, published_ns, wall_ns, position, small] = self.words;
        #[allow(clippy::cast_possible_truncation, reason = "the word is two halves")]
        let (loop_count, flags) = (small as u32, (small >> 32) as u32);
        FrameInfo {
            sequence,
            frame_number,
            captured_ns,
            published_ns,
            wall_ns,
            position_ns: (position != NO_POSITION).then_some(position),
            loop_count,
            discontinuity: flags & DISCONTINUITY != 0,
            missed,
            geometry,
        }
    }
}
