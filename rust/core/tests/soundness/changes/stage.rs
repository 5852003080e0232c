//! A writer, the readers attached to it, and what can be done to them.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use crate::random::Random;
use crate::support::place::{NAME, Place};
use crate::support::process::Process;
use crate::support::until;

use super::belongings::Belongings;
use super::collection::Collection;

/// What makes a segment end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// The writer goes on with frames of another size.
    Reshape,
    /// Some of the files are removed.
    Remove,
    /// The writer ends, and another starts.
    Restart,
    /// The writer is killed, and another starts.
    Kill,
}

#[derive(Debug)]
pub(super) struct Stage {
    place: Place,
    random: Random,
    writer: Option<Process>,
    readers: Vec<Process>,
    /// The segment that each of them was last given a frame of.
    epochs: Vec<u64>,
    /// Handles of this process: one that holds, one that observes.
    own: Vec<Collection>,
    /// The segment that the writer last said is in force.
    epoch: u64,
}

impl Stage {
    pub(super) fn new(readers: usize) -> Stage {
        let (place, mut random) = (Place::new(), Random::new(0x5eed));
        let directory = place.path().to_str().expect("plain").to_owned();
        let writer = start(&directory, "changing writer", &mut random);
        let roles = ["following reader", "following reader", "following reader", "following observer"];
        let readers: Vec<Process> =
            roles.iter().cycle().take(readers).map(|role| start(&directory, role, &mut random)).collect();
        let own = vec![Collection::new(place.reader(), 1), Collection::new(place.observer(), 2)];
        let (epochs, writer) = (vec![0; readers.len()], Some(writer));
        let mut stage = Stage { place, random, writer, readers, epochs, own, epoch: 0 };
        stage.settle(0);
        stage
    }

    /// At any moment, does so, one straight after the other, and waits until all is well again: gives how long that took.
    pub(super) fn change(&mut self, changes: &[Change]) -> Duration {
        let moment = Instant::now() + Duration::from_micros(self.random.below(50_000));
        while Instant::now() < moment {
            self.listen();
            thread::sleep(Duration::from_millis(1)); // the processes' turn
        }
        let (start, mut over) = (Instant::now(), 0);
        for change in changes {
            if self.apply(*change) {
                over = self.epoch;
            }
        }
        self.settle(over);
        start.elapsed()
    }

    /// Gives whether the segment in force is over with it.
    fn apply(&mut self, change: Change) -> bool {
        match change {
            Change::Reshape => self.writer.as_mut().expect("a writer").tell("reshape"),
            Change::Remove => return self.remove(),
            Change::Restart => self.writer.take().expect("a writer").finish(),
            Change::Kill => self.writer.take().expect("a writer").kill(),
        }
        if self.writer.is_none() {
            self.writer = Some(start(self.place.path().to_str().expect("plain"), "changing writer", &mut self.random));
        }
        true
    }

    /// Removes some of the files that there are; the lock file alone makes no new segment.
    fn remove(&mut self) -> bool {
        let mut files = self.place.files();
        files.retain(|file| !file.starts_with('.')); // a segment under construction, which is nobody's yet
        if files.is_empty() {
            return false; // a writer that was started a moment ago has none yet
        }
        let one = files.swap_remove(self.random.index(files.len()));
        files.retain(|_| self.random.once_in(2));
        files.push(one);
        for file in &files {
            let _may_just_have_been_replaced = fs::remove_file(self.place.file(file));
        }
        files.iter().any(|file| *file != lock_file())
    }

    /// Waits until a segment that is not `over` is in force, its files are there, and every reader is given its frames.
    fn settle(&mut self, over: u64) {
        until("all readers follow", || {
            self.listen();
            let epoch = self.epoch;
            let [leases, status] = ["leases", "status"].map(|kind| format!("{NAME}.{epoch:016x}.{kind}"));
            let follow = self.epochs.iter().all(|seen| *seen == epoch)
                && self.own.iter().all(|collection| collection.epoch() == epoch);
            let files = [NAME.to_owned(), leases, status, lock_file()];
            let settled = epoch != over && follow && self.place.files() == files;
            thread::sleep(Duration::from_millis(u64::from(!settled))); // the processes' turn
            settled.then_some(())
        });
    }

    /// Hears what the others say, and reads with the handles of this process.
    fn listen(&mut self) {
        let parse = |line: &String| u64::from_str_radix(line, 16).expect("an epoch");
        let writer = self.writer.as_mut().expect("a writer");
        writer.expect_alive();
        self.epoch = writer.unheard().last().map_or(self.epoch, parse);
        for (reader, epoch) in self.readers.iter_mut().zip(&mut self.epochs) {
            reader.expect_alive();
            *epoch = reader.unheard().last().map_or(*epoch, parse);
        }
        for collection in &mut self.own {
            match collection.reader().newest().unwrap() {
                Some(frame) => collection.take(frame),
                None => collection.look(),
            }
        }
    }

    /// What every process has, once all readers have let go of what they kept: readers, writer, this one.
    pub(super) fn belongings(&mut self) -> Vec<Belongings> {
        for reader in &mut self.readers {
            reader.tell("rest");
            while reader.hear() != "rests" {}
        }
        self.own.iter_mut().for_each(Collection::clear);
        let others = self.readers.iter().chain(&self.writer);
        let mut belongings: Vec<Belongings> = others.map(|other| Belongings::of(other.pid(), &self.place)).collect();
        // Other tests come and go in this process.
        belongings.push(Belongings { all: 0, ..Belongings::of(std::process::id(), &self.place) });
        self.readers.iter_mut().for_each(|reader| reader.tell("go on"));
        belongings
    }

    /// Ends it, the writer first: frames are still held then. Gives what the readers have done: segments, frames, looks at
    /// frames of segments that were over.
    pub(super) fn end(mut self) -> [u64; 3] {
        self.writer.take().expect("a writer").finish();
        assert!(self.place.files().is_empty(), "{:?}", self.place.files());
        let mut sums = [0; 3];
        for reader in self.readers.drain(..) {
            let word = reader.last_word();
            let numbers = word.split(' ').map(|number| number.parse::<u64>().expect("a number"));
            sums.iter_mut().zip(numbers).for_each(|(sum, number)| *sum += number);
        }
        for mut collection in self.own.drain(..) {
            collection.clear();
            let done = [collection.segments, collection.read, collection.looks];
            sums.iter_mut().zip(done).for_each(|(sum, number)| *sum += number);
        }
        let Belongings { descriptors, mappings, .. } = Belongings::of(std::process::id(), &self.place);
        assert_eq!((0, 0), (descriptors, mappings), "left in this process");
        sums
    }

    /// Any change, or now and then two.
    pub(super) fn any(&mut self) -> Vec<Change> {
        let all = [Change::Reshape, Change::Remove, Change::Restart, Change::Kill];
        let count = 1 + usize::from(self.random.once_in(4));
        (0..count).map(|_| self.random.pick(&all)).collect()
    }
}

fn lock_file() -> String {
    format!("{NAME}.lock")
}

fn start(directory: &str, role: &str, random: &mut Random) -> Process {
    Process::start(role, &[directory, &random.next().to_string()])
}
