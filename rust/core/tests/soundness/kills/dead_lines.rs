//! What readers cost that were killed long ago: their lines name buffers until the next readers take them.

use std::time::Duration;

use super::cost::parse;
use super::figures::Durations;
use crate::support::place::Place;
use crate::support::process::Process;
use crate::support::size::{report, sized};

/// The most buffers that readers can hold of the eight that a segment has at most, as it is set up here: not the newest.
const HELD: usize = 7;

/// While nobody takes their lines, the writer asks the kernel about them; that is far below a frame's time even where all 64
/// readers were killed, and every buffer is named by some of them.
#[test]
fn lines_of_the_dead_cost_the_writer_little() {
    let place = Place::new();
    let path = place.path().to_str().unwrap();
    let mut writer = Process::start("kills publisher", &[path, "64", "48"]);
    writer.expect("ready");
    let publish = |writer: &mut Process, frames: usize| {
        writer.tell(&format!("{frames} 0"));
        parse(&writer.hear()).0
    };
    for readers in sized(vec![7], vec![1, 7, 28, 64]) {
        for how in ["let go", "killed"] {
            let mut guests = Vec::new();
            while guests.len() < readers {
                publish(&mut writer, 1);
                let together = readers.div_ceil(HELD).min(readers - guests.len());
                let group: Vec<Process> =
                    (0..together).map(|_| Process::start("kills guest", &[path, "1", "10000"])).collect();
                for guest in group {
                    guest.expect("holds");
                    guests.push(guest);
                }
            }
            for mut guest in guests {
                if how == "killed" {
                    guest.kill();
                } else {
                    guest.tell("leave");
                    guest.finish();
                }
            }
            let bare = Durations::new(publish(&mut writer, sized(1000, 20_000)));
            report(&format!("loan and publish 64x48, after {readers} readers {how}: {}", bare.all()));
            assert!(bare.median() < Duration::from_millis(1), "{:?}", bare.median());
        }
    }
    writer.finish();
    assert!(place.files().is_empty(), "left behind: {:?}", place.files());
}
