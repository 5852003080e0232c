//! Finding a place for a stream: the first directory that serves, where no one else has the name.

use std::path::{Path, PathBuf};

use crate::directories::Candidate;
use crate::layout::{FIRST_SLOTS, file_bytes};
use crate::predecessor::{Predecessor, sweep};
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
    for candidate in candidates.iter().filter(|candidate| candidate.check().is_ok()) {
        if let Some(holder) = current_holder(name, candidate.path()) {
            let path = name.lock(candidate.path());
            return Err(Error::NameInUse { name: name.to_string(), holder, path });
        }
        // A live writer whose lock file somebody has removed. What else stands there is this directory's own matter.
        if let Ok(Predecessor::Live(holder)) = Predecessor::look(name, candidate.path()) {
            let path = name.frames(candidate.path());
            return Err(Error::NameInUse { name: name.to_string(), holder, path });
        }
    }
    let needed = file_bytes(FIRST_SLOTS, geometry.frame_bytes());
    let mut attempts = Vec::new();
    for candidate in candidates {
        match settle(name, geometry, options, candidate) {
            Ok((right, segment)) => {
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
    let segment = succeed(name, directory, geometry, options).map_err(sort)?;
    Ok((right, segment))
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
    let segment = Segment::create(name, directory, geometry, options.max_buffers.into(), options.access)?;
    if let Predecessor::Dead(remains) = predecessor {
        remains.supersede();
    }
    sweep(name, directory, segment.epoch);
    Ok(segment)
}

fn sort(error: Error, candidate: &Candidate, geometry: Geometry) -> Failure {
    match error {
        Error::Io { source, .. } if matches!(source.raw_os_error(), Some(libc::ENOSPC | libc::EDQUOT)) => {
            Failure::Here(no_space(candidate, geometry))
        }
        Error::Io { .. } => Failure::Here(error.to_string()),
        error => Failure::Final(error),
    }
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
