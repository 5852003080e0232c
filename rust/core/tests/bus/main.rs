//! The frame bus through its public face: real files, real processes, real signals.
//!
//! One binary, so that it links once; a theme is chosen with `cargo test --test bus kills::`.

mod attempts;
mod bells;
mod containers;
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
mod low_latency;
mod observers;
mod outsiders;
mod permissions;
mod planted;
mod publish;
mod refusals;
mod reservation;
mod reshape;
mod resources;
mod status;
mod support;
mod taken_away;
mod two_users;
mod waiting;
mod writers;

use std::path::Path;

use billiards_video::Directories;

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
        ("forking writer", [directory]) => forking::writer(Path::new(directory)),
        ("forking crowd", [directory]) => forking::crowd(Path::new(directory)),
        ("forking reservation", [directory]) => forking::reservation(Path::new(directory)),
        ("forking reader", [directory]) => forking::reader(Path::new(directory)),
        ("forking observer", [directory]) => forking::observer(Path::new(directory)),
        ("healing writer", []) => healing::writer(),
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
        ("sleeper", [directory]) => containers::sleeper(Path::new(directory)),
        ("a user's writer", [access]) => two_users::writer(access),
        ("visitor", [owner]) => two_users::visitor(Directories::standard(), owner.parse().unwrap()),
        ("visitor", [directory, owner]) => two_users::visitor(Directories::only(directory), owner.parse().unwrap()),
        ("outsider", [directory, owner]) => attempts::outsider(Path::new(directory), owner.parse().unwrap()),
        ("open writer", [directory]) => outsiders::writer(Path::new(directory)),
        ("restless observer", [directory, owner]) => {
            outsiders::observer(Path::new(directory), owner.parse().unwrap());
        }
        ("victim", ["standard"]) => planted::victim(&Directories::standard()),
        ("victim", [directory]) => planted::victim(&Directories::only(directory)),
        ("thief of wake-ups", [frames]) => bells::thief(Path::new(frames)),
        ("sleeping stranger", [directory]) => bells::stranger(Path::new(directory)),
        ("crowd of strangers", [frames]) => bells::crowd(Path::new(frames)),
        ("displaced writer", []) => planted::displaced_writer(),
        ("planter", [directory]) => planted::planter(Path::new(directory)),
        ("lock holder", [directory]) => planted::lock_holder(Path::new(directory)),
        ("crowded", [directory]) => full::crowded(Path::new(directory)),
        ("measuring reader", [directory]) => resources::measuring_reader(Path::new(directory)),
        _ => panic!("no role {role:?} with {arguments:?}"),
    }
}
