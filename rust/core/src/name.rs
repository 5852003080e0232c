//! The name of a stream, and the files that stand for it in a directory.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::Error;

/// The name under which frames are published: 1 to 100 of `A-Z a-z 0-9 _ - .`, not starting with a dot and not ending
/// in `.lock`, `.leases` or `.status`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name(String);

const SUFFIXES: [&str; 3] = [".lock", ".leases", ".status"];

impl Name {
    /// Checks a name.
    ///
    /// # Errors
    /// [`Error::BadName`] says what is allowed.
    pub fn new(name: &str) -> Result<Name, Error> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        let good = (1..=100).contains(&name.len())
            && name.bytes().all(plain)
            && !name.starts_with('.')
            && !SUFFIXES.iter().any(|suffix| name.ends_with(suffix));
        if good { Ok(Name(name.to_owned())) } else { Err(Error::BadName { name: name.to_owned() }) }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn frames(&self, directory: &Path) -> PathBuf {
        directory.join(&self.0)
    }

    /// Where a segment's frames wait for their rename. The leading dot keeps it out of the names.
    pub(crate) fn unborn(&self, directory: &Path, epoch: u64) -> PathBuf {
        directory.join(format!(".{}.{epoch:016x}", self.0))
    }

    pub(crate) fn lock(&self, directory: &Path) -> PathBuf {
        directory.join(format!("{}.lock", self.0))
    }

    pub(crate) fn leases(&self, directory: &Path, epoch: u64) -> PathBuf {
        directory.join(format!("{}.{epoch:016x}.leases", self.0))
    }

    pub(crate) fn status(&self, directory: &Path, epoch: u64) -> PathBuf {
        directory.join(format!("{}.{epoch:016x}.status", self.0))
    }

    /// Whether a file of this name, in a directory of segments, belongs to one epoch of this stream, and to which.
    pub(crate) fn epoch_of(&self, file: &str) -> Option<u64> {
        let unborn = file.strip_prefix('.').and_then(|rest| rest.strip_prefix(self.as_str()));
        let born = file
            .strip_prefix(self.as_str())
            .and_then(|rest| rest.strip_suffix(".leases").or_else(|| rest.strip_suffix(".status")));
        let digits = unborn.or(born)?.strip_prefix('.')?;
        let lower_hex = digits.len() == 16 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        lower_hex.then(|| u64::from_str_radix(digits, 16).ok()).flatten()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_plain_file_name() {
        for good in ["a", "billiards_video", "-cam.2", "_", &"x".repeat(100), "lock"] {
            assert!(Name::new(good).is_ok(), "{good}");
        }
        for bad in ["", ".hidden", "a/b", "a b", "..", "ä", "a.lock", "a.leases", "a.status", &"x".repeat(101), "a\0"]
        {
            assert!(matches!(Name::new(bad), Err(Error::BadName { .. })), "{bad}");
        }
    }

    #[test]
    fn an_epoch_s_files_belong_to_their_own_name_only() {
        let directory = Path::new("/d");
        let name = Name::new("cam").unwrap();
        let file = |path: PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
        for path in [name.unborn(directory, 7), name.leases(directory, 7), name.status(directory, 7)] {
            assert_eq!(Some(7), name.epoch_of(&file(path)));
        }
        let other = Name::new("cam.0000000000000007").unwrap();
        for path in
            [other.unborn(directory, 9), other.leases(directory, 9), other.frames(directory), other.lock(directory)]
        {
            assert_eq!(None, name.epoch_of(&file(path)));
        }
    }
}
