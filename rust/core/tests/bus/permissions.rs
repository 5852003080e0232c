//! Who may see what.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use billiards_video::{Access, Error, Reader, ReaderOptions, Writer, WriterOptions};

use crate::support::place::{Place, name};
use crate::support::process::{Process, heard, say};
use crate::support::roles::{reader_options, writer_options};
use crate::support::{publish, publish_many, read, small};

/// Whatever the umask: frames and status as the access mode says, leases and lock for the owner alone.
#[test]
fn modes_are_the_access_mode_s_whatever_the_umask() {
    for umask in ["000", "022", "077", "777"] {
        for (access, mode) in [("owner", 0o600), ("group", 0o640), ("everyone", 0o644)] {
            let place = Place::new();
            let mut writer = Process::start("masked writer", &[place.path().to_str().unwrap(), umask, access]);
            for stage in ["created", "reshaped", "grown"] {
                writer.expect(stage);
                let mode_of = |path: &Path| path.metadata().unwrap().mode() & 0o7777;
                assert_eq!(
                    (mode, mode),
                    (mode_of(&place.frames()), mode_of(&place.ending(".status"))),
                    "umask {umask}"
                );
                let private = (mode_of(&place.ending(".leases")), mode_of(&place.file("cam.lock")));
                assert_eq!((0o600, 0o600), private, "umask {umask}");
                writer.tell("on");
            }
            writer.finish();
        }
    }
}

/// Another user, where the access mode lets them: an observer, who sees frames, survives a truncation, and can neither
/// change nor lock anything. Where it does not, they are told whose it is. And they cannot take the name.
///
/// Needs two users, so it is root that sees it.
#[test]
fn another_user_is_an_observer() {
    const NOBODY: u32 = 65534;
    if !rustix::process::geteuid().is_root() {
        use std::io::Write;
        let _ = writeln!(std::io::stderr(), "NOT TESTED without root: another user");
        return;
    }
    let place = Place::new();
    let start = |owner: &str| {
        let mut command = Command::new("/proc/self/exe");
        command.uid(NOBODY).gid(NOBODY);
        Process::run(command, "other user", &[place.path().to_str().unwrap(), owner])
    };
    let mut writer = place.writer();
    publish(&mut writer);
    let refused = start("0");
    let told = refused.hear();
    assert!(told.contains("not accessible within") && told.contains("belongs to user 0 with mode 600"), "{told}");
    refused.finish();
    drop(writer);

    let options = WriterOptions { access: Access::Everyone, ..place.writer_options() };
    let mut writer = place.try_writer(small(), options).unwrap();
    publish(&mut writer);
    writer.set_status(b"{}").unwrap();
    let mut observer = start("0");
    observer.expect("observes frame 0, status {}");
    let told = observer.hear();
    assert!(told.contains("it belongs to user 0"), "{told}");
    observer.expect("a read lock on the life's byte: false");
    assert!(writer.readers().is_empty());
    publish_many(&mut writer, 20);
    observer.tell("on");
    observer.expect("observes frame 20");
    drop(writer);
    let mut successor =
        place.try_writer(small(), WriterOptions { access: Access::Everyone, ..place.writer_options() }).unwrap();
    publish(&mut successor);
    observer.tell("on");
    observer.expect("observes frame 0");
    observer.finish();
    drop(successor);

    // Somebody else's stream, not root's and not one's own, has to be named by its owner.
    let mut theirs = Process::run(
        {
            let mut command = Command::new("/proc/self/exe");
            std::os::unix::fs::chown(place.path(), Some(NOBODY), None).unwrap();
            command.uid(NOBODY).gid(NOBODY);
            command
        },
        "masked writer",
        &[place.path().to_str().unwrap(), "022", "everyone"],
    );
    theirs.expect("created");
    let told = place.reader_refusal().to_string();
    assert!(
        told.contains(
            "it belongs to user 65534 (nobody; in a container, whoever is not known there), not to user 0; to watch"
        ) && told.contains("that user's stream, name it with owner=65534"),
        "{told}"
    );
    let options = ReaderOptions { owner: Some(NOBODY), ..place.reader_options() };
    assert!(Reader::attach(&name(), options).unwrap().is_observer().unwrap());
    assert!(matches!(place.refusal(), Error::NameTaken { problem, .. } if problem.contains("belongs to user 65534")));
    theirs.tell("on");
}

pub(crate) fn writer(directory: &Path, umask: &str, access: &str) {
    rustix::process::umask(rustix::fs::Mode::from_bits_truncate(u32::from_str_radix(umask, 8).unwrap()));
    let access = match access {
        "owner" => Access::Owner,
        "group" => Access::Group,
        _ => Access::Everyone,
    };
    let mut writer = Writer::create(&name(), small(), WriterOptions { access, ..writer_options(directory) }).unwrap();
    say("created");
    heard();
    writer.reshape(small()).unwrap();
    say("reshaped");
    heard();
    let reader = Reader::attach(&name(), reader_options(directory)).unwrap();
    let mut held = Vec::new();
    for _ in 0..3 {
        publish(&mut writer);
        held.push(read(&reader));
    }
    publish(&mut writer);
    assert_eq!(5, writer.stats().buffers);
    say("grown");
    heard();
}

/// Looks at what it is shown, and tries what it should not be able to.
pub(crate) fn other_user(directory: &Path, owner: u32) {
    assert_ne!(owner, rustix::process::geteuid().as_raw());
    let timeout = std::time::Duration::from_millis(50);
    let reader = match Reader::attach(&name(), ReaderOptions { timeout, ..reader_options(directory) }) {
        Ok(reader) => reader,
        Err(error) => return say(&error.to_string()),
    };
    assert!(reader.is_observer().unwrap());
    let status = String::from_utf8(reader.status().unwrap()).unwrap();
    say(&format!("observes frame {}, status {status}", read(&reader).info().frame_number));
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        assert!(File::options().write(true).open(&path).is_err(), "may write {}", path.display());
        assert!(fs::remove_file(&path).is_err(), "may remove {}", path.display());
        let private = path.extension().is_some_and(|end| end == "leases" || end == "lock");
        assert_eq!(private, File::open(&path).is_err(), "may read {}", path.display());
    }
    say(&Writer::create(&name(), small(), writer_options(directory)).unwrap_err().to_string());
    // What an observer could lock would be for reading, and does not pass for a life; here it is refused besides.
    let frames = File::open(reader.path().unwrap()).unwrap();
    say(&format!("a read lock on the life's byte: {}", read_lock(&frames)));
    while heard().is_some() {
        say(&format!("observes frame {}", read(&reader).info().frame_number));
    }
}

#[allow(unsafe_code, reason = "open-file-description locks have no safe wrapper")]
pub(crate) fn read_lock(file: &File) -> bool {
    use std::os::fd::AsRawFd;
    let l_type = libc::F_RDLCK.try_into().unwrap();
    let range = libc::flock { l_type, l_whence: 0, l_start: 0, l_len: 1, l_pid: 0 };
    // SAFETY: the descriptor is open and the structure lives through the call.
    unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw const range) == 0 }
}
