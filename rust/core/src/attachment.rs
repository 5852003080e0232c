//! One segment, attached: what a reader handle has now, and what each frame of it keeps alive.

use std::cell::Cell;
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::time::Duration;

use crate::bell::Bell;
use crate::files::{FileId, distrust, open_existing, own_uid};
use crate::frame_info::Described;
use crate::layout::{FIRST_SLOTS, HEADER_BYTES, Header, at, buffer_start, file_bytes};
use crate::lease::{Lease, NoLease};
use crate::lock::is_locked;
use crate::mapping::Mapping;
use crate::protocol::{Attempt, Latest, glance, observe};
use crate::search::{Found, has_slot};
use crate::status::read_status;
use crate::sync::{AtomicU32, Ordering};
use crate::view::{View, read_u64};
use crate::wake::sleep_on;
use crate::{Error, Geometry, Name, ReaderOptions, State};

/// How often a reader that the writer keeps overtaking tries again before it lets other things happen: a hold takes well
/// under a microsecond, a copy may take a tenth of a second.
const TRIES_TO_HOLD: usize = 1000;
const TRIES_TO_COPY: usize = 2;

/// A segment that a reader has opened.
#[derive(Debug)]
pub(crate) struct Attachment {
    pub(crate) geometry: Geometry,
    pub(crate) epoch: u64,
    pub(crate) path: PathBuf,
    directory: PathBuf,
    owner: u32,
    id: FileId,
    file: File,
    view: View,
    standing: Standing,
    max_slots: usize,
    /// Buffers that were found inside the file.
    seen_slots: AtomicU32,
}

/// What a reader has beside its view of the frames.
#[derive(Debug)]
enum Standing {
    /// A line: it holds frames in place, and sleeps on the bell beside the lines.
    Leases(Lease),
    /// A word to sleep on: an observer, who holds nothing and copies.
    Observes(Bell),
}

/// A frame just taken: where it is, and the number of its slot if it is held.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) newest: Latest,
    pub(crate) described: Described,
    pub(crate) pixels: Pixels,
    pub(crate) first_hold: bool,
}

/// A taken frame's bytes.
#[derive(Debug)]
pub(crate) enum Pixels {
    /// In their slot, under a hold.
    Held(usize),
    /// In a private copy.
    Copied(Box<[u8]>),
}

impl Attachment {
    pub(crate) fn open(name: &Name, found: Found, options: &ReaderOptions) -> Result<Attachment, NoLease> {
        let refuse = |action| {
            let path = found.path.clone();
            move |error| NoLease::Refused(Error::io(action, path)(error))
        };
        let observes = options.observe || found.owner != own_uid();
        let (standing, view) = if observes {
            let file = found.file.try_clone().map_err(refuse("opening"))?;
            let bell = Bell::of(name, &found).map_err(refuse("mapping a page to sleep on for"))?;
            (Standing::Observes(bell), View::Far(file))
        } else {
            let lease = Lease::take(name, &found, options)?;
            let length = file_bytes(found.max_slots, found.geometry.frame_bytes());
            let memory = Mapping::read_only(&found.file, length).map_err(refuse("mapping"))?;
            memory.populate(0, file_bytes(FIRST_SLOTS, found.geometry.frame_bytes()));
            (Standing::Leases(lease), View::Near(memory))
        };
        #[allow(clippy::cast_possible_truncation, reason = "3")]
        let seen_slots = AtomicU32::new(FIRST_SLOTS as u32);
        let Found { file, id, directory, path, geometry, epoch, max_slots, owner, .. } = found;
        Ok(Attachment { geometry, epoch, path, directory, owner, id, file, view, standing, max_slots, seen_slots })
    }

    pub(crate) fn view(&self) -> &View {
        &self.view
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    pub(crate) fn lease(&self) -> Option<&Lease> {
        match &self.standing {
            Standing::Leases(lease) => Some(lease),
            Standing::Observes(_) => None,
        }
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The user whose segment it is.
    pub(crate) fn owner(&self) -> u32 {
        self.owner
    }

    /// Whether the name still stands for this segment.
    pub(crate) fn has_its_name(&self) -> bool {
        FileId::at(&self.path) == Some(self.id)
    }

    /// Whether its writer lives, by the kernel's word.
    pub(crate) fn writer_lives(&self) -> bool {
        is_locked(&self.file, 0).unwrap_or(false)
    }

    /// The number to sleep on; see [`glance`].
    pub(crate) fn number(&self) -> Result<u32, Error> {
        match &self.standing {
            Standing::Leases(lease) => Ok(glance(lease.bell())),
            Standing::Observes(bell) => self.far_number(bell),
        }
    }

    #[cold]
    #[inline(never)]
    fn far_number(&self, bell: &Bell) -> Result<u32, Error> {
        bell.glance().map_err(self.cut_off())
    }

    /// Sleeps until the number changes, for at most `limit`.
    #[inline]
    pub(crate) fn sleep(&self, seen: u32, limit: Duration) {
        match &self.standing {
            Standing::Leases(lease) => sleep_on(lease.bell(), seen, limit),
            Standing::Observes(bell) => bell.sleep(seen, limit),
        }
    }

    /// What the stream is doing. A look at `latest` that follows does not move before it.
    pub(crate) fn state(&self) -> Result<State, Error> {
        self.view.state().map(|(state, _)| state).map_err(self.cut_off())
    }

    /// The newest complete frame; its slot is not to be trusted.
    pub(crate) fn latest(&self) -> Result<Option<Latest>, Error> {
        self.view.latest().map_err(self.cut_off())
    }

    /// Takes the newest frame if it is newer than `seen`; `None` too if the writer laps this reader all the time.
    pub(crate) fn take(&self, seen: u64) -> Result<Option<Taken>, Error> {
        let mut overtaken_by = None;
        for _ in 0..if self.lease().is_some() { TRIES_TO_HOLD } else { TRIES_TO_COPY } {
            let attempt = match (&self.standing, &self.view) {
                (Standing::Leases(lease), View::Near(memory)) => self.try_hold(lease, memory, seen)?,
                _ => self.try_copy(seen)?,
            };
            if let Ok(taken) = attempt {
                return Ok(taken);
            }
            if overtaken_by.is_none() {
                overtaken_by = Some(self.latest()?);
            }
        }
        // While `latest` names a frame, no writer takes its slot: failures in a row have seen others come.
        if overtaken_by == Some(self.latest()?) {
            return Err(self.corrupt("its newest frame is never complete".to_owned()));
        }
        Ok(None)
    }

    fn try_hold(&self, lease: &Lease, memory: &Mapping, seen: u64) -> Result<Result<Option<Taken>, Overtaken>, Error> {
        let (header, line) = (memory.shared::<Header>(0), lease.line());
        let first_hold = line.mask.load(Ordering::Relaxed) == 0;
        match lease.holds.try_hold(header, &line.mask, seen, self.max_slots) {
            Attempt::Held(newest) => match self.admit(newest.slot, memory) {
                Ok(()) => {
                    let described = Described::load(&header.descriptors[newest.slot]);
                    Ok(Ok(Some(Taken { newest, described, pixels: Pixels::Held(newest.slot), first_hold })))
                }
                Err(error) => {
                    lease.release(newest.slot);
                    Err(error)
                }
            },
            Attempt::Nothing => Ok(Ok(None)),
            Attempt::Overtaken => Ok(Err(Overtaken)),
            Attempt::TooMany => Err(Error::TooManyLeases { held: lease.holds.limit() }),
            Attempt::Impossible(newest) => Err(self.impossible(newest)),
        }
    }

    /// Reads what a hold is going to read, so that it is in the caches.
    pub(crate) fn rehearse(&self) {
        if let (Standing::Leases(lease), View::Near(memory)) = (&self.standing, &self.view) {
            let header = memory.shared::<Header>(0);
            for descriptor in &header.descriptors[..self.seen_slots.load(Ordering::Relaxed) as usize] {
                std::hint::black_box(Described::load(descriptor));
            }
            std::hint::black_box(lease.line().mask.load(Ordering::Relaxed));
        }
    }

    /// Makes sure that a slot's memory exists, at its first use.
    fn admit(&self, slot: usize, memory: &Mapping) -> Result<(), Error> {
        if slot < self.seen_slots.load(Ordering::Relaxed) as usize { Ok(()) } else { self.admit_new(slot, memory) }
    }

    #[cold]
    #[inline(never)]
    fn admit_new(&self, slot: usize, memory: &Mapping) -> Result<(), Error> {
        let length = self.file.metadata().map_err(Error::io("looking at", &self.path))?.size();
        if !has_slot(length, slot, self.geometry) {
            return Err(self.corrupt(format!("its newest frame is in buffer {slot}, beyond its {length} bytes")));
        }
        let frame_bytes = self.geometry.frame_bytes();
        memory.populate(buffer_start(slot, frame_bytes), frame_bytes);
        #[allow(clippy::cast_possible_truncation, reason = "at most 16")]
        self.seen_slots.fetch_max(slot as u32 + 1, Ordering::Relaxed);
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn try_copy(&self, seen: u64) -> Result<Result<Option<Taken>, Overtaken>, Error> {
        let Some(newest) = self.latest()?.filter(|newest| newest.sequence > seen) else { return Ok(Ok(None)) };
        if newest.slot >= self.max_slots {
            return Err(self.impossible(newest));
        }
        let descriptor = at::descriptor(newest.slot);
        let frame_bytes = self.geometry.frame_bytes();
        let unreadable = Cell::new(None);
        let sequence = || {
            read_u64(&self.file, descriptor).unwrap_or_else(|error| {
                unreadable.set(Some(error));
                u64::MAX // matches no frame's
            })
        };
        let copy = || -> io::Result<_> {
            let mut described = [0; Described::BYTES];
            self.file.read_exact_at(&mut described, (descriptor + 8) as u64)?;
            let mut pixels = vec![0; frame_bytes].into_boxed_slice();
            self.file.read_exact_at(&mut pixels, buffer_start(newest.slot, frame_bytes) as u64)?;
            Ok((Described::from_bytes(&described), pixels))
        };
        match observe(newest, sequence, copy) {
            None => unreadable.take().map_or(Ok(Err(Overtaken)), |error| Err(self.cut_off()(error))),
            Some(copied) => {
                let (described, pixels) = copied.map_err(self.cut_off())?;
                Ok(Ok(Some(Taken { newest, described, pixels: Pixels::Copied(pixels), first_hold: false })))
            }
        }
    }

    /// How many slots a hold may be on, of those seen so far; none for an observer.
    pub(crate) fn slots_to_hold(&self) -> usize {
        if self.lease().is_some() { self.seen_slots.load(Ordering::Relaxed) as usize } else { 0 }
    }

    /// Where a slot's bytes lie, whether they are held or not.
    pub(crate) fn first_byte(&self, slot: usize) -> NonNull<u8> {
        let frame_bytes = self.geometry.frame_bytes();
        self.frames().bytes(buffer_start(slot, frame_bytes), frame_bytes)
    }

    /// The bytes of a slot that the caller holds.
    #[allow(unsafe_code, reason = "hands out the bytes of a held slot")]
    pub(crate) fn held(&self, slot: usize) -> &[u8] {
        let frame_bytes = self.geometry.frame_bytes();
        debug_assert!(slot < self.max_slots && buffer_start(slot, frame_bytes) >= HEADER_BYTES);
        // SAFETY: the caller has a hold on the slot, which `admit` found inside the file; no writer touches it until the
        // hold is released, and the hold's owner borrows `self` from its own reference to it.
        unsafe { self.frames().held(buffer_start(slot, frame_bytes), frame_bytes) }
    }

    /// Header and buffers, mapped. Who asks has found a buffer to hold, or is about to.
    fn frames(&self) -> &Mapping {
        let View::Near(memory) = &self.view else { unreachable!("an observer holds nothing") };
        memory
    }

    /// The status text.
    pub(crate) fn status(&self, name: &Name) -> Result<Vec<u8>, Error> {
        let path = name.status(&self.directory, self.epoch);
        let read = || {
            let owner = self.file.metadata()?.uid();
            let file = open_existing(&path, false)?;
            match distrust(&file.metadata()?, &[owner]) {
                Some(problem) => Err(io::Error::other(problem)),
                None => read_status(&file, self.epoch),
            }
        };
        read().map_err(Error::io("reading", &path))
    }

    fn cut_off(&self) -> impl FnOnce(io::Error) -> Error {
        |error| self.cut_off_by(error)
    }

    #[cold]
    #[inline(never)]
    fn cut_off_by(&self, _error: io::Error) -> Error {
        self.corrupt("it was cut off".to_owned())
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn corrupt(&self, problem: String) -> Error {
        Error::Corrupt { path: self.path.clone(), problem }
    }

    #[cold]
    #[inline(never)]
    fn impossible(&self, newest: Latest) -> Error {
        self.corrupt(format!("its newest frame is in buffer {}, it can have {}", newest.slot, self.max_slots))
    }
}

/// The writer took the slot back meanwhile: there is a newer frame by now.
struct Overtaken;
