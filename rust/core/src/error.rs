//! Everything that can go wrong, as one enum. Each text says what happened, where, and what to do.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::Geometry;
use crate::geometry::MAX_SIDE;

/// An error of the frame bus.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A name that cannot be used.
    #[error(
        "'{name}' is not a valid shared memory name: use 1 to 100 of A-Z a-z 0-9 _ - . , not starting with a dot and not \
         ending in .lock, .leases or .status"
    )]
    BadName {
        /// The name given.
        name: String,
    },
    /// A size that frames cannot have.
    #[error("a frame of {width}x{height} pixels is not possible: width and height go from 1 to {MAX_SIDE}")]
    BadGeometry {
        /// The width given.
        width: u32,
        /// The height given.
        height: u32,
    },
    /// An option outside its range.
    #[error("{option} is {value}: allowed are {allowed}")]
    BadOption {
        /// Its name.
        option: &'static str,
        /// What was given.
        value: u64,
        /// What may be given.
        allowed: &'static str,
    },
    /// Another writer publishes under the name.
    #[error(
        "another process already publishes '{name}' ({holder}, {}): stop it, or choose another shared_memory_name",
        path.display()
    )]
    NameInUse {
        /// The name.
        name: String,
        /// Who, as far as it is known: "pid 1234".
        holder: String,
        /// The file that it holds.
        path: PathBuf,
    },
    /// The name belongs to somebody else: another user, or another program.
    #[error("'{}' cannot be used: {problem}", path.display())]
    NameTaken {
        /// The file.
        path: PathBuf,
        /// Whose it is, and what to do.
        problem: String,
    },
    /// There is no room for a segment.
    #[error("no directory can hold the shared memory '{name}': {attempts}")]
    NoRoom {
        /// The name.
        name: String,
        /// What was tried, where, and why it failed.
        attempts: String,
    },
    /// No writer published under the name in time.
    #[error("Shared memory segment '{name}' not created within {seconds:?}s{hint}")]
    NotCreated {
        /// The name.
        name: String,
        /// How long the reader waited.
        seconds: f64,
        /// What is known: a dead writer's last frame, a process without a source.
        hint: String,
    },
    /// A segment is there but may not be opened.
    #[error("Shared memory segment '{name}' not accessible within {seconds:?}s: {problem}")]
    NotAccessible {
        /// The name.
        name: String,
        /// How long the reader waited.
        seconds: f64,
        /// Why, and what to do.
        problem: String,
    },
    /// The source has ended, and its last frame was read.
    #[error("the source of '{name}' has ended: there will be no more frames")]
    EndOfStream {
        /// The name.
        name: String,
    },
    /// A handle holds all the frames that it may.
    #[error(
        "this reader already holds {held} frames, as many as it may: let go of one, or copy what is to be kept \
         (max_leases goes up to 3)"
    )]
    TooManyLeases {
        /// How many.
        held: u32,
    },
    /// A second loan while one is open.
    #[error("a loan is already open: publish or cancel it first")]
    LoanOpen,
    /// Another writer has published under the name, and this one has stepped down.
    #[error("this writer has lost the name '{name}' to {holder}: stop one of the two, then start again")]
    SteppedDown {
        /// The name.
        name: String,
        /// The other writer.
        holder: String,
    },
    /// A handle was used in a child of the process that made it.
    #[error("this handle belongs to the parent process: after a fork, attach anew in the child")]
    Forked,
    /// The caller's own check asked to stop waiting.
    #[error("the wait was interrupted")]
    Interrupted,
    /// Pixels of another size than the frames.
    #[error("{got} bytes don't match a frame of {expected} ({} bytes)", expected.frame_bytes())]
    SizeMismatch {
        /// The frames.
        expected: Geometry,
        /// The bytes given.
        got: usize,
    },
    /// A segment says what cannot be.
    #[error(
        "'{}' is damaged or not a segment of this version: {problem}. Stop what writes it, remove the file, and start the \
         capture process again",
        path.display()
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        problem: String,
    },
    /// No line is left for one more reader.
    #[error(
        "'{name}' has 64 readers, as many as it can have: close one, or attach as an observer (observe=True), which copies"
    )]
    LinesFull {
        /// The name.
        name: String,
    },
    /// A status text that does not fit.
    #[error("a status of {got} bytes is too long: up to {limit} fit")]
    StatusTooLong {
        /// Its length.
        got: usize,
        /// The longest.
        limit: usize,
    },
    /// The system refused something that it usually does not.
    #[error("{action} '{}' failed: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// The hint of an [`Error::NotCreated`] where there is a segment, but it is about to go.
pub(crate) const BEING_REPLACED: &str = ": its segment is being replaced";

impl Error {
    /// The same, said after it has lasted so long.
    pub(crate) fn after(mut self, lasted: Duration) -> Error {
        if let Error::NotCreated { seconds, .. } | Error::NotAccessible { seconds, .. } = &mut self {
            *seconds = (lasted.as_secs_f64() * 10.0).round() / 10.0;
        }
        self
    }

    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Error {
        let path = path.into();
        move |source| Error::Io { action, path, source }
    }
}
