//! Observers, who hold nothing and copy.

use super::super::actors::{Reader, Writer, copy};
use super::join;
use crate::exploration::{Bound, COMPLETE, Scenario};
use crate::memory::Segment;
use loom::thread;
use std::rc::Rc;

/// Somebody copies frames without holding them.
pub(crate) const OBSERVER: Scenario = Scenario {
    name: "observer",
    bound: COMPLETE,
    story: || {
        let segment = Rc::new(Segment::copied(3));
        let mut writer = Writer::new(&segment, 3, 1);
        writer.publish();
        let writing = thread::spawn(move || (0..3).for_each(|_| writer.publish()));
        copy(&segment);
        copy(&segment);
        join(writing);
    },
};

/// Somebody copies while another reads in place, out of four buffers, of which one is pinned; the writer begins frames and
/// gives them up in between.
pub(crate) const OBSERVER_BESIDE_READER: Scenario = Scenario {
    name: "observer_beside_reader",
    bound: Bound::preemptions(2),
    story: || {
        let segment = Rc::new(Segment::mixed(4, 1));
        let mut writer = Writer::new(&segment, 4, 1);
        let reader = Reader::attach(&segment, 0, 1);
        writer.publish();
        let frame = reader.must_hold(4);
        writer.pin(1);
        writer.publish();
        let writing = thread::spawn(move || {
            writer.cancel();
            writer.publish();
            writer.cancel();
            writer.publish();
        });
        let other = Rc::clone(&segment);
        let copying = thread::spawn(move || {
            copy(&other);
            copy(&other);
        });
        reader.release(frame);
        reader.read(4);
        join(writing);
        join(copying);
    },
};

/// A reader holds two of three buffers, the writer appends a fourth as soon as it has used the last one, and an observer
/// copies meanwhile.
pub(crate) const GROWTH_BESIDE_OBSERVER: Scenario = Scenario {
    name: "growth_beside_observer",
    bound: Bound::preemptions(3).or_all(),
    story: || {
        let segment = Rc::new(Segment::mixed(4, 1));
        let mut writer = Writer::new(&segment, 3, 2);
        let reader = Reader::attach(&segment, 0, 2);
        let held = [(); 2].map(|()| {
            writer.publish();
            reader.must_hold(3)
        });
        let writing = thread::spawn(move || {
            for _ in 0..4 {
                writer.publish();
                writer.grow_if_exhausted();
            }
        });
        copy(&segment);
        copy(&segment);
        join(writing);
        for frame in held {
            reader.release(frame);
        }
    },
};
