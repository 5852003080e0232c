//! Changes under load: frames of another size, files removed, writers that end and are killed, one after the other and
//! two at once, while readers read and keep frames of segments long gone.
//!
//! Each old frame stays what it was until it is let go, which is looked at all the time; each reader is given frames of
//! the successor, within a bound; and when readers let go, they have as much as after the first change, and no more.

mod belongings;
mod collection;
mod reader;
mod stage;
mod writer;

use std::path::Path;
use std::time::Duration;

use crate::support::size::{report, sized};
use crate::support::until;

use stage::{Change, Stage};

/// Until when every reader should have been given frames of the successor, most times: a look of the writer's after its
/// name is a second away at most, a look of a reader's a quarter of one.
const BOUND: Duration = Duration::from_millis(2500);

/// Plays a role of this campaign to its end; `false` where it is none of them.
pub(crate) fn play(role: &str, arguments: &[&str]) -> bool {
    let [directory, seed] = arguments else { return false };
    let (directory, seed) = (Path::new(directory), || seed.parse().expect("a number"));
    match role {
        "changing writer" => writer::write(directory, seed()),
        "following reader" => reader::read(directory, seed(), false),
        "following observer" => reader::read(directory, seed(), true),
        _ => return false,
    }
    true
}

#[test]
fn old_frames_stay_and_new_ones_flow() {
    use Change::{Kill, Remove, Reshape, Restart};
    let first: [&[Change]; 10] = [
        &[Reshape],
        &[Restart],
        &[Kill],
        &[Remove],
        &[Remove, Kill],
        &[Reshape, Restart],
        &[Kill, Remove],
        &[Remove, Reshape],
        &[Kill, Kill],
        &[Remove],
    ];
    let mut stage = Stage::new(sized(4, 8));
    let before = stage.belongings();
    let mut took: [(&str, Vec<Duration>); 5] =
        ["reshape", "removal", "restart", "kill", "two at once"].map(|kind| (kind, Vec::new()));
    for step in 0..sized(first.len(), 600) {
        let any = stage.any();
        let changes = first.get(step).copied().unwrap_or(&any);
        let duration = stage.change(changes);
        let kind = if let [change] = changes { *change as usize } else { 4 };
        took[kind].1.push(duration);
        if step % 10 == 9 {
            stage.change(&[Reshape]); // a writer that has just started has nothing yet to leave behind
            until("descriptors and mappings as before", || (stage.belongings() == before).then_some(()));
        }
    }
    let [segments, read, looks] = stage.end();
    for (kind, took) in &mut took {
        took.sort();
        let (most, half) = (took.last().expect("all kinds"), took[took.len() / 2]);
        report(&format!(
            "changes, {kind}: {} times; every reader had a frame of the successor after {half:.0?} (median), {most:.0?} (most)",
            took.len()
        ));
        assert!(half < BOUND, "{kind}: {took:?}");
    }
    let (reader, writer) = (before[0], before[before.len() - 2]);
    report(&format!(
        "changes, all: {read} frames read of {segments} segments, counted by reader; {looks} looks at frames of segments that were \
         over, all intact; always {} descriptors and {} mappings in a reader, {} and {} in a writer; no file left",
        reader.descriptors, reader.mappings, writer.descriptors, writer.mappings
    ));
    assert!(looks > 0 && read > segments, "{read} frames of {segments} segments, {looks} looks");
}
