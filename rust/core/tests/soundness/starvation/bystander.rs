//! A reader that takes every frame it can get and holds none, whatever becomes of the others.

use std::path::Path;
use std::sync::mpsc::TryRecvError;
use std::time::Duration;

use billiards_video::{Reader, ReaderOptions};

use crate::support::pattern;
use crate::support::place::{Place, name};
use crate::support::process::{Process, hearing, say};
use crate::support::roles::reader_options;
use crate::support::until;

pub(super) fn start(place: &Place, role: &str) -> Process {
    let process = Process::start(role, &[place.path().to_str().expect("plain")]);
    process.expect("attached");
    process
}

/// Says how many frames it has read, and the number of the last, whenever it is asked and when it is to end.
pub(super) fn read(directory: &Path, observe: bool) {
    let reader = Reader::attach(&name(), ReaderOptions { observe, ..reader_options(directory) }).unwrap();
    let (told, mut frames, mut last) = (hearing(), 0, 0);
    say("attached");
    loop {
        if let Some(frame) = reader.wait(Some(Duration::from_millis(10))).unwrap() {
            pattern::check(&frame, reader.epoch().unwrap(), frame.info().frame_number);
            (frames, last) = (frames + 1, frame.info().frame_number);
        }
        match told.try_recv() {
            Ok(_) => say(&format!("{frames} {last}")),
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Disconnected) => return,
        }
    }
}

/// Waits until it has seen the frame of this number, and gives how many it has read.
#[track_caller]
pub(super) fn expect_seen(bystander: &mut Process, number: u64) -> u64 {
    until("the bystander's frame", || {
        bystander.tell("what is the last?");
        let said = bystander.hear();
        let (frames, last) = said.split_once(' ').expect("two numbers");
        (last == number.to_string()).then(|| frames.parse().expect("a number"))
    })
}
