//! Open-file-description locks: the kernel's word on who lives.
//!
//! Such a lock belongs to an open file description and vanishes with its last descriptor, whatever ended the process,
//! in whatever PID namespace. Plain `fcntl` locks would not do: they drop when the process closes *any* descriptor of
//! the file, and they do not see other descriptions of the same process.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

const TO_THE_END: libc::off_t = 0;

/// Takes the write lock on one byte without waiting. `false`: somebody else has it. The file is open for writing.
pub(crate) fn try_lock(file: &File, byte: u64) -> io::Result<bool> {
    match ofd(file, libc::F_OFD_SETLK, libc::F_WRLCK, byte, 1) {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EACCES)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Ends every lock of this open file description, whoever else has a descriptor of it: for its owner, and for nobody who
/// inherited it.
pub(crate) fn unlock(file: &File) {
    let _nothing_was_locked = ofd(file, libc::F_OFD_SETLK, libc::F_UNLCK, 0, TO_THE_END);
}

/// Whether another open file description has a write lock on the byte. Works through a read-only descriptor; asks for a
/// read lock, so that somebody's read lock does not pass for life.
pub(crate) fn is_locked(file: &File, byte: u64) -> io::Result<bool> {
    ofd(file, libc::F_OFD_GETLK, libc::F_RDLCK, byte, 1).map(|found| found != libc::F_UNLCK)
}

#[allow(unsafe_code, reason = "OFD locks have no safe wrapper in rustix")]
fn ofd(
    file: &File,
    command: libc::c_int,
    kind: libc::c_int,
    byte: u64,
    length: libc::off_t,
) -> io::Result<libc::c_int> {
    #[allow(clippy::cast_possible_truncation, reason = "the constants are 0 to 2")]
    let mut range = libc::flock {
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: byte.try_into().map_err(|_| io::ErrorKind::InvalidInput)?,
        l_len: length,
        l_pid: 0,
    };
    // SAFETY: the descriptor is open for as long as `file` is borrowed, the commands given here take a pointer to a
    // `flock`, and this one lives through the call.
    let result = unsafe { libc::fcntl(file.as_raw_fd(), command, &raw mut range) };
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(libc::c_int::from(range.l_type)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_descriptions() -> (File, File) {
        let path = std::env::temp_dir().join(format!("billiards_video-lock-test-{}", std::process::id()));
        let open = || File::options().read(true).write(true).create(true).truncate(false).open(&path).unwrap();
        let pair = (open(), open());
        std::fs::remove_file(&path).unwrap();
        pair
    }

    #[test]
    fn a_lock_excludes_other_descriptions_of_the_same_process_until_it_is_closed() {
        let (mine, other) = two_descriptions();
        assert!(try_lock(&mine, 5).unwrap());
        assert!(!try_lock(&other, 5).unwrap());
        assert!(is_locked(&other, 5).unwrap());
        assert!(!is_locked(&other, 6).unwrap());
        assert!(!is_locked(&mine, 5).unwrap(), "an owner does not conflict with itself");
        drop(mine);
        assert!(!is_locked(&other, 5).unwrap());
        assert!(try_lock(&other, 5).unwrap());
    }
}
