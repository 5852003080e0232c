#[path = "../../core/src/protocol.rs"]
mod protocol;

#[path = "actors.rs"]
mod actors;
#[path = "scenarios.rs"]
mod scenarios;

#[test]
fn one_reader() { scenarios::ONE_READER.holds(); }
#[test]
fn two_readers() { scenarios::TWO_READERS.holds(); }
#[test]
fn one_handle() { scenarios::ONE_HANDLE.holds(); }
#[test]
fn dead_reader() { scenarios::DEAD_READER.holds(); }
#[test]
fn heir() { scenarios::HEIR.holds(); }
#[test]
fn cancelled() { scenarios::CANCELLED.holds(); }
#[test]
fn growth() { scenarios::GROWTH.holds(); }
#[test]
fn observer() { scenarios::OBSERVER.holds(); }
#[test]
fn wake_up() { scenarios::WAKE_UP.holds(); }
#[test]
fn progress() { scenarios::PROGRESS.holds(); }
