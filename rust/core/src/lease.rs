//! A reader handle's line in the lease file: its life, its holds, its figures.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;

use crate::clock::monotonic_ns;
use crate::figures::store_name;
use crate::files::{FileId, distrust, explain, open_existing, own_uid};
use crate::fork::GuardedFile;
use crate::layout::{ABI, LEASES_MAGIC, LINES, LeaseLine, Leases, LeasesHead};
use crate::lock::try_lock;
use crate::mapping::Mapping;
use crate::protocol::{Holds, adopt};
use crate::search::Found;
use crate::sync::{AtomicU32, Ordering};
use crate::{Error, Name, ReaderOptions};

/// One line, locked for as long as this lives.
#[derive(Debug)]
pub(crate) struct Lease {
    pub(crate) holds: Holds,
    memory: Mapping,
    index: usize,
    // After the mapping: the line is ours until the last of our memory of it is gone.
    file: GuardedFile,
}

/// Why there is no lease.
#[derive(Debug)]
pub(crate) enum NoLease {
    /// The segment has been replaced meanwhile: search again.
    Replaced,
    /// For good.
    Refused(Error),
}

impl Lease {
    /// Opens the lease file of a segment's epoch and takes a free line of it.
    pub(crate) fn take(name: &Name, found: &Found, options: &ReaderOptions) -> Result<Lease, NoLease> {
        let path = name.leases(&found.directory, found.epoch);
        let refuse = |problem: String| NoLease::Refused(Error::Corrupt { path: path.clone(), problem });
        let file = match GuardedFile::open(|| open_existing(&path, true)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(NoLease::Replaced),
            opened => opened.map_err(|error| refuse(explain(&error, &path)))?,
        };
        let failed = |action| Error::io(action, path.clone());
        let metadata = file.metadata().map_err(|error| NoLease::Refused(failed("looking at")(error)))?;
        match distrust(&metadata, &[own_uid()]) {
            Some(_) if metadata.nlink() == 0 => return Err(NoLease::Replaced),
            Some(problem) => return Err(refuse(problem)),
            None => {}
        }
        if metadata.len() < size_of::<Leases>() as u64 {
            return Err(refuse("it is cut off".to_owned()));
        }
        // Through a description of its own: a mapping of the locked one would keep the line's lock alive in a forked child.
        let unlocked = match open_existing(&path, true) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(NoLease::Replaced),
            opened => opened.map_err(|error| refuse(explain(&error, &path)))?,
        };
        let same = unlocked.metadata().map_err(|error| NoLease::Refused(failed("looking at")(error)))?;
        if FileId::of(&same) != FileId::of(&metadata) {
            return Err(NoLease::Replaced);
        }
        let map = |error| NoLease::Refused(failed("mapping")(error));
        let memory = Mapping::writable(&unlocked, size_of::<Leases>()).map_err(map)?;
        memory.populate(0, size_of::<Leases>());
        let head: &LeasesHead = memory.shared(0);
        let relaxed = Ordering::Relaxed; // written before the file was published
        if (head.magic.load(relaxed), head.abi.load(relaxed)) != (LEASES_MAGIC, ABI)
            || head.lines.load(relaxed) as usize != LINES
        {
            return Err(refuse("its head is damaged".to_owned()));
        }
        if head.epoch.load(relaxed) != found.epoch {
            return Err(NoLease::Replaced);
        }
        for index in 0..LINES {
            if try_lock(&file, index as u64).map_err(|error| NoLease::Refused(failed("locking a line of")(error)))? {
                let holds = Holds::new(options.max_leases.into());
                let lease = Lease { holds, memory, index, file };
                lease.move_in(&options.reader_name);
                return Ok(lease);
            }
        }
        Err(NoLease::Refused(Error::LinesFull { name: name.to_string() }))
    }

    fn move_in(&self, reader_name: &str) {
        let line = self.line();
        adopt(&line.mask);
        for figure in [&line.frames_read, &line.missed, &line.held_since_ns, &line.last_sequence] {
            figure.store(0, Ordering::Relaxed);
        }
        line.attached_ns.store(monotonic_ns(), Ordering::Relaxed);
        store_name(line, reader_name);
        line.pid.store(std::process::id(), Ordering::Relaxed);
    }

    /// The word to sleep on.
    pub(crate) fn bell(&self) -> &AtomicU32 {
        &self.memory.shared::<LeasesHead>(0).bell.0
    }

    pub(crate) fn line(&self) -> &LeaseLine {
        &self.leases().line[self.index]
    }

    pub(crate) fn leases(&self) -> &Leases {
        self.memory.shared(0)
    }

    pub(crate) fn index(&self) -> usize {
        self.index
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Ends one hold. In a forked child it does nothing: the line is the parent's.
    pub(crate) fn release(&self, slot: usize) {
        if self.file.generation().is_current() {
            self.holds.release(&self.line().mask, slot);
        }
    }

    /// Notes a read frame. One thread at a time: the caller has the handle's cursor.
    pub(crate) fn note(&self, sequence: u64, missed: u64, first_hold: bool) {
        let (line, relaxed) = (self.line(), Ordering::Relaxed);
        line.frames_read.store(line.frames_read.load(relaxed).wrapping_add(1), relaxed);
        line.missed.store(line.missed.load(relaxed).wrapping_add(missed), relaxed);
        line.last_sequence.store(sequence, relaxed);
        if first_hold {
            line.held_since_ns.store(monotonic_ns(), relaxed);
        }
    }
}
