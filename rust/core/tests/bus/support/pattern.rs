//! Frames that prove themselves: every byte is a function of the segment and the frame's number.

/// Fills a frame.
pub(crate) fn fill(pixels: &mut [u8], epoch: u64, number: u64) {
    let mut words = words(epoch, number);
    for bytes in pixels.chunks_mut(8) {
        bytes.copy_from_slice(&words.next().expect("endless").to_le_bytes()[..bytes.len()]);
    }
}

/// Checks every byte of a frame.
#[track_caller]
pub(crate) fn check(pixels: &[u8], epoch: u64, number: u64) {
    let wrong = pixels
        .chunks(8)
        .zip(words(epoch, number))
        .position(|(bytes, word)| *bytes != word.to_le_bytes()[..bytes.len()]);
    assert_eq!(None, wrong, "the first torn word of frame {number} of segment {epoch:016x}");
}

/// A frame as a vector.
pub(crate) fn frame(length: usize, epoch: u64, number: u64) -> Vec<u8> {
    let mut pixels = vec![0; length];
    fill(&mut pixels, epoch, number);
    pixels
}

fn words(epoch: u64, number: u64) -> impl Iterator<Item = u64> {
    let seed = (epoch ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (1..).map(move |at: u64| (seed ^ seed >> 29).wrapping_add(at.wrapping_mul(0x94d0_49bb_1331_11eb)))
}
