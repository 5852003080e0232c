//! The protocol file as it is.

#[path = "actors.rs"]
mod actors;
#[path = "../../core/src/protocol.rs"]
#[allow(dead_code, reason = "the core asks things that the stories need not know")]
mod protocol;
#[path = "scenarios/mod.rs"]
mod scenarios;

use crate::exploration::Scenario;
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

/// The same where two lines change their owners at once.
#[test]
fn two_heirs() {
    scenarios::TWO_HEIRS.holds();
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

/// An observer and a reader of one segment disturb each other in nothing, also where loans are cancelled.
#[test]
fn observer_beside_reader() {
    scenarios::OBSERVER_BESIDE_READER.holds();
}

/// A buffer that appears while an observer copies changes nothing for it, and the writer always has one to take.
#[test]
fn growth_beside_observer() {
    scenarios::GROWTH_BESIDE_OBSERVER.holds();
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

/// Whatever the order of two fences.
#[test]
fn fences_in_every_order() {
    let stories = [
        scenarios::ONE_READER,
        scenarios::TWO_READS,
        scenarios::TWO_READERS,
        scenarios::ONE_HANDLE,
        scenarios::HEIR,
        scenarios::TWO_HEIRS,
        scenarios::CANCELLED,
        scenarios::GROWTH,
        scenarios::OBSERVER_BESIDE_READER,
    ];
    stories.iter().for_each(Scenario::holds_in_every_order_of_fences);
}

/// The test of a mutant fails if nothing catches the mutant.
#[test]
#[should_panic(expected = "survives wake_up")]
fn a_survivor_is_reported() {
    scenarios::WAKE_UP.breaks("the intact file", promise::WAKE_UP);
}
