//! The publishing side of a stream.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::clock::monotonic_ns;
use crate::frame_info::Described;
use crate::layout::{FIRST_SLOTS, MAX_HELD, STATUS_BYTES, STATUS_HEAD_BYTES, file_bytes};
use crate::loan::Loan;
use crate::predecessor::{supersede, sweep};
use crate::protocol::{Lines, Publisher};
use crate::reservation::{Reservation, explain_room, succeed};
use crate::right::Right;
use crate::roster::live;
use crate::segment::Segment;
use crate::state::pack;
use crate::sync::Ordering;
use crate::{
    Access, Directories, Error, FrameInfo, Geometry, Name, Notice, ReaderFigures, Reason, Stamp, State, WriterStats,
};

/// How to publish.
#[derive(Clone, Debug)]
pub struct WriterOptions {
    /// How many buffers there may be, 3 to 16. There are three until readers hold so many that more are needed.
    pub max_buffers: u8,
    /// Who else may watch.
    pub access: Access,
    /// Where the segment may live.
    pub directories: Directories,
}

impl Default for WriterOptions {
    fn default() -> WriterOptions {
        WriterOptions { max_buffers: 8, access: Access::Owner, directories: Directories::standard() }
    }
}

/// The one writer of a name. It owns the right to the name for its life; dropping it ends the stream cleanly.
///
/// Nothing that a reader does makes a method of it wait.
#[derive(Debug)]
pub struct Writer {
    pub(crate) name: Name,
    pub(crate) options: WriterOptions,
    pub(crate) directory: PathBuf,
    pub(crate) right: Right,
    pub(crate) segment: Arc<Segment>,
    pub(crate) publisher: Publisher,
    pub(crate) parked: Option<usize>,
    pub(crate) condition: (State, Reason),
    pub(crate) status: (u64, Vec<u8>),
    pub(crate) totals: Totals,
    pub(crate) notices: Vec<Notice>,
    /// Notices of what is still so: not repeated.
    pub(crate) complaints: Vec<Notice>,
    pub(crate) stepped_down: Option<String>,
    pub(crate) due: Due,
}

/// Counts over all segments of a writer's life.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Totals {
    captured: u64,
    published: u64,
    dropped: u64,
    next_number: u64,
    /// Frames of this segment that an old reader could see.
    legacy: u64,
}

/// When, on the monotonic clock, something is to be done again.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Due {
    pub(crate) look: u64,
    pub(crate) grow: u64,
    pub(crate) starved: u64,
}

impl Writer {
    /// Takes the right to `name` and publishes an empty segment under it.
    ///
    /// # Errors
    /// [`Error::NameInUse`] if a live process has the name, [`Error::NameTaken`] if it is another user's or another
    /// program's, [`Error::NoRoom`] if no directory can hold it, [`Error::BadOption`].
    pub fn create(name: &Name, geometry: Geometry, options: WriterOptions) -> Result<Writer, Error> {
        Reservation::take_for(Some(geometry), name, options)?.publish(geometry)
    }

    /// A writer of a segment that has just been given the name.
    pub(crate) fn begin(
        name: Name,
        options: WriterOptions,
        directory: PathBuf,
        right: Right,
        segment: Segment,
        notices: Vec<Notice>,
    ) -> Writer {
        let mut writer = Writer {
            name,
            options,
            directory,
            right,
            segment: Arc::new(segment),
            publisher: Publisher::new(FIRST_SLOTS, MAX_HELD),
            parked: None,
            condition: (State::Live, Reason::None),
            status: (0, Vec::new()),
            totals: Totals::default(),
            notices,
            complaints: Vec::new(),
            stepped_down: None,
            due: Due::default(),
        };
        writer.furnish();
        writer
    }

    /// A buffer for the next frame, or `None` if readers hold every one: the frame is dropped then, and counted.
    ///
    /// # Errors
    /// [`Error::LoanOpen`] while a parked loan is open, [`Error::SteppedDown`] after another writer took the name,
    /// [`Error::Forked`] in a forked child.
    pub fn loan(&mut self) -> Result<Option<Loan<'_>>, Error> {
        self.segment.check_fork()?;
        if self.parked.is_some() {
            return Err(Error::LoanOpen);
        }
        self.check_name()?;
        let segment = &*self.segment;
        let claimed = self.publisher.claim(segment.header(), segment, segment.pinned());
        if claimed.is_none() {
            self.starve();
        }
        Ok(claimed.map(|slot| Loan::new(self, slot)))
    }

    /// The loan that was parked, to publish or to cancel it. None in a forked child: it is the parent's.
    pub fn resume(&mut self) -> Option<Loan<'_>> {
        self.segment.check_fork().ok()?;
        self.parked.take().map(|slot| Loan::new(self, slot))
    }

    pub(crate) fn park(&mut self, slot: usize) {
        self.parked = Some(slot);
    }

    pub(crate) fn publish(&mut self, slot: usize, stamp: &Stamp) -> Result<FrameInfo, Error> {
        self.segment.check_fork()?;
        let published_ns = monotonic_ns();
        let mut info = FrameInfo::new(stamp, self.totals.next_number, published_ns, self.segment.geometry);
        let header = self.segment.header();
        Described::store(&info, &header.descriptors[slot]);
        self.totals.published += 1;
        self.totals.next_number = info.frame_number.wrapping_add(1);
        if slot < FIRST_SLOTS {
            self.totals.legacy += 1;
            header.legacy.advance(slot, &info, self.totals.legacy);
        }
        header.counters.published.store(self.totals.published, Ordering::Relaxed);
        header.counters.heartbeat_ns.store(published_ns, Ordering::Relaxed);
        info.sequence = self.publisher.publish(header, &*self.segment, slot);
        Ok(info)
    }

    /// Goes on with frames of another size or format, in a new segment under the same name. Readers follow; frames of
    /// the old segment stay intact for those who hold them.
    ///
    /// # Errors
    /// As [`create`](Self::create) and [`loan`](Self::loan), with the old segment still in force: there has to be room for
    /// both.
    pub fn reshape(&mut self, geometry: Geometry) -> Result<(), Error> {
        self.segment.check_fork()?;
        if self.parked.is_some() {
            return Err(Error::LoanOpen);
        }
        self.check_name()?;
        self.reclaim()?;
        self.replace(geometry, Reason::NewGeometry)
    }

    /// Publishes a fresh segment in the place of this one, or of whatever of ours stands at the name, and sends this one's
    /// readers there. The caller has made sure of the right to the name.
    pub(crate) fn replace(&mut self, geometry: Geometry, reason: Reason) -> Result<(), Error> {
        let fresh = if self.segment.has_its_name() {
            let (max, access) = (self.options.max_buffers.into(), self.options.access);
            Segment::create(&self.name, &self.directory, geometry, max, access)
        } else {
            succeed(&self.name, &self.directory, geometry, &self.options)
        };
        let fresh = fresh.map_err(|error| explain_room(error, &self.name, &self.directory, geometry))?;
        let old = std::mem::replace(&mut self.segment, Arc::new(fresh));
        supersede(old.header(), reason);
        self.publisher.notify(&*old);
        old.remove_files();
        sweep(&self.name, &self.directory, Some(self.segment.epoch));
        self.publisher = Publisher::new(FIRST_SLOTS, MAX_HELD);
        self.totals.legacy = 0;
        self.due.grow = 0;
        self.complaints.clear();
        self.furnish();
        Ok(())
    }

    /// Brings a fresh segment's state, counters and status to what they are.
    fn furnish(&mut self) {
        let (state, reason) = self.condition;
        self.set_state(state, reason);
        self.store_counters();
        if let Err(problem) = self.store_status() {
            self.tell(Notice::NoStatus { problem: problem.to_string() });
        }
        self.due.look = monotonic_ns() + crate::tend::LOOK_EVERY_NS;
    }

    /// Says what the stream is doing, and wakes the readers who wait. A writer that has lost its name stays CLOSED.
    pub fn set_state(&mut self, state: State, reason: Reason) {
        if self.segment.check_fork().is_err() || self.stepped_down.is_some() {
            return;
        }
        self.condition = (state, reason);
        let condition = &self.segment.header().condition;
        condition.since_ns.store(monotonic_ns(), Ordering::Relaxed);
        // Release: the last frame's `latest` must not move after it; see `View::state`.
        condition.state.store(pack(state, reason), Ordering::Release);
        self.publisher.notify(&*self.segment);
    }

    /// Replaces the status text, which the bus does not look into: at most 65,472 bytes, meant for JSON.
    ///
    /// # Errors
    /// [`Error::StatusTooLong`], or [`Error::Io`].
    pub fn set_status(&mut self, text: &[u8]) -> Result<(), Error> {
        self.segment.check_fork()?;
        let limit = STATUS_BYTES - STATUS_HEAD_BYTES;
        if text.len() > limit {
            return Err(Error::StatusTooLong { got: text.len(), limit });
        }
        self.status.1.clear();
        self.status.1.extend_from_slice(text);
        self.store_status().map_err(Error::io("writing the status of", self.path()))
    }

    fn store_status(&mut self) -> std::io::Result<()> {
        self.status.0 += 2;
        self.segment.write_status(self.status.0, &self.status.1)
    }

    /// Counts frames that the source gave.
    pub fn add_captured(&mut self, frames: u64) {
        self.totals.captured += frames;
        self.store_counters();
    }

    /// Counts frames that were given up before they reached a buffer.
    pub fn add_dropped(&mut self, frames: u64) {
        self.totals.dropped += frames;
        self.store_counters();
    }

    fn store_counters(&self) {
        if self.segment.check_fork().is_err() {
            return;
        }
        let counters = &self.segment.header().counters;
        counters.captured.store(self.totals.captured, Ordering::Relaxed);
        counters.published.store(self.totals.published, Ordering::Relaxed);
        counters.dropped.store(self.totals.dropped, Ordering::Relaxed);
    }

    /// What was done so far.
    pub fn stats(&self) -> WriterStats {
        let segment = &*self.segment;
        let buffers = self.publisher.slots();
        WriterStats {
            captured: self.totals.captured,
            published: self.totals.published,
            dropped: self.totals.dropped,
            buffers,
            buffers_free: self.publisher.free(segment, segment.pinned()),
            latest_slot: self.publisher.latest(),
            segment_bytes: file_bytes(buffers, segment.geometry.frame_bytes()) as u64,
        }
    }

    /// The live readers that hold a line, as they describe themselves. Observers are not among them.
    pub fn readers(&self) -> Vec<ReaderFigures> {
        live(self.segment.leases(), |line| self.segment.is_live(line))
    }

    /// What there is to tell since the last call.
    pub fn notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// The name.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Size and format of the frames.
    pub fn geometry(&self) -> Geometry {
        self.segment.geometry
    }

    /// The random number of the segment in force.
    pub fn epoch(&self) -> u64 {
        self.segment.epoch
    }

    /// The frames file.
    pub fn path(&self) -> &Path {
        self.segment.path()
    }

    pub(crate) fn segment(&self) -> &Arc<Segment> {
        &self.segment
    }

    /// Ends the stream: says why, wakes the readers, removes the files, gives the right back.
    pub fn close(mut self, state: State, reason: Reason) {
        self.condition = (state, reason);
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if self.segment.check_fork().is_err() {
            return; // the parent's stream goes on
        }
        let (state, reason) = match self.condition {
            said @ (State::Ended | State::Failed | State::Closed, _) => said,
            _ => (State::Closed, Reason::Stopped),
        };
        self.set_state(state, reason);
        self.segment.remove_files();
    }
}
