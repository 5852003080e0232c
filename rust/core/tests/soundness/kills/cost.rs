//! What readers' deaths cost the writer: its time to publish while readers come and go, and while they come and are killed.

use std::fmt::Write;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use billiards_video::{Format, Geometry, Reader, Stamp, Writer};

use super::figures::Durations;
use super::victims::{directories, reader_options, writer_options};
use crate::support::place::{Place, name};
use crate::support::process::{Process, heard, say};
use crate::support::size::{is_full, report, sized};

/// How many readers come together, and how often, whichever way they leave.
const CROWD: usize = 3;
const EVERY: Duration = Duration::from_millis(60);

/// How readers leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaving {
    Cleanly,
    Killed,
}

/// Publishing takes no longer while readers that hold frames are killed than while they let go and detach. Both are measured
/// in turns, in short blocks, so that whatever else the machine does meets both.
#[test]
fn a_reader_s_death_costs_the_writer_no_time() {
    let hd = Geometry::new(1920, 1080, Format::Bgr24).unwrap();
    let small = Geometry::new(64, 48, Format::Bgr24).unwrap();
    let paced = Duration::from_nanos(1_000_000_000 / 60);
    for (label, geometry, pause, frames) in [
        ("1080p at 60 a second", hd, paced, sized(15, 60)),
        ("1080p unpaced", hd, Duration::ZERO, sized(100, 300)),
        ("64x48 at 60 a second", small, paced, sized(15, 60)),
        ("64x48 unpaced", small, Duration::ZERO, sized(10_000, 400_000)),
    ] {
        side_by_side(label, geometry, pause, frames);
    }
}

fn side_by_side(label: &str, geometry: Geometry, pause: Duration, frames: usize) {
    let place = Place::new();
    let path = place.path().to_str().unwrap();
    let (width, height) = (geometry.width().to_string(), geometry.height().to_string());
    let mut writer = Process::start("kills publisher", &[path, &width, &height]);
    writer.expect("ready");
    let mut measured = [Leaving::Cleanly, Leaving::Killed].map(|leaving| (leaving, Vec::new(), Vec::new(), 0));
    let mut ratios = Vec::new();
    for round in 0..sized(1, 20) {
        let mut medians = [Duration::ZERO; 2];
        // Neither is always the first.
        for turn in [round % 2, 1 - round % 2] {
            let (leaving, bare, whole, left) = &mut measured[turn];
            writer.tell(&format!("{frames} {}", pause.as_nanos()));
            let (told, gone) = come_and_go(path, *leaving, &writer);
            *left += gone;
            let (block_bare, block_whole) = parse(&told);
            medians[turn] = Durations::new(block_bare.clone()).median();
            bare.extend(block_bare);
            whole.extend(block_whole);
        }
        ratios.push(medians[1].as_secs_f64() / medians[0].as_secs_f64());
    }
    writer.finish();
    assert!(place.files().is_empty(), "left behind: {:?}", place.files());

    ratios.sort_by(f64::total_cmp);
    let ratio = |percent: usize| ratios[ratios.len() * percent / 100];
    for (leaving, bare, whole, left) in measured {
        report(&format!("{label}, {left} readers left {leaving:?}:"));
        report(&format!("  loan and publish: {}", Durations::new(bare).all()));
        report(&format!("  with the pixels:  {}", Durations::new(whole).all()));
    }
    report(&format!(
        "  ratio of the medians, killed to clean, of {} pairs of blocks: {:.3}, quartiles {:.3} to {:.3}",
        ratios.len(),
        ratio(50),
        ratio(25),
        ratio(75)
    ));
    assert!(!is_full() || ratio(50) < 1.5, "{label}: deaths cost the writer time: {ratios:?}");
}

/// Has readers come, hold frames and leave, until the writer has published its block. Gives what it measured, and how many
/// have left.
fn come_and_go(path: &str, leaving: Leaving, writer: &Process) -> (String, usize) {
    let (mut left, mut due) = (0, Instant::now());
    loop {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        due += EVERY;
        let guests: Vec<Process> = (0..CROWD).map(|_| Process::start("kills guest", &[path, "2", "100"])).collect();
        for mut guest in guests {
            let has_come = guest.hear() == "holds"; // else the block was over first
            match leaving {
                Leaving::Killed if has_come => guest.kill(),
                _ => {
                    guest.tell("leave");
                    guest.finish();
                }
            }
            left += usize::from(has_come);
        }
        if let Some(told) = writer.unheard().pop() {
            return (told, left);
        }
    }
}

/// Publishes blocks of frames on command, and tells how long each frame took, without its pixels and with them, in
/// nanoseconds.
pub(crate) fn publisher(directory: &Path, sides: &[&str]) {
    let side = |which: usize| sides[which].parse().unwrap();
    let geometry = Geometry::new(side(0), side(1), Format::Bgr24).unwrap();
    let mut writer = Writer::create(&name(), geometry, writer_options(directories(&[directory]))).unwrap();
    let pixels = vec![0x5a; geometry.frame_bytes()];
    say("ready");
    while let Some(order) = heard() {
        let (frames, pause) = order.split_once(' ').unwrap();
        let pause = Duration::from_nanos(pause.parse().unwrap());
        let mut told = String::new();
        let mut due = Instant::now();
        let frames: usize = frames.parse().unwrap();
        for number in 0..frames {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            due += pause;
            let start = Instant::now();
            let Some(mut loan) = writer.loan().unwrap() else { continue };
            let loaned = Instant::now();
            loan.pixels().copy_from_slice(&pixels);
            let filled = Instant::now();
            loan.publish(&Stamp::default()).unwrap();
            let published = Instant::now();
            if number % (1 + frames / 10_000) == 0 {
                let bare = (loaned - start) + (published - filled);
                write!(told, "{} {} ", bare.as_nanos(), (published - start).as_nanos()).unwrap();
            }
        }
        say(&told);
    }
}

/// What a publisher tells of a block.
pub(crate) fn parse(told: &str) -> (Vec<Duration>, Vec<Duration>) {
    let times: Vec<Duration> =
        told.split_whitespace().map(|time| Duration::from_nanos(time.parse().unwrap())).collect();
    times.chunks_exact(2).map(|pair| (pair[0], pair[1])).unzip()
}

/// Holds so many frames until it is told to leave, or is killed; it waits so many milliseconds for each.
pub(crate) fn guest(directory: &Path, frames: usize, patience: u64) {
    let reader = Reader::attach(&name(), reader_options(directories(&[directory]))).unwrap();
    let patience = Duration::from_millis(patience);
    let held: Vec<_> = (0..frames).map_while(|_| reader.wait(Some(patience)).unwrap()).collect();
    say(if held.len() == frames { "holds" } else { "has missed it" });
    heard();
}
