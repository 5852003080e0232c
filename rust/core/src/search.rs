//! Finding a stream: which of the files under a name is the one to read, and what to say if there is none.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::clock::monotonic_ns;
use crate::files::{FileId, distrust, explain, open_existing, own_uid};
use crate::layout::{ABI, Descriptor, FIRST_SLOTS, HEADER_BYTES, LINES, MAGIC, at, buffer_start, file_bytes};
use crate::lock::is_locked;
use crate::protocol::{Latest, MAX_SLOTS};
use crate::right::current_holder;
use crate::{Format, Geometry, Name, ReaderOptions};

/// A segment that was found, opened and checked. What its header says was copied once and is used from here.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) file: File,
    pub(crate) id: FileId,
    pub(crate) directory: PathBuf,
    pub(crate) path: PathBuf,
    pub(crate) geometry: Geometry,
    pub(crate) epoch: u64,
    pub(crate) max_slots: usize,
    pub(crate) owner: u32,
    pub(crate) is_live: bool,
}

/// What a search came to.
#[derive(Debug)]
pub(crate) enum Search {
    /// A segment to read.
    Found(Box<Found>),
    /// None, and what is known of why.
    Nothing(String),
    /// Something that cannot be read, and why.
    Refused(String),
}

/// Looks in all directories for the first segment with a live writer, or, where that is allowed, for a dead one's.
pub(crate) fn search(name: &Name, options: &ReaderOptions) -> Search {
    let (mut dead, mut refused) = (None, None);
    for candidate in options.directories.candidates().iter().filter(|candidate| candidate.check().is_ok()) {
        match open(name, candidate.path(), options.owner) {
            Ok(Some(found)) if found.is_live => return Search::Found(Box::new(found)),
            Ok(Some(found)) => dead = dead.or(Some(found)),
            Ok(None) => {}
            Err(problem) => refused = refused.or(Some(problem)),
        }
    }
    match (dead, refused) {
        (Some(found), _) if options.allow_dead => Search::Found(Box::new(found)),
        (_, Some(problem)) => Search::Refused(problem),
        (dead, None) => Search::Nothing(hint(name, options, dead.as_ref())),
    }
}

/// Opens what stands under the name in one directory. `None`: nothing. The error says what is wrong with it.
fn open(name: &Name, directory: &Path, owner: Option<u32>) -> Result<Option<Found>, String> {
    let path = name.frames(directory);
    let wrong = |problem: &str| format!("'{}': {problem}", path.display());
    let file = match open_existing(&path, false) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|error| wrong(&explain(&error, &path)))?,
    };
    let metadata = file.metadata().map_err(|error| wrong(&error.to_string()))?;
    let mut owners = vec![own_uid(), 0];
    owners.extend(owner);
    match distrust(&metadata, &owners) {
        Some(_) if metadata.nlink() == 0 => return Ok(None),
        Some(problem) if !owners.contains(&metadata.uid()) => {
            return Err(wrong(&format!(
                "{problem}; to watch that user's stream, name it with owner={}",
                metadata.uid()
            )));
        }
        Some(problem) => return Err(wrong(&problem)),
        None => {}
    }
    let mut page = [0; HEADER_BYTES];
    file.read_exact_at(&mut page, 0).map_err(|_| wrong("it is shorter than a header: not a segment, or cut off"))?;
    let (geometry, epoch, max_slots) = check(&page, metadata.len()).map_err(|problem| wrong(&problem))?;
    let is_live = is_locked(&file, 0).map_err(|error| wrong(&error.to_string()))?;
    let (id, owner) = (FileId::of(&metadata), metadata.uid());
    Ok(Some(Found { file, id, directory: directory.to_owned(), path, geometry, epoch, max_slots, owner, is_live }))
}

/// Checks a header and gives what it says. Everything in it is another process's word.
fn check(page: &[u8; HEADER_BYTES], length: u64) -> Result<(Geometry, u64, usize), String> {
    let u32_at = |at: usize| u32::from_le_bytes(page[at..at + 4].try_into().expect("four bytes"));
    let u64_at = |at: usize| u64::from_le_bytes(page[at..at + 8].try_into().expect("eight bytes"));
    if u64_at(at::MAGIC) != MAGIC {
        return Err("it is not a segment of billiards_video: another program's file, or an older system's".to_owned());
    }
    let abi = u32_at(at::ABI);
    if abi != ABI {
        return Err(format!(
            "its layout is version {abi}, this reader knows version {ABI}: use the same release on both sides"
        ));
    }
    let (width, height, format) = (u32_at(at::WIDTH), u32_at(at::HEIGHT), u32_at(at::FORMAT));
    let geometry = Format::from_code(format)
        .and_then(|format| Geometry::new(width, height, format).ok())
        .ok_or_else(|| format!("its header is damaged: {width}x{height} in format {format} is no frame"))?;
    let max_slots = u32_at(at::MAX_BUFFERS) as usize;
    let agrees = u32_at(at::HEADER_BYTES) as usize == HEADER_BYTES
        && u64_at(at::FRAME_BYTES) == geometry.frame_bytes() as u64
        && (FIRST_SLOTS..=MAX_SLOTS).contains(&max_slots)
        && u32_at(at::LEASE_LINES) as usize == LINES
        && u32_at(at::DESCRIPTOR_BYTES) as usize == size_of::<Descriptor>();
    if !agrees {
        return Err("its header is damaged: the sizes in it contradict each other".to_owned());
    }
    let least = file_bytes(FIRST_SLOTS, geometry.frame_bytes()) as u64;
    if length < least {
        return Err(format!("it is cut off: {length} bytes, {geometry} takes at least {least}"));
    }
    Ok((geometry, u64_at(at::EPOCH), max_slots))
}

/// What to tell somebody who found no live writer.
fn hint(name: &Name, options: &ReaderOptions, dead: Option<&Found>) -> String {
    let holder = options
        .directories
        .candidates()
        .iter()
        .filter(|candidate| candidate.check().is_ok())
        .find_map(|candidate| current_holder(name, candidate.path()));
    if let Some(holder) = holder {
        return format!(
            ": {holder} holds the name, but its source has given no frame yet; see its log (a name that was removed comes back \
             within a second)"
        );
    }
    match dead {
        Some(found) => format!(
            ": its writer has died ({}); start the capture process (python -m billiards_video), or read the last frame \
             with allow_dead=True",
            last_words(found)
        ),
        None => {
            ": no process publishes it; start one with 'python -m billiards_video', and compare the names".to_owned()
        }
    }
}

fn last_words(found: &Found) -> String {
    let word = |at: usize| {
        let mut bytes = [0; 8];
        found.file.read_exact_at(&mut bytes, at as u64).map_or(0, |()| u64::from_le_bytes(bytes))
    };
    let newest = Latest::unpack(word(at::LATEST)).filter(|newest| newest.slot < found.max_slots);
    match newest {
        Some(newest) => {
            let descriptor = at::descriptor(newest.slot);
            let age = monotonic_ns().saturating_sub(word(descriptor + at::IN_DESCRIPTOR_PUBLISHED));
            #[allow(clippy::cast_precision_loss, reason = "seconds for people")]
            let seconds = age as f64 / 1e9;
            format!("last frame {}, {seconds:.1} s ago", word(descriptor + at::IN_DESCRIPTOR_FRAME_NUMBER))
        }
        None => "it published no frame".to_owned(),
    }
}

/// Whether a file of `length` bytes has all of a buffer.
pub(crate) fn has_slot(length: u64, slot: usize, geometry: Geometry) -> bool {
    length >= buffer_start(slot + 1, geometry.frame_bytes()) as u64
}
