//! Where in an operation to kill: at every instruction of a short one; at every system call of a long one, and at
//! instructions drawn from all of it.

use std::collections::BTreeSet;
use std::io::Write;

use super::tracer::{Point, Victim};
use crate::random::Random;
use crate::support::size::{is_full, report, sized};

/// How long an operation is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Course {
    /// Stops at system calls.
    stops: usize,
    /// Instructions; not counted where that takes long and is not needed.
    steps: Option<usize>,
}

/// How closely an operation is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detail {
    /// A step of the protocol: before each instruction.
    Instructions,
    /// Work on files: before and behind each system call, and at some of the many instructions between.
    Calls,
}

impl Course {
    /// Follows an operation to its end, once or twice. `run` has it done by a victim, of which it hands over the beginning.
    pub(crate) fn measure<S>(
        detail: Detail,
        scene: &mut S,
        mut run: impl FnMut(&mut S, &mut dyn FnMut(&mut Victim<'_>)),
    ) -> Course {
        let mut course = Course { stops: 0, steps: None };
        run(scene, &mut |victim| course.stops = victim.count_stops());
        let is_short = detail == Detail::Instructions || course.stops < 20;
        if is_short || is_full() {
            run(scene, &mut |victim| course.steps = Some(victim.count_steps()));
        }
        course
    }

    /// Any point of it.
    pub(crate) fn any(&self, random: &mut Random) -> Point {
        match self.steps {
            Some(steps) if random.index(2) == 0 => Point { stops: 0, steps: random.index(steps) },
            _ => self.behind_a_call(50, random),
        }
    }

    /// Some instructions behind any call.
    fn behind_a_call(&self, most: usize, random: &mut Random) -> Point {
        Point { stops: random.index(self.stops + 1), steps: random.index(most) }
    }

    /// Before and behind calls, so many of these stops apart.
    fn calls(&self, apart: usize, random: &mut Random) -> Vec<Point> {
        (random.index(apart)..=self.stops).step_by(apart).map(|stops| Point { stops, steps: 0 }).collect()
    }

    /// The points at which to kill, in any order.
    pub(crate) fn points(&self, detail: Detail, random: &mut Random) -> Vec<Point> {
        let at = |steps| Point { stops: 0, steps };
        let Some(steps) = self.steps else {
            let mut points = self.calls(self.stops / 8 + 1, random);
            points.extend((0..3).map(|_| self.behind_a_call(200, random)));
            return points;
        };
        if detail == Detail::Instructions {
            let apart = if is_full() { 1 } else { steps / 16 + 1 };
            return (random.index(apart)..=steps).step_by(apart).map(at).collect();
        }
        let mut points = self.calls(sized(3, 1), random);
        // To go far by single instructions takes long: where there are many, most points lie near a call, which does not.
        let evenly = if steps < 5000 { sized(8, 200) } else { 25 };
        points.extend((0..evenly).map(|part| at((steps * part + random.index(steps)) / evenly)));
        let near = 4 * steps / self.stops; // twice as many as lie between two calls, on average
        points.extend((evenly..sized(evenly, 200)).map(|_| self.behind_a_call(near, random)));
        points
    }
}

/// What came of killing one operation.
#[derive(Debug)]
pub(crate) struct Tally {
    operation: String,
    course: Course,
    kills: usize,
    points: BTreeSet<Vec<Point>>,
}

impl Tally {
    pub(crate) fn new(operation: impl Into<String>, course: Course) -> Tally {
        Tally { operation: operation.into(), course, kills: 0, points: BTreeSet::new() }
    }

    /// One moment of death, of one process or of several.
    pub(crate) fn add(&mut self, points: &[Point]) {
        self.kills += points.len();
        self.points.insert(points.to_vec());
    }

    /// Reports it, and gives the number of kills.
    pub(crate) fn close(self) -> usize {
        let Tally { operation, course, kills, points } = self;
        let instructions = course.steps.map_or(String::new(), |steps| format!("{steps} instructions and "));
        let stops = course.stops;
        report(&format!(
            "{operation}: {kills} kills at {} points of {instructions}{stops} stops at system calls",
            points.len()
        ));
        kills
    }
}

/// Where somebody is being killed, if somebody is: what a failure says beside what it found.
#[derive(Debug)]
pub(crate) struct Whereabouts {
    operation: String,
    points: Option<Vec<Point>>,
}

impl Whereabouts {
    pub(crate) fn of(operation: &str) -> Whereabouts {
        Whereabouts { operation: operation.to_owned(), points: None }
    }

    /// From here on; no points are the operation's end.
    pub(crate) fn enter(&mut self, points: &[Point]) {
        self.points = Some(points.to_vec());
    }

    pub(crate) fn leave(&mut self) {
        self.points = None;
    }
}

impl Drop for Whereabouts {
    fn drop(&mut self) {
        if let (true, Some(points)) = (std::thread::panicking(), &self.points) {
            let operation = &self.operation;
            let _unheard = writeln!(std::io::stderr(), "the one who was killed: {operation}, at {points:?}");
        }
    }
}
