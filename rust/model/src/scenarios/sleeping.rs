//! Readers that sleep when there is nothing new.

use super::super::actors::{Word, Writer, doze, sleep};
use super::join;
use crate::exploration::{Bound, COMPLETE, Scenario};
use crate::memory::Segment;
use loom::thread;
use std::rc::Rc;

/// Somebody looks for frames and sleeps when there is none.
pub(crate) const WAKE_UP: Scenario = Scenario {
    name: "wake_up",
    bound: COMPLETE,
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
    bound: Bound::preemptions(2),
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
