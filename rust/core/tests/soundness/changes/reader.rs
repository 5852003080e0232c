//! A reader under change: reads all the time, keeps frames over changes, and says whenever it is given the first frame of
//! another segment. On `rest` it lets go of everything and does nothing until the next word.

use std::path::Path;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Duration;

use billiards_video::{Reader, ReaderOptions};

use crate::support::place::name;
use crate::support::process::{hearing, say};
use crate::support::roles::reader_options;

use super::collection::Collection;

/// Between two frames an old one is looked at this often, at least.
const LOOK_EVERY: Duration = Duration::from_millis(20);

pub(super) fn read(directory: &Path, seed: u64, observe: bool) {
    let reader = Reader::attach(&name(), ReaderOptions { observe, ..reader_options(directory) }).unwrap();
    let mut collection = Collection::new(reader, seed);
    let told = hearing();
    while goes_on(&told, &mut collection) {
        let before = collection.epoch();
        match collection.reader().wait(Some(LOOK_EVERY)).unwrap() {
            Some(frame) => collection.take(frame),
            None => collection.look(),
        }
        if collection.epoch() != before {
            say(&format!("{:016x}", collection.epoch()));
        }
    }
    collection.clear();
    say(&format!("{} {} {}", collection.segments, collection.read, collection.looks));
}

fn goes_on(told: &Receiver<String>, collection: &mut Collection) -> bool {
    match told.try_recv() {
        Ok(_) => {
            collection.clear();
            say("rests");
            told.recv().is_ok()
        }
        Err(TryRecvError::Empty) => true,
        Err(TryRecvError::Disconnected) => false,
    }
}
