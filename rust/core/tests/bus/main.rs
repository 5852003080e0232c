//! The frame bus through its public face: real files, real processes, real signals.
//!
//! One binary, so that it links once; a theme is chosen with `cargo test --test bus kills::`.

mod ending;
mod fallback;
mod foreign;
mod fork;
mod forking;
mod full;
mod growth;
mod healing;
mod hostile;
mod kills;
mod leases;
mod legacy;
mod loans;
mod observers;
mod permissions;
mod publish;
mod reservation;
mod reshape;
mod resources;
mod status;
mod support;
mod waiting;
mod writers;

use support::process::own_role;

/// The other process of a test; see `support::process`. Run by itself it does nothing.
#[test]
#[ignore = "started by the tests that need another process"]
fn child() {
    if let Some(words) = own_role() {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        support::roles::play(words[0], &words[1..]);
    }
}
