//! What a writer does beside publishing: growing where readers hold much, healing where the name was taken away.

use crate::clock::monotonic_ns;
use crate::layout::MAX_HELD;
use crate::predecessor::Predecessor;
use crate::right::Right;
use crate::sync::Ordering;
use crate::{Error, Notice, Reason, State, Writer};

/// How often a writer looks after its name.
pub(crate) const LOOK_EVERY_NS: u64 = 1_000_000_000;
/// How many notices are kept for an owner who does not ask.
const MAX_NOTICES: usize = 100;
/// How long a writer without room waits before it tries to grow again, and how often it complains of starvation.
const TRY_AGAIN_NS: u64 = 10_000_000_000;

impl Writer {
    /// Says that the writer is alive and looks after its name. To be called about once a second while no frames are
    /// published; [`loan`](Self::loan) and [`write`](Self::write) see to it otherwise. Takes microseconds, or, where the
    /// name has to be published again, as long as making a segment.
    ///
    /// # Errors
    /// [`Error::SteppedDown`] after another writer took the name, [`Error::Forked`] in a forked child.
    pub fn tend(&mut self) -> Result<(), Error> {
        self.segment.check_fork()?;
        let now = monotonic_ns();
        self.segment.header().counters.heartbeat_ns.store(now, Ordering::Relaxed);
        if self.is_look_due(now) {
            self.look(now);
        }
        self.check_name()
    }

    /// # Errors
    /// [`Error::SteppedDown`] after another writer took the name.
    pub(crate) fn check_name(&self) -> Result<(), Error> {
        match &self.stepped_down {
            Some(holder) => Err(Error::SteppedDown { name: self.name.to_string(), holder: holder.clone() }),
            None => Ok(()),
        }
    }

    /// Keeps something to tell until it is asked for; of what nobody ever asks for, the newest.
    pub(crate) fn tell(&mut self, notice: Notice) {
        if self.notices.len() == MAX_NOTICES {
            self.notices.remove(0);
        }
        self.notices.push(notice);
    }

    /// Does what is done behind a frame, never in its path: grows where readers hold much, looks after the name once a
    /// second. [`Loan::publish`](crate::Loan::publish) and [`write`](Self::write) see to it. Usually takes well under a
    /// microsecond; a new buffer or a new segment takes milliseconds.
    pub fn tidy(&mut self) {
        let now = monotonic_ns();
        self.grow_if_exhausted(now);
        if self.is_look_due(now) {
            self.look(now);
        }
    }

    /// Whether [`tidy`](Self::tidy) would find something to do.
    pub fn is_untidy(&self) -> bool {
        let now = monotonic_ns();
        self.is_look_due(now) || self.is_to_grow(now)
    }

    /// Not while a loan is parked: it is a buffer of this segment, and a look may find that another one has to be published.
    fn is_look_due(&self, now: u64) -> bool {
        now >= self.due.look && self.parked.is_none()
    }

    /// Looks whether the name still stands for this segment, and mends it if it does not.
    #[cold]
    #[inline(never)]
    fn look(&mut self, now: u64) {
        self.due.look = now + LOOK_EVERY_NS;
        if self.stepped_down.is_some() {
            return;
        }
        let readers = self.readers().len();
        #[allow(clippy::cast_possible_truncation, reason = "at most 64")]
        self.segment.header().legacy.reader_count.store(readers as u32, Ordering::Relaxed);
        if self.segment.stands() && self.right.stands() {
            return;
        }
        match self.heal() {
            Ok(()) => self.complaints.retain(|complaint| !matches!(complaint, Notice::CannotHeal { .. })),
            Err(Error::SteppedDown { .. }) => {}
            Err(error) => {
                let path = self.segment.path().to_owned();
                self.complain(Notice::CannotHeal { path, problem: error.to_string() });
            }
        }
    }

    /// Tells of something that goes on, once.
    fn complain(&mut self, notice: Notice) {
        if !self.complaints.contains(&notice) {
            self.complaints.push(notice.clone());
            self.tell(notice);
        }
    }

    fn heal(&mut self) -> Result<(), Error> {
        self.reclaim()?;
        if !self.segment.stands() {
            // Without the name nobody finds the segment, without leases and status nobody can attach.
            self.replace(self.segment.geometry, Reason::Healed)?;
            self.tell(Notice::Healed { path: self.segment.path().to_owned() });
        }
        Ok(())
    }

    /// Makes sure that a segment may be published under the name: nobody else's stands there, and the right is ours.
    pub(crate) fn reclaim(&mut self) -> Result<(), Error> {
        // A directory of our own may have gone with all that was in it, and somebody else's may stand there now.
        if let Some(own) = self.options.directories.own(&self.directory) {
            let taken = |problem| Error::NameTaken { path: self.directory.clone(), problem };
            own.prepare().map_err(taken)?;
        }
        if !self.segment.has_its_name()
            && let Predecessor::Live(holder) = Predecessor::look(&self.name, &self.directory)?
        {
            self.step_down(holder);
            return self.check_name();
        }
        if !self.right.stands() {
            // The file is gone, and with it the right: whoever asks first has it. Its old lock protects nothing.
            self.right = Right::take(&self.name, &self.directory)?;
        }
        Ok(())
    }

    fn step_down(&mut self, holder: String) {
        self.tell(Notice::SteppedDown { path: self.segment.path().to_owned(), holder: holder.clone() });
        self.set_state(State::Closed, Reason::NameTaken);
        self.stepped_down = Some(holder);
    }

    fn is_to_grow(&self, now: u64) -> bool {
        let segment = &*self.segment;
        self.publisher.slots() < segment.max_slots()
            && now >= self.due.grow
            && self.publisher.is_exhausted(segment, segment.pinned())
    }

    /// Adds a buffer if the frame just published has taken the last free one.
    fn grow_if_exhausted(&mut self, now: u64) {
        if self.is_to_grow(now) {
            self.grow(now);
        }
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, now: u64) {
        let slots = self.publisher.slots();
        match self.segment.grow(slots) {
            Ok(()) => {
                self.publisher.grow();
                self.tell(Notice::Grew { buffers: slots + 1 });
            }
            Err(problem) => {
                self.due.grow = now + TRY_AGAIN_NS;
                self.complain(Notice::CannotGrow { buffers: slots, problem: problem.to_string() });
            }
        }
    }

    /// Counts a frame that found no buffer, and says who holds them.
    #[cold]
    #[inline(never)]
    pub(crate) fn starve(&mut self) {
        let now = monotonic_ns();
        self.add_dropped(1);
        if now >= self.due.starved {
            self.due.starved = now + TRY_AGAIN_NS;
            self.tell(Notice::Starved { buffers: self.publisher.slots(), holders: self.holders(now) });
        }
        self.tidy();
    }

    fn holders(&self, now: u64) -> String {
        let describe = |reader: crate::ReaderFigures| {
            let since = reader.held_since_ns.map_or(0, |since| now.saturating_sub(since)) / 1_000_000;
            let (name, pid, held) = (reader.name, reader.pid, reader.held);
            format!("'{name}' pid {pid}: {held} of {MAX_HELD} for {since} ms")
        };
        let mut holders: Vec<String> =
            self.readers().into_iter().filter(|reader| reader.held > 0).map(describe).collect();
        let pinned = self.segment.pinned().count_ones();
        if pinned > 0 {
            holders.push(format!("{pinned} by arrays of this process"));
        }
        holders.join(", ")
    }
}
