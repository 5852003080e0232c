//! Frames that are kept while segments come and go, and looked at all the time.

use std::collections::VecDeque;

use billiards_video::{Frame, FrameInfo, Reader};

use crate::random::Random;
use crate::support::pattern;

/// How many frames of the segment in force are kept: with the next one, as many as a handle may hold.
const RECENT: usize = 2;

/// One reader handle and what it keeps.
#[derive(Debug)]
pub(super) struct Collection {
    reader: Reader,
    random: Random,
    last: Option<(u64, FrameInfo)>,
    recent: VecDeque<Kept>,
    /// Of segments that are over.
    old: VecDeque<Kept>,
    /// Segments that frames were read of.
    pub(super) segments: u64,
    /// Frames read.
    pub(super) read: u64,
    /// Looks at frames of segments that were over.
    pub(super) looks: u64,
}

#[derive(Debug)]
struct Kept {
    frame: Frame,
    epoch: u64,
    /// How many more changes it is kept over.
    changes: u64,
}

impl Collection {
    pub(super) fn new(reader: Reader, seed: u64) -> Collection {
        let random = Random::new(seed);
        let (recent, old) = (VecDeque::new(), VecDeque::new());
        Collection { reader, random, last: None, recent, old, segments: 0, read: 0, looks: 0 }
    }

    /// The segment that the last frame was of.
    pub(super) fn epoch(&self) -> u64 {
        self.last.map_or(0, |(epoch, _)| epoch)
    }

    /// Takes a frame that was just read, and looks at an old one.
    pub(super) fn take(&mut self, frame: Frame) {
        let (epoch, info) = (self.reader.epoch().unwrap(), *frame.info());
        match self.last {
            Some((before, last)) if before == epoch => {
                assert_eq!((info.sequence - last.sequence) / 2 - 1, info.missed, "{info:?} after {last:?}");
                assert!(info.published_ns >= last.published_ns && info.frame_number > last.frame_number);
            }
            _ => self.change(),
        }
        self.last = Some((epoch, info));
        self.read += 1;
        self.recent.push_back(Kept { frame, epoch, changes: 1 + self.random.below(4) });
        while self.recent.len() > RECENT {
            let any = self.random.index(RECENT + 1);
            self.recent.remove(any).expect("one of them").prove();
        }
        self.look();
    }

    /// Looks at one of the old frames.
    pub(super) fn look(&mut self) {
        if let Some(kept) = self.old.pop_front() {
            kept.prove();
            self.old.push_back(kept);
            self.looks += 1;
        }
    }

    /// Looks at all frames, and lets go of them.
    pub(super) fn clear(&mut self) {
        self.recent.drain(..).chain(self.old.drain(..)).for_each(|kept| kept.prove());
    }

    /// The segment has changed: what was recent is old now, and the oldest has been kept long enough.
    fn change(&mut self) {
        self.segments += 1;
        self.old.append(&mut self.recent);
        for mut kept in std::mem::take(&mut self.old) {
            kept.prove();
            if kept.changes > 0 {
                kept.changes -= 1;
                self.old.push_back(kept);
            }
        }
    }

    pub(super) fn reader(&self) -> &Reader {
        &self.reader
    }
}

impl Kept {
    fn prove(&self) {
        pattern::prove(&self.frame, self.epoch);
    }
}
