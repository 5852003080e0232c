//! The attacks of `rust/core/tests/soundness/hostile/attack`, for libFuzzer to think of scripts that find something new:
//! `setup/sanitize.sh fuzz`. The property tests beside the attacks play random scripts on any toolchain; a script that
//! the fuzzer finds is played again with `cargo fuzz run <target> <file>`.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::{env, fs, process};

#[path = "../../core/tests/soundness/hostile/attack/mod.rs"]
mod attack;

mod support;

/// Readers of files that say anything.
pub fn attach(script: &[u8]) {
    attack::attach(place(), script);
}

/// A writer and its readers, while the header and a line are written over.
pub fn live(script: &[u8]) {
    attack::live(place(), script);
}

/// A writer that starts where anything stands under the names of its files.
pub fn start(script: &[u8]) {
    attack::start(place(), script);
}

/// A directory of this process's own, in memory. The fuzzer ends without a word: who starts it names the place by
/// `BILLIARDS_VIDEO_FUZZ_PLACE`, and removes it.
fn place() -> &'static PathBuf {
    static PLACE: OnceLock<PathBuf> = OnceLock::new();
    PLACE.get_or_init(|| {
        let parent = env::var_os("BILLIARDS_VIDEO_FUZZ_PLACE").map_or_else(env::temp_dir, PathBuf::from);
        let place = parent.join(format!("billiards_video-fuzz-{}", process::id()));
        fs::create_dir_all(&place).unwrap_or_else(|error| panic!("{}: {error}", place.display()));
        place
    })
}
