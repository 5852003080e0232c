//! Readers that are killed in each of their steps, beside readers that live and a writer that must not notice.

use std::collections::VecDeque;

use billiards_video::{Frame, Geometry, Reader, Writer, WriterOptions};

use super::course::{Course, Detail, Tally, Whereabouts};
use super::scene::Ready;
use super::tracer::{Victim, is_allowed};
use super::victims::{other, tiny, try_publish};
use super::witnesses::{ANY, belongings, examine};
use crate::random::Random;
use crate::support::SOON;
use crate::support::place::Place;
use crate::support::process::Process;

/// What a reader is killed in.
#[derive(Clone, Copy, Debug)]
struct Operation {
    label: &'static str,
    role: &'static str,
    detail: Detail,
}

const OPERATIONS: [Operation; 8] = [
    Operation { label: "takes a frame", role: "take", detail: Detail::Instructions },
    Operation { label: "takes a second frame", role: "take another", detail: Detail::Instructions },
    Operation { label: "lets go of a frame", role: "release", detail: Detail::Instructions },
    Operation { label: "waits and is woken", role: "wait", detail: Detail::Calls },
    Operation { label: "copies a frame", role: "observe", detail: Detail::Calls },
    Operation { label: "attaches", role: "attach", detail: Detail::Calls },
    Operation { label: "follows to a new segment", role: "follow", detail: Detail::Calls },
    Operation { label: "detaches", role: "detach", detail: Detail::Calls },
];

/// Whatever instruction it dies before: the writer drops no frame, since what it held counts no more; its line serves the
/// next reader, who finds it empty; other readers' frames stay whole, and nothing is left behind.
#[test]
fn a_killed_reader_costs_nobody_anything() {
    if !is_allowed() {
        return;
    }
    for operation in &OPERATIONS {
        let kills = kill_in(operation);
        assert!(kills >= 5, "{operation:?}: {kills} kills");
    }
}

fn kill_in(operation: &Operation) -> usize {
    let Operation { label, role, detail } = *operation;
    let mut audience = Audience::new(label);
    let course = Course::measure(detail, &mut audience, |audience, follow| {
        audience.at.enter(&[]);
        audience.kill(role, follow);
    });
    let mut tally = Tally::new(format!("a reader that {label}"), course);
    for point in course.points(detail, &mut Random::fresh()) {
        audience.at.enter(&[point]);
        audience.kill(role, &mut |victim| {
            victim.run_to(point);
        });
        tally.add(&[point]);
    }
    audience.close();
    tally.close()
}

/// A writer with just as many buffers as it needs for those who live: a dead one's hold would show as a dropped frame.
#[derive(Debug)]
struct Audience {
    place: Place,
    writer: Writer,
    geometries: [Geometry; 2],
    /// Holds two frames all the time.
    witness: Reader,
    observer: Reader,
    held: VecDeque<(u64, Frame)>,
    at: Whereabouts,
}

impl Audience {
    fn new(operation: &str) -> Audience {
        let place = Place::new();
        let options = WriterOptions { max_buffers: 4, ..place.writer_options() };
        let mut writer = place.try_writer(tiny(), options).unwrap();
        try_publish(&mut writer).unwrap();
        let (witness, observer) = (place.reader(), place.observer());
        let geometries = [tiny(), other()];
        let at = Whereabouts::of(operation);
        Audience { place, writer, geometries, witness, observer, held: VecDeque::new(), at }
    }

    /// Kills a reader where `run` takes it, and looks at what becomes of the others.
    fn kill(&mut self, role: &str, run: &mut dyn FnMut(&mut Victim<'_>)) {
        self.publish(1);
        self.attend();
        self.publish(1);
        let ready = self.start(role);
        match role {
            "take another" | "release" | "detach" => self.publish(1),
            "follow" => {
                self.geometries.swap(0, 1);
                self.writer.reshape(self.geometries[0]).unwrap();
                self.publish(1);
            }
            _ => {}
        }
        let writer = &mut self.writer;
        let mut victim = ready.begin();
        if role == "wait" {
            victim.when_asleep(|| {
                try_publish(writer).expect("a buffer");
            });
        }
        run(&mut victim);
        victim.kill();
        self.look();
    }

    fn start(&self, role: &str) -> Ready {
        let ready = Ready::hear(Process::start("kills reader", &[role, self.place.path().to_str().unwrap()]));
        ready.process.expect("ready");
        if !matches!(role, "attach" | "observe") {
            let [_, victim] = &self.writer.readers()[..] else { panic!("{:?}", self.writer.readers()) };
            let holds = u32::from(role != "take");
            assert_eq!((1, ready.process.pid(), holds), (victim.line, victim.pid, victim.held));
        }
        ready
    }

    fn publish(&mut self, frames: usize) {
        for _ in 0..frames {
            try_publish(&mut self.writer).expect("a buffer: there are enough for those who live");
        }
    }

    /// Both living readers read the newest frame; the last two stay held.
    fn attend(&mut self) {
        let newest = self.writer.stats().published - 1;
        for reader in [&self.observer, &self.witness] {
            let frame = reader.wait(Some(SOON)).unwrap().expect("the newest frame");
            examine(&frame, self.writer.epoch(), &(newest..=newest));
            if !frame.is_copy() {
                self.held.push_back((self.writer.epoch(), frame));
            }
        }
        while self.held.len() > 2 {
            self.held.pop_front();
        }
        self.check_held();
    }

    fn check_held(&self) {
        for (epoch, frame) in &self.held {
            examine(frame, *epoch, &ANY);
        }
    }

    fn look(&mut self) {
        self.check_held();
        self.attend();
        let lines = |writer: &Writer| writer.readers().iter().map(|reader| reader.line).collect::<Vec<_>>();
        assert_eq!(vec![0], lines(&self.writer));
        self.publish(6);
        assert_eq!(0, self.writer.stats().dropped);
        self.check_held();

        let newcomer = self.place.reader();
        let readers = self.writer.readers();
        let [_, figures] = &readers[..] else { panic!("{readers:?}") };
        assert_eq!((1, 0, 0, ""), (figures.line, figures.held, figures.frames_read, &*figures.name));
        self.publish(2); // with nothing that the dead one has left in its line
        let newest = self.writer.stats().published - 1;
        examine(&newcomer.newest().unwrap().expect("a frame"), self.writer.epoch(), &(newest..=newest));
        drop(newcomer);
        self.attend();
    }

    fn close(self) {
        let Audience { place, writer, witness, observer, held, .. } = self;
        drop((held, writer, witness, observer));
        assert!(place.files().is_empty(), "left behind: {:?}", place.files());
        assert_eq!([0, 0], belongings(&[place]));
    }
}
