//! Forks: what a child inherits is inert, and it keeps nobody alive.

use billiards_video::{Error, Writer};
use rustix::process::{Pid, Signal, kill_process};

use crate::forking::crowd_names;
use crate::support::place::Place;
use crate::support::process::Process;
use crate::support::{pattern, publish, publish_many, read, small, try_publish};

/// A child of a writer can do nothing to the stream: it raises, its exit leaves everything as it is; and when the parent is
/// killed, a new writer starts at once though the child lives.
#[test]
fn a_writer_s_child_is_inert_and_keeps_nothing_locked() {
    let place = Place::new();
    let mut parent = Process::start("forking writer", &[place.path().to_str().unwrap()]);
    parent.expect("writes");
    let reader = place.reader();
    let held = read(&reader);
    let epoch = reader.epoch().unwrap();
    parent.tell("short child");
    parent.expect("child ended well");
    assert!(matches!(place.refusal(), Error::NameInUse { .. }));
    assert_eq!(4, place.files().len());
    parent.tell("publish");
    parent.expect("published");
    assert_eq!(1, read(&reader).info().frame_number);

    parent.tell("long child");
    let child = Orphan::heard_from(&parent);
    assert!(matches!(place.refusal(), Error::NameInUse { .. }));
    parent.kill();
    assert!(child.lives());
    assert!(!reader.writer_alive().unwrap());
    let mut writer = place.writer();
    publish(&mut writer);
    assert_eq!(0, read(&reader).info().frame_number);
    pattern::check(&held, epoch, 0);
    drop(writer);
    assert!(place.files().is_empty());
}

/// A child of a reader can let go of nothing that its parent holds; and when the parent is killed, what it held is free and
/// its line too, though the child lives.
#[test]
fn a_reader_s_child_is_inert_and_holds_nothing() {
    let place = Place::new();
    let mut writer = place.writer_with(4);
    publish(&mut writer);
    let mut parent = Process::start("forking reader", &[place.path().to_str().unwrap()]);
    parent.expect("holds 0");
    publish(&mut writer);
    parent.tell("hold");
    parent.expect("holds 1");
    parent.tell("short child");
    parent.expect("child ended well");
    assert_eq!((1, 2), (writer.readers().len(), writer.readers()[0].held));
    publish_many(&mut writer, 100);
    parent.tell("check");
    parent.expect("intact");

    parent.tell("long child");
    let child = Orphan::heard_from(&parent);
    publish(&mut writer);
    parent.tell("hold");
    parent.expect("holds 102");
    publish(&mut writer);
    assert_eq!(None, try_publish(&mut writer), "all four are in use");
    parent.kill();
    assert!(child.lives());
    assert!(writer.readers().is_empty());
    publish_many(&mut writer, 100);
    assert_eq!((1, 3), (writer.stats().dropped, writer.stats().buffers_free));
}

/// However many handles a process has, a child keeps none of their locks.
#[test]
fn a_child_lets_go_of_any_number_of_handles() {
    let place = Place::new();
    let mut parent = Process::start("forking crowd", &[place.path().to_str().unwrap()]);
    parent.expect("writes");
    parent.tell("long child");
    let child = Orphan::heard_from(&parent);
    parent.kill();
    assert!(child.lives());
    for name in crowd_names() {
        drop(Writer::create(&name, small(), place.writer_options()).unwrap());
    }
    assert!(place.files().is_empty());
}

/// A child cannot publish under a name that its parent has reserved.
#[test]
fn a_reservation_s_child_is_inert() {
    let place = Place::new();
    let mut parent = Process::start("forking reservation", &[place.path().to_str().unwrap()]);
    parent.expect("reserved");
    parent.tell("short child");
    parent.expect("child ended well");
    assert_eq!(vec!["cam.lock"], place.files());
    assert!(matches!(place.refusal(), Error::NameInUse { .. }));
    parent.tell("long child");
    let child = Orphan::heard_from(&parent);
    parent.kill();
    assert!(child.lives());
    drop(place.writer());
}

/// An observer takes no lock; its child's copy of the handle raises all the same.
#[test]
fn an_observer_s_child_is_inert() {
    let place = Place::new();
    let mut writer = place.writer();
    publish(&mut writer);
    let mut parent = Process::start("forking observer", &[place.path().to_str().unwrap()]);
    parent.expect("reads 0");
    parent.tell("short child");
    parent.expect("child ended well");
    parent.finish();
}

/// Somebody else's child that has outlived its parent. Dropping this kills it.
struct Orphan(Pid);

impl Orphan {
    fn heard_from(parent: &Process) -> Orphan {
        let pid = parent.hear().strip_prefix("child ").expect("a child's pid").parse().unwrap();
        Orphan(Pid::from_raw(pid).unwrap())
    }

    fn lives(&self) -> bool {
        let status = std::fs::read_to_string(format!("/proc/{}/stat", self.0)).unwrap_or_default();
        status.rsplit(')').next().is_some_and(|rest| !rest.trim_start().starts_with(['Z', 'X']) && !rest.is_empty())
    }
}

impl Drop for Orphan {
    fn drop(&mut self) {
        let _may_have_ended = kill_process(self.0, Signal::KILL);
    }
}
