//! The right to publish under a name: a lock on `<name>.lock`, held for the writer's life.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::files::{
    FileId, create_private, distrust, explain, is_about_the_file, is_full, open_existing, own_uid, somebody_else_s,
};
use crate::fork::GuardedFile;
use crate::lock::{is_locked, try_lock};
use crate::{Error, Name};

/// The right to a name in one directory. Dropping it removes the lock file, while the lock is still held.
#[derive(Debug)]
pub(crate) struct Right {
    file: GuardedFile,
    path: PathBuf,
}

impl Right {
    /// Takes the right without waiting.
    ///
    /// # Errors
    /// [`Error::NameInUse`] if another process has it, [`Error::NameTaken`] if the lock file is not ours to use,
    /// [`Error::Io`] if the directory does not serve.
    pub(crate) fn take(name: &Name, directory: &Path) -> Result<Right, Error> {
        let path = name.lock(directory);
        loop {
            let file = GuardedFile::open(|| open_or_create(&path))?;
            if !try_lock(&file, 0).map_err(Error::io("locking", &path))? {
                let holder = holder(&file);
                return Err(Error::NameInUse { name: name.to_string(), holder, path });
            }
            let locked = file.metadata().map_err(Error::io("looking at", &path))?;
            if FileId::at(&path) == Some(FileId::of(&locked)) {
                let right = Right { file, path }; // from here on its drop removes the file
                let pid = format!("{} {}\n", std::process::id(), pid_namespace().unwrap_or_default());
                let file = &right.file;
                return match file.set_len(0).and_then(|()| file.write_all_at(pid.as_bytes(), 0)) {
                    // The pid is for people. Where there is no room for it, there will be when leftovers are swept.
                    Err(error) if !is_full(&error) => Err(Error::io("writing", &right.path)(error)),
                    _ => Ok(right),
                };
            }
            // Its last owner removed it between our open and our lock: this is the lock of a name that is gone.
        }
    }

    /// # Errors
    /// [`Error::Forked`] in a child of the process that took it.
    pub(crate) fn check_fork(&self) -> Result<(), Error> {
        self.file.generation().check()
    }

    /// Whether the name's lock file is still the one that this right locks.
    pub(crate) fn stands(&self) -> bool {
        self.file.metadata().is_ok_and(|metadata| FileId::at(&self.path) == Some(FileId::of(&metadata)))
    }
}

impl Drop for Right {
    fn drop(&mut self) {
        if self.file.generation().is_current() && self.stands() {
            // Where it cannot be removed, it stays behind unlocked and empty of meaning: the next writer takes it.
            let _stays_unlocked = fs::remove_file(&self.path);
        }
    }
}

/// Who holds the right to a name, if anybody does: "pid 1234".
pub(crate) fn current_holder(name: &Name, directory: &Path) -> Option<String> {
    let file = open_existing(&name.lock(directory), false).ok()?;
    // Whatever another user has put there says nothing about this stream.
    distrust(&file.metadata().ok()?, &[own_uid(), 0]).is_none().then_some(())?;
    is_locked(&file, 0).unwrap_or(false).then(|| holder(&file))
}

fn holder(file: &File) -> String {
    let mut text = [0; 32];
    let length = file.read_at(&mut text, 0).unwrap_or(0);
    let text = String::from_utf8_lossy(&text[..length]);
    let mut words = text.split_whitespace();
    let Some(pid) = words.next().and_then(|word| word.parse::<u32>().ok()) else {
        return "an unknown process".to_owned();
    };
    let theirs = words.next().and_then(|word| word.parse::<u64>().ok()).filter(|&known| known != 0);
    match (theirs, pid_namespace()) {
        (Some(theirs), Some(ours)) if theirs != ours => format!("pid {pid} of another PID namespace"),
        _ => format!("pid {pid}"),
    }
}

/// Which processes this one counts itself among, where the system tells: in a container, others than its host does.
fn pid_namespace() -> Option<u64> {
    fs::metadata("/proc/self/ns/pid").ok().map(|namespace| namespace.ino())
}

fn open_or_create(path: &Path) -> Result<File, Error> {
    loop {
        match open_existing(path, true) {
            Ok(file) => {
                let metadata = file.metadata().map_err(Error::io("looking at", path))?;
                return match distrust(&metadata, &[own_uid()]) {
                    None => Ok(file),
                    // Removed between the open and the look: not foul play, and not a name any more.
                    Some(_) if metadata.nlink() == 0 => continue,
                    Some(_) if metadata.uid() != own_uid() => {
                        Err(Error::NameTaken { path: path.to_owned(), problem: somebody_else_s(&metadata) })
                    }
                    Some(problem) => Err(Error::NameTaken { path: path.to_owned(), problem: problem + ": remove it" }),
                };
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => match create_private(path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                made => return made.map_err(Error::io("creating", path)),
            },
            Err(error) if is_about_the_file(&error) && path.symlink_metadata().is_ok() => {
                let problem = match path.symlink_metadata() {
                    Ok(metadata) if metadata.uid() != own_uid() => somebody_else_s(&metadata),
                    _ => explain(&error, path),
                };
                return Err(Error::NameTaken { path: path.to_owned(), problem });
            }
            Err(error) => return Err(Error::io("opening", path)(error)),
        }
    }
}
