//! A process that publishes frames, or one that reads them, for `bench/rust_sides.py` to measure Rust on both sides.
//!
//! `billiards-video-bench writer` and `billiards-video-bench reader` take orders, a line each, and answer with a line of
//! JSON each, until their standard input ends:
//!
//! - `open KIND NAME WIDTH HEIGHT`: a side from now on, called NAME. Answer: `{}`.
//! - `close NAME`. Answer: `{}`.
//! - `publish NAME FIRST LAST PERIOD_NS` (writer): the frames of these numbers, at absolute deadlines.
//! - `read NAME FIRST LAST` (reader): frames until LAST comes; those from FIRST on count. Answers `{}` when it is about to
//!   wait, and then what it saw.
//!
//! All times are nanoseconds of `CLOCK_MONOTONIC`. What is compared with what, and what becomes of the figures, is the
//! caller's.

#![allow(clippy::print_stderr, clippy::print_stdout, reason = "a program, whose answers go to standard output")]

mod clock;
mod publishers;
mod receivers;
mod side;
mod slots;
#[path = "../../core/src/sync.rs"]
#[allow(unused_imports, reason = "the core's door to atomics is wider than a floor needs")]
mod sync;

use std::env;
use std::process::ExitCode;

fn main() -> ExitCode {
    let role = env::args().nth(1);
    let served = match role.as_deref() {
        Some("writer") => publishers::serve(),
        Some("reader") => receivers::serve(),
        _ => Err("usage: billiards-video-bench writer|reader, started by bench/rust_sides.py".into()),
    };
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("billiards-video-bench: {error}");
            ExitCode::FAILURE
        }
    }
}
