//! Where writers die: a place in the state that the operation asks for, witnesses of the death, and the writer that comes
//! next.

use std::fs;
use std::ops::RangeInclusive;
use std::time::Duration;

use billiards_video::{Directories, Writer};
use libc::pid_t;

use super::course::Whereabouts;
use super::tracer::{Point, Victim};
use super::victims::{directories, tiny, try_publish, writer_options};
use super::witnesses::{Witnesses, belongings, examine_remains};
use crate::support::place::{NAME, Place, name};
use crate::support::process::Process;

/// What a victim finds when it begins its operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Before {
    /// An empty directory.
    Nothing,
    /// Files of killed writers, of all kinds, and nothing under the name.
    Leftovers,
    /// A segment whose writer was killed, with readers attached.
    Dead,
    /// The same, in the directory that comes second.
    DeadElsewhere,
    /// It publishes itself, and readers are attached.
    Frames,
    /// The same, and one of its files has been removed: the one that ends so.
    Removed(&'static str),
}

/// A process that is ready for its operation.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) process: Process,
    pub(crate) thread: pid_t,
}

impl Ready {
    /// Hears which of a process's threads will act.
    pub(crate) fn hear(process: Process) -> Ready {
        let said = process.hear();
        let thread = said.strip_prefix("thread ").and_then(|thread| thread.parse().ok());
        Ready { thread: thread.unwrap_or_else(|| panic!("{said:?}")), process }
    }

    /// Lets it run to the beginning of its operation.
    pub(crate) fn begin<'w>(self) -> Victim<'w> {
        Victim::begin(self.process, self.thread)
    }
}

/// A place for one death after the other; its witnesses live through all of them.
#[derive(Debug)]
pub(crate) struct Scene {
    places: [Place; 2],
    witnesses: Witnesses,
    /// The segment and the number of the frame that the witnesses have not read, or the numbers that it may have.
    unread: Option<(u64, RangeInclusive<u64>)>,
    /// Whether what stands under the name can be attached to.
    is_whole: bool,
    /// What belongs to the places in this process after a writer's clean end, which is the same each time.
    belongings: Option<[usize; 2]>,
    /// How long the leasing witness took to the first frame of each next writer.
    followed: Vec<Duration>,
    at: Whereabouts,
}

impl Scene {
    pub(crate) fn new(operation: &str) -> Scene {
        let places = [Place::new(), Place::new()];
        let first = Writer::create(&name(), tiny(), writer_options(both(&places))).unwrap();
        let witnesses = Witnesses::attach(&both(&places));
        drop(first);
        let (followed, at) = (Vec::new(), Whereabouts::of(operation));
        Scene { places, witnesses, unread: None, is_whole: true, belongings: None, followed, at }
    }

    pub(crate) fn paths(&self) -> [&str; 2] {
        self.places.each_ref().map(|place| place.path().to_str().unwrap())
    }

    /// Starts a writer that will die in an operation which completes so many frames.
    pub(crate) fn prepare(&mut self, role: &str, before: Before, completes: u64) -> Ready {
        match before {
            Before::Leftovers => self.litter(),
            Before::Dead => self.bury(0),
            Before::DeadElsewhere => self.bury(1),
            Before::Nothing | Before::Frames | Before::Removed(_) => {}
        }
        let [first, second] = self.paths();
        let mut ready = Ready::hear(Process::start("kills writer", &[role, first, second]));
        if role == "publish reserved" {
            ready.process.expect("reserved");
        }
        if matches!(before, Before::Frames | Before::Removed(_)) {
            // One that is to grow publishes its third frame by itself: the one that takes the last free buffer.
            self.attend(&mut ready.process, if role == "grow" { 2 } else { 3 }, completes);
        }
        self.is_whole = true;
        if let Before::Removed(suffix) = before {
            fs::remove_file(self.places[0].ending(suffix)).unwrap();
            self.is_whole = false;
        }
        ready
    }

    /// Follows a new writer through its first frames; two of them are held from here on, the last is not read yet.
    fn attend(&mut self, process: &mut Process, frames: u64, completes: u64) {
        let said = process.hear();
        let epoch = said.strip_prefix("writes ").and_then(|epoch| u64::from_str_radix(epoch, 16).ok());
        let epoch = epoch.unwrap_or_else(|| panic!("{said:?}"));
        for number in 0..frames {
            process.tell("publish");
            process.expect(&format!("published {number}"));
            if number < 2 {
                self.witnesses.read(epoch, &(number..=number));
            }
        }
        process.tell("go on");
        self.unread = Some((epoch, 2..=2 + completes));
    }

    /// Leaves a segment with a dead writer.
    fn bury(&mut self, place: usize) {
        let mut ready = Ready::hear(Process::start("kills writer", &["nothing", self.paths()[place]]));
        self.attend(&mut ready.process, 3, 0);
        ready.process.kill();
    }

    /// Leaves what writers leave that were killed at their start or their end.
    fn litter(&self) {
        let epoch = 0x0123_4567_89ab_cdef_u64;
        for (file, length) in [
            (format!(".{NAME}.{epoch:016x}"), 5000),
            (format!("{NAME}.{epoch:016x}.leases"), 12288),
            (format!("{NAME}.{:016x}.leases", epoch + 1), 0),
            (format!("{NAME}.{:016x}.status", epoch + 1), 65536),
            (format!("{NAME}.lock"), 3),
        ] {
            fs::write(self.places[0].file(&file), vec![b'9'; length]).unwrap();
        }
    }

    /// Kills a victim at a point of its operation, and looks at what becomes of everybody else.
    pub(crate) fn kill(&mut self, ready: Ready, point: Point) {
        self.at.enter(&[point]);
        self.run_and_kill(ready, &mut |victim| {
            victim.run_to(point);
        });
    }

    /// The same, where `run` takes it.
    pub(crate) fn kill_after(&mut self, ready: Ready, run: &mut dyn FnMut(&mut Victim<'_>)) {
        self.at.enter(&[]);
        self.run_and_kill(ready, run);
    }

    fn run_and_kill(&mut self, ready: Ready, run: &mut dyn FnMut(&mut Victim<'_>)) {
        let mut victim = ready.begin();
        run(&mut victim);
        victim.kill();
        self.look();
    }

    /// The same for two at once, each at a point of its own: the first stands still there while the other gets to its own.
    pub(crate) fn kill_both(&mut self, ready: [Ready; 2], points: [Point; 2]) {
        self.at.enter(&points);
        let mut victims = Vec::new();
        for (ready, point) in ready.into_iter().zip(points) {
            let mut victim = ready.begin();
            victim.run_to(point);
            victims.push(victim);
        }
        victims.iter().for_each(Victim::strike);
        victims.into_iter().for_each(Victim::reap);
        self.look();
    }

    /// Whether all is as it should be after a writer's death, and after the next writer's life and clean end.
    fn look(&mut self) {
        self.witnesses.check_held();
        self.witnesses.see_death();
        if self.is_whole && self.places.iter().any(|place| place.frames().exists()) {
            examine_remains(&both(&self.places));
        }
        if let Some((epoch, numbers)) = self.unread.take() {
            self.witnesses.read_last(epoch, &numbers);
        }
        // At once: no lock outlives its owner.
        let mut writer = Writer::create(&name(), tiny(), writer_options(both(&self.places))).unwrap();
        for number in 0..2 {
            assert_eq!(Some(number), try_publish(&mut writer));
            self.witnesses.check_held();
            let took = self.witnesses.read(writer.epoch(), &(number..=number));
            if number == 0 {
                self.followed.push(took);
            }
        }
        for _ in 0..4 {
            try_publish(&mut writer).expect("a buffer: nobody else holds any");
        }
        self.witnesses.check_held();
        assert_eq!((0, 1), (writer.stats().dropped, writer.readers().len()));
        drop(writer);
        self.witnesses.check_held();
        let files = self.places.each_ref().map(Place::files);
        assert!(files.iter().all(Vec::is_empty), "left behind: {files:?}");
        let belongings = belongings(&self.places);
        assert_eq!(*self.belongings.get_or_insert(belongings), belongings, "descriptors and mappings");
        self.at.leave();
    }

    /// The end: with the witnesses goes the last of it. Gives how long one took to follow, each time.
    pub(crate) fn close(self) -> Vec<Duration> {
        drop(self.witnesses);
        assert_eq!([0, 0], belongings(&self.places));
        self.followed
    }
}

fn both(places: &[Place; 2]) -> Directories {
    directories(&places.each_ref().map(Place::path))
}
