//! What a new writer finds under its name, and what it leaves behind: a segment whose writer is gone.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::bell::open_leases;
use crate::clock::monotonic_ns;
use crate::files::{FileId, distrust, explain, is_about_the_file, open_existing, own_uid, somebody_else_s};
use crate::layout::{ABI, HEADER_BYTES, Header, LEGACY_MAGIC, LeasesHead, MAGIC, at};
use crate::lock::is_locked;
use crate::mapping::Mapping;
use crate::state::{self, Reason, State};
use crate::sync::Ordering;
use crate::wake::{wake_all, wake_strangers};
use crate::{Error, Name};

/// What a name stands for, as its next writer sees it.
#[derive(Debug)]
pub(crate) enum Predecessor {
    /// Nothing: the name is free.
    None,
    /// A segment with a live writer, described for people.
    Live(String),
    /// A segment of ours whose writer is gone: to be replaced, and told.
    Dead(Remains),
    /// A segment of the older system, or of another version of this one: to be replaced, but not to be written to.
    Strange,
}

/// A dead writer's segment.
#[derive(Debug)]
pub(crate) struct Remains {
    memory: Mapping,
    /// The head of its leases file, if that is still there. It is swept away before the readers are told.
    leases: Option<Mapping>,
    path: PathBuf,
    id: FileId,
    pub(crate) epoch: u64,
}

impl Predecessor {
    /// Looks at what `name` stands for.
    ///
    /// # Errors
    /// [`Error::NameTaken`] where it is a file that is not ours to replace.
    pub(crate) fn look(name: &Name, directory: &Path) -> Result<Predecessor, Error> {
        let path = name.frames(directory);
        let taken = |problem: String| Error::NameTaken { path: path.clone(), problem };
        let file = match open_existing(&path, true) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Predecessor::None),
            Err(error) if is_about_the_file(&error) => {
                return Err(taken(match path.symlink_metadata() {
                    Ok(metadata) if metadata.uid() != own_uid() => somebody_else_s(&metadata),
                    _ => explain(&error, &path),
                }));
            }
            opened => opened.map_err(Error::io("opening", &path))?,
        };
        let metadata = file.metadata().map_err(Error::io("looking at", &path))?;
        match distrust(&metadata, &[own_uid()]) {
            Some(_) if metadata.nlink() == 0 => return Ok(Predecessor::None),
            Some(_) if metadata.uid() != own_uid() => return Err(taken(somebody_else_s(&metadata))),
            Some(problem) => return Err(taken(problem + "; remove it, or choose another shared_memory_name")),
            None => {}
        }
        if is_locked(&file, 0).map_err(Error::io("looking for a lock on", &path))? {
            return Ok(Predecessor::Live(writer_of(&file)));
        }
        let mut page = [0; HEADER_BYTES];
        let whole = file.read_exact_at(&mut page, 0).is_ok();
        let word = |at: usize| u64::from_le_bytes(page[at..at + 8].try_into().expect("eight bytes"));
        let abi = u32::from_le_bytes(page[at::ABI..at::ABI + 4].try_into().expect("four bytes"));
        match (whole, word(at::MAGIC), word(0)) {
            (true, MAGIC, _) if abi == ABI => {
                let memory = Mapping::writable(&file, HEADER_BYTES).map_err(Error::io("mapping", &path))?;
                let (id, epoch) = (FileId::of(&metadata), word(at::EPOCH));
                let leases = open_leases(&name.leases(directory, epoch), own_uid(), epoch, true);
                let leases = leases.and_then(|file| Mapping::writable(&file, size_of::<LeasesHead>()).ok());
                Ok(Predecessor::Dead(Remains { memory, leases, path, id, epoch }))
            }
            (true, MAGIC, _) | (true, _, LEGACY_MAGIC) => Ok(Predecessor::Strange),
            _ => Err(taken(
                "it is another program's file and no segment of ours; remove it, or choose another shared_memory_name"
                    .to_owned(),
            )),
        }
    }
}

impl Remains {
    /// Tells the readers of the dead writer's segment that there is a new one.
    pub(crate) fn supersede(&self) {
        let header: &Header = self.memory.shared(0);
        supersede(header, Reason::NewWriter);
        // Release, on both: the state must not move after the number that readers sleep on. Added to what is there: how
        // far the dead writer had counted is not known.
        if let Some(leases) = &self.leases {
            let bell = &leases.shared::<LeasesHead>(0).bell.0;
            bell.fetch_add(1, Ordering::Release);
            wake_all(bell);
        }
        header.notify.0.fetch_add(1, Ordering::Release);
        wake_strangers(&header.notify.0);
    }

    /// Takes its name away, if it is still its own. Who is attached keeps the memory.
    pub(crate) fn remove(&self) {
        if FileId::at(&self.path) == Some(self.id) {
            let _left_for_the_next_writer = fs::remove_file(&self.path);
        }
    }
}

/// Who publishes under the name in a directory, if somebody does: known by the lock on its segment, whatever became of the
/// name's own lock.
pub(crate) fn live_writer(name: &Name, directory: &Path) -> Option<String> {
    let file = open_existing(&name.frames(directory), false).ok()?;
    is_locked(&file, 0).unwrap_or(false).then(|| writer_of(&file))
}

/// Marks a segment as replaced. The caller wakes its readers.
pub(crate) fn supersede(header: &Header, reason: Reason) {
    header.condition.since_ns.store(monotonic_ns(), Ordering::Relaxed);
    // Release: the last frame must not move after it; see `View::state`.
    header.condition.state.store(state::pack(State::Superseded, reason), Ordering::Release);
}

/// Removes what earlier epochs of the name have left in a directory. The caller has the right to the name, so nobody is
/// about to use it; readers that still do have it open.
pub(crate) fn sweep(name: &Name, directory: &Path, keep: Option<u64>) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let epoch = entry.file_name().to_str().and_then(|file| name.epoch_of(file));
        let stale = epoch.is_some() && epoch != keep;
        if stale && entry.metadata().is_ok_and(|metadata| metadata.uid() == own_uid() && metadata.is_file()) {
            let _left_for_the_next_writer = fs::remove_file(entry.path());
        }
    }
}

fn writer_of(file: &File) -> String {
    let mut pid = [0; 4];
    match file.read_exact_at(&mut pid, at::WRITER_PID as u64) {
        Ok(()) => format!("pid {}", u32::from_le_bytes(pid)),
        Err(_) => "an unknown process".to_owned(),
    }
}
