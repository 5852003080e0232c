//! What a process has of the files in a place: descriptors and mappings, removed files among them.

use std::fs;

use crate::support::place::Place;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Belongings {
    pub(super) descriptors: usize,
    pub(super) mappings: usize,
    /// Descriptors of all kinds.
    pub(super) all: usize,
}

impl Belongings {
    pub(super) fn of(pid: u32, place: &Place) -> Belongings {
        let below = format!("{}/", place.path().display());
        let targets: Vec<String> = fs::read_dir(format!("/proc/{pid}/fd"))
            .unwrap()
            .flatten()
            .filter_map(|entry| Some(fs::read_link(entry.path()).ok()?.to_string_lossy().into_owned()))
            .collect();
        let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
        Belongings {
            descriptors: targets.iter().filter(|target| target.starts_with(&below)).count(),
            mappings: maps.lines().filter(|line| line.contains(&below)).count(),
            all: targets.len(),
        }
    }
}
