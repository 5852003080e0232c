//! A segment from its writer's side: three files, made complete, then published by one rename.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::clock::monotonic_ns;
use crate::files::{FileId, allocate, create_private, open_existing};
use crate::fork::GuardedFile;
use crate::layout::{
    ABI, Descriptor, FIRST_SLOTS, HEADER_BYTES, Header, LEASES_MAGIC, LEGACY_MAGIC, LEGACY_VERSION, LINES, Leases,
    LeasesHead, MAGIC, NO_POSITION, STATUS_BYTES, STATUS_MAGIC, buffer_start, file_bytes,
};
use crate::lock::{is_locked, try_lock};
use crate::mapping::Mapping;
use crate::protocol::{Bells, Lines, MAX_SLOTS};
use crate::sync::{AtomicU32, Ordering};
use crate::wake::{wake_all, wake_strangers};
use crate::{Error, Geometry, Name};

/// How often a segment is begun anew where one of its files is there already. Whoever watches the directory learns the epoch
/// from the first file, and may be faster with the next: once in a while, and not a hundred times in a row.
const TRIES: usize = 100;

/// Who, beside the writer's own user, may watch: frames and status, never leases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Nobody.
    #[default]
    Owner,
    /// The files' group.
    Group,
    /// Everyone.
    Everyone,
}

impl Access {
    fn mode(self) -> Permissions {
        Permissions::from_mode(match self {
            Access::Owner => 0o600,
            Access::Group => 0o640,
            Access::Everyone => 0o644,
        })
    }
}

/// A writer's segment.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) geometry: Geometry,
    pub(crate) epoch: u64,
    access: Access,
    path: PathBuf,
    frames: GuardedFile,
    memory: Mapping,
    max_slots: usize,
    leases: LeaseFile,
    status: File,
    files: [(PathBuf, FileId); 3],
    /// Live writable views of each buffer, beyond its loan.
    pins: [AtomicU32; MAX_SLOTS],
}

/// The lease lines as the writer sees them: mapped read-only, so that it cannot write to one. Only the head is its own.
#[derive(Debug)]
struct LeaseFile {
    file: File,
    memory: Mapping,
    head: Mapping,
}

impl Segment {
    /// Makes a segment of three buffers and gives it the name. What was there under the name is replaced; the caller has
    /// the right to it, and deals with what it replaces.
    pub(crate) fn create(
        name: &Name,
        directory: &Path,
        geometry: Geometry,
        max_slots: usize,
        access: Access,
    ) -> Result<Segment, Error> {
        let mut tries = 1..TRIES;
        loop {
            match Segment::try_create(name, directory, geometry, max_slots, access) {
                Err(Error::Io { source, .. })
                    if source.kind() == io::ErrorKind::AlreadyExists && tries.next().is_some() => {}
                done => return done,
            }
        }
    }

    fn try_create(
        name: &Name,
        directory: &Path,
        geometry: Geometry,
        max_slots: usize,
        access: Access,
    ) -> Result<Segment, Error> {
        let mut entropy = [0; 8];
        rustix::rand::getrandom(&mut entropy, rustix::rand::GetRandomFlags::empty())
            .map_err(|error| Error::io("reading random bytes for", directory)(error.into()))?;
        let epoch = u64::from_ne_bytes(entropy);
        let (leases_path, status_path) = (name.leases(directory, epoch), name.status(directory, epoch));
        let (unborn, path) = (name.unborn(directory, epoch), name.frames(directory));
        let mut unfinished = Unfinished(Vec::new());
        // One right after the other, before anything is done with them.
        let mut create = |path: &Path| {
            let file = create_private(path).map_err(Error::io("creating", path))?;
            unfinished.0.push(path.to_owned());
            Ok(file)
        };
        let frames = GuardedFile::open(|| create(&unborn))?;
        let (leases, status) = (create(&leases_path)?, create(&status_path)?);

        let leases = LeaseFile::fill(leases, &leases_path, epoch)?;
        fill_status(&status, &status_path, epoch, access)?;
        let ours = try_lock(&frames, 0).map_err(Error::io("locking", &unborn))?;
        debug_assert!(ours, "nobody else knows the file yet");
        let frame_bytes = geometry.frame_bytes();
        let length = file_bytes(FIRST_SLOTS, frame_bytes);
        allocate(&frames, 0, length as u64).map_err(Error::io("making room for", &path))?;
        // Through a description of its own: a mapping of the locked one would keep the lock alive in a forked child.
        let unlocked = open_existing(&unborn, true).map_err(Error::io("opening", &unborn))?;
        let memory =
            Mapping::writable(&unlocked, file_bytes(max_slots, frame_bytes)).map_err(Error::io("mapping", &path))?;
        memory.populate(0, length);
        initialise(memory.shared(0), geometry, epoch, max_slots);
        frames.set_permissions(access.mode()).map_err(Error::io("setting the mode of", &unborn))?;

        let id = |file: &File| file.metadata().map(|metadata| FileId::of(&metadata));
        let files = [
            (path.clone(), id(&frames).map_err(Error::io("looking at", &unborn))?),
            (leases_path, id(&leases.file).map_err(Error::io("looking at", &path))?),
            (status_path, id(&status).map_err(Error::io("looking at", &path))?),
        ];
        fs::rename(&unborn, &path).map_err(Error::io("publishing", &path))?;
        unfinished.0.clear();
        let pins = [const { AtomicU32::new(0) }; MAX_SLOTS];
        Ok(Segment { geometry, epoch, access, path, frames, memory, max_slots, leases, status, files, pins })
    }

    /// # Errors
    /// [`Error::Forked`] in a child of the process that made the segment.
    pub(crate) fn check_fork(&self) -> Result<(), Error> {
        self.frames.generation().check()
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn header(&self) -> &Header {
        self.memory.shared(0)
    }

    pub(crate) fn leases(&self) -> &Leases {
        self.leases.memory.shared(0)
    }

    pub(crate) fn memory(&self) -> &Mapping {
        &self.memory
    }

    pub(crate) fn max_slots(&self) -> usize {
        self.max_slots
    }

    /// Where a buffer starts in the mapping.
    pub(crate) fn start(&self, slot: usize) -> usize {
        buffer_start(slot, self.geometry.frame_bytes())
    }

    /// The slots whose views are alive, one bit each.
    pub(crate) fn pinned(&self) -> u32 {
        // Acquire, with the Release in `unpin`: our writes into a slot must not move before its last view is gone.
        let used = |slot: &usize| self.pins[*slot].load(Ordering::Acquire) > 0;
        (0..MAX_SLOTS).filter(used).fold(0, |mask, slot| mask | 1 << slot)
    }

    pub(crate) fn pin(&self, slot: usize) {
        self.pins[slot].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn unpin(&self, slot: usize) {
        // Release: what the view wrote must not move after it is gone.
        self.pins[slot].fetch_sub(1, Ordering::Release);
    }

    /// Adds the memory of one more buffer, the `slots`-th.
    pub(crate) fn grow(&self, slots: usize) -> io::Result<()> {
        let frame_bytes = self.geometry.frame_bytes();
        let (start, length) = (buffer_start(slots, frame_bytes), frame_bytes);
        if let Err(error) = allocate(&self.frames, start as u64, length as u64) {
            self.frames.set_len(start as u64)?; // nobody uses what lies behind, and others may need the room
            return Err(error);
        }
        self.memory.populate(start, length);
        #[allow(clippy::cast_possible_truncation, reason = "at most 16")]
        self.header().counters.buffers.store(slots as u32 + 1, Ordering::Relaxed);
        Ok(())
    }

    /// Replaces the status text, as a seqlock whose steps are system calls: a reader that sees the sequence change, or
    /// odd, reads again.
    pub(crate) fn write_status(&self, sequence: u64, text: &[u8]) -> io::Result<()> {
        self.status.write_all_at(&(sequence - 1).to_le_bytes(), 24)?;
        self.status.write_all_at(&(text.len() as u64).to_le_bytes(), 32)?;
        self.status.write_all_at(text, crate::layout::STATUS_HEAD_BYTES as u64)?;
        self.status.write_all_at(&sequence.to_le_bytes(), 24)
    }

    /// Whether the name and the epoch's other files still stand for this segment.
    pub(crate) fn stands(&self) -> bool {
        self.files.iter().all(|(path, id)| FileId::at(path) == Some(*id))
    }

    /// Whether the name stands for this segment, whatever became of the other files.
    pub(crate) fn has_its_name(&self) -> bool {
        FileId::at(&self.path) == Some(self.files[0].1)
    }

    /// Removes this epoch's files, and the name if it still stands for this segment.
    pub(crate) fn remove_files(&self) {
        for (path, id) in &self.files {
            if FileId::at(path) == Some(*id) {
                // What cannot be removed now is swept by the next writer of the name.
                let _left_for_the_next_writer = fs::remove_file(path);
            }
        }
    }
}

impl Bells for Segment {
    fn bell(&self) -> &AtomicU32 {
        &self.leases.head.shared::<LeasesHead>(0).bell.0
    }

    fn notify(&self) -> &AtomicU32 {
        &self.header().notify.0
    }

    fn wake(&self) {
        // First those who can hold frames: what the others do to their word delays nobody but themselves.
        wake_all(self.bell());
        // Whoever can open the owner's own frames can open the leases beside them, and sleeps there.
        if self.access != Access::Owner {
            wake_strangers(self.notify());
        }
    }
}

impl Lines for Segment {
    fn count(&self) -> usize {
        LINES
    }

    fn mask(&self, line: usize) -> &AtomicU32 {
        &self.leases().line[line].mask
    }

    fn is_live(&self, line: usize) -> bool {
        // Where the kernel gives no answer, the reader may be alive: its frame is kept.
        is_locked(&self.leases.file, line as u64).unwrap_or(true)
    }
}

impl LeaseFile {
    fn fill(file: File, path: &Path, epoch: u64) -> Result<LeaseFile, Error> {
        allocate(&file, 0, size_of::<Leases>() as u64).map_err(Error::io("making room for", path))?;
        let mut head = [0; 24];
        head[..8].copy_from_slice(&LEASES_MAGIC.to_le_bytes());
        head[8..12].copy_from_slice(&ABI.to_le_bytes());
        #[allow(clippy::cast_possible_truncation, reason = "64")]
        head[12..16].copy_from_slice(&(LINES as u32).to_le_bytes());
        head[16..].copy_from_slice(&epoch.to_le_bytes());
        file.write_all_at(&head, 0).map_err(Error::io("writing", path))?;
        let memory = Mapping::read_only(&file, size_of::<Leases>()).map_err(Error::io("mapping", path))?;
        memory.populate(0, size_of::<Leases>());
        let head = Mapping::writable(&file, size_of::<LeasesHead>()).map_err(Error::io("mapping", path))?;
        head.populate(0, size_of::<LeasesHead>());
        Ok(LeaseFile { file, memory, head })
    }
}

fn fill_status(file: &File, path: &Path, epoch: u64, access: Access) -> Result<(), Error> {
    allocate(file, 0, STATUS_BYTES as u64).map_err(Error::io("making room for", path))?;
    let mut head = [0; 24];
    head[..8].copy_from_slice(&STATUS_MAGIC.to_le_bytes());
    head[8..12].copy_from_slice(&ABI.to_le_bytes());
    head[16..].copy_from_slice(&epoch.to_le_bytes());
    file.write_all_at(&head, 0).map_err(Error::io("writing", path))?;
    file.set_permissions(access.mode()).map_err(Error::io("setting the mode of", path))
}

#[allow(clippy::cast_possible_truncation, reason = "buffer and line counts are below 100")]
fn initialise(header: &Header, geometry: Geometry, epoch: u64, max_slots: usize) {
    let relaxed = Ordering::Relaxed; // nobody sees this memory before the rename
    let (old, new) = (&header.legacy, &header.identity);
    old.magic.store(LEGACY_MAGIC, relaxed);
    old.version.store(LEGACY_VERSION, relaxed);
    old.buffer_count.store(FIRST_SLOTS as u32, relaxed);
    old.width.store(geometry.width(), relaxed);
    old.height.store(geometry.height(), relaxed);
    old.format.store(geometry.format().code(), relaxed);
    old.bytes_per_frame.store(geometry.frame_bytes() as u64, relaxed);
    old.writer_pid.store(std::process::id(), relaxed);
    new.magic.store(MAGIC, relaxed);
    new.abi.store(ABI, relaxed);
    new.header_bytes.store(HEADER_BYTES as u32, relaxed);
    new.epoch.store(epoch, relaxed);
    new.frame_bytes.store(geometry.frame_bytes() as u64, relaxed);
    new.width.store(geometry.width(), relaxed);
    new.height.store(geometry.height(), relaxed);
    new.format.store(geometry.format().code(), relaxed);
    new.max_buffers.store(max_slots as u32, relaxed);
    new.lease_lines.store(LINES as u32, relaxed);
    new.descriptor_bytes.store(size_of::<Descriptor>() as u32, relaxed);
    new.created_ns.store(monotonic_ns(), relaxed);
    header.counters.buffers.store(FIRST_SLOTS as u32, relaxed);
    for descriptor in &header.descriptors {
        descriptor.position_ns.store(NO_POSITION, relaxed);
    }
}

/// Files of a segment that is not published yet: removed if it never is.
struct Unfinished(Vec<PathBuf>);

impl Drop for Unfinished {
    fn drop(&mut self) {
        for path in &self.0 {
            let _left_for_the_next_writer = fs::remove_file(path);
        }
    }
}
