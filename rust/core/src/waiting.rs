//! Waiting for a frame: asleep on a word of the segment, with an eye on what nobody would wake us for.
//!
//! A killed writer wakes nobody, and a successor's segment has another word. So a sleep lasts a quarter of a second at
//! most, and then the waiter looks whether its writer lives and its name stands.
//!
//! After a sleep a processor's caches hold nothing of this, and each page of code or data that is touched costs a
//! microsecond. What is not on the way from a wake-up to its frame therefore stands in functions of its own, here and in
//! what is called from here: those marked `#[cold]`, or `#[inline(never)]`.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::attachment::Attachment;
use crate::clock::monotonic_ns;
use crate::rhythm::{Rhythm, Span};
use crate::{Error, Frame, Reader, State};

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
    /// [`Error::EndOfStream`] when the source has ended and its last frame was given; those of [`newest`](Self::newest):
    /// that a successor cannot be attached is said when the time is up, or, without a time-out, after two seconds.
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
        let deadline_ns = deadline_ns(timeout);
        let mut was_newer = false;
        loop {
            self.generation.check()?;
            // Straight after a wake-up: every other look lies before the sleep, where it delays nobody.
            if let Some(frame) = self.take(&mut self.cursor())? {
                return Ok(Some(frame));
            }
            match self.sleep_once(deadline_ns, interrupt)? {
                Woken::TimedOut => return Ok(None),
                Woken::LookAgain => {}
                // Twice there, and twice not to be had: the writer laps this reader. That may go on.
                Woken::Newer if was_newer && deadline_ns <= monotonic_ns() => return Ok(None),
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
        let deadline_ns = deadline_ns(timeout);
        loop {
            match self.sleep_once(deadline_ns, interrupt)? {
                Woken::TimedOut => return Ok(false),
                Woken::Newer => return Ok(true),
                Woken::LookAgain => {}
            }
        }
    }

    /// Sleeps once, unless there is something to do at once. While it returns, nothing is certain but what it says.
    fn sleep_once(&self, deadline_ns: u64, interrupt: &mut dyn FnMut() -> bool) -> Result<Woken, Error> {
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
        let (now_ns, next_look_ns, span) = {
            let mut cursor = self.cursor();
            let mut now_ns = monotonic_ns();
            if !Arc::ptr_eq(&cursor.attachment, &attachment) {
                return Ok(Woken::LookAgain); // another thread has moved on
            }
            let is_news = is_over(state) && cursor.looked_into != Some(number);
            if is_news || cursor.next_look_ns(now_ns) <= now_ns {
                if self.follow(&mut cursor, Some(number)) {
                    return Ok(Woken::LookAgain);
                }
                now_ns = monotonic_ns();
            }
            if state == State::Ended {
                return Err(self.end_of_stream());
            }
            if cursor.refused.is_some() && (deadline_ns == NEVER_NS || deadline_ns <= now_ns) {
                cursor.check_refusal()?;
            }
            let span = cursor.rhythm.as_ref().and_then(|rhythm| rhythm.span(now_ns));
            (now_ns, cursor.next_look_ns(now_ns), span)
        };
        if deadline_ns <= now_ns {
            return Ok(Woken::TimedOut);
        }
        if interrupt() {
            return Err(Error::Interrupted);
        }
        let limit = Duration::from_nanos(deadline_ns.min(next_look_ns).saturating_sub(now_ns));
        match span {
            Some(span) => self.anticipate(&attachment, number, seen, span, limit, interrupt)?,
            None => attachment.sleep(number, limit),
        }
        Ok(Woken::LookAgain)
    }

    /// Sleeps until just before a frame is due, and polls while it may come, for at most `limit`.
    #[inline(never)]
    fn anticipate(
        &self,
        attachment: &Attachment,
        number: u32,
        seen: u64,
        span: Span,
        limit: Duration,
        interrupt: &mut dyn FnMut() -> bool,
    ) -> Result<(), Error> {
        let is_there = || attachment.latest().is_ok_and(|latest| latest.is_some_and(|newest| newest.sequence > seen));
        let begin_ns = monotonic_ns();
        let end_ns = u64::try_from(limit.as_nanos()).map_or(u64::MAX, |limit_ns| begin_ns.saturating_add(limit_ns));
        let alarm_ns = self.with_rhythm(|rhythm| rhythm.alarm_ns(span)).unwrap_or(0);
        if alarm_ns >= end_ns {
            attachment.sleep(number, limit);
            return Ok(());
        }
        let mut now_ns = begin_ns;
        if alarm_ns > begin_ns {
            attachment.sleep(number, Duration::from_nanos(alarm_ns - begin_ns));
            now_ns = monotonic_ns();
            if now_ns < alarm_ns {
                return Ok(()); // something has happened before its time
            }
            // Also a rehearsal: what the caller does here is much of what it does once the frame is there, and the sleep has
            // left all caches cold.
            if interrupt() {
                return Err(Error::Interrupted);
            }
            attachment.rehearse();
            now_ns = monotonic_ns();
            self.with_rhythm(|rhythm| rhythm.woke(now_ns - alarm_ns));
        }
        let polled_from_ns = now_ns;
        let was_late = is_there();
        let mut met = false;
        while !met && !was_late && now_ns < span.to_ns.min(end_ns) {
            // The publisher may have been put on this very processor, where it would wait until the polling is over.
            thread::yield_now();
            met = is_there();
            now_ns = monotonic_ns();
        }
        self.with_rhythm(|rhythm| {
            rhythm.anticipation.timed += 1;
            rhythm.anticipation.met += u64::from(met);
            rhythm.anticipation.polled_ns += now_ns - polled_from_ns;
        });
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn end_of_stream(&self) -> Error {
        Error::EndOfStream { name: self.name.to_string() }
    }

    fn with_rhythm<T>(&self, change: impl FnOnce(&mut Rhythm) -> T) -> Option<T> {
        self.cursor().rhythm.as_mut().map(change)
    }
}

/// Whether a segment in this state will have no more frames, and may have a successor.
pub(crate) fn is_over(state: State) -> bool {
    matches!(state, State::Superseded | State::Closed | State::Ended | State::Failed)
}

/// The deadline of a wait without limit.
const NEVER_NS: u64 = u64::MAX;

fn deadline_ns(timeout: Option<Duration>) -> u64 {
    let timeout_ns = timeout.and_then(|timeout| u64::try_from(timeout.as_nanos()).ok());
    timeout_ns.map_or(NEVER_NS, |timeout_ns| monotonic_ns().saturating_add(timeout_ns))
}
