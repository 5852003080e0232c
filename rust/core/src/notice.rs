//! What a writer has to tell its operator: kept until it is asked for, since a library does not log.

use std::fmt;
use std::path::PathBuf;

/// Something that happened beside the frames.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// A directory did not serve, and the next one is used.
    FellBack {
        /// Where the segment is now.
        path: PathBuf,
        /// What was tried before, and why it failed.
        attempts: String,
        /// Whether the new place is memory too.
        is_memory: bool,
    },
    /// Every buffer is held: frames are being dropped.
    Starved {
        /// How many buffers there are.
        buffers: usize,
        /// Who holds them.
        holders: String,
    },
    /// A buffer was added, because readers hold the others.
    Grew {
        /// How many there are now.
        buffers: usize,
    },
    /// A buffer could not be added.
    CannotGrow {
        /// How many there are.
        buffers: usize,
        /// What the system said.
        problem: String,
    },
    /// The name had been taken away and stands again.
    Healed {
        /// The name's file.
        path: PathBuf,
    },
    /// The name was taken away and cannot be given again for now.
    CannotHeal {
        /// The name's file.
        path: PathBuf,
        /// Why not.
        problem: String,
    },
    /// The status text could not be written.
    NoStatus {
        /// What the system said.
        problem: String,
    },
    /// Another writer has taken the name: this one publishes no more.
    SteppedDown {
        /// The name's file.
        path: PathBuf,
        /// The other.
        holder: String,
    },
}

impl Notice {
    /// Whether something is wrong, as opposed to merely worth knowing.
    pub fn is_warning(&self) -> bool {
        !matches!(self, Notice::Grew { .. })
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::FellBack { path, attempts, is_memory } => {
                write!(out, "shared memory is in '{}', because {attempts}", path.display())?;
                if *is_memory {
                    return Ok(());
                }
                out.write_str("; this is no tmpfs: writing it back to a disk may delay frames")
            }
            Notice::Starved { buffers, holders } => write!(
                out,
                "all {buffers} buffers are held by readers, frames are dropped until one lets go (held by {holders}); \
                 readers should release or copy what they keep, or raise video.max_buffers"
            ),
            Notice::Grew { buffers } => write!(out, "readers hold the other buffers: there are {buffers} now"),
            Notice::CannotGrow { buffers, problem } => write!(
                out,
                "no room for more than {buffers} buffers ({problem}): frames may be dropped while readers hold them; \
                 trying again every 10 s"
            ),
            Notice::Healed { path } => {
                write!(out, "'{}' had been removed by another process and was published again", path.display())
            }
            Notice::CannotHeal { path, problem } => write!(
                out,
                "'{}' was removed by another process and cannot be published again ({problem}); trying again every second",
                path.display()
            ),
            Notice::NoStatus { problem } => write!(out, "the status file could not be written: {problem}"),
            Notice::SteppedDown { path, holder } => {
                write!(out, "'{}' now belongs to another writer ({holder}): this one publishes no more", path.display())
            }
        }
    }
}
