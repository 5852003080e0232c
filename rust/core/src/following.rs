//! Following the name: from the segment that a reader has attached to the one that the name stands for now.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::attachment::Attachment;
use crate::clock::monotonic_ns;
use crate::error::BEING_REPLACED;
use crate::lease::NoLease;
use crate::reader::Cursor;
use crate::search::{Search, search};
use crate::{Error, Reader, ReaderOptions};

/// How long a reader that hears nothing goes without a look whether its writer lives and its name stands: the handle, over
/// all its waits, since each of them may be shorter than this.
const LOOK_AFTER_NS: u64 = 250_000_000;
/// How long it goes without one while frames come. A frame says that its writer lives; and a writer looks after its name
/// itself. But it may not be able to mend it, where its directory is gone, say.
const LOOK_ANYWAY_NS: u64 = 2_000_000_000;

/// How long a successor may be out of reach before a reader says so, where it has no frame to give: it may be replaced
/// again, and a line may become free.
const PATIENCE: Duration = Duration::from_secs(2);

/// A successor that is there and cannot be attached.
#[derive(Debug)]
pub(crate) struct Refused {
    since: Instant,
    /// As of the last look, until somebody is told.
    why: Option<Error>,
}

impl Reader {
    /// Leaves a segment that cannot be read any more for its successor, if it has one.
    pub(crate) fn leave(&self, attachment: &Arc<Attachment>) -> bool {
        let mut cursor = self.cursor();
        !Arc::ptr_eq(&cursor.attachment, attachment) || (cursor.is_look_due() && self.follow(&mut cursor, None))
    }

    /// Moves to the segment that the name stands for now, if that is another one with a live writer.
    /// `number` is the one at which it is looked for, where it can be read.
    #[cold]
    #[inline(never)]
    pub(crate) fn follow(&self, cursor: &mut Cursor, number: Option<u32>) -> bool {
        (cursor.looked_ns, cursor.looked_into) = (monotonic_ns(), number);
        match self.successor(&cursor.attachment) {
            Ok(successor) => {
                cursor.refused = None;
                successor.is_some_and(|fresh| self.go_on_with(cursor, fresh))
            }
            Err(why) => {
                let since = cursor.refused.as_ref().map_or_else(Instant::now, |refused| refused.since);
                cursor.refused = Some(Refused { since, why: Some(why) });
                false
            }
        }
    }

    /// The segment that has taken the place of `from`, if there is one.
    ///
    /// # Errors
    /// Why it cannot be attached.
    fn successor(&self, from: &Attachment) -> Result<Option<Attachment>, Error> {
        if from.has_its_name() && from.writer_lives() {
            return Ok(None);
        }
        let (name, seconds) = (self.name.to_string(), 0.0);
        let live_only = ReaderOptions { allow_dead: false, ..self.options.clone() };
        match search(&self.name, &live_only) {
            Search::Found(found) if found.epoch == from.epoch => Ok(None),
            Search::Found(found) => match Attachment::open(&self.name, *found, &self.options) {
                Ok(fresh) => Ok(Some(fresh)),
                Err(NoLease::Replaced) => Err(Error::NotCreated { name, seconds, hint: BEING_REPLACED.to_owned() }),
                Err(NoLease::Refused(error)) => Err(error),
            },
            Search::Nothing(_) => Ok(None),
            Search::Refused(problem) => Err(Error::NotAccessible { name, seconds, problem }),
        }
    }

    fn go_on_with(&self, cursor: &mut Cursor, fresh: Attachment) -> bool {
        let newest = |attachment: &Attachment| attachment.latest().ok().flatten().map_or(0, |newest| newest.sequence);
        let last = newest(&cursor.attachment);
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
    /// When the handle is to look for a successor next.
    pub(crate) fn next_look_ns(&mut self, now_ns: u64) -> u64 {
        self.heard_ns = self.heard_ns.min(now_ns); // a header may say of a frame that it is yet to come
        // A refusal is told to those who have no frame: whether it stands is looked at as if none came.
        let heard_ns = if self.refused.is_some() { 0 } else { self.heard_ns };
        self.looked_ns.max(heard_ns) + LOOK_AFTER_NS
    }

    /// Whether frames have come for so long that it is time to look all the same. Told by their own times, not by a clock,
    /// which would have to be read behind a wake-up.
    pub(crate) fn is_overdue(&self) -> bool {
        self.heard_ns > self.looked_ns + LOOK_ANYWAY_NS
    }

    /// Whether it is time for that.
    pub(crate) fn is_look_due(&mut self) -> bool {
        let now_ns = monotonic_ns();
        self.next_look_ns(now_ns) <= now_ns
    }

    /// For who has no frame to give: why the successor cannot be attached, if there is one, its refusal has lasted, and this
    /// has not been said since the last look.
    ///
    /// # Errors
    /// That reason.
    pub(crate) fn check_refusal(&mut self) -> Result<(), Error> {
        let Some(Refused { since, why }) = &mut self.refused else { return Ok(()) };
        let lasted = since.elapsed();
        if lasted < PATIENCE {
            return Ok(());
        }
        why.take().map_or(Ok(()), |why| Err(why.after(lasted)))
    }
}
