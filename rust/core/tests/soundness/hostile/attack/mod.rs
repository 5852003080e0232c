//! Attacks on a segment, each driven by bytes: the fuzzer (`rust/fuzz`) looks for those that harm, and the tests of
//! `hostile` run random ones in `make test`. Any bytes are an attack, and none may do more than it says:
//!
//! - [`attach`]: readers attach to files of a segment that are patched, cut or drawn out in any way, and go on while they
//!   are patched further. A frame of the promised size or a clear error, never a crash.
//! - [`live`]: a writer publishes and readers read while the header is patched and one of the readers scribbles over its own
//!   line. The writer goes on, and whoever keeps to the rules has the frames that it took, whole, until it lets go of them.
//! - [`start`]: a writer starts in a directory where anything stands under the names of its files. It starts or says why
//!   not, and changes nothing that is not the stream's.
//!
//! A mapping whose file is cut off by its own user is a SIGBUS, which is not defended: only observers, who read by system
//! calls, see their file shortened.

mod attach;
mod examine;
mod fields;
mod live;
mod place;
mod script;
mod start;

pub(crate) use attach::attach;
pub(crate) use live::live;
pub(crate) use start::start;

/// What an attack came to, for the figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Whether the first attempt was refused: a reader could not attach, a writer could not start.
    pub(crate) refused: bool,
    /// Frames that readers took.
    pub(crate) frames: u64,
}
