//! Deaths at random moments, from a process's very start on: many readers, one writer after the other, all at full speed.

use std::collections::VecDeque;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread;
use std::time::Duration;

use billiards_video::{Error, Format, Frame, Geometry, Reader, ReaderOptions, Writer};
use rustix::fs::{major, minor, statvfs};
use rustix::process::Signal;

use super::victims::{directories, reader_options, tiny, try_publish, writer_options};
use super::witnesses::{ANY, belongings, examine};
use crate::random::Random;
use crate::support::namespace::with_tmpfs;
use crate::support::place::{Place, name};
use crate::support::process::{Process, say};
use crate::support::roles::spin;
use crate::support::size::{report, sized};
use crate::support::{SOON, pattern, small, until};

/// Processes killed at random moments: no torn frame, no stuck reader, every attached one goes on by itself; in the end no
/// file, no descriptor, no mapping and no page is left. On a tmpfs of its own, where one may be had, since only there a
/// page too many can be told from somebody else's.
#[test]
fn at_random_moments() {
    let kills = sized(150, 3000);
    let place = Place::new();
    let own = ["kills campaign", place.path().to_str().unwrap(), &kills.to_string()];
    let Some(campaign) = with_tmpfs(place.path(), "size=256m", own[0], &own[1..]) else {
        return campaign(place.path(), kills, &mut |line| report(line));
    };
    loop {
        match campaign.hear() {
            line if line == "done" => break campaign.finish(),
            line if line.starts_with("after ") => {}
            line => report(&line),
        }
    }
}

/// Plays the campaign in a process that sees a tmpfs of its own.
pub(crate) fn play(directory: &Path, kills: usize) {
    let free = || {
        let now = statvfs(directory).unwrap();
        [now.f_bfree, now.f_ffree]
    };
    let before = free();
    campaign(directory, kills, &mut |line| say(line));
    assert_eq!((before, 0), (free(), locks(directory)), "free pages and inodes of the file system, and its locks");
    say("  on a tmpfs of its own, of which no page and no inode was left in use, and no lock");
    say("done");
}

fn campaign(directory: &Path, kills: usize, tell: &mut dyn FnMut(&str)) {
    let place = Place::below(directory);
    let mut random = Random::fresh();
    let path = place.path().to_str().unwrap();
    let start = |role: &str, random: &mut Random| Process::start(role, &[path, &random.next().to_string()]);
    let mut writer = start("kills random writer", &mut random);
    writer.expect("writing");
    let witnesses = [place.reader(), place.observer()];
    let mut held: VecDeque<(u64, Frame)> = VecDeque::new();
    let mut readers: VecDeque<Process> = (0..3).map(|_| start("kills random reader", &mut random)).collect();
    let (mut killed, mut followed) = ([0; 2], 0);
    while killed[0] + killed[1] < kills {
        thread::sleep(Duration::from_micros(random.next() % 8000));
        let (is_writer, is_reader) = random.pick(&[(true, false), (true, true), (false, true), (false, true)]);
        let reader = readers.pop_front().unwrap();
        if is_writer && is_reader {
            reader.signal(Signal::KILL); // at once, and not when the other is buried
        }
        if is_writer {
            writer.kill();
            writer = start("kills random writer", &mut random);
        }
        if is_reader {
            reader.kill(); // had it seen something wrong, it would have ended by itself
            readers.push_back(start("kills random reader", &mut random));
        } else {
            readers.push_front(reader);
        }
        if is_writer && random.index(2) == 0 {
            writer.expect("writing"); // else the next one may come while it is starting
            if random.index(2) == 0 {
                for witness in &witnesses {
                    wait_for_following(witness, &writer);
                }
            }
        }
        killed = [killed[0] + usize::from(is_writer), killed[1] + usize::from(is_reader)];
        // These were there from the beginning: they hold frames of several writers, all dead but the last.
        for witness in &witnesses {
            if let Some(frame) = witness.wait(Some(Duration::ZERO)).unwrap() {
                let epoch = witness.epoch().unwrap();
                examine(&frame, epoch, &ANY);
                if !frame.is_copy() {
                    followed += usize::from(held.back().is_none_or(|(last, _)| *last != epoch));
                    held.push_back((epoch, frame));
                }
            }
        }
        while held.len() > 2 {
            drop(held.pop_front());
        }
        for (epoch, frame) in &held {
            examine(frame, *epoch, &ANY);
        }
        tell(&format!("after {} kills", killed[0] + killed[1]));
    }
    assert!(followed > killed[0] / 10, "the reader has followed only {followed} of {} writers", killed[0]);

    drop(writer);
    readers.into_iter().for_each(Process::kill);
    until("the last writer is gone", || (!witnesses[0].writer_alive().unwrap()).then_some(()));
    let mut last = place.writer();
    try_publish(&mut last).unwrap();
    for witness in &witnesses {
        let frame = until("the last writer's frame", || {
            let frame = witness.wait(Some(SOON)).unwrap().expect("a frame soon");
            (witness.epoch().unwrap() == last.epoch()).then_some(frame)
        });
        examine(&frame, last.epoch(), &(0..=0));
    }
    assert_eq!(4, place.files().len(), "{:?}", place.files());
    assert_ne!(0, locks(directory), "the writer's and the reader's");
    drop((last, held, witnesses));
    assert!(place.files().is_empty(), "left behind: {:?}", place.files());
    assert_eq!([0, 0], belongings(std::slice::from_ref(&place)));
    drop(place);
    let [writers, readers] = killed;
    tell(&format!(
        "at random moments: {writers} writers and {readers} readers killed, a witness followed {followed} times"
    ));
}

/// How many locks there are on files of a directory's file system.
fn locks(directory: &Path) -> usize {
    let device = directory.metadata().unwrap().dev();
    let device = format!(" {:02x}:{:02x}:", major(device), minor(device));
    fs::read_to_string("/proc/locks").unwrap().lines().filter(|line| line.contains(&device)).count()
}

/// Until a reader has come to a writer by itself.
fn wait_for_following(reader: &Reader, writer: &Process) {
    until("a reader follows", || {
        drop(reader.wait(Some(SOON)).unwrap());
        (reader.writer_pid().unwrap() == writer.pid()).then_some(())
    });
}

/// Publishes as fast as it can, with cancelled loans, status texts and changes of size between, until it is killed.
pub(crate) fn writer(directory: &Path, seed: u64) {
    let mut random = Random::new(seed);
    // With a large one, so that some die inside the calls that make room for it.
    let sizes = [tiny(), small(), small(), Geometry::new(1280, 720, Format::Gray8).unwrap()];
    let first = random.pick(&sizes);
    let mut writer = Writer::create(&name(), first, writer_options(directories(&[directory]))).unwrap();
    say("writing");
    for number in 0.. {
        let epoch = writer.epoch();
        writer.tend().unwrap();
        let Some(mut loan) = writer.loan().unwrap() else { continue };
        if random.index(4) == 0 {
            loan.pixels().fill(0xdd);
            loan.cancel();
        } else {
            pattern::fill(loan.pixels(), epoch, number);
            loan.publish(&pattern::stamp(epoch, number)).unwrap();
        }
        match random.index(128) {
            0..8 => writer.set_status(format!("{{\"frame\": {number}}}").as_bytes()).unwrap(),
            8 => writer.reshape(random.pick(&sizes)).unwrap(),
            _ => {}
        }
        spin(Duration::from_micros(random.next() % 60));
    }
}

/// Reads and holds at random, some through a new handle now and then, until it is killed.
pub(crate) fn reader(directory: &Path, seed: u64) {
    let mut random = Random::new(seed);
    let observe = seed.is_multiple_of(4);
    let attach = || {
        let options = ReaderOptions { observe, ..reader_options(directories(&[directory])) };
        until("a live writer", || match Reader::attach(&name(), options.clone()) {
            Err(Error::NotCreated { .. }) => None,
            attached => Some(attached.unwrap()),
        })
    };
    let mut reader = attach();
    let mut held: VecDeque<(u64, Frame)> = VecDeque::new();
    loop {
        while held.len() > 2 || (random.index(2) == 0 && !held.is_empty()) {
            let (epoch, frame) = held.pop_front().unwrap();
            examine(&frame, epoch, &ANY);
        }
        if let Some(frame) = reader.wait(Some(SOON)).unwrap() {
            let epoch = reader.epoch().unwrap();
            examine(&frame, epoch, &ANY);
            held.push_back((epoch, frame));
        }
        if random.index(64) == 0 {
            reader = attach();
        }
        spin(Duration::from_micros(random.next() % 100));
    }
}
