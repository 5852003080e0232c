//! Where segments live: tmpfs first, then two places that are better than nothing.

use std::fs::DirBuilder;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::{env, io};

use rustix::fs::{statfs, statvfs};

use crate::files::own_uid;

const TMPFS: u64 = 0x0102_1994;
const RAMFS: u64 = 0x8584_58f6;

/// The directories in which a stream's files are made and looked for, in order.
#[derive(Clone, Debug)]
pub struct Directories(Vec<Candidate>);

#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    path: PathBuf,
    /// Made by us, for this user alone; not a place that the system provides.
    private: bool,
}

impl Directories {
    /// `/dev/shm`, then `$XDG_RUNTIME_DIR/billiards_video`, then `<tmp>/billiards_video-<uid>`.
    pub fn standard() -> Directories {
        let mut candidates = vec![Candidate { path: PathBuf::from("/dev/shm"), private: false }];
        if let Some(runtime) = env::var_os("XDG_RUNTIME_DIR").filter(|path| Path::new(path).is_absolute()) {
            candidates.push(Candidate { path: absolute(Path::new(&runtime).join("billiards_video")), private: true });
        }
        let temporary = env::temp_dir().join(format!("billiards_video-{}", own_uid()));
        candidates.push(Candidate { path: absolute(temporary), private: true });
        Directories(candidates)
    }

    /// One directory, which exists, and no other.
    pub fn only(path: impl Into<PathBuf>) -> Directories {
        Directories(vec![Candidate { path: absolute(path.into()), private: false }])
    }

    /// This list, and one more directory that is used when none before it serves.
    #[must_use]
    pub fn or(mut self, path: impl Into<PathBuf>) -> Directories {
        self.0.push(Candidate { path: absolute(path.into()), private: false });
        self
    }

    pub(crate) fn candidates(&self) -> &[Candidate] {
        &self.0
    }

    /// The candidate at this path, where it is a directory of our own.
    pub(crate) fn own(&self, path: &Path) -> Option<&Candidate> {
        self.0.iter().find(|candidate| candidate.private && candidate.path == path)
    }
}

/// A later change of the working directory must not move a stream.
fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

impl Default for Directories {
    fn default() -> Directories {
        Directories::standard()
    }
}

impl Candidate {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the directory if it is ours to make.
    ///
    /// # Errors
    /// Why it cannot be used, in words.
    pub(crate) fn prepare(&self) -> Result<(), String> {
        if self.private {
            match DirBuilder::new().mode(0o700).create(&self.path) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error.to_string()),
                _ => {}
            }
        }
        self.check()
    }

    /// Whether a directory of ours is what we made: in a world-writable place anybody may have made it first.
    pub(crate) fn check(&self) -> Result<(), String> {
        let metadata = self.path.symlink_metadata().map_err(|error| error.to_string())?;
        if !self.private {
            return Ok(());
        }
        if !metadata.is_dir() {
            return Err("it is not a directory (links are not followed)".to_owned());
        }
        if metadata.uid() != own_uid() {
            return Err(format!("it belongs to user {}", metadata.uid()));
        }
        if metadata.mode() & 0o077 != 0 {
            return Err(format!("others may enter it (mode {:o}, wanted 700)", metadata.mode() & 0o777));
        }
        Ok(())
    }

    /// Whether files here are memory and nothing else.
    pub(crate) fn is_memory(&self) -> bool {
        #[allow(clippy::cast_sign_loss, reason = "a magic number, whose type differs from machine to machine")]
        statfs(&self.path).is_ok_and(|facts| matches!(facts.f_type as u64, TMPFS | RAMFS))
    }

    /// Bytes that can still be stored here, if the system tells.
    pub(crate) fn free_bytes(&self) -> Option<u64> {
        statvfs(&self.path).ok().map(|facts| facts.f_bavail * facts.f_frsize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_private_directory_is_made_once_and_distrusted_when_it_is_not_as_made() {
        let base = env::temp_dir().join(format!("billiards_video-directories-test-{}", std::process::id()));
        fs::create_dir(&base).unwrap();
        let candidate = Candidate { path: base.join("ours"), private: true };
        candidate.prepare().unwrap();
        candidate.prepare().unwrap();
        assert_eq!(0o700, candidate.path.metadata().unwrap().mode() & 0o777);
        fs::set_permissions(&candidate.path, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(candidate.prepare().unwrap_err().contains("mode 755"));
        fs::remove_dir(&candidate.path).unwrap();
        symlink("/tmp", &candidate.path).unwrap();
        assert!(candidate.prepare().unwrap_err().contains("links are not followed"));
        fs::remove_dir_all(&base).unwrap();
    }
}
