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

use std::path::Path;

/// The other process of a test; see `support::process`. Run by itself it does nothing.
#[test]
#[ignore = "started by the tests that need another process"]
fn child() {
    if let Some(words) = support::process::own_role() {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        if !support::roles::play(words[0], &words[1..]) {
            play(words[0], &words[1..]);
        }
    }
}

/// The roles that single themes add.
fn play(role: &str, arguments: &[&str]) {
    match (role, arguments) {
        ("campaign writer", [directory, seed]) => kills::writer(Path::new(directory), seed.parse().unwrap()),
        ("campaign reader", [directory, seed]) => kills::reader(Path::new(directory), seed.parse().unwrap()),
        ("forking writer", [directory]) => forking::writer(Path::new(directory)),
        ("forking crowd", [directory]) => forking::crowd(Path::new(directory)),
        ("forking reservation", [directory]) => forking::reservation(Path::new(directory)),
        ("forking reader", [directory]) => forking::reader(Path::new(directory)),
        ("forking observer", [directory]) => forking::observer(Path::new(directory)),
        ("limited writer", [directory]) => growth::limited_writer(Path::new(directory)),
        ("cramped writer", [directory]) => growth::cramped_writer(Path::new(directory)),
        ("falling back", [first, second, width, height]) => {
            full::writer(Path::new(first), Path::new(second), [width, height].map(|side| side.parse().unwrap()));
        }
        ("succeeding", [first, second]) => full::succeeding(Path::new(first), Path::new(second)),
        ("filled", [first, second]) => full::filled(Path::new(first), Path::new(second)),
        ("sealed", [first, second]) => full::sealed(Path::new(first), Path::new(second)),
        ("standard writer", []) => fallback::standard(),
        ("limited start", [first, second]) => full::limited(Path::new(first), Path::new(second)),
        ("masked writer", [directory, umask, access]) => permissions::writer(Path::new(directory), umask, access),
        ("other user", [directory, owner]) => permissions::other_user(Path::new(directory), owner.parse().unwrap()),
        ("measuring reader", [directory]) => resources::measuring_reader(Path::new(directory)),
        _ => panic!("no role {role:?} with {arguments:?}"),
    }
}
