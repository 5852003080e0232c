//! x
pub(crate) const RACE: &str = "Causality violation";
pub(crate) const TORN: &str = "promise broken: a frame read is not the frame published";
pub(crate) const HANDED_OUT: &str = "promise broken: a buffer was handed out while a reader held it";
pub(crate) const PROGRESS: &str = "promise broken: the writer found no buffer";
pub(crate) const ORDER: &str = "promise broken: a reader went back to an older frame";
pub(crate) const WAKE_UP: &str = "promise broken: a notification came before its frame";
pub(crate) const NEWEST: &str = "promise broken: the newest frame could not be read";
pub(crate) const BOUND: &str = "promise broken: a reader was sent beyond its mapping";
