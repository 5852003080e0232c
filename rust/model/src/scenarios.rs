//! The stories that loom explores.
//!
//! Compiled once against each copy of the protocol file: `super::actors` follow the intact one or a mutant.

use super::actors::{Camera, Handle, glance, watch};
use super::protocol::{Attempt, Latest};
use crate::exploration::Scenario;
use crate::memory::Segment;
use crate::promise;
use loom::thread;
use std::rc::Rc;

/// A writer and one reader, three buffers: as many as one held frame needs, so no frame may be dropped.
pub(crate) const ONE_READER: Scenario = Scenario {
    name: "one_reader",
    preemptions: None,
    story: || {
        let segment = Rc::new(Segment::leased(3, 1));
        let mut camera = Camera::new(&segment, 3, 1, 0);
        camera.publish();
        let reader = Handle::attach(&segment, 0, 1).expect("nobody has the line");
        let frame = reader.hold(3).expect("nobody writes");
        let writer = thread::spawn(move || (0..3).for_each(|_| camera.publish()));
        reader.release(frame);
        reader.read(3);
        writer.join().expect("loom stops at the first panic");
        assert!(matches!(reader.attempt(3), Attempt::Held(Latest { sequence: 8, .. })), "{}", promise::NEWEST);
    },
};

/// Two readers that hold an old frame each go on to the newest.
pub(crate) const TWO_READERS: Scenario = Scenario {
    name: "two_readers",
    preemptions: Some(3),
    story: || {
        let segment = Rc::new(Segment::leased(4, 2));
        let mut camera = Camera::new(&segment, 4, 1, 0);
        let readers = [0, 1].map(|line| {
            let reader = Handle::attach(&segment, line, 1).expect("nobody has the line");
            camera.publish();
            let frame = reader.hold(4).expect("nobody writes");
            (reader, frame)
        });
        camera.publish();
        camera.publish();
        let readers = readers.map(|(reader, frame)| {
            thread::spawn(move || {
                reader.release(frame);
                reader.read(4);
            })
        });
        camera.publish();
        camera.publish();
        for reader in readers {
            reader.join().expect("loom stops at the first panic");
        }
    },
};

/// Two threads share a handle that may hold one frame, of three buffers one of which is pinned.
pub(crate) const ONE_HANDLE: Scenario = Scenario {
    name: "one_handle",
    preemptions: None,
    story: || {
        let segment = Rc::new(Segment::leased(3, 1));
        let mut camera = Camera::new(&segment, 3, 1, 0b001);
        camera.publish();
        let handle = Rc::new(Handle::attach(&segment, 0, 1).expect("nobody has the line"));
        let other = Rc::clone(&handle);
        let other = thread::spawn(move || other.read(3));
        let writer = thread::spawn(move || {
            camera.offer();
            camera.offer();
        });
        handle.read(3);
        other.join().expect("loom stops at the first panic");
        writer.join().expect("loom stops at the first panic");
    },
};

/// A reader is killed while it holds a frame, and the buffers of the others do not go round without its own.
pub(crate) const DEAD_READER: Scenario = Scenario {
    name: "dead_reader",
    preemptions: None,
    story: || {
        let segment = Rc::new(Segment::leased(3, 2));
        let mut camera = Camera::new(&segment, 3, 2, 0);
        let reader = Handle::attach(&segment, 0, 2).expect("nobody has the line");
        let other = Handle::attach(&segment, 1, 2).expect("nobody has the line");
        camera.publish();
        let frame = reader.hold(3).expect("nobody writes");
        camera.publish();
        let held = other.hold(3).expect("nobody writes");
        camera.publish();
        let writer = thread::spawn(move || {
            camera.cancel();
            camera
        });
        reader.die(frame);
        let mut camera = writer.join().expect("loom stops at the first panic");
        let newest = other.hold(3);
        assert!(matches!(newest, Some(Latest { sequence: 6, .. })), "{}", promise::NEWEST);
        camera.publish();
        other.release(held);
    },
};

/// As `DEAD_READER` with two buffers to take
pub(crate) const HEIR: Scenario = Scenario {
    name: "heir",
    preemptions: None,
    story: || {
        let segment = Rc::new(Segment::leased(3, 1));
        let mut camera = Camera::new(&segment, 3, 1, 0b001);
        camera.publish();
        let reader = Handle::attach(&segment, 0, 1).expect("nobody has the line");
        let frame = reader.hold(3).expect("nobody writes");
        camera.publish();
        let writer = thread::spawn(move || {
            camera.offer();
            camera.offer();
        });
        reader.die(frame);
        let heir = Handle::attach(&segment, 0, 1).expect("its owner is dead");
        heir.read(3);
        writer.join().expect("loom stops at the first panic");
    },
};

/// Loans are cancelled with bytes written.
pub(crate) const CANCELLED: Scenario = Scenario {
    name: "cancelled",
    preemptions: None,
    story: || {
        let segment = Rc::new(Segment::leased(3, 1));
        let mut camera = Camera::new(&segment, 3, 1, 0b001);
        camera.publish();
        let reader = Handle::attach(&segment, 0, 1).expect("nobody has the line");
        let writer = thread::spawn(move || {
            camera.offer();
            camera.cancel();
            camera.offer();
        });
        reader.read(3);
        writer.join().expect("loom stops at the first panic");
    },
};

/// A fourth buffer appears
pub(crate) const GROWTH: Scenario = Scenario {
    name: "growth",
    preemptions: None,
    story: || {
        let segment = Rc::new(Segment::leased(4, 1));
        let mut camera = Camera::new(&segment, 3, 2, 0);
        camera.publish();
        let reader = Handle::attach(&segment, 0, 2).expect("nobody has the line");
        let frame = reader.hold(3).expect("nobody writes");
        camera.publish();
        let writer = thread::spawn(move || {
            camera.grow();
            camera.publish();
            camera.publish();
            camera.publish();
        });
        match reader.attempt(3) {
            Attempt::Held(second) => reader.release(second),
            Attempt::Impossible(newest) => {
                assert_eq!(newest.slot, 3, "{}", promise::BOUND);
                reader.read(4);
            }
            Attempt::Overtaken => {}
            other => panic!("{other:?}"),
        }
        reader.release(frame);
        writer.join().expect("loom stops at the first panic");
    },
};

pub(crate) const OBSERVER: Scenario = Scenario {
    name: "observer",
    preemptions: None,
    story: || {
        let segment = Rc::new(Segment::copied(3));
        let mut camera = Camera::new(&segment, 3, 1, 0);
        camera.publish();
        let writer = thread::spawn(move || (0..3).for_each(|_| camera.publish()));
        watch(&segment);
        watch(&segment);
        writer.join().expect("loom stops at the first panic");
    },
};

pub(crate) const WAKE_UP: Scenario = Scenario {
    name: "wake_up",
    preemptions: None,
    story: || {
        let segment = Rc::new(Segment::copied(3));
        let mut camera = Camera::new(&segment, 3, 1, 0);
        let writer = thread::spawn(move || (0..3).for_each(|_| camera.publish()));
        glance(&segment);
        glance(&segment);
        writer.join().expect("loom stops at the first panic");
    },
};
pub(crate) const ALL: &[Scenario] = &[PROGRESS, ONE_READER, TWO_READERS, ONE_HANDLE, DEAD_READER, HEIR, CANCELLED, GROWTH, OBSERVER, WAKE_UP];

pub(crate) const PROGRESS: Scenario = Scenario {
    name: "progress",
    preemptions: None,
    story: || {
        let segment = Rc::new(Segment::leased(3, 1));
        let mut camera = Camera::new(&segment, 3, 1, 0);
        camera.publish();
        let reader = Handle::attach(&segment, 0, 1).expect("nobody has the line");
        let writer = thread::spawn(move || {
            camera.publish();
            camera.publish();
            camera.must_loan();
        });
        reader.read(3);
        reader.read(3);
        writer.join().expect("loom stops at the first panic");
    },
};
