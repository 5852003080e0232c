//! Waiting for a frame: asleep on a word of the segment, with an eye on what nobody would wake us for.
//!
//! A killed writer wakes nobody, and a successor's segment has another word. So a sleep lasts a quarter of a second at
//! most, and then the waiter looks whether its writer lives and its name stands.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::attachment::Attachment;
use crate::reader::Cursor;
use crate::search::{Search, search};
use crate::{Error, Frame, Reader, ReaderOptions, State};

/// How often a reader looks whether its writer lives and its name stands: the handle, over all its waits, since each of
/// them may be shorter than this.
const LOOK_EVERY: Duration = Duration::from_millis(250);

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
        let deadline = deadline(timeout);
        let mut was_newer = false;
        loop {
            self.generation.check()?;
            // Straight after a wake-up: every other look lies before the sleep, where it delays nobody.
            if let Some(frame) = self.take(&mut self.cursor())? {
                return Ok(Some(frame));
            }
            match self.sleep_once(deadline, interrupt)? {
                Woken::TimedOut => return Ok(None),
                Woken::LookAgain => {}
                // Twice there, and twice not to be had: the writer laps this reader. That may go on.
                Woken::Newer if was_newer && is_past(deadline, Instant::now()) => return Ok(None),
                Woken::Newer if was_newer && interrupt() => return Err(Error::Interrupted),
                Woken::Newer => was_newer = true,
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
        let deadline = deadline(timeout);
        loop {
            match self.sleep_once(deadline, interrupt)? {
                Woken::TimedOut => return Ok(false),
                Woken::Newer => return Ok(true),
                Woken::LookAgain => {}
            }
        }
    }

    /// Sleeps once, unless there is something to do at once. While it returns, nothing is certain but what it says.
    fn sleep_once(&self, deadline: Option<Instant>, interrupt: &mut dyn FnMut() -> bool) -> Result<Woken, Error> {
        self.generation.check()?;
        let (attachment, seen) = {
            let cursor = self.cursor();
            (Arc::clone(&cursor.attachment), cursor.seen.unwrap_or(0))
        };
        // First the number: a frame or a state that comes after it changes it, and the sleep does not begin. Then the state,
        // then the frame: one that was published before the end is seen before the end is.
        let news = attachment.number().and_then(|number| Ok((number, attachment.state()?)));
        let (number, state) = match news {
            Err(Error::Corrupt { .. }) if self.leave(&attachment) => return Ok(Woken::LookAgain),
            news => news?,
        };
        if attachment.latest()?.is_some_and(|newest| newest.sequence > seen) {
            return Ok(Woken::Newer);
        }
        let next_look = {
            let mut cursor = self.cursor();
            if !Arc::ptr_eq(&cursor.attachment, &attachment) {
                return Ok(Woken::LookAgain); // another thread has moved on
            }
            let is_news = is_over(state) && cursor.looked_into != Some(number);
            if (is_news || cursor.is_look_due()) && self.follow(&mut cursor, Some(number)) {
                return Ok(Woken::LookAgain);
            }
            cursor.looked_at + LOOK_EVERY
        };
        if state == State::Ended {
            return Err(Error::EndOfStream { name: self.name.to_string() });
        }
        let now = Instant::now();
        if is_past(deadline, now) {
            return Ok(Woken::TimedOut);
        }
        let until = deadline.map_or(next_look, |deadline| deadline.min(next_look));
        if interrupt() {
            return Err(Error::Interrupted);
        }
        attachment.sleep(number, until.saturating_duration_since(now));
        Ok(Woken::LookAgain)
    }

    /// Leaves a segment that cannot be read any more for its successor, if it has one.
    fn leave(&self, attachment: &Arc<Attachment>) -> bool {
        let mut cursor = self.cursor();
        !Arc::ptr_eq(&cursor.attachment, attachment) || (cursor.is_look_due() && self.follow(&mut cursor, None))
    }

    /// Moves to the segment that the name stands for now, if that is another one with a live writer.
    /// `number` is the one at which it is looked for, where it can be read.
    pub(crate) fn follow(&self, cursor: &mut Cursor, number: Option<u32>) -> bool {
        (cursor.looked_at, cursor.looked_into) = (Instant::now(), number);
        let from = &cursor.attachment;
        if from.has_its_name() && from.writer_lives() {
            return false;
        }
        let live_only = ReaderOptions { allow_dead: false, ..self.options.clone() };
        let Search::Found(found) = search(&self.name, &live_only) else { return false };
        if found.epoch == from.epoch {
            return false;
        }
        // Where it cannot be attached now (replaced again, or no line free), the next look tries again.
        let Ok(fresh) = Attachment::open(&self.name, *found, &self.options) else { return false };
        let newest = |attachment: &Attachment| attachment.latest().ok().flatten().map_or(0, |newest| newest.sequence);
        let last = newest(from);
        if last > cursor.seen.unwrap_or(0) && newest(&fresh) == 0 {
            cursor.looked_into = None;
            return false; // as long as the successor has no frame, this one's last is the newest there is
        }
        if let Some(seen) = cursor.seen {
            cursor.carried += last.saturating_sub(seen) / 2;
            cursor.seen = Some(0);
        }
        self.move_to(cursor, fresh);
        true
    }
}

impl Cursor {
    /// Whether a quarter of a second has passed since the last look for a successor.
    pub(crate) fn is_look_due(&self) -> bool {
        self.looked_at.elapsed() >= LOOK_EVERY
    }
}

/// Whether a segment in this state will have no more frames, and may have a successor.
pub(crate) fn is_over(state: State) -> bool {
    matches!(state, State::Superseded | State::Closed | State::Ended | State::Failed)
}

fn deadline(timeout: Option<Duration>) -> Option<Instant> {
    timeout.and_then(|timeout| Instant::now().checked_add(timeout))
}

fn is_past(deadline: Option<Instant>, now: Instant) -> bool {
    deadline.is_some_and(|deadline| now >= deadline)
}
