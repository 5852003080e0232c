//! The writer of a round: publishes as fast as it can, in every way that there is, until it is told to stop.

use std::path::Path;
use std::sync::mpsc::TryRecvError;
use std::thread;

use billiards_video::{Geometry, SlotView, Writer, WriterOptions};

use crate::support::pattern;
use crate::support::place::name;
use crate::support::process::{hearing, say};
use crate::support::roles::writer_options;

use super::tally::Written;
use crate::random::Random;

/// What the bytes of a cancelled loan are, so that whoever is shown one sees it.
const SCRIBBLE: u8 = 0xdd;

struct Publishing {
    writer: Writer,
    epoch: u64,
    random: Random,
    tally: Written,
    /// For frames that are copied into their buffer.
    own: Vec<u8>,
    /// A view of a buffer, as an array of the publisher's would keep it.
    view: Option<(usize, SlotView)>,
}

pub(super) fn write(directory: &Path, seed: u64, geometry: Geometry, max_buffers: u8) {
    let options = WriterOptions { max_buffers, ..writer_options(directory) };
    let writer = Writer::create(&name(), geometry, options).unwrap();
    let mut publishing = Publishing {
        epoch: writer.epoch(),
        writer,
        random: Random::new(seed),
        tally: Written::default(),
        own: vec![0; geometry.frame_bytes()],
        view: None,
    };
    say("writes");
    let told = hearing();
    while told.try_recv() == Err(TryRecvError::Empty) {
        publishing.attempt();
    }
    let Publishing { writer, epoch, mut tally, .. } = publishing;
    let stats = writer.stats();
    assert_eq!((tally.published, tally.dropped), (stats.published, stats.dropped));
    assert_eq!(epoch, writer.epoch(), "a round has one segment");
    tally.buffers = stats.buffers as u64;
    say(&tally.line());
}

impl Publishing {
    fn attempt(&mut self) {
        let number = self.tally.published;
        let stamp = pattern::stamp(self.epoch, number);
        if self.random.once_in(64) {
            self.view = None;
        }
        if self.random.once_in(4) {
            pattern::fill(&mut self.own, self.epoch, number);
            let written = self.writer.write(&self.own, &stamp).unwrap();
            return self.count(written.is_some());
        }
        let Some(mut loan) = self.writer.loan().unwrap() else { return self.count(false) };
        let slot = loan.slot();
        self.tally.used |= 1 << slot;
        assert!(self.view.as_ref().is_none_or(|(kept, _)| *kept != slot), "loaned while an array of it is kept");
        if self.random.once_in(8) {
            let length = self.random.index(loan.pixels().len()) + 1;
            loan.pixels()[..length].fill(SCRIBBLE);
            loan.cancel();
            self.tally.cancelled += 1;
            return;
        }
        pattern::fill(loan.pixels(), self.epoch, number);
        if self.view.is_none() && self.random.once_in(64) {
            self.view = Some((slot, loan.park()));
            loan = self.writer.resume().expect("just parked");
        }
        loan.publish(&stamp).unwrap();
        self.count(true);
    }

    fn count(&mut self, published: bool) {
        if published {
            self.tally.published += 1;
        } else {
            self.tally.dropped += 1;
            self.view = None;
            thread::yield_now(); // to those who hold the buffers
        }
    }
}
