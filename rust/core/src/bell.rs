//! The word that an observer sleeps on: beside the leases for who may open them, in the header for everybody else.
//!
//! Who can map a word can wake, or move away, all who sleep on it. The frames may be open to other users, the leases never
//! are. Every look is a `pread`, and the page is mapped for the kernel alone: where its file has been cut off, that is an
//! error and not a signal.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Duration;

use crate::Name;
use crate::files::{distrust, open_existing};
use crate::layout::{ABI, HEADER_BYTES, LEASES_MAGIC, at};
use crate::mapping::Mapping;
use crate::search::Found;
use crate::sync::AtomicU32;
use crate::view::{acquired, read_u32, read_u64};
use crate::wake::sleep_on;

/// A word to sleep on, in a file that another user may cut off.
#[derive(Debug)]
pub(crate) struct Bell {
    file: File,
    page: Mapping,
    at: usize,
}

impl Bell {
    /// The word for somebody who has no line in the segment.
    pub(crate) fn of(name: &Name, found: &Found) -> io::Result<Bell> {
        let path = name.leases(&found.directory, found.epoch);
        // Without a leases file there is a frame to see all the same, and the writer is about to publish anew.
        match open_leases(&path, found.owner, found.epoch, false) {
            Some(leases) => Bell::new(leases, at::LEASES_BELL),
            None => Bell::new(found.file.try_clone()?, at::NOTIFY),
        }
    }

    fn new(file: File, at: usize) -> io::Result<Bell> {
        let page = Mapping::read_only(&file, HEADER_BYTES)?;
        Ok(Bell { file, page, at })
    }

    /// The number to sleep on; see [`glance`](crate::protocol::glance).
    pub(crate) fn glance(&self) -> io::Result<u32> {
        acquired(read_u32(&self.file, self.at))
    }

    /// Sleeps until the number changes, for at most `limit`.
    pub(crate) fn sleep(&self, seen: u32, limit: Duration) {
        sleep_on(self.page.shared::<AtomicU32>(self.at), seen, limit);
    }
}

/// Opens the leases file of an epoch, if it is there, may be opened, and is what its writer made.
pub(crate) fn open_leases(path: &Path, owner: u32, epoch: u64, write: bool) -> Option<File> {
    let file = open_existing(path, write).ok()?;
    let metadata = file.metadata().ok()?;
    let is_whole = distrust(&metadata, &[owner]).is_none() && metadata.len() >= HEADER_BYTES as u64;
    let head = (read_u64(&file, 0).ok()?, read_u32(&file, at::LEASES_ABI).ok()?);
    let is_ours = head == (LEASES_MAGIC, ABI) && read_u64(&file, at::LEASES_EPOCH).ok()? == epoch;
    (is_whole && is_ours).then_some(file)
}
