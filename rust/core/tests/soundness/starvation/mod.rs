//! Starvation: processes hold every buffer there can be, and stand still. Frames are lost, each is counted, a warning says
//! who holds them; nothing waits, nobody else is harmed, and all is well as soon as they let go or die.

mod bystander;
mod siege;

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use billiards_video::Stamp;

use crate::support::place::Place;
use crate::support::process::Process;
use crate::support::size::{report, sized};
use crate::support::{publish, publish_many, read, until};

use bystander::expect_seen;
use siege::{Attempts, Holder, Siege};

const BUFFERS: [u8; 3] = [3, 8, 16];

/// Plays a role of this campaign to its end; `false` where it is none of them.
pub(crate) fn play(role: &str, arguments: &[&str]) -> bool {
    match (role, arguments) {
        ("bystander", [directory]) => bystander::read(Path::new(directory), false),
        ("observing bystander", [directory]) => bystander::read(Path::new(directory), true),
        _ => return false,
    }
    true
}

fn bystanders(place: &Place) -> [Process; 2] {
    ["bystander", "observing bystander"].map(|role| bystander::start(place, role))
}

/// Every buffer is held by processes that are stopped; they let go, or are killed as they stand.
#[test]
fn who_holds_everything_costs_frames_and_no_more() {
    for max_buffers in BUFFERS {
        let (rounds, tries) = sized((2, 500), (20, 50_000));
        let mut attempts = Attempts::default();
        for round in 0..rounds {
            let siege = Siege::lay(max_buffers, max_buffers.into());
            besiege(siege, tries, round % 2 == 1, &mut attempts);
        }
        report(&format!(
            "starvation, {max_buffers} buffers, all held by {} stopped processes, {rounds} rounds: {}",
            max_buffers.div_ceil(3),
            attempts.figures()
        ));
    }
}

fn besiege(mut siege: Siege, tries: u64, kill: bool, attempts: &mut Attempts) {
    let newest = siege.writer.stats().published - 1;
    let mut bystanders = bystanders(&siege.place);
    siege.holders.iter().for_each(Holder::stop);
    siege.fail(tries, attempts);
    siege.expect_warning();
    let stats = siege.writer.stats();
    assert_eq!((newest + 1, 0), (stats.published, stats.buffers_free));
    // Who comes now is given the newest frame, like those who wait for the next.
    assert_eq!(newest, read(&siege.place.reader()).info().frame_number);
    for bystander in &mut bystanders {
        assert_eq!(1, expect_seen(bystander, newest));
    }

    // One buffer is let go: one frame, and that is the newest now. It has no other place to go.
    let mut holder = siege.holders.remove(0);
    holder.go_on();
    holder.let_go();
    let number = publish(&mut siege.writer);
    for bystander in &mut bystanders {
        assert_eq!(2, expect_seen(bystander, number));
    }
    siege.fail(1, attempts);
    // Two: frames flow.
    holder.let_go();
    let flow = |siege: &mut Siege, bystanders: &mut [Process]| {
        siege.publish(100);
        let number = siege.writer.stats().published - 1;
        for bystander in bystanders {
            assert!(expect_seen(bystander, number) > 2);
        }
    };
    flow(&mut siege, &mut bystanders);
    siege.holders.push(holder);
    while let Some(mut holder) = siege.holders.pop() {
        if kill {
            holder.kill();
        } else {
            holder.go_on();
            while holder.held > 0 {
                holder.let_go();
            }
            holder.finish();
        }
        flow(&mut siege, &mut bystanders);
    }
    let free = siege.writer.stats().buffers - 1;
    until("every buffer is free", || (siege.writer.stats().buffers_free == free).then_some(()));
    assert_eq!(1, siege.writer.readers().len(), "the bystander with a line");
    siege.end();
    bystanders.into_iter().for_each(Process::finish);
}

/// A camera's pace, for a while: a warning at once, and one every ten seconds.
#[test]
fn the_warning_is_repeated_but_not_with_every_frame() {
    let (length, warnings) = sized((Duration::from_millis(200), 1), (Duration::from_secs(25), 3));
    let mut siege = Siege::lay(8, 8);
    siege.holders.iter().for_each(Holder::stop);
    let (start, mut attempts) = (Instant::now(), Attempts::default());
    while start.elapsed() < length {
        siege.fail(1, &mut attempts);
        thread::sleep(Duration::from_millis(10));
    }
    let told = siege.warnings();
    assert_eq!(warnings, told.len(), "{told:?}");
    report(&format!("starvation, 100 frames a second: {warnings} warnings in {length:?}; {}", attempts.figures()));
    siege.end();
}

/// Stopped processes hold what they may, and there are buffers enough: no frame is lost, the others go on, and who wakes
/// up has what it had.
#[test]
fn who_holds_much_costs_nothing() {
    let frames = sized(20_000, 3_000_000);
    let mut siege = Siege::lay(16, 12);
    siege.holders.iter().for_each(Holder::stop);
    let mut others = bystanders(&siege.place).into_iter().chain(bystanders(&siege.place)).collect::<Vec<_>>();
    let start = Instant::now();
    publish_many(&mut siege.writer, frames);
    let took = start.elapsed();
    siege.expect_counted();
    let number = siege.writer.stats().published - 1;
    let seen: u64 = others.iter_mut().map(|other| expect_seen(other, number)).sum();
    for mut holder in siege.holders.drain(..) {
        holder.go_on();
        (0..3).for_each(|_| holder.let_go());
        holder.finish();
    }
    report(&format!(
        "starvation, 12 buffers held by 4 stopped processes: {frames} frames published in {took:.1?} and none dropped, \
         {seen} read by 4 others, {} buffers",
        siege.writer.stats().buffers
    ));
    siege.end();
    others.into_iter().for_each(Process::finish);
}

/// A publisher that keeps arrays over buffers of its own is told so, and has its buffers back with the arrays' end.
#[test]
fn a_publisher_s_own_arrays_hold_buffers_too() {
    for max_buffers in BUFFERS {
        let held = usize::from(max_buffers) / 2;
        let mut siege = Siege::lay(max_buffers, held);
        siege.holders.iter().for_each(Holder::stop);
        let own = usize::from(max_buffers) - held;
        let mut views = Vec::new();
        for _ in 0..own {
            views.push(siege.writer.loan().unwrap().expect("a free buffer").park());
            siege.writer.resume().expect("parked").publish(&Stamp::default()).unwrap();
        }
        let mut attempts = Attempts::default();
        siege.fail(sized(500, 50_000), &mut attempts);
        let warning = siege.expect_warning();
        assert!(warning.ends_with(&format!(", {own} by arrays of this process")), "{warning}");
        // The newest frame's array is the last.
        drop(views.remove(0));
        publish(&mut siege.writer);
        siege.fail(1, &mut attempts);
        drop(views);
        publish_many(&mut siege.writer, 100);
        siege.expect_counted();
        report(&format!(
            "starvation, {max_buffers} buffers, {own} of them under the publisher's own arrays: {}",
            attempts.figures()
        ));
        siege.end();
    }
}
