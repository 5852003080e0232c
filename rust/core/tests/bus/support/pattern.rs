//! Frames that prove themselves: every byte, and all that is said of them, is a function of the segment and the frame's
//! number.
//!
//! A check runs at several gigabytes a second, as fast as memory does: campaigns look at every pixel of every frame.

use billiards_video::{Frame, FrameInfo, Stamp};

/// From one word of a frame to the next.
const STEP: u64 = 0x94d0_49bb_1331_11eb;

/// Fills a frame.
pub(crate) fn fill(pixels: &mut [u8], epoch: u64, number: u64) {
    let mut word = first(epoch, number);
    let mut words = pixels.chunks_exact_mut(8);
    for bytes in &mut words {
        bytes.copy_from_slice(&word.to_le_bytes());
        word = word.wrapping_add(STEP);
    }
    let rest = words.into_remainder();
    rest.copy_from_slice(&word.to_le_bytes()[..rest.len()]);
}

/// Checks every byte of a frame.
#[track_caller]
pub(crate) fn check(pixels: &[u8], epoch: u64, number: u64) {
    if !is_whole(pixels, epoch, number) {
        let wrong = frame(pixels.len(), epoch, number).iter().zip(pixels).position(|(right, byte)| right != byte);
        panic!("torn from byte {wrong:?} of {} on: frame {number} of segment {epoch:016x}", pixels.len());
    }
}

/// Whether every byte of a frame is right. No early end, so that the compiler makes vectors of it.
fn is_whole(pixels: &[u8], epoch: u64, number: u64) -> bool {
    let (mut word, mut wrong) = (first(epoch, number), 0);
    let words = pixels.chunks_exact(8);
    let rest = words.remainder();
    for bytes in words {
        wrong |= u64::from_le_bytes(bytes.try_into().expect("chunks of eight")) ^ word;
        word = word.wrapping_add(STEP);
    }
    wrong == 0 && *rest == word.to_le_bytes()[..rest.len()]
}

/// A frame as a vector.
pub(crate) fn frame(length: usize, epoch: u64, number: u64) -> Vec<u8> {
    let mut pixels = vec![0; length];
    fill(&mut pixels, epoch, number);
    pixels
}

/// What a publisher says of a frame.
pub(crate) fn stamp(epoch: u64, number: u64) -> Stamp {
    let word = first(epoch, number);
    #[expect(clippy::cast_possible_truncation, reason = "any bits of it will do")]
    let loop_count = word as u32;
    Stamp {
        frame_number: Some(number),
        captured_ns: Some(word),
        wall_ns: Some(word.rotate_left(17)),
        position_ns: (word & 1 == 0).then_some(word >> 1),
        loop_count,
        discontinuity: word & 2 == 0,
    }
}

/// Checks that what is said of a frame was said of this one.
#[track_caller]
pub(crate) fn check_info(info: &FrameInfo, epoch: u64) {
    let said = Stamp {
        frame_number: Some(info.frame_number),
        captured_ns: Some(info.captured_ns),
        wall_ns: Some(info.wall_ns),
        position_ns: info.position_ns,
        loop_count: info.loop_count,
        discontinuity: info.discontinuity,
    };
    assert_eq!(stamp(epoch, info.frame_number), said, "stale metadata in segment {epoch:016x}: {info:?}");
}

/// Checks every byte of a frame, and what is said of it.
#[track_caller]
pub(crate) fn prove(frame: &Frame, epoch: u64) {
    check_info(frame.info(), epoch);
    check(frame, epoch, frame.info().frame_number);
}

fn first(epoch: u64, number: u64) -> u64 {
    let seed = (epoch ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (seed ^ seed >> 29).wrapping_add(STEP)
}
