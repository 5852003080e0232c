//! The directory that is attacked, and what is put there.

use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use billiards_video::{Directories, Format, Geometry, Name, ReaderOptions, Stamp, Writer, WriterOptions};

use super::fields::{Patch, Which};
use crate::support::pattern;

pub(crate) const NAME: &str = "cam";

pub(crate) fn name() -> Name {
    Name::new(NAME).expect("a good name")
}

/// A frame whose buffers are larger than a page and share pages: what lies beyond the file's end is a signal.
pub(crate) fn geometry() -> Geometry {
    Geometry::new(64, 65, Format::Gray8).expect("a good size")
}

pub(crate) fn writer_options(place: &Path) -> WriterOptions {
    WriterOptions { directories: Directories::only(place), ..WriterOptions::default() }
}

/// A reader that does not wait.
pub(crate) fn reader_options(place: &Path) -> ReaderOptions {
    ReaderOptions { timeout: Duration::ZERO, directories: Directories::only(place), ..ReaderOptions::default() }
}

/// Publishes the next frame, in a pattern of the segment and its number, and gives the number; `None` where every buffer
/// is held.
pub(crate) fn publish(writer: &mut Writer) -> Option<u64> {
    let (epoch, number) = (writer.epoch(), writer.stats().published);
    let mut loan = writer.loan().expect("nobody else has the name")?;
    pattern::fill(loan.pixels(), epoch, number);
    let info =
        loan.publish(&Stamp { frame_number: Some(number), ..Stamp::default() }).expect("this process's own loan");
    Some(info.frame_number)
}

/// Removes all that is in a directory, whatever it is.
pub(crate) fn clear(place: &Path) {
    for entry in fs::read_dir(place).expect("the place").map(|entry| entry.expect("an entry")) {
        let path = entry.path();
        let is_directory = entry.file_type().expect("a type").is_dir();
        if is_directory { fs::remove_dir_all(path) } else { fs::remove_file(path) }.expect("it can be removed");
    }
}

/// The bytes of a segment's files, as a writer that was killed has left them: five frames, a status, no reader.
#[derive(Debug)]
pub(crate) struct Remains {
    files: [Vec<u8>; 3],
}

impl Remains {
    /// Those of a segment made once, in a directory that is empty.
    pub(crate) fn get(place: &Path) -> &'static Remains {
        static REMAINS: OnceLock<Remains> = OnceLock::new();
        REMAINS.get_or_init(|| {
            let mut writer = Writer::create(&name(), geometry(), writer_options(place)).expect("a free name");
            writer.set_status(br#"{"source":"synthetic"}"#).expect("a short text");
            (0..5).for_each(|_| assert!(publish(&mut writer).is_some(), "nobody holds anything"));
            let read = |which| fs::read(path(place, which, writer.epoch())).expect("a file of the segment");
            Remains { files: Which::ALL.map(read) }
        })
    }

    /// How long a file is.
    pub(crate) fn length(&self, which: Which) -> u64 {
        self.files[which as usize].len() as u64
    }

    /// Puts one of the files at a spot, as the epoch's, with patches, cut or drawn out to `length`. A file that stood there
    /// stays as it is for who has it open.
    pub(crate) fn plant(&self, spot: &Path, which: Which, epoch: u64, patches: &[Patch], length: u64) -> File {
        let mut bytes = self.files[which as usize].clone();
        let epoch_at = if which == Which::Frames { 272 } else { 16 };
        bytes[epoch_at..epoch_at + 8].copy_from_slice(&epoch.to_le_bytes());
        let planted = spot.with_file_name("planted");
        let file = File::options().read(true).write(true).create_new(true).mode(0o600).open(&planted);
        let file = file.expect("a new file");
        file.write_all_at(&bytes, 0).expect("room");
        for patch in patches {
            file.write_all_at(&patch.bytes, patch.at).expect("room");
        }
        file.set_len(length).expect("room");
        fs::rename(planted, spot).expect("nothing but a file stands there");
        file
    }
}

/// Where a segment's file is.
pub(crate) fn path(place: &Path, which: Which, epoch: u64) -> PathBuf {
    match which {
        Which::Frames => place.join(NAME),
        Which::Leases => place.join(format!("{NAME}.{epoch:016x}.leases")),
        Which::Status => place.join(format!("{NAME}.{epoch:016x}.status")),
    }
}

/// Locks a byte of a file as somebody who lives does; it lasts as long as the file is open.
#[allow(unsafe_code, reason = "open-file-description locks have no safe wrapper")]
pub(crate) fn lock(file: &File, byte: u64) {
    let l_type = libc::F_WRLCK.try_into().expect("a small number");
    let range =
        libc::flock { l_type, l_whence: 0, l_start: byte.try_into().expect("a small number"), l_len: 1, l_pid: 0 };
    // SAFETY: the descriptor is open and the structure lives through the call.
    let result = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw const range) };
    assert_eq!(result, 0, "nobody else has locked a file that was just made");
}
