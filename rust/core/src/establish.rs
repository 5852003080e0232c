//! Finding a place for a stream: the first directory that serves, where no one else has the name.

use std::fs;
use std::path::{Path, PathBuf};

use crate::directories::Candidate;
use crate::layout::{FIRST_SLOTS, file_bytes};
use crate::predecessor::{Predecessor, live_writer, sweep};
use crate::right::{Right, current_holder};
use crate::segment::Segment;
use crate::{Error, Geometry, Name, Notice, WriterOptions};

/// Takes the right to the name and publishes a segment in the first directory that serves.
pub(crate) fn establish(
    name: &Name,
    geometry: Geometry,
    options: &WriterOptions,
) -> Result<(Right, Segment, PathBuf, Vec<Notice>), Error> {
    let candidates = options.directories.candidates();
    let needed = file_bytes(FIRST_SLOTS, geometry.frame_bytes());
    let mut attempts = Vec::new();
    for candidate in candidates {
        match settle(name, geometry, options, candidate) {
            Ok((right, segment)) => {
                for other in others(candidates, candidate) {
                    clear(name, other);
                }
                let notice = || Notice::FellBack {
                    path: segment.path().to_owned(),
                    attempts: attempts.join("; "),
                    is_memory: candidate.is_memory(),
                };
                let notices = if attempts.is_empty() { Vec::new() } else { vec![notice()] };
                return Ok((right, segment, candidate.path().to_owned(), notices));
            }
            Err(Failure::Final(error)) => return Err(error),
            Err(Failure::Here(problem)) => attempts.push(format!("{}: {problem}", candidate.path().display())),
        }
    }
    #[allow(clippy::cast_precision_loss, reason = "megabytes for people")]
    let needed_mb = needed as f64 / 1e6;
    Err(Error::NoRoom { name: name.to_string(), needed_mb, attempts: attempts.join("; ") })
}

enum Failure {
    /// The name is not to be had, here or elsewhere.
    Final(Error),
    /// This directory does not serve, for a reason in words.
    Here(String),
}

fn settle(
    name: &Name,
    geometry: Geometry,
    options: &WriterOptions,
    candidate: &Candidate,
) -> Result<(Right, Segment), Failure> {
    candidate.prepare().map_err(Failure::Here)?;
    let directory = candidate.path();
    let sort = |error| sort(error, candidate, geometry);
    let right = Right::take(name, directory).map_err(sort)?;
    // With the right in hand: of two that start at the same moment in different directories, at most one finds nobody.
    for other in others(options.directories.candidates(), candidate) {
        let locked = current_holder(name, other).map(|holder| (holder, name.lock(other)));
        // A live writer whose lock file somebody has removed. What else stands there is that directory's own matter.
        let live = || live_writer(name, other).map(|holder| (holder, name.frames(other)));
        if let Some((holder, path)) = locked.or_else(live) {
            return Err(Failure::Final(Error::NameInUse { name: name.to_string(), holder, path }));
        }
    }
    let segment = succeed(name, directory, geometry, options).map_err(sort)?;
    Ok((right, segment))
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
    if let Ok(Predecessor::Dead(remains)) = Predecessor::look(name, directory) {
        remains.remove();
        remains.supersede();
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

fn sort(error: Error, candidate: &Candidate, geometry: Geometry) -> Failure {
    match error {
        error if is_full(&error) => Failure::Here(no_space(candidate, geometry)),
        Error::Io { .. } => Failure::Here(error.to_string()),
        error => Failure::Final(error),
    }
}

fn is_full(error: &Error) -> bool {
    let Error::Io { source, .. } = error else { return false };
    matches!(source.raw_os_error(), Some(libc::ENOSPC | libc::EDQUOT))
}

#[allow(clippy::cast_precision_loss, reason = "megabytes for people")]
fn no_space(candidate: &Candidate, geometry: Geometry) -> String {
    let needed = file_bytes(FIRST_SLOTS, geometry.frame_bytes()) as f64 / 1e6;
    let free =
        candidate.free_bytes().map_or_else(String::new, |free| format!(" and {:.1} MB are free", free as f64 / 1e6));
    format!(
        "no space left: {geometry} needs {needed:.1} MB{free} (make it larger with 'mount -o remount,size=...', in a \
         container with --shm-size)"
    )
}
