//! Waiting for a frame: asleep on a word of the segment, with an eye on what nobody would wake us for.
//!
//! A killed writer wakes nobody, and a successor's segment has another word. So a sleep lasts a quarter of a second at
//! most, and then the waiter looks whether its writer lives and its name stands.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::attachment::Attachment;
use crate::search::{Search, search};
use crate::{Error, Frame, Reader, ReaderOptions, State};

/// How often a waiting reader looks whether its writer lives and its name stands.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// A wait in progress.
#[derive(Debug)]
struct Wait {
    deadline: Option<Instant>,
    /// When this wait last looked for a successor, and at which number: a state that ends a segment is looked into at
    /// once, anything else every quarter of a second.
    looked_at: Instant,
    looked_into: Option<u32>,
}

impl Wait {
    fn new(timeout: Option<Duration>) -> Wait {
        let now = Instant::now();
        Wait { deadline: timeout.and_then(|timeout| now.checked_add(timeout)), looked_at: now, looked_into: None }
    }
}

/// What a sleep came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Woken {
    /// There is a newer frame, or there was one a moment ago.
    Newer,
    /// Something has changed, or it is time for a look.
    LookAgain,
    /// The time is over.
    TimedOut,
}

impl Reader {
    /// The next newer frame, waiting for it; `None` if none came in time. Without a time-out it waits for ever.
    ///
    /// # Errors
    /// [`Error::EndOfStream`] when the source has ended and its last frame was given; those of [`newest`](Self::newest).
    pub fn wait(&self, timeout: Option<Duration>) -> Result<Option<Frame>, Error> {
        self.wait_with(timeout, &mut || false)
    }

    /// As [`wait`](Self::wait), asking `interrupt` whenever it wakes, at least four times a second.
    ///
    /// # Errors
    /// [`Error::Interrupted`], and as [`wait`](Self::wait).
    pub fn wait_with(
        &self,
        timeout: Option<Duration>,
        interrupt: &mut dyn FnMut() -> bool,
    ) -> Result<Option<Frame>, Error> {
        let mut wait = Wait::new(timeout);
        loop {
            // Straight after a wake-up: every other look lies before the sleep, where it delays nobody.
            if let Some(frame) = self.newest()? {
                return Ok(Some(frame));
            }
            match self.sleep_once(&mut wait, interrupt)? {
                Woken::TimedOut => return Ok(None),
                Woken::Newer | Woken::LookAgain => {}
            }
        }
    }

    /// Waits for a newer frame without taking it: `false` if none came in time.
    ///
    /// # Errors
    /// As [`wait_with`](Self::wait_with).
    pub fn wait_newer_with(
        &self,
        timeout: Option<Duration>,
        interrupt: &mut dyn FnMut() -> bool,
    ) -> Result<bool, Error> {
        let mut wait = Wait::new(timeout);
        loop {
            match self.sleep_once(&mut wait, interrupt)? {
                Woken::TimedOut => return Ok(false),
                Woken::Newer => return Ok(true),
                Woken::LookAgain => {}
            }
        }
    }

    /// Sleeps once, unless there is something to do at once. While it returns, nothing is certain but what it says.
    fn sleep_once(&self, wait: &mut Wait, interrupt: &mut dyn FnMut() -> bool) -> Result<Woken, Error> {
        self.generation.check()?;
        let (attachment, seen) = {
            let cursor = self.cursor();
            (Arc::clone(&cursor.attachment), cursor.seen.unwrap_or(0))
        };
        let view = attachment.view();
        let cut_off = |_| attachment.corrupt("it was cut off".to_owned());
        // First the glance: a frame or a state that comes after it changes the number, and the sleep does not begin.
        let number = view.glance().map_err(cut_off)?;
        if view.latest().map_err(cut_off)?.is_some_and(|newest| newest.sequence > seen) {
            return Ok(Woken::Newer);
        }
        let (state, _) = view.state().map_err(cut_off)?;
        let is_over = matches!(state, State::Superseded | State::Closed | State::Ended | State::Failed);
        let now = Instant::now();
        if now.duration_since(wait.looked_at) >= LOOK_EVERY || (is_over && wait.looked_into != Some(number)) {
            if self.follow(&attachment) {
                return Ok(Woken::LookAgain);
            }
            (wait.looked_into, wait.looked_at) = (Some(number), now);
        }
        if state == State::Ended {
            return Err(Error::EndOfStream { name: self.name.to_string() });
        }
        let next_look = wait.looked_at + LOOK_EVERY;
        let until = wait.deadline.map_or(next_look, |deadline| deadline.min(next_look));
        if wait.deadline.is_some_and(|deadline| now >= deadline) {
            return Ok(Woken::TimedOut);
        }
        if interrupt() {
            return Err(Error::Interrupted);
        }
        view.sleep(number, until.saturating_duration_since(now));
        Ok(Woken::LookAgain)
    }

    /// Moves to the segment that the name stands for now, if that is another one with a live writer.
    fn follow(&self, from: &Arc<Attachment>) -> bool {
        if from.has_its_name() && from.writer_lives() {
            return false;
        }
        let mut cursor = self.cursor();
        if !Arc::ptr_eq(&cursor.attachment, from) {
            return true; // another thread was faster
        }
        let live_only = ReaderOptions { allow_dead: false, ..self.options.clone() };
        let Search::Found(found) = search(&self.name, &live_only) else { return false };
        if found.epoch == from.epoch {
            return false;
        }
        // Where it cannot be attached now (replaced again, or no line free), the next look tries again.
        let Ok(fresh) = Attachment::open(&self.name, *found, &self.options) else { return false };
        let last = from.view().latest().ok().flatten().map_or(0, |newest| newest.sequence);
        if let Some(seen) = cursor.seen {
            cursor.carried += last.saturating_sub(seen) / 2;
            cursor.seen = Some(0);
        }
        cursor.attachment = Arc::new(fresh);
        true
    }
}
