//! Reading the status text: a seqlock whose steps are system calls.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use crate::layout::{STATUS_BYTES, STATUS_HEAD_BYTES, STATUS_MAGIC};
use crate::sync::{Ordering, fence};
use crate::view::read_u64;

const EPOCH: usize = 16;
const SEQUENCE: usize = 24;
const LENGTH: usize = 32;
const TRIES: usize = 1000;

/// The text as its writer last completed it; empty if it never wrote one.
///
/// # Errors
/// `TimedOut` if it never stands still: its writer died while writing it. `InvalidData` if it is another epoch's file.
pub(crate) fn read_status(file: &File, epoch: u64) -> io::Result<Vec<u8>> {
    if (read_u64(file, 0)?, read_u64(file, EPOCH)?) != (STATUS_MAGIC, epoch) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is not this segment's status"));
    }
    for _ in 0..TRIES {
        let before = read_u64(file, SEQUENCE)?;
        // Acquire: the text's bytes must not be read before the first look.
        fence(Ordering::Acquire);
        let length = read_u64(file, LENGTH)?.min((STATUS_BYTES - STATUS_HEAD_BYTES) as u64);
        #[allow(clippy::cast_possible_truncation, reason = "below 64 KiB")]
        let mut text = vec![0; length as usize];
        file.read_exact_at(&mut text, STATUS_HEAD_BYTES as u64)?;
        // Acquire: the second look must not move before the text's bytes.
        fence(Ordering::Acquire);
        if before % 2 == 0 && read_u64(file, SEQUENCE)? == before {
            return Ok(text);
        }
        std::thread::yield_now();
    }
    Err(io::Error::new(io::ErrorKind::TimedOut, "its writer died while writing it"))
}
