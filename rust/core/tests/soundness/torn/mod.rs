//! Torn frames, by force: a writer and 1 to 16 readers, each a process, at full speed.
//!
//! Every byte of a frame and everything that is said of it is a function of the segment and the frame's number, and each
//! reader checks all of it: of frames that it holds, for one read or for thousands, when it lets go; of copies when they
//! are made. A reader that sees one wrong byte ends, and the round with it.

mod reader;
mod round;
mod stops;
mod tally;
mod writer;

use std::path::Path;

use billiards_video::{Format, Geometry};

use crate::support::size::{report, sized};

use round::{Outcome, Round};

const READERS: [usize; 5] = [1, 2, 4, 8, 16];

/// Just enough, the default, and the most there can be.
const BUFFERS: [u8; 3] = [3, 8, 16];

/// From 64 bytes to 64 KB: some end on a word and some do not, some fill pages and others share them.
const SMALL: [(u32, u32, Format); 6] = [
    (8, 8, Format::Gray8),
    (61, 67, Format::Gray8),
    (19, 23, Format::Bgr24),
    (64, 64, Format::Bgra32),
    (97, 101, Format::Rgb24),
    (255, 257, Format::Gray8),
];

/// Plays a role of this campaign to its end; `false` where it is none of them.
pub(crate) fn play(role: &str, arguments: &[&str]) -> bool {
    let Some((directory, words)) = arguments.split_first() else { return false };
    match role {
        "torn writer" => {
            let (seed, geometry, max_buffers) = Round::parse(words);
            writer::write(Path::new(directory), seed, geometry, max_buffers);
        }
        "torn reader" => {
            let (seed, geometry, _) = Round::parse(words);
            reader::read(Path::new(directory), seed, geometry);
        }
        _ => return false,
    }
    true
}

#[test]
fn no_small_frame_tears() {
    // Each size with each number of buffers, and with each number of readers.
    let rounds = sized(1, SMALL.len() * BUFFERS.len());
    let frames = sized(22_000, 2_100_000) / rounds as u64;
    let mut outcomes = [Outcome::default(); READERS.len()];
    for round in 0..rounds {
        for (turn, &readers) in READERS.iter().enumerate() {
            let (width, height, format) = SMALL[(turn + round) % SMALL.len()];
            let geometry = Geometry::new(width, height, format).unwrap();
            let buffers = BUFFERS[(turn + round + round / SMALL.len()) % BUFFERS.len()];
            let seed = (round * 100 + turn) as u64;
            outcomes[turn].add(&Round { readers, geometry, max_buffers: buffers, frames, seed }.run());
        }
    }
    let total = told("small frames", &outcomes);
    assert!(total.read.frames >= sized(100_000, 10_000_000), "{total}");
    total.expect_mixed(sized(4, 12), sized(100, 10_000));
}

#[test]
fn no_large_frame_tears() {
    let geometry = Geometry::new(1920, 1080, Format::Bgr24).unwrap();
    let mut outcomes = [Outcome::default(); READERS.len()];
    for (turn, &readers) in READERS.iter().enumerate() {
        let (max_buffers, seed) = (BUFFERS[turn % BUFFERS.len()], turn as u64);
        outcomes[turn] = Round { readers, geometry, max_buffers, frames: sized(80, 20_500), seed }.run();
    }
    let total = told("1920x1080", &outcomes);
    assert!(total.read.frames >= sized(300, 100_000), "{total}");
    total.expect_mixed(sized(4, 8), sized(3, 100));
}

/// Reports what the rounds with each number of readers came to, and all of them together.
fn told(frames: &str, outcomes: &[Outcome]) -> Outcome {
    let mut total = Outcome::default();
    for (readers, outcome) in READERS.iter().zip(outcomes) {
        report(&format!("torn, {frames}, {readers} readers: {outcome}"));
        total.add(outcome);
    }
    report(&format!("torn, {frames}, all: {total}"));
    total
}
