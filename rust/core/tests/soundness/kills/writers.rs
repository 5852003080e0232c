//! Writers that are killed in each of their steps: publishing, starting, healing, cleaning up.

use std::time::Duration;

use super::course::{Course, Detail, Tally};
use super::figures::Durations;
use super::scene::{Before, Ready, Scene};
use super::tracer::is_allowed;
use crate::random::Random;
use crate::support::size::{is_full, report, sized};

/// What a writer is killed in.
#[derive(Clone, Copy, Debug)]
struct Operation {
    label: &'static str,
    role: &'static str,
    before: Before,
    detail: Detail,
    /// Frames that it completes.
    completes: u64,
}

const fn step(label: &'static str, role: &'static str, detail: Detail, completes: u64) -> Operation {
    Operation { label, role, before: Before::Frames, detail, completes }
}

const fn work(label: &'static str, role: &'static str, before: Before) -> Operation {
    Operation { label, role, before, detail: Detail::Calls, completes: 0 }
}

const STEPS: [Operation; 5] = [
    step("takes a buffer", "loan", Detail::Instructions, 0),
    step("takes a buffer and gives it back", "cancel", Detail::Calls, 0),
    step("publishes", "publish", Detail::Instructions, 1),
    step("writes a frame", "write", Detail::Calls, 1),
    step("says what the stream is doing", "state", Detail::Instructions, 0),
];

const STARTS: [Operation; 6] = [
    work("starts from nothing", "create", Before::Nothing),
    work("starts over what killed writers left", "create", Before::Leftovers),
    work("starts over a dead writer's segment", "create", Before::Dead),
    work("starts before a dead writer's directory", "create", Before::DeadElsewhere),
    work("reserves the name", "reserve", Before::Dead),
    work("publishes what it has reserved", "publish reserved", Before::Dead),
];

const CHANGES: [Operation; 6] = [
    work("adds a buffer", "grow", Before::Frames),
    work("changes the size", "reshape", Before::Frames),
    work("changes the size without a name", "reshape", Before::Removed("cam")),
    work("writes its status", "status", Before::Frames),
    work("ends the stream", "end", Before::Frames),
    work("closes the stream", "drop", Before::Frames),
];

const HEALS: [Operation; 4] = [
    work("heals without a name", "heal", Before::Removed("cam")),
    work("heals without leases", "heal", Before::Removed(".leases")),
    work("heals without a status", "heal", Before::Removed(".status")),
    work("heals without a lock", "heal", Before::Removed(".lock")),
];

/// Whatever instruction it dies before: the frames that readers hold stay whole, they read the last complete one, and go on
/// with the next writer by themselves; that one starts at once, and its clean end leaves nothing.
#[test]
fn a_writer_killed_in_a_step_of_the_protocol() {
    campaign(&STEPS, 1);
}

/// The same for a writer that is starting, over all that a dead one may have left.
#[test]
fn a_writer_killed_in_its_start() {
    campaign(&STARTS, 1);
}

/// The same for one that changes its segment, or ends it.
#[test]
fn a_writer_killed_in_a_change() {
    campaign(&CHANGES, 1);
}

/// The same for one whose files were removed. It looks after them once a second, so many are killed side by side.
#[test]
fn a_writer_killed_in_healing() {
    let one = Random::fresh().index(HEALS.len());
    campaign(if is_full() { &HEALS } else { &HEALS[one..=one] }, sized(16, 40));
}

/// Kills the writers of some operations, so many at a time, each in a scene of its own.
fn campaign(operations: &[Operation], at_a_time: usize) {
    if !is_allowed() {
        return;
    }
    let mut kills = 0;
    for operation in operations {
        kills += kill_in(operation, at_a_time);
    }
    assert!(kills >= 5 * operations.len(), "{kills} kills");
}

fn kill_in(operation: &Operation, at_a_time: usize) -> usize {
    let Operation { label, role, before, detail, completes } = *operation;
    let prepare = |scene: &mut Scene| scene.prepare(role, before, completes);
    let mut random = Random::fresh();
    let mut scenes: Vec<Scene> = (0..at_a_time).map(|_| Scene::new(label)).collect();
    let course = Course::measure(detail, &mut scenes[0], |scene, follow| {
        let ready = prepare(scene);
        scene.kill_after(ready, follow);
    });
    let mut tally = Tally::new(format!("a writer {label}"), course);
    for points in course.points(detail, &mut random).chunks(at_a_time) {
        let ready: Vec<Ready> = scenes.iter_mut().take(points.len()).map(prepare).collect();
        for ((scene, ready), point) in scenes.iter_mut().zip(ready).zip(points) {
            scene.kill(ready, *point);
            tally.add(&[*point]);
        }
    }
    let kills = tally.close();
    let followed = Durations::new(scenes.into_iter().flat_map(Scene::close).collect());
    report(&format!("  until a witness had the next writer's first frame: {}", followed.all()));
    // Who was told by the next writer did not have to find out by looking, a quarter of a second later.
    let is_told = detail == Detail::Instructions;
    assert!(!is_told || followed.median() < Duration::from_millis(100), "{followed:?}");
    kills
}
