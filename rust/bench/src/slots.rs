//! The floor's memory: a futex word and three rotating slots in a file in tmpfs, mapped and warm in both processes.
//!
//! No header, no sequence, no lease, no liveness, nothing that keeps a slow reader from seeing its slot overwritten: less
//! than this cannot hand a frame to another process, which is what makes it a floor.

#![allow(unsafe_code, reason = "memory shared with another process has no safe type")]

use std::fs::{File, OpenOptions, remove_file};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::ptr::{self, NonNull};

use rustix::fs::{FallocateFlags, fallocate};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use rustix::thread::futex::{Flags, wait, wake};

use crate::side::{Outcome, Size};
use crate::sync::{AtomicU32, Ordering};

const SLOTS: u32 = 3;
const HEADER_BYTES: usize = 4096;
const DIRECTORY: &str = "/dev/shm";
const EVERYBODY: u32 = i32::MAX.unsigned_abs();

/// A slot's frame as one may look at it while another process may be writing to it.
pub(crate) type Pixels = [AtomicU32];

/// The mapped file.
pub(crate) struct Slots {
    start: NonNull<u8>,
    length: usize,
    frame_bytes: usize,
    /// The file, where it is this process's to remove.
    created: Option<PathBuf>,
}

impl Slots {
    /// Makes the file, with every page there; it is removed when the result is dropped.
    pub(crate) fn create(name: &str, size: Size) -> Outcome<Slots> {
        let path = path_of(name);
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        let length = length_of(size);
        let mut slots = fallocate(&file, FallocateFlags::empty(), 0, length as u64)
            .map_err(Into::into)
            .and_then(|()| Slots::map(&file, size))
            .inspect_err(|_| drop(remove_file(&path)))?;
        slots.created = Some(path);
        (0..SLOTS).for_each(|slot| slots.frame(slot).iter().for_each(|word| word.store(0, Ordering::Relaxed)));
        Ok(slots)
    }

    /// Maps the file of another process, and reads every page of it once.
    pub(crate) fn open(name: &str, size: Size) -> Outcome<Slots> {
        let file = OpenOptions::new().read(true).write(true).open(path_of(name))?;
        if file.metadata()?.len() != length_of(size) as u64 {
            return Err(format!("{} is not as long as three frames", path_of(name).display()).into());
        }
        let slots = Slots::map(&file, size)?;
        let sum =
            |slot| slots.frame(slot).iter().fold(0, |sum: u32, word| sum.wrapping_add(word.load(Ordering::Relaxed)));
        std::hint::black_box((0..SLOTS).map(sum).fold(0, u32::wrapping_add));
        Ok(slots)
    }

    fn map(file: &File, size: Size) -> Outcome<Slots> {
        let (length, flags) = (length_of(size), MapFlags::SHARED | MapFlags::POPULATE);
        // SAFETY: a new mapping at an address of the kernel's choice disturbs no other memory.
        let start = unsafe { mmap(ptr::null_mut(), length, ProtFlags::READ | ProtFlags::WRITE, flags, file, 0) }?;
        let start = NonNull::new(start.cast()).ok_or("a mapping at address 0")?;
        let slots = Slots { start, length, frame_bytes: size.frame_bytes(), created: None };
        if !slots.frame_bytes.is_multiple_of(size_of::<AtomicU32>()) {
            return Err("a frame's bytes do not make whole words".into());
        }
        Ok(slots)
    }

    /// The slot that frame `number` is in.
    pub(crate) fn frame(&self, number: u32) -> &Pixels {
        let offset = HEADER_BYTES + (number % SLOTS) as usize * self.frame_bytes;
        assert!(offset + self.frame_bytes <= self.length);
        // SAFETY: in bounds (asserted).
        let first = unsafe { self.start.add(offset) };
        // SAFETY: mapped for as long as `self` is borrowed, aligned (a page and whole words from the start of a page),
        // and made of atomics: valid for any bytes, whoever changes them.
        unsafe { NonNull::slice_from_raw_parts(first.cast(), self.frame_bytes / size_of::<AtomicU32>()).as_ref() }
    }

    /// The number of the newest frame.
    pub(crate) fn newest(&self) -> u32 {
        self.word().load(Ordering::Acquire)
    }

    /// Makes frame `number` the newest one, and wakes everybody who waits.
    pub(crate) fn raise_to(&self, number: u32) -> Outcome<()> {
        // Release: the frame's stamps must not move after it.
        self.word().store(number, Ordering::Release);
        wake(self.word(), Flags::empty(), EVERYBODY)?;
        Ok(())
    }

    /// Waits, for ever, until the newest frame is another one than `seen`.
    pub(crate) fn wait_past(&self, seen: u32) -> u32 {
        let mut newest = self.newest();
        while newest == seen {
            // Whatever ends the sleep, the word says whether it was a frame.
            let _reason = wait(self.word(), Flags::empty(), seen, None);
            newest = self.newest();
        }
        newest
    }

    fn word(&self) -> &AtomicU32 {
        // SAFETY: the file begins with it; mapped for as long as `self` is borrowed, and an atomic.
        unsafe { self.start.cast().as_ref() }
    }
}

impl Drop for Slots {
    fn drop(&mut self) {
        // SAFETY: the range was mapped by `map`, and whoever has references into it borrows `self`.
        let _unmapped = unsafe { munmap(self.start.as_ptr().cast(), self.length) };
        if let Some(path) = &self.created {
            let _removed = remove_file(path);
        }
    }
}

fn path_of(name: &str) -> PathBuf {
    Path::new(DIRECTORY).join(format!("{name}.floor"))
}

fn length_of(size: Size) -> usize {
    HEADER_BYTES + SLOTS as usize * size.frame_bytes()
}
