//! Figures for people: what a writer has done, and what each reader says of itself.

use crate::layout::{LeaseLine, MAX_HELD, READER_NAME_BYTES};
use crate::sync::Ordering;

/// What a writer has done so far, over all the segments of its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriterStats {
    /// Frames that the source gave.
    pub captured: u64,
    /// Frames that readers could see.
    pub published: u64,
    /// Frames given up, for want of a buffer or for another reason that the publisher counted.
    pub dropped: u64,
    /// Buffers of the segment.
    pub buffers: usize,
    /// Buffers that could be written to now.
    pub buffers_free: usize,
    /// The slot of the newest frame.
    pub latest_slot: Option<usize>,
    /// Bytes of the segment, header and buffers.
    pub segment_bytes: u64,
}

/// The counters in a segment's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counters {
    /// Frames that the source gave.
    pub captured: u64,
    /// Frames that readers could see.
    pub published: u64,
    /// Frames given up.
    pub dropped: u64,
    /// When the writer last said that it is there, on `CLOCK_MONOTONIC`, in nanoseconds.
    pub heartbeat_ns: u64,
    /// Buffers of the segment.
    pub buffers: u32,
    /// The sequence of the newest frame, 0 before the first.
    pub latest_sequence: u64,
}

/// What one live reader handle says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReaderFigures {
    /// Its line among the 64.
    pub line: usize,
    /// Its process.
    pub pid: u32,
    /// The name it has given itself.
    pub name: String,
    /// Frames it has read.
    pub frames_read: u64,
    /// Frames it has missed.
    pub missed: u64,
    /// Buffers it holds now.
    pub held: u32,
    /// Since when it has held one without a break, on `CLOCK_MONOTONIC`, in nanoseconds.
    pub held_since_ns: Option<u64>,
    /// When it attached, on `CLOCK_MONOTONIC`, in nanoseconds.
    pub attached_ns: u64,
    /// The sequence of the last frame it has read.
    pub last_sequence: u64,
}

impl ReaderFigures {
    /// Reads a line. It is another process's word: figures for people, shown and not used.
    pub(crate) fn load(index: usize, line: &LeaseLine) -> ReaderFigures {
        let relaxed = Ordering::Relaxed;
        let held = line.mask.load(relaxed).count_ones();
        ReaderFigures {
            line: index,
            pid: line.pid.load(relaxed),
            name: name_of(line),
            frames_read: line.frames_read.load(relaxed),
            missed: line.missed.load(relaxed),
            held: if held <= MAX_HELD { held } else { 0 },
            held_since_ns: (1..=MAX_HELD).contains(&held).then(|| line.held_since_ns.load(relaxed)),
            attached_ns: line.attached_ns.load(relaxed),
            last_sequence: line.last_sequence.load(relaxed),
        }
    }
}

fn name_of(line: &LeaseLine) -> String {
    let mut bytes = [0; READER_NAME_BYTES];
    for (bytes, word) in bytes.chunks_exact_mut(8).zip(&line.name) {
        bytes.copy_from_slice(&word.load(Ordering::Relaxed).to_le_bytes());
    }
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(READER_NAME_BYTES);
    // Another process's bytes, on their way to a terminal: nothing that moves a cursor gets through.
    String::from_utf8_lossy(&bytes[..end]).chars().filter(|shown| !shown.is_control()).collect()
}

/// Writes a reader's name into its line, cut to fit at a character's end.
pub(crate) fn store_name(line: &LeaseLine, name: &str) {
    let end = (0..=name.len().min(READER_NAME_BYTES)).rev().find(|&end| name.is_char_boundary(end)).unwrap_or(0);
    let mut bytes = [0; READER_NAME_BYTES];
    bytes[..end].copy_from_slice(&name.as_bytes()[..end]);
    for (word, bytes) in line.name.iter().zip(bytes.chunks_exact(8)) {
        word.store(u64::from_le_bytes(bytes.try_into().expect("chunks of eight")), Ordering::Relaxed);
    }
}
