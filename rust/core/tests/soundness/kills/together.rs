//! A reader and its writer killed at once, each in a step of its own.

use super::course::{Course, Detail, Tally};
use super::scene::{Before, Ready, Scene};
use super::tracer::is_allowed;
use crate::random::Random;
use crate::support::process::Process;
use crate::support::size::sized;

const READERS: [(&str, Detail); 5] = [
    ("take", Detail::Instructions),
    ("release", Detail::Instructions),
    ("observe", Detail::Instructions),
    ("attach", Detail::Calls),
    ("detach", Detail::Calls),
];

/// With the frames that each completes.
const WRITERS: [(&str, Detail, u64); 8] = [
    ("loan", Detail::Instructions, 0),
    ("publish", Detail::Instructions, 1),
    ("write", Detail::Instructions, 1),
    ("grow", Detail::Calls, 0),
    ("status", Detail::Calls, 0),
    ("reshape", Detail::Calls, 0),
    ("end", Detail::Calls, 0),
    ("drop", Detail::Calls, 0),
];

/// Whoever lives sees what they see where the writer alone is killed; while the reader stands still in the middle of its
/// step, the writer waits for nothing.
#[test]
fn a_reader_and_its_writer_killed_together() {
    if !is_allowed() {
        return;
    }
    let mut scene = Scene::new("a reader and its writer");
    let read = READERS.map(|(role, detail)| {
        Course::measure(detail, &mut scene, |scene, follow| {
            let writer = scene.prepare("nothing", Before::Frames, 0);
            let mut reader = start_reader(scene, role).begin();
            follow(&mut reader);
            reader.kill();
            scene.kill_after(writer, &mut |_| ());
        })
    });
    let written = WRITERS.map(|(role, detail, completes)| {
        Course::measure(detail, &mut scene, |scene, follow| {
            let writer = scene.prepare(role, Before::Frames, completes);
            scene.kill_after(writer, follow);
        })
    });
    let mut random = Random::fresh();
    for ((reader, _), read) in READERS.iter().zip(read) {
        for ((writer, _, completes), written) in WRITERS.iter().zip(written) {
            let mut tally = Tally::new(format!("a reader in '{reader}' and a writer in '{writer}'"), written);
            for _ in 0..sized(2, 20) {
                let ready_writer = scene.prepare(writer, Before::Frames, *completes);
                let ready = [start_reader(&scene, reader), ready_writer];
                let points = [read.any(&mut random), written.any(&mut random)];
                scene.kill_both(ready, points);
                tally.add(&points);
            }
            tally.close();
        }
    }
    scene.close();
}

fn start_reader(scene: &Scene, role: &str) -> Ready {
    let [first, second] = scene.paths();
    let ready = Ready::hear(Process::start("kills reader", &[role, first, second]));
    ready.process.expect("ready");
    ready
}
