//! A segment's header as a reader sees it: mapped, where it is the reader's own user's, or read piece by piece, where
//! another user could cut the file off under a mapping.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use crate::Counters;
use crate::layout::{Header, at};
use crate::mapping::Mapping;
use crate::protocol::Latest;
use crate::state::{self, Reason, State};
use crate::sync::{Ordering, fence};

/// Where the words of a header come from.
#[derive(Debug)]
pub(crate) enum View {
    /// Header and buffers are mapped.
    Near(Mapping),
    /// Every look is a `pread`.
    Far(File),
}

impl View {
    /// The newest complete frame. For a far view the slot is not to be trusted yet, nor for a near one.
    pub(crate) fn latest(&self) -> io::Result<Option<Latest>> {
        match self {
            View::Near(memory) => Ok(Latest::load(memory.shared::<Header>(0))),
            View::Far(file) => acquired(far(file, at::LATEST)).map(Latest::unpack),
        }
    }

    /// What the stream is doing, as its writer last said.
    pub(crate) fn state(&self) -> io::Result<(State, Reason)> {
        let word = match self {
            // Acquire, with the Release in `Writer::set_state`: a look for the last frame that follows must not move before
            // this load, or the end could be seen and the frame before it not.
            View::Near(memory) => memory.shared::<Header>(0).condition.state.load(Ordering::Acquire),
            View::Far(file) => acquired(far(file, at::STATE))?,
        };
        Ok(state::unpack(word))
    }

    /// Figures for people, and the pid.
    pub(crate) fn counters(&self, file: &File) -> io::Result<(Counters, u32)> {
        let latest = self.latest()?;
        let counters = Counters {
            captured: read_u64(file, at::CAPTURED)?,
            published: read_u64(file, at::PUBLISHED)?,
            dropped: read_u64(file, at::DROPPED)?,
            heartbeat_ns: read_u64(file, at::HEARTBEAT)?,
            buffers: read_u32(file, at::BUFFERS)?,
            latest_sequence: latest.map_or(0, |latest| latest.sequence),
        };
        Ok((counters, read_u32(file, at::WRITER_PID)?))
    }
}

/// Makes of a word read by a system call what an Acquire load makes of one in memory: a call alone orders nothing.
pub(crate) fn acquired<T>(word: io::Result<T>) -> io::Result<T> {
    fence(Ordering::Acquire);
    word
}

/// As [`read_u64`], away from the code of those who wait with the header mapped.
#[cold]
#[inline(never)]
fn far(file: &File, at: usize) -> io::Result<u64> {
    read_u64(file, at)
}

/// One word of a file that somebody else writes.
pub(crate) fn read_u64(file: &File, at: usize) -> io::Result<u64> {
    let mut bytes = [0; 8];
    file.read_exact_at(&mut bytes, at as u64)?;
    Ok(u64::from_le_bytes(bytes))
}

pub(crate) fn read_u32(file: &File, at: usize) -> io::Result<u32> {
    let mut bytes = [0; 4];
    file.read_exact_at(&mut bytes, at as u64)?;
    Ok(u32::from_le_bytes(bytes))
}
