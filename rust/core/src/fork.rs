//! What a fork may not take along: descriptors whose locks say "alive".
//!
//! A forked child shares its parent's open file descriptions. Were it to keep them, a parent's death would go unseen for
//! as long as the child lives. So every file of a segment is registered here, and a `pthread_atfork` handler closes them
//! in the child (a close, never an unlock: an unlock would end the parent's lock). The child's handles notice that they
//! are of an older *generation* and become inert: they raise, and their drop releases nothing.
//!
//! Not covered: a child made by a bare `clone` or `vfork`, which runs no handlers. It is meant for `exec`, and these
//! descriptors close there.

use std::fs::File;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::os::fd::AsRawFd;
use std::sync::OnceLock;
use std::{hint, thread};

use crate::Error;
use crate::lock::unlock;
use crate::sync::{AtomicBool, AtomicI32, AtomicU64, Ordering};

const NO_FILE: i32 = -1;

/// How many forks separate this process from the one in which the library was first used.
static GENERATION: AtomicU64 = AtomicU64::new(0);
/// Held while descriptors come and go, and across a fork, so that the child finds the list whole.
static BUSY: AtomicBool = AtomicBool::new(false);
static FILES: Chunk = Chunk::new();

/// The list of descriptors, in a shape that a child may walk without a lock or an allocation.
struct Chunk {
    descriptors: [AtomicI32; 64],
    next: OnceLock<Box<Chunk>>,
}

impl Chunk {
    const fn new() -> Chunk {
        Chunk { descriptors: [const { AtomicI32::new(NO_FILE) }; 64], next: OnceLock::new() }
    }

    /// Replaces the first `old` in the list by `new`.
    fn replace(&self, old: i32, new: i32) {
        let mut chunk = self;
        loop {
            if let Some(place) = chunk.descriptors.iter().find(|place| place.load(Ordering::Relaxed) == old) {
                return place.store(new, Ordering::Relaxed);
            }
            chunk = chunk.next.get_or_init(|| Box::new(Chunk::new()));
        }
    }
}

/// The generation of this process: handles remember the one they were made in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Generation(u64);

impl Generation {
    pub(crate) fn current() -> Generation {
        install_handlers(); // a handle without a file, an observer's, has to notice a fork too
        Generation(GENERATION.load(Ordering::Relaxed))
    }

    /// Whether the handle's process is still the one that made it.
    pub(crate) fn is_current(self) -> bool {
        self.0 == GENERATION.load(Ordering::Relaxed)
    }

    /// # Errors
    /// [`Error::Forked`] in a child of the process that made the handle.
    pub(crate) fn check(self) -> Result<(), Error> {
        if self.is_current() { Ok(()) } else { Err(Error::Forked) }
    }
}

/// An open file that a forked child does not keep.
///
/// It must not be mapped where its locks matter: a mapping keeps its open file description alive as a descriptor does, a
/// child inherits it, and no handler can undo it under the child's feet. Map another description of the same file.
#[derive(Debug)]
pub(crate) struct GuardedFile {
    file: ManuallyDrop<File>,
    generation: Generation,
}

impl GuardedFile {
    /// Opens by `open` and registers what it gives, with no fork in between.
    ///
    /// # Errors
    /// What `open` gives.
    pub(crate) fn open<E>(open: impl FnOnce() -> Result<File, E>) -> Result<GuardedFile, E> {
        let generation = Generation::current();
        exclusive(|| {
            let file = open()?;
            FILES.replace(NO_FILE, file.as_raw_fd());
            Ok(GuardedFile { file: ManuallyDrop::new(file), generation })
        })
    }

    pub(crate) fn generation(&self) -> Generation {
        self.generation
    }
}

impl Deref for GuardedFile {
    type Target = File;

    fn deref(&self) -> &File {
        &self.file
    }
}

impl Drop for GuardedFile {
    #[allow(unsafe_code, reason = "a file of another generation must not be dropped")]
    fn drop(&mut self) {
        if !self.generation.is_current() {
            return; // the child's handler has closed it; the number may be somebody else's by now
        }
        // The locks end here and not with the last descriptor: a program that another thread is starting has copies of all
        // descriptors until its exec, and would keep what was let go of for that long.
        unlock(&self.file);
        exclusive(|| {
            FILES.replace(self.file.as_raw_fd(), NO_FILE);
            // SAFETY: this is the drop of the only owner; the file is not used again.
            unsafe { ManuallyDrop::drop(&mut self.file) };
        });
    }
}

/// Runs `change` while no fork can happen and no other thread changes the list.
fn exclusive<T>(change: impl FnOnce() -> T) -> T {
    struct Release;
    impl Drop for Release {
        fn drop(&mut self) {
            release();
        }
    }
    acquire();
    let _release = Release;
    change()
}

extern "C" fn acquire() {
    let mut tries = 0;
    // Acquire, with the Release in `release`: the list's reads and writes must not move before it is ours.
    while BUSY.compare_exchange_weak(false, true, Ordering::Acquire, Ordering::Relaxed).is_err() {
        tries += 1;
        if tries < 100 { hint::spin_loop() } else { thread::yield_now() }
    }
}

extern "C" fn release() {
    // Release: the changes of the list must not move after it is free.
    BUSY.store(false, Ordering::Release);
}

/// Runs in the child, between `fork` and whatever comes next: only what a signal handler could do.
#[allow(unsafe_code, reason = "closes descriptors that no owner will close")]
extern "C" fn close_in_child() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
    let mut next = Some(&FILES);
    while let Some(chunk) = next {
        for place in &chunk.descriptors {
            let descriptor = place.swap(NO_FILE, Ordering::Relaxed);
            if descriptor != NO_FILE {
                // SAFETY: the number was registered by a `GuardedFile` whose drop, in this process, will not close it.
                unsafe { libc::close(descriptor) };
            }
        }
        next = chunk.next.get().map(|chunk| &**chunk);
    }
    release();
}

#[allow(unsafe_code, reason = "fork handlers have no safe wrapper")]
fn install_handlers() {
    static INSTALLED: OnceLock<()> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        // SAFETY: the three functions live as long as the program, take nothing, and do what is allowed in a fork handler.
        let failed = unsafe { libc::pthread_atfork(Some(acquire), Some(release), Some(close_in_child)) };
        assert!(failed == 0, "no memory for fork handlers");
    });
}
