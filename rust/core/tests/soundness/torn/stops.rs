//! SIGSTOP and SIGCONT at random moments: what a process was about to do it does much later.

use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::process::Process;

use crate::random::Random;

#[derive(Debug)]
pub(super) struct Stops {
    random: Random,
    /// The processes that are stopped, by their places, and until when.
    stopped: Vec<(usize, Instant)>,
    /// How often one was stopped.
    pub(super) count: u64,
}

impl Stops {
    pub(super) fn new(seed: u64) -> Stops {
        Stops { random: Random::new(seed), stopped: Vec::new(), count: 0 }
    }

    /// Lets some time pass, continues those whose time has come, and stops another.
    pub(super) fn pass(&mut self, processes: &[Process]) {
        thread::sleep(Duration::from_micros(self.random.below(3000)));
        let now = Instant::now();
        self.stopped.retain(|(at, until)| {
            let stays = *until > now;
            if !stays {
                processes[*at].signal(Signal::CONT);
            }
            stays
        });
        // One of the two in the smallest round, so that the other gets somewhere; of more, some.
        let at_once = 1 + processes.len() / 6;
        let at = self.random.index(processes.len());
        if self.random.once_in(3) && self.stopped.len() < at_once && self.stopped.iter().all(|(other, _)| *other != at)
        {
            processes[at].signal(Signal::STOP);
            self.stopped.push((at, now + Duration::from_micros(self.random.below(3000))));
            self.count += 1;
        }
    }

    /// Continues all.
    pub(super) fn end(&mut self, processes: &[Process]) {
        for (at, _) in self.stopped.drain(..) {
            processes[at].signal(Signal::CONT);
        }
    }
}
