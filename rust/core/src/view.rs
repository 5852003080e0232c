//! A segment's header as a reader sees it: mapped, where it is the reader's own user's, or read piece by piece, where
//! another user could cut the file off under a mapping.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use crate::Counters;
use crate::layout::{HEADER_BYTES, Header, at};
use crate::mapping::Mapping;
use crate::protocol::{Latest, Words, glance};
use crate::state::{self, Reason, State};
use crate::sync::{AtomicU32, Ordering, fence};
use crate::wake::sleep_on;

/// Where the words of a header come from.
#[derive(Debug)]
pub(crate) enum View {
    /// Header and buffers are mapped.
    Near(Mapping),
    /// Every look is a `pread`. The header's page is mapped too, but only the kernel looks at it, to sleep on a word:
    /// where the file has been cut off, that is an error and not a signal.
    Far(File, Mapping),
}

impl View {
    pub(crate) fn far(file: File) -> io::Result<View> {
        let page = Mapping::read_only(&file, HEADER_BYTES)?;
        Ok(View::Far(file, page))
    }

    /// The number to sleep on; see [`glance`].
    pub(crate) fn glance(&self) -> io::Result<u32> {
        match self {
            View::Near(memory) => Ok(glance(memory.shared::<Header>(0))),
            View::Far(file, _) => acquired(read_u32(file, at::NOTIFY)),
        }
    }

    /// The newest complete frame. For a far view the slot is not to be trusted yet, nor for a near one.
    pub(crate) fn latest(&self) -> io::Result<Option<Latest>> {
        match self {
            View::Near(memory) => Ok(Latest::load(memory.shared::<Header>(0))),
            View::Far(file, _) => acquired(read_u64(file, at::LATEST)).map(Latest::unpack),
        }
    }

    /// What the stream is doing, as its writer last said.
    pub(crate) fn state(&self) -> io::Result<(State, Reason)> {
        let word = match self {
            // Acquire, with the Release in `Writer::set_state`: a look for the last frame that follows must not move before
            // this load, or the end could be seen and the frame before it not.
            View::Near(memory) => memory.shared::<Header>(0).condition.state.load(Ordering::Acquire),
            View::Far(file, _) => acquired(read_u64(file, at::STATE))?,
        };
        Ok(state::unpack(word))
    }

    /// Sleeps until the number changes, for at most `limit`.
    pub(crate) fn sleep(&self, seen: u32, limit: Duration) {
        let word: &AtomicU32 = match self {
            View::Near(memory) | View::Far(_, memory) => memory.shared::<Header>(0).notify(),
        };
        sleep_on(word, seen, limit);
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
fn acquired<T>(word: io::Result<T>) -> io::Result<T> {
    fence(Ordering::Acquire);
    word
}

/// One word of a file that somebody else writes.
pub(crate) fn read_u64(file: &File, at: usize) -> io::Result<u64> {
    let mut bytes = [0; 8];
    file.read_exact_at(&mut bytes, at as u64)?;
    Ok(u64::from_le_bytes(bytes))
}

fn read_u32(file: &File, at: usize) -> io::Result<u32> {
    let mut bytes = [0; 4];
    file.read_exact_at(&mut bytes, at as u64)?;
    Ok(u32::from_le_bytes(bytes))
}
