//! The protocol file as it is.

#[path = "actors.rs"]
mod actors;
#[path = "../../core/src/protocol.rs"]
#[allow(dead_code, reason = "the core asks things that the stories need not know")]
mod protocol;
#[path = "scenarios.rs"]
mod scenarios;

use crate::promise;

/// No execution of a writer and one reader with three buffers breaks a promise, or drops a frame.
#[test]
fn one_reader() {
    scenarios::ONE_READER.holds();
}

/// A reader that lets go of one frame and takes the next costs the writer one buffer, not two.
#[test]
fn two_reads() {
    scenarios::TWO_READS.holds();
}

/// No execution, up to the bound, of a writer and two readers with four buffers breaks a promise, or drops a frame.
#[test]
fn two_readers() {
    scenarios::TWO_READERS.holds();
}

/// No execution, up to the bound, in which two threads share a handle breaks a promise.
#[test]
fn one_handle() {
    scenarios::ONE_HANDLE.holds();
}

/// The writer gets a dead reader's buffer back, and a dead writer leaves a last frame that can be read.
#[test]
fn dead_reader() {
    scenarios::DEAD_READER.holds();
}

/// A new owner's holds are respected, whatever the writer still thinks of the line's dead owner.
#[test]
fn heir() {
    scenarios::HEIR.holds();
}

/// Nobody takes the bytes of a cancelled loan for a frame.
#[test]
fn cancelled() {
    scenarios::CANCELLED.holds();
}

/// A reader that does not know of a new buffer is not sent there, and goes on as soon as it knows.
#[test]
fn growth() {
    scenarios::GROWTH.holds();
}

/// An observer's copy is one frame, or is thrown away.
#[test]
fn observer() {
    scenarios::OBSERVER.holds();
}

/// Whoever sleeps on the last announcement has seen the last frame.
#[test]
fn wake_up() {
    scenarios::WAKE_UP.holds();
}

/// Whoever sleeps, on either word, is woken.
#[test]
fn sleepers() {
    scenarios::SLEEPERS.holds();
}

/// The test of a mutant fails if nothing catches the mutant.
#[test]
#[should_panic(expected = "survives wake_up")]
fn a_survivor_is_reported() {
    scenarios::WAKE_UP.breaks("the intact file", promise::WAKE_UP);
}
