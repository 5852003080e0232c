//! The reading side of a stream.

use std::path::PathBuf;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::attachment::Attachment;
use crate::clock::monotonic_ns;
use crate::error::BEING_REPLACED;
use crate::following::Refused;
use crate::fork::Generation;
use crate::layout::MAX_HELD;
use crate::lease::NoLease;
use crate::rhythm::Rhythm;
use crate::search::{Search, search};
use crate::sync::Mutex;
use crate::waiting::is_over;
use crate::{
    Anticipation, BufferView, Counters, Directories, Error, Frame, Geometry, Name, ReaderFigures, Reason, State,
};

/// How often an attaching reader looks for the name.
const SEARCH_EVERY: Duration = Duration::from_millis(10);

/// How to read.
#[derive(Clone, Debug)]
pub struct ReaderOptions {
    /// How long [`Reader::attach`] waits for a live writer.
    pub timeout: Duration,
    /// Whether a dead writer's segment is good enough.
    pub allow_dead: bool,
    /// A user, beside this process's own and root, whose stream may be watched.
    pub owner: Option<u32>,
    /// A name to be seen by, cut at 64 bytes.
    pub reader_name: String,
    /// How many frames the handle may hold at once, 1 to 3.
    pub max_leases: u8,
    /// To watch without a line of one's own: every frame is a private copy. Another user's stream is always watched so.
    pub observe: bool,
    /// Not to be woken for a frame, where it can be helped: waits learn the publisher's rhythm, sleep until just before the
    /// next frame is due, and poll for it, for at most 3 % of the time. Where there is no rhythm, they sleep.
    pub low_latency: bool,
    /// Where to look.
    pub directories: Directories,
}

impl Default for ReaderOptions {
    fn default() -> ReaderOptions {
        ReaderOptions {
            timeout: Duration::from_secs(5),
            allow_dead: false,
            owner: None,
            reader_name: String::new(),
            max_leases: 3,
            observe: false,
            low_latency: false,
            directories: Directories::standard(),
        }
    }
}

/// A handle on a stream. It follows the name over restarts, changes of size and removals by itself.
///
/// Several threads may use one handle; each frame then goes to one of them, since what was seen last belongs to the
/// handle.
#[derive(Debug)]
pub struct Reader {
    pub(crate) name: Name,
    pub(crate) options: ReaderOptions,
    cursor: Mutex<Cursor>,
    /// The cursor's attachment once more, for who only wants to know something: the cursor is locked while an observer
    /// copies. Locked after the cursor, where both are.
    current: Mutex<Arc<Attachment>>,
    pub(crate) generation: Generation,
}

#[derive(Debug)]
pub(crate) struct Cursor {
    pub(crate) attachment: Arc<Attachment>,
    /// The sequence last read of this segment; `None` before the first of a first segment.
    pub(crate) seen: Option<u64>,
    /// Frames of earlier segments that nobody took.
    pub(crate) carried: u64,
    /// When the handle last looked for a successor of the segment, and at which number of it.
    pub(crate) looked_ns: u64,
    pub(crate) looked_into: Option<u32>,
    /// When the last frame that it has given was published, by the header's word.
    pub(crate) heard_ns: u64,
    /// What a handle that asked for low latency knows of its publisher.
    pub(crate) rhythm: Option<Rhythm>,
    /// What keeps the handle from going on with a successor that is there.
    pub(crate) refused: Option<Refused>,
}

impl Reader {
    /// Attaches to the stream `name`, waiting for it up to the options' time-out.
    ///
    /// # Errors
    /// [`Error::NotCreated`] if no live writer was found in time, [`Error::NotAccessible`] if what was found may not be
    /// read, [`Error::LinesFull`], [`Error::BadOption`].
    pub fn attach(name: &Name, options: ReaderOptions) -> Result<Reader, Error> {
        Reader::attach_with(name, options, &mut || false)
    }

    /// As [`attach`](Self::attach), asking `interrupt` while it waits; [`Error::Interrupted`] when it says so.
    ///
    /// # Errors
    /// As [`attach`](Self::attach).
    pub fn attach_with(
        name: &Name,
        options: ReaderOptions,
        interrupt: &mut dyn FnMut() -> bool,
    ) -> Result<Reader, Error> {
        if !(1..=MAX_HELD).contains(&options.max_leases.into()) {
            let value = options.max_leases.into();
            return Err(Error::BadOption { option: "max_leases", value, allowed: "1 to 3" });
        }
        let start = Instant::now();
        let attachment = loop {
            let problem = match search(name, &options) {
                Search::Found(found) => match Attachment::open(name, *found, &options) {
                    Ok(attachment) => break attachment,
                    Err(NoLease::Replaced) => Ok(BEING_REPLACED.to_owned()),
                    Err(NoLease::Refused(error)) => return Err(error),
                },
                Search::Nothing(hint) => Ok(hint),
                Search::Refused(problem) => Err(problem),
            };
            let left = options.timeout.saturating_sub(start.elapsed());
            if left.is_zero() {
                let (name, seconds) = (name.to_string(), options.timeout.as_secs_f64());
                return Err(match problem {
                    Ok(hint) => Error::NotCreated { name, seconds, hint },
                    Err(problem) => Error::NotAccessible { name, seconds, problem },
                });
            }
            if interrupt() {
                return Err(Error::Interrupted);
            }
            thread::sleep(left.min(SEARCH_EVERY));
        };
        let attachment = Arc::new(attachment);
        let current = Mutex::new(Arc::clone(&attachment));
        let rhythm = options.low_latency.then(Rhythm::default);
        let cursor = Mutex::new(Cursor {
            attachment,
            seen: None,
            carried: 0,
            looked_ns: monotonic_ns(),
            looked_into: None,
            heard_ns: 0,
            rhythm,
            refused: None,
        });
        Ok(Reader { name: name.clone(), options, cursor, current, generation: Generation::current() })
    }

    /// The newest frame, if it is newer than the last one this handle gave. Never waits; where nothing is newer, and there
    /// has been nothing for 250 ms, or no look for two seconds, it looks whether another segment has taken the name.
    ///
    /// # Errors
    /// [`Error::TooManyLeases`], [`Error::Corrupt`], [`Error::Forked`]; where another segment has had the name for two
    /// seconds and cannot be attached, why: [`Error::NotAccessible`], [`Error::LinesFull`].
    pub fn newest(&self) -> Result<Option<Frame>, Error> {
        self.generation.check()?;
        let mut cursor = self.cursor();
        let frame = self.take(&mut cursor)?;
        if frame.is_some() || !cursor.is_look_due() {
            return Ok(frame);
        }
        let number = cursor.attachment.number().ok();
        if self.follow(&mut cursor, number) {
            return cursor.take();
        }
        cursor.check_refusal()?;
        Ok(None)
    }

    /// As [`newest`](Self::newest), but only looks into the segment attached now, and gives nothing if that is over, or if it
    /// is time to look for another: it never takes longer than a hold, or an observer's copy.
    ///
    /// # Errors
    /// As [`newest`](Self::newest).
    pub fn newest_here(&self) -> Result<Option<Frame>, Error> {
        self.generation.check()?;
        let mut cursor = self.cursor();
        if is_over(cursor.attachment.state()?) || cursor.is_overdue() { Ok(None) } else { cursor.take() }
    }

    /// The newest frame of this segment, or of its successor if it is over and has one.
    pub(crate) fn take(&self, cursor: &mut Cursor) -> Result<Option<Frame>, Error> {
        if cursor.is_overdue() {
            let number = cursor.attachment.number().ok();
            self.follow(cursor, number);
        }
        match self.take_or_follow(cursor) {
            // Cut off, damaged: a successor would be whole.
            Err(Error::Corrupt { .. }) if cursor.is_look_due() && self.follow(cursor, None) => cursor.take(),
            taken => taken,
        }
    }

    fn take_or_follow(&self, cursor: &mut Cursor) -> Result<Option<Frame>, Error> {
        // The state comes before the frame: one that was published before the end is seen before the end is.
        if is_over(cursor.attachment.state()?) {
            let number = cursor.attachment.number()?;
            if cursor.looked_into != Some(number) {
                self.follow(cursor, Some(number));
            }
        }
        cursor.take()
    }

    /// The buffers of the segment attached now, for code that prepares arrays over them before there is a frame to show.
    /// None for an observer.
    ///
    /// # Errors
    /// [`Error::Forked`].
    pub fn buffers(&self) -> Result<Vec<BufferView>, Error> {
        let attachment = self.attachment()?;
        Ok((0..attachment.slots_to_hold()).map(|slot| BufferView::new(Arc::clone(&attachment), slot)).collect())
    }

    /// Whether these are the buffers of the segment attached now, each once and in their order.
    ///
    /// # Errors
    /// [`Error::Forked`].
    pub fn has_buffers<'v>(&self, views: impl ExactSizeIterator<Item = &'v BufferView>) -> Result<bool, Error> {
        let attachment = self.attachment()?;
        let all_there = views.len() == attachment.slots_to_hold();
        Ok(all_there && views.enumerate().all(|(slot, view)| view.is_slot_of(slot, &attachment)))
    }

    /// Size and format of the frames of the segment attached now.
    ///
    /// # Errors
    /// [`Error::Forked`], as of all that follow.
    pub fn geometry(&self) -> Result<Geometry, Error> {
        Ok(self.attachment()?.geometry)
    }

    /// What the stream is doing, as its writer last said.
    ///
    /// # Errors
    /// [`Error::Io`] if another user's file has been cut off.
    pub fn state(&self) -> Result<(State, Reason), Error> {
        let attachment = self.attachment()?;
        attachment.view().state().map_err(Error::io("reading", &attachment.path))
    }

    /// Whether the segment's writer lives, by the kernel's word.
    ///
    /// # Errors
    /// [`Error::Forked`].
    pub fn writer_alive(&self) -> Result<bool, Error> {
        Ok(self.attachment()?.writer_lives())
    }

    /// The writer's process, for people.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn writer_pid(&self) -> Result<u32, Error> {
        self.figures().map(|(_, pid)| pid)
    }

    /// The counters in the header.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn counters(&self) -> Result<Counters, Error> {
        self.figures().map(|(counters, _)| counters)
    }

    fn figures(&self) -> Result<(Counters, u32), Error> {
        let attachment = self.attachment()?;
        attachment.view().counters(attachment.file()).map_err(Error::io("reading", &attachment.path))
    }

    /// The live readers that hold a line in the segment, as they describe themselves. Observers are not among them.
    ///
    /// # Errors
    /// [`Error::Io`] if the stream is another user's.
    pub fn readers(&self) -> Result<Vec<ReaderFigures>, Error> {
        self.attachment()?.roster(&self.name)
    }

    /// The status text that the writer last gave.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn status(&self) -> Result<Vec<u8>, Error> {
        self.attachment()?.status(&self.name)
    }

    /// Whether frames are copies, because the handle has no line of its own.
    ///
    /// # Errors
    /// [`Error::Forked`].
    pub fn is_observer(&self) -> Result<bool, Error> {
        Ok(self.attachment()?.lease().is_none())
    }

    /// What became of the waits of a handle that asked for low latency; zeros for another.
    pub fn anticipation(&self) -> Anticipation {
        self.cursor().rhythm.as_ref().map_or(Anticipation::default(), |rhythm| rhythm.anticipation)
    }

    /// The random number of the segment attached now.
    ///
    /// # Errors
    /// [`Error::Forked`].
    pub fn epoch(&self) -> Result<u64, Error> {
        Ok(self.attachment()?.epoch)
    }

    /// The frames file.
    ///
    /// # Errors
    /// [`Error::Forked`].
    pub fn path(&self) -> Result<PathBuf, Error> {
        Ok(self.attachment()?.path.clone())
    }

    /// The name.
    pub fn name(&self) -> &Name {
        &self.name
    }

    fn attachment(&self) -> Result<Arc<Attachment>, Error> {
        // Before the lock: in a forked child a thread that is not there may hold it for ever.
        self.generation.check()?;
        Ok(Arc::clone(&self.current.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Goes on with another segment.
    pub(crate) fn move_to(&self, cursor: &mut Cursor, fresh: Attachment) {
        (cursor.attachment, cursor.looked_into) = (Arc::new(fresh), None);
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&cursor.attachment);
    }

    pub(crate) fn cursor(&self) -> MutexGuard<'_, Cursor> {
        self.cursor.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cursor {
    /// The newest frame of the segment attached now, if it is newer than the last one given.
    fn take(&mut self) -> Result<Option<Frame>, Error> {
        let Some(taken) = self.attachment.take(self.seen.unwrap_or(0))? else { return Ok(None) };
        let sequence = taken.newest.sequence;
        let missed = self.missed_before(sequence);
        let info = taken.described.into_info(sequence, missed, self.attachment.geometry);
        (self.seen, self.carried, self.heard_ns) = (Some(sequence), 0, info.published_ns);
        if let Some(rhythm) = &mut self.rhythm {
            rhythm.learn(sequence, info.published_ns);
        }
        if let Some(lease) = self.attachment.lease() {
            lease.note(sequence, missed, taken.first_hold);
        }
        Ok(Some(Frame::new(Arc::clone(&self.attachment), taken.pixels, info)))
    }

    /// Frames published since the last one read and before `sequence`. A first read misses nothing.
    fn missed_before(&self, sequence: u64) -> u64 {
        self.seen.map_or(0, |seen| self.carried + ((sequence - seen) / 2).saturating_sub(1))
    }
}
