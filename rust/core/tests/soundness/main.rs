//! The promises by force: many processes, many frames, many deaths. Small in `make test`, large in `make soundness`, where
//! each campaign prints its figures.
//!
//! One binary; a campaign is chosen with `cargo test --release --test soundness torn::`.

mod changes;
mod hostile;
mod kills;
mod random;
mod starvation;
#[path = "../bus/support/mod.rs"]
mod support;
mod torn;

/// The other process of a campaign; see `support::process`. Run by itself it does nothing.
#[test]
#[ignore = "started by the campaigns"]
fn child() {
    if let Some(words) = support::process::own_role() {
        let arguments: Vec<&str> = words.iter().skip(1).map(String::as_str).collect();
        let players = [support::roles::play, torn::play, kills::play, starvation::play, changes::play];
        assert!(players.iter().any(|play| play(&words[0], &arguments)), "nobody plays {words:?}");
    }
}
