//! Who reads: the lines of the leases file whose owners live, read by the writer, by a fellow reader, or by an observer.

use std::io;

use crate::attachment::Attachment;
use crate::bell::open_leases;
use crate::files::own_uid;
use crate::layout::{LINES, Leases};
use crate::lease::Lease;
use crate::lock::is_locked;
use crate::mapping::Mapping;
use crate::sync::Ordering;
use crate::{Error, Name, ReaderFigures};

/// The live readers among the lines.
pub(crate) fn live(leases: &Leases, is_live: impl Fn(usize) -> bool) -> Vec<ReaderFigures> {
    let used = |line: &usize| leases.line[*line].pid.load(Ordering::Relaxed) != 0;
    (0..LINES)
        .filter(used)
        .filter(|&line| is_live(line))
        .map(|line| ReaderFigures::load(line, &leases.line[line]))
        .collect()
}

impl Lease {
    /// The live readers of the segment, this one among them.
    pub(crate) fn roster(&self) -> Vec<ReaderFigures> {
        // The kernel does not count a description's own lock as somebody's.
        live(self.leases(), |line| line == self.index() || is_locked(self.file(), line as u64).unwrap_or(true))
    }
}

impl Attachment {
    /// The live readers of the segment.
    pub(crate) fn roster(&self, name: &Name) -> Result<Vec<ReaderFigures>, Error> {
        match self.lease() {
            Some(lease) => Ok(lease.roster()),
            None => self.roster_of_others(name),
        }
    }

    fn roster_of_others(&self, name: &Name) -> Result<Vec<ReaderFigures>, Error> {
        let path = name.leases(self.directory(), self.epoch);
        // Root's too: what is mapped here could be cut off by its owner, which would be a signal and not an error.
        if self.owner() != own_uid() {
            let source = io::Error::new(io::ErrorKind::PermissionDenied, "only the stream's own user sees its readers");
            return Err(Error::Io { action: "opening", path, source });
        }
        let Some(file) = open_leases(&path, own_uid(), self.epoch, false) else {
            return Ok(Vec::new()); // the segment is over, and whoever still holds a frame of it is nobody's reader
        };
        let whole = file.metadata().is_ok_and(|metadata| metadata.len() >= size_of::<Leases>() as u64);
        if !whole {
            return Err(Error::Corrupt { path, problem: "it is cut off".to_owned() });
        }
        let memory = Mapping::read_only(&file, size_of::<Leases>()).map_err(Error::io("mapping", &path))?;
        Ok(live(memory.shared(0), |line| is_locked(&file, line as u64).unwrap_or(true)))
    }
}
