//! What an execution can break: loom's word for it, or ours.

/// Two accesses to the same pixels, one of them a write, that no happens-before orders. The pixels are the only cells
/// that loom watches in these stories.
pub(crate) const RACE: &str = "Causality violation: Concurrent read and write accesses";

/// Everybody that is left sleeps, and nobody is there to wake them.
pub(crate) const ASLEEP: &str = "deadlock; threads =";

pub(crate) const BOUND: &str = "promise broken: a reader was sent to a buffer that it does not know of";
pub(crate) const HANDED_OUT: &str = "promise broken: a buffer was handed out while a reader held it";
pub(crate) const NEWEST: &str = "promise broken: `latest` names a frame that is not complete";
pub(crate) const ORDER: &str = "promise broken: a reader went back to an older frame";
pub(crate) const PROGRESS: &str = "promise broken: the writer found no buffer";
pub(crate) const TORN: &str = "promise broken: a frame read is not the frame published";
pub(crate) const WAKE_UP: &str = "promise broken: a sleeper would miss a frame that was announced";
