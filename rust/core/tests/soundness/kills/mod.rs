//! `kill -9`, of readers, of writers, of both: at random moments, and before each instruction of the protocol's steps, at
//! each system call of start-up, healing and clean-up.

mod cost;
mod course;
mod dead_lines;
mod figures;
mod handover;
mod random;
mod readers;
mod restarts;
mod scene;
mod together;
mod tracer;
mod victims;
mod witnesses;
mod writers;

use std::path::Path;

/// Plays a role of this campaign to its end; `false` where it is none of them.
pub(crate) fn play(role: &str, arguments: &[&str]) -> bool {
    match (role, arguments) {
        ("kills reader", [operation, paths @ ..]) => victims::reader(operation, paths),
        ("kills writer", [operation, paths @ ..]) => victims::writer(operation, paths),
        ("kills heir", paths) => victims::heir(paths),
        ("kills campaign", [directory, kills]) => random::play(Path::new(directory), kills.parse().unwrap()),
        ("kills random writer", [directory, seed]) => random::writer(Path::new(directory), seed.parse().unwrap()),
        ("kills random reader", [directory, seed]) => random::reader(Path::new(directory), seed.parse().unwrap()),
        ("kills publisher", [directory, sides @ ..]) => cost::publisher(Path::new(directory), sides),
        ("kills guest", [directory, frames, patience]) => {
            cost::guest(Path::new(directory), frames.parse().unwrap(), patience.parse().unwrap());
        }
        ("kills successor", [directory]) => restarts::successor(Path::new(directory)),
        _ => return false,
    }
    true
}
