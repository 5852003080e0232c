//! Opening and making the files of a segment in a directory that others may write to.
//!
//! Nothing found there is trusted: existing files are opened without following links, without blocking on a FIFO and
//! without creating anything, and are looked at through the descriptor before they are used.

use std::fs::{File, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::{FallocateFlags, fallocate};

/// Which file a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    pub(crate) fn of(metadata: &Metadata) -> FileId {
        FileId { device: metadata.dev(), inode: metadata.ino() }
    }

    /// The file that `path` names now, links not followed; `None` if there is none.
    pub(crate) fn at(path: &Path) -> Option<FileId> {
        path.symlink_metadata().ok().map(|metadata| FileId::of(&metadata))
    }
}

/// The user that this process acts as.
pub(crate) fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Opens a file that exists, for reading, or for both.
pub(crate) fn open_existing(path: &Path, write: bool) -> io::Result<File> {
    // std adds O_CLOEXEC by itself.
    File::options().read(true).write(write).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path)
}

/// Makes a file that only this user can open, and that did not exist.
pub(crate) fn create_private(path: &Path) -> io::Result<File> {
    let file = File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)?;
    file.set_permissions(Permissions::from_mode(0o600))?; // whatever the umask has taken away
    Ok(file)
}

/// Gives a file its bytes, so that touching them later cannot fail. Waits out signals: in steps, since an older kernel
/// undoes all of an interrupted one, and would never be done where signals come faster than it works. What was allocated
/// before an error stays.
pub(crate) fn allocate(file: &File, start: u64, length: u64) -> io::Result<()> {
    const STEP: u64 = 4 << 20;
    let (mut at, end) = (start, start + length);
    while at < end {
        let step = STEP.min(end - at);
        match fallocate(file, FallocateFlags::empty(), at, step) {
            Err(rustix::io::Errno::INTR) => {}
            done => {
                done?;
                at += step;
            }
        }
    }
    Ok(())
}

/// Whether the file system has no room left, for this user at least.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOSPC | libc::EDQUOT))
}

/// Whether an open file is what we would have made: what is wrong with it, if anything.
///
/// `owners` are the users whose file it may be; `may_write` are the permission bits that it may have for others.
pub(crate) fn distrust(metadata: &Metadata, owners: &[u32]) -> Option<String> {
    if !metadata.is_file() {
        return Some("it is not a regular file".to_owned());
    }
    if metadata.nlink() != 1 {
        return Some(format!("it has {} names (hard links), ours have one", metadata.nlink()));
    }
    if !owners.contains(&metadata.uid()) {
        return Some(format!("it belongs to {}, not to user {}", user(metadata.uid()), own_uid()));
    }
    if metadata.mode() & 0o022 != 0 {
        return Some(format!("others may write to it (mode {:o})", metadata.mode() & 0o777));
    }
    None
}

/// Whose a name is that stands for somebody else's file, and what a writer is to do.
pub(crate) fn somebody_else_s(metadata: &Metadata) -> String {
    format!(
        "it belongs to {}, whose the name is as long as it is there, and this is user {}: choose another \
         shared_memory_name, or have it removed",
        user(metadata.uid()),
        own_uid()
    )
}

/// A user, for people.
fn user(number: u32) -> String {
    const OVERFLOW: u32 = 65534;
    let unknown = if number == OVERFLOW { " (nobody; in a container, whoever is not known there)" } else { "" };
    format!("user {number}{unknown}")
}

/// Whether a failed open is about what stands at the path, and not about the directory or this process.
pub(crate) fn is_about_the_file(error: &io::Error) -> bool {
    let about = [libc::ELOOP, libc::ENXIO, libc::EACCES, libc::EPERM, libc::EISDIR];
    error.raw_os_error().is_some_and(|code| about.contains(&code))
}

/// What a failed open means, in words that tell what to do.
pub(crate) fn explain(error: &io::Error, path: &Path) -> String {
    match error.raw_os_error() {
        Some(libc::ELOOP) => "it is a symbolic link, which is not followed: remove it".to_owned(),
        Some(libc::ENXIO) => "it is not a regular file: remove it".to_owned(),
        Some(libc::EACCES | libc::EPERM) => match path.symlink_metadata() {
            Ok(metadata) => {
                let group = metadata.gid();
                let or_group =
                    if metadata.mode() & 0o040 == 0 { String::new() } else { format!(" or in group {group}") };
                format!(
                    "permission denied: it belongs to {} with mode {:o}, this is user {}; run as that user{or_group}, or \
                     publish with a wider access mode (video.access)",
                    user(metadata.uid()),
                    metadata.mode() & 0o777,
                    own_uid()
                )
            }
            Err(_) => "permission denied".to_owned(),
        },
        _ => error.to_string(),
    }
}
