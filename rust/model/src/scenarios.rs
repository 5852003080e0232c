//! The stories that loom explores.
//!
//! Compiled once for each copy of the protocol file: the actors follow the intact one, or a mutant.
//!
//! A story begins with steps of one thread, which cost nothing to explore, and lets its threads loose when everything
//! is in place. A frame held from the start, and a pinned buffer, bring the writer round to a held slot sooner.

use super::actors::{Reader, Word, Writer, copy, doze, sleep};
use super::protocol::Attempt;
use crate::exploration::Scenario;
use crate::memory::Segment;
use crate::promise;
use crate::sync::Ordering;
use loom::thread::{self, JoinHandle};
use std::rc::Rc;

/// A reader goes on from the frame it holds to the next one, while the writer goes round all three buffers: enough for
/// one held frame, so none may be dropped.
pub(crate) const ONE_READER: Scenario = Scenario {
    name: "one_reader",
    preemptions: None,
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
    preemptions: None,
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
    preemptions: Some(3),
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
    preemptions: Some(3),
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
    preemptions: None,
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
    preemptions: None,
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

/// The writer begins a frame in a slot, gives it up, and begins another there. A reader late by a frame is after what
/// the slot held before.
pub(crate) const CANCELLED: Scenario = Scenario {
    name: "cancelled",
    preemptions: None,
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
    preemptions: None,
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

/// Somebody copies frames without holding them.
pub(crate) const OBSERVER: Scenario = Scenario {
    name: "observer",
    preemptions: None,
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

/// Somebody looks for frames and sleeps when there is none.
pub(crate) const WAKE_UP: Scenario = Scenario {
    name: "wake_up",
    preemptions: None,
    story: || {
        let segment = Rc::new(Segment::copied(3));
        let mut writer = Writer::new(&segment, 3, 1);
        let writing = thread::spawn(move || (0..3).for_each(|_| writer.publish()));
        doze(&segment, Word::Bell);
        doze(&segment, Word::Notify);
        join(writing);
    },
};

/// Two sleep until the last frame is there, one on each word, with nobody to look after them.
pub(crate) const SLEEPERS: Scenario = Scenario {
    name: "sleepers",
    preemptions: Some(3),
    story: || {
        let segment = Rc::new(Segment::copied(3).with_sleepers());
        let mut writer = Writer::new(&segment, 3, 1);
        let writing = thread::spawn(move || (0..2).for_each(|_| writer.publish()));
        let other = Rc::clone(&segment);
        let sleeping = thread::spawn(move || sleep(&other, Word::Bell, 4));
        sleep(&segment, Word::Notify, 4);
        join(sleeping);
        join(writing);
    },
};

fn join<T>(thread: JoinHandle<T>) -> T {
    thread.join().expect("loom stops at the first panic")
}
