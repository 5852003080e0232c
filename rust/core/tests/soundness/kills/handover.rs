//! No death, but the same means: a writer that stands still in the middle of its start while the one before it ends.

use super::scene::Ready;
use super::tracer::{Point, is_allowed};
use super::victims::try_publish;
use crate::support::place::Place;
use crate::support::process::Process;

/// At whatever call of its start it stands while the name is given back: it is refused, or has all of the name, the right to
/// it with the rest.
#[test]
fn a_start_while_the_writer_before_ends() {
    if !is_allowed() {
        return;
    }
    let place = Place::new();
    let (mut refused, mut started) = (0, 0);
    for stops in 0.. {
        let mut before = place.writer();
        try_publish(&mut before).unwrap();
        let mut heir = Ready::hear(Process::start("kills heir", &[place.path().to_str().unwrap()])).begin();
        let is_in_the_middle = heir.run_to(Point { stops, steps: 0 });
        drop(before);
        if is_in_the_middle {
            heir.count_stops();
        }
        let heir = heir.let_go();
        match &*heir.hear() {
            "refused" => refused += 1,
            "writes" => {
                started += 1;
                assert_eq!(4, place.files().len(), "before call {}: {:?}", stops / 2, place.files());
                place.refusal();
            }
            said => panic!("{said}"),
        }
        heir.finish();
        assert!(place.files().is_empty(), "left behind: {:?}", place.files());
        if !is_in_the_middle {
            break;
        }
    }
    assert!(refused > 0 && started > 0, "{refused} refused, {started} started");
}
