//! Finding a place for a stream: the first directory that serves, where no one else has the name; first the right to
//! the name, then, when the frames' size is known, the segment.

use std::fs;
use std::path::Path;

use crate::directories::Candidate;
use crate::files;
use crate::layout::{FIRST_SLOTS, file_bytes};
use crate::predecessor::{Predecessor, live_writer, sweep};
use crate::protocol::MAX_SLOTS;
use crate::right::{Right, current_holder};
use crate::segment::Segment;
use crate::{Error, Geometry, Name, Notice, Writer, WriterOptions};

/// The right to a name, without a segment yet: for who has to open a camera before its frames' size is known.
///
/// No other writer of the name can start meanwhile, and a reader that waits for the name is told who holds it. Dropping
/// it gives the right back.
#[derive(Debug)]
#[must_use = "dropping a reservation gives the name back"]
pub struct Reservation {
    name: Name,
    options: WriterOptions,
    right: Right,
    /// Which of the directories the right is in.
    place: usize,
    /// Why those before it did not serve.
    attempts: Vec<String>,
}

enum Failure {
    /// The name is not to be had, here or elsewhere.
    Final(Error),
    /// This directory does not serve, for a reason in words.
    Here(String),
}

impl Reservation {
    /// Takes the right to `name`, in the first directory that serves.
    ///
    /// # Errors
    /// [`Error::NameInUse`] if a live process has the name, [`Error::NameTaken`] if it is another user's or another
    /// program's, [`Error::NoRoom`] if no directory serves, [`Error::BadOption`].
    pub fn take(name: &Name, options: WriterOptions) -> Result<Reservation, Error> {
        Reservation::take_for(None, name, options)
    }

    /// As [`take`](Self::take), where it is known already what is to be published.
    pub(crate) fn take_for(
        geometry: Option<Geometry>,
        name: &Name,
        options: WriterOptions,
    ) -> Result<Reservation, Error> {
        if !(FIRST_SLOTS..=MAX_SLOTS).contains(&usize::from(options.max_buffers)) {
            let value = options.max_buffers.into();
            return Err(Error::BadOption { option: "max_buffers", value, allowed: "3 to 16" });
        }
        Reservation::take_from(0, geometry, name.clone(), options, Vec::new())
    }

    fn take_from(
        first: usize,
        geometry: Option<Geometry>,
        name: Name,
        options: WriterOptions,
        mut attempts: Vec<String>,
    ) -> Result<Reservation, Error> {
        for (place, candidate) in options.directories.candidates().iter().enumerate().skip(first) {
            match claim(&name, &options, candidate, geometry) {
                Ok(right) => return Ok(Reservation { name, options, right, place, attempts }),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Here(problem)) => attempts.push(format!("{}: {problem}", candidate.path().display())),
            }
        }
        Err(Error::NoRoom { name: name.to_string(), attempts: attempts.join("; ") })
    }

    /// Publishes an empty segment under the name, here or in a later directory if it does not fit.
    ///
    /// # Errors
    /// As [`take`](Self::take); the right is given back then. [`Error::Forked`] in a forked child.
    pub fn publish(mut self, geometry: Geometry) -> Result<Writer, Error> {
        self.right.check_fork()?;
        loop {
            let candidates = self.options.directories.candidates();
            let candidate = &candidates[self.place];
            let problem = match succeed(&self.name, candidate.path(), geometry, &self.options) {
                Ok(segment) => {
                    for other in others(candidates, candidate) {
                        clear(&self.name, other);
                    }
                    let notice = || Notice::FellBack {
                        path: segment.path().to_owned(),
                        attempts: self.attempts.join("; "),
                        is_memory: candidate.is_memory(),
                    };
                    let notices = if self.attempts.is_empty() { Vec::new() } else { vec![notice()] };
                    let directory = candidate.path().to_owned();
                    return Ok(Writer::begin(self.name, self.options, directory, self.right, segment, notices));
                }
                Err(error) if is_full(&error) => no_space(Some(geometry), &free(candidate)),
                Err(error @ Error::Io { .. }) => {
                    // Another user may have taken the name since the look: that is an error, not a reason to go elsewhere.
                    Predecessor::look(&self.name, candidate.path())?;
                    error.to_string()
                }
                Err(error) => return Err(error),
            };
            self.attempts.push(format!("{}: {problem}", candidate.path().display()));
            drop(self.right);
            self = Reservation::take_from(self.place + 1, Some(geometry), self.name, self.options, self.attempts)?;
        }
    }

    /// The name.
    pub fn name(&self) -> &Name {
        &self.name
    }
}

/// Takes the right in one directory, if nobody publishes in another.
fn claim(
    name: &Name,
    options: &WriterOptions,
    candidate: &Candidate,
    geometry: Option<Geometry>,
) -> Result<Right, Failure> {
    candidate.prepare().map_err(Failure::Here)?;
    let directory = candidate.path();
    let right = Right::take(name, directory).map_err(|error| match error {
        error if is_full(&error) => Failure::Here(no_space(geometry, &free(candidate))),
        Error::Io { .. } => Failure::Here(error.to_string()),
        error => Failure::Final(error),
    })?;
    // With the right in hand: of two that start at the same moment in different directories, at most one finds nobody.
    for other in others(options.directories.candidates(), candidate) {
        let locked = current_holder(name, other).map(|holder| (holder, name.lock(other)));
        // A live writer whose lock file somebody has removed. What else stands there is that directory's own matter.
        let live = || live_writer(name, other).map(|holder| (holder, name.frames(other)));
        if let Some((holder, path)) = locked.or_else(live) {
            return Err(Failure::Final(Error::NameInUse { name: name.to_string(), holder, path }));
        }
    }
    // What stands under the name here is looked at now, and not only when there is a frame to publish.
    match Predecessor::look(name, directory) {
        Ok(Predecessor::Live(holder)) => {
            let path = name.frames(directory);
            Err(Failure::Final(Error::NameInUse { name: name.to_string(), holder, path }))
        }
        Ok(_) | Err(Error::Io { .. }) => Ok(right),
        Err(error) => Err(Failure::Final(error)),
    }
}

/// The directories of a list, but for one, that are what they should be.
fn others<'c>(candidates: &'c [Candidate], one: &Candidate) -> impl Iterator<Item = &'c Path> {
    let other = move |candidate: &&Candidate| candidate.path() != one.path() && candidate.check().is_ok();
    candidates.iter().filter(other).map(Candidate::path)
}

/// Removes what killed writers have left in a directory that was not chosen this time, and sends their readers here.
fn clear(name: &Name, directory: &Path) {
    let names = [name.frames(directory), name.lock(directory)];
    let is_ours = |file: &str| names.contains(&directory.join(file)) || name.epoch_of(file).is_some();
    let mut files = fs::read_dir(directory).into_iter().flatten().flatten();
    if !files.any(|entry| entry.file_name().to_str().is_some_and(is_ours)) {
        return;
    }
    // A right that cannot be had, or a file that is not ours, is none of our business there.
    let Ok(_right) = Right::take(name, directory) else { return };
    match Predecessor::look(name, directory) {
        Ok(Predecessor::Live(_)) => return,
        Ok(Predecessor::Dead(remains)) => {
            remains.remove();
            remains.supersede();
        }
        _ => {}
    }
    sweep(name, directory, None);
}

/// Publishes a segment over whatever a dead writer has left. The caller has the right to the name.
pub(crate) fn succeed(
    name: &Name,
    directory: &Path,
    geometry: Geometry,
    options: &WriterOptions,
) -> Result<Segment, Error> {
    let predecessor = Predecessor::look(name, directory)?;
    if let Predecessor::Live(holder) = predecessor {
        return Err(Error::NameInUse { name: name.to_string(), holder, path: name.frames(directory) });
    }
    let dead = if let Predecessor::Dead(remains) = predecessor { Some(remains) } else { None };
    // What lies about takes room that the new segment may need; the last writer's last frame goes last of all.
    sweep(name, directory, dead.as_ref().map(|remains| remains.epoch));
    let create = || Segment::create(name, directory, geometry, options.max_buffers.into(), options.access);
    let segment = match (create(), &dead) {
        (Err(error), Some(remains)) if is_full(&error) => {
            remains.remove();
            sweep(name, directory, None);
            create()?
        }
        (created, _) => created?,
    };
    if let Some(remains) = dead {
        remains.supersede();
    }
    sweep(name, directory, Some(segment.epoch));
    Ok(segment)
}

/// Says of a segment that finds no room beside another one how much it needs, and what gives it. Other errors stay as they
/// are.
pub(crate) fn explain_room(error: Error, name: &Name, directory: &Path, geometry: Geometry) -> Error {
    if !is_full(&error) {
        return error;
    }
    let attempts = format!("{}: {}", directory.display(), no_space(Some(geometry), " beside the one in use"));
    Error::NoRoom { name: name.to_string(), attempts }
}

fn is_full(error: &Error) -> bool {
    matches!(error, Error::Io { source, .. } if files::is_full(source))
}

#[allow(clippy::cast_precision_loss, reason = "megabytes for people")]
fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

/// What is free in a directory, if the system tells.
fn free(candidate: &Candidate) -> String {
    candidate.free_bytes().map_or_else(String::new, |free| format!(" and {} are free", megabytes(free)))
}

fn no_space(geometry: Option<Geometry>, there_is: &str) -> String {
    let needed = geometry.map_or_else(String::new, |geometry| {
        format!(": {geometry} needs {}", megabytes(file_bytes(FIRST_SLOTS, geometry.frame_bytes()) as u64))
    });
    format!(
        "no space left{needed}{there_is} (make it larger with 'mount -o remount,size=...', in a container with --shm-size)"
    )
}
