//! Faults that a tool must report, or its silence about the stories says nothing. `setup/sanitize.sh` runs them first.

#![allow(unsafe_code, reason = "undefined behaviour, for the tools to find")]

use std::hint::black_box;
use std::thread;

use crate::memory::Segment;

/// Two threads in one buffer without the protocol.
#[test]
#[ignore = "undefined behaviour, for Miri and ThreadSanitizer to find"]
fn a_race() {
    let segment = Segment::new(3, 0);
    thread::scope(|scope| {
        scope.spawn(|| (0..100).for_each(|number| segment.draw(0, number)));
        (0..100).for_each(|_| {
            black_box(segment.look(0));
        });
    });
}

/// A read behind the end of an allocation.
#[test]
#[ignore = "undefined behaviour, for AddressSanitizer to find"]
fn an_overrun() {
    let bytes = black_box(vec![0_u8; 100]);
    let behind = bytes.as_ptr().wrapping_add(black_box(100));
    // SAFETY: none, by intent.
    black_box(unsafe { behind.read() });
}
