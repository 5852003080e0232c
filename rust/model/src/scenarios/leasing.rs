//! Readers that hold frames in place, and die.

use super::super::actors::{Reader, Writer};
use super::super::protocol::Attempt;
use super::join;
use crate::exploration::{Bound, COMPLETE, Scenario};
use crate::memory::Segment;
use crate::promise;
use crate::sync::Ordering;
use loom::thread;
use std::rc::Rc;

/// A reader goes on from the frame it holds to the next one, while the writer goes round all three buffers: enough for
/// one held frame, so none may be dropped.
pub(crate) const ONE_READER: Scenario = Scenario {
    name: "one_reader",
    bound: COMPLETE,
    story: || {
        let segment = Rc::new(Segment::leased(3, 1));
        let mut writer = Writer::new(&segment, 3, 1);
        let reader = Reader::attach(&segment, 0, 1);
        writer.publish();
        let frame = reader.must_hold(3);
        let writing = thread::spawn(move || (0..3).for_each(|_| writer.publish()));
        reader.release(frame);
        reader.read(3);
        join(writing);
        assert_eq!(reader.must_hold(3).sequence, 8, "{}", promise::NEWEST);
    },
};

/// A reader reads a frame and holds the next. It never has more than one bit set, so the writer finds a buffer each
/// time.
pub(crate) const TWO_READS: Scenario = Scenario {
    name: "two_reads",
    bound: Bound::preemptions(4).or_all(),
    story: || {
        let segment = Rc::new(Segment::leased(3, 1));
        let mut writer = Writer::new(&segment, 3, 1);
        let reader = Reader::attach(&segment, 0, 1);
        writer.publish();
        let writing = thread::spawn(move || (0..3).for_each(|_| writer.publish()));
        reader.read(3);
        reader.hold(3);
        join(writing);
    },
};

/// Two readers go on from a frame they hold, with four buffers. Bounded: three threads have too many interleavings to
/// see them all, and each mutant that this story catches needs no more than two interruptions.
pub(crate) const TWO_READERS: Scenario = Scenario {
    name: "two_readers",
    bound: Bound::preemptions(2),
    story: || {
        let segment = Rc::new(Segment::leased(4, 2));
        let mut writer = Writer::new(&segment, 4, 1);
        let readers = [0, 1].map(|line| {
            let reader = Reader::attach(&segment, line, 1);
            writer.publish();
            let frame = reader.must_hold(4);
            (reader, frame)
        });
        writer.publish();
        writer.publish();
        let reading = readers.map(|(reader, frame)| {
            thread::spawn(move || {
                reader.release(frame);
                reader.read(4);
            })
        });
        writer.publish();
        writer.publish();
        for thread in reading {
            join(thread);
        }
    },
};

/// Two threads read through one handle that may hold one frame. Bounded for time: the complete exploration, three
/// million executions and some minutes, finds nothing either.
pub(crate) const ONE_HANDLE: Scenario = Scenario {
    name: "one_handle",
    bound: Bound::preemptions(3),
    story: || {
        let segment = Rc::new(Segment::leased(3, 1));
        let mut writer = Writer::new(&segment, 3, 1);
        let handle = Rc::new(Reader::attach(&segment, 0, 1));
        writer.pin(0);
        writer.publish();
        let other = Rc::clone(&handle);
        let reading = thread::spawn(move || other.read(3));
        let writing = thread::spawn(move || {
            writer.offer();
            writer.offer();
        });
        handle.read(3);
        join(reading);
        join(writing);
    },
};

/// A reader is killed while it holds a frame; the writer, with every other buffer in use, gets that one back. It is
/// killed in the middle of a frame itself, and what it published last can still be read.
pub(crate) const DEAD_READER: Scenario = Scenario {
    name: "dead_reader",
    bound: COMPLETE,
    story: || {
        let segment = Rc::new(Segment::leased(3, 2));
        let mut writer = Writer::new(&segment, 3, 2);
        let reader = Reader::attach(&segment, 0, 2);
        let other = Reader::attach(&segment, 1, 2);
        writer.publish();
        let frame = reader.must_hold(3);
        writer.publish();
        let held = other.must_hold(3);
        writer.publish();
        let writing = thread::spawn(move || {
            writer.cancel();
            writer.offer();
            writer.cancel();
            writer
        });
        reader.die(frame);
        let mut writer = join(writing);
        let newest = other.must_hold(3);
        writer.publish();
        other.release(newest);
        other.release(held);
    },
};

/// A reader is killed while it holds a frame, and another locks its line and reads, while the writer goes from buffer
/// to buffer and looks at the line. It may look between the lock and the emptying: a frame may be dropped.
pub(crate) const HEIR: Scenario = Scenario {
    name: "heir",
    bound: COMPLETE,
    story: || {
        let segment = Rc::new(Segment::leased(3, 1));
        let mut writer = Writer::new(&segment, 3, 1);
        let reader = Reader::attach(&segment, 0, 1);
        writer.pin(0);
        writer.publish();
        let frame = reader.must_hold(3);
        writer.publish();
        let writing = thread::spawn(move || {
            writer.offer();
            writer.offer();
        });
        reader.die(frame);
        Reader::attach(&segment, 0, 1).read(3);
        join(writing);
    },
};

/// Two readers are killed while they hold frames, and others lock their lines and read, while the writer goes round four
/// buffers. A frame may be dropped, as for one heir.
pub(crate) const TWO_HEIRS: Scenario = Scenario {
    name: "two_heirs",
    bound: Bound::preemptions(2),
    story: || {
        let segment = Rc::new(Segment::leased(4, 2));
        let mut writer = Writer::new(&segment, 4, 1);
        let readers = [0, 1].map(|line| {
            let reader = Reader::attach(&segment, line, 1);
            writer.publish();
            let frame = reader.must_hold(4);
            (reader, frame)
        });
        writer.publish();
        let reading = readers.map(|(reader, frame)| {
            let segment = Rc::clone(&segment);
            thread::spawn(move || {
                let line = reader.line();
                reader.die(frame);
                Reader::attach(&segment, line, 1).read(4);
            })
        });
        for _ in 0..2 {
            writer.offer();
        }
        for thread in reading {
            join(thread);
        }
    },
};

/// The writer begins a frame in a slot, gives it up, and begins another there. A reader late by a frame is after what
/// the slot held before.
pub(crate) const CANCELLED: Scenario = Scenario {
    name: "cancelled",
    bound: COMPLETE,
    story: || {
        let segment = Rc::new(Segment::leased(3, 1));
        let mut writer = Writer::new(&segment, 3, 1);
        let reader = Reader::attach(&segment, 0, 1);
        writer.pin(0);
        writer.publish();
        let writing = thread::spawn(move || {
            writer.offer();
            writer.cancel();
            writer.offer();
        });
        reader.read(3);
        join(writing);
    },
};

/// A fourth buffer appears and is used. A reader that knows of three is told so, and can go on.
pub(crate) const GROWTH: Scenario = Scenario {
    name: "growth",
    bound: COMPLETE,
    story: || {
        let segment = Rc::new(Segment::leased(4, 1));
        let mut writer = Writer::new(&segment, 3, 2);
        let reader = Reader::attach(&segment, 0, 2);
        writer.publish();
        let frame = reader.must_hold(3);
        writer.publish();
        let writing = thread::spawn(move || {
            writer.grow();
            (0..3).for_each(|_| writer.publish());
        });
        match reader.attempt(3) {
            Attempt::Held(second) => reader.release(second),
            Attempt::Impossible(newest) => {
                assert_eq!(newest.slot, 3, "{}", promise::BOUND);
                reader.read(4);
            }
            Attempt::Overtaken => {}
            other @ (Attempt::Nothing | Attempt::TooMany) => {
                panic!("there is a frame, and the handle may hold it: {other:?}")
            }
        }
        reader.release(frame);
        assert_eq!(segment.lines[0].mask.load(Ordering::Relaxed), 0, "nothing is held, so no bit is left");
        join(writing);
    },
};
