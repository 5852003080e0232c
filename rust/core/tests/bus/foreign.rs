//! Files that are not ours, where ours should be: neither trusted nor destroyed.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, Instant};

use billiards_video::Error;
use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::support::place::Place;

/// Whatever stands at the name: a reader is told within its time-out why it cannot be read, a writer is told why it
/// cannot be replaced, and it is as it was.
#[test]
fn what_is_not_ours_is_neither_read_nor_destroyed() {
    type Plant = fn(&Place);
    let private = |path: &Path| fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
    let plants: [(Plant, &str, &str); 9] = [
        (|place| fs::write(place.frames(), "notes").unwrap(), "shorter than a header", "another program's file"),
        (|place| drop(File::create(place.frames()).unwrap()), "shorter than a header", "another program's file"),
        (
            |place| fs::write(place.frames(), [7; 5000]).unwrap(),
            "not a segment of billiards_video",
            "another program's file",
        ),
        (|place| fs::create_dir(place.frames()).unwrap(), "not a regular file", "s a directory"),
        (|place| symlink(place.file("other"), place.frames()).unwrap(), "symbolic link", "symbolic link"),
        (|place| symlink("/dev/null", place.frames()).unwrap(), "symbolic link", "symbolic link"),
        (
            |place| mknodat(CWD, place.frames(), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap(),
            "not a regular file",
            "not a regular file",
        ),
        (
            |place| {
                let _listener = std::os::unix::net::UnixListener::bind(place.frames()).unwrap();
            },
            "not a regular file",
            "not a regular file",
        ),
        (
            |place| {
                fs::write(place.file("other"), "notes").unwrap();
                fs::hard_link(place.file("other"), place.frames()).unwrap();
            },
            "2 names (hard links)",
            "2 names (hard links)",
        ),
    ];
    for (plant, to_reader, to_writer) in plants {
        let place = Place::new();
        plant(&place);
        if place.frames().symlink_metadata().unwrap().is_file() {
            private(&place.frames());
        }
        let content = || place.frames().is_file().then(|| fs::read(place.frames()).unwrap()); // never of a FIFO
        let before = (content(), place.frames().symlink_metadata().unwrap().file_type());
        let files = place.files();
        let start = Instant::now();
        let error = place.reader_refusal();
        assert!(matches!(error, Error::NotAccessible { .. }), "{error}");
        assert!(start.elapsed() < Duration::from_secs(2));
        let text = error.to_string();
        assert!(
            text.starts_with("Shared memory segment 'cam' not accessible within 0.05s: ") && text.contains(to_reader),
            "{text}"
        );
        let error = place.refusal();
        assert!(matches!(error, Error::NameTaken { .. }), "{error}");
        assert!(error.to_string().contains(to_writer), "{error}");
        let after = (content(), place.frames().symlink_metadata().unwrap().file_type());
        assert_eq!((before, files), (after, place.files()));
    }
}

/// The same for the lock file and for a name whose file others may write to: not used, not destroyed.
#[test]
fn planted_locks_and_loose_modes_are_not_trusted() {
    let place = Place::new();
    symlink(place.file("elsewhere"), place.file("cam.lock")).unwrap();
    assert!(matches!(place.refusal(), Error::NameTaken { problem, .. } if problem.contains("symbolic link")));
    assert!(!place.file("elsewhere").exists());
    fs::remove_file(place.file("cam.lock")).unwrap();
    fs::write(place.file("cam.lock"), "").unwrap();
    fs::set_permissions(place.file("cam.lock"), Permissions::from_mode(0o666)).unwrap();
    assert!(matches!(place.refusal(), Error::NameTaken { problem, .. } if problem.contains("others may write")));
    fs::remove_file(place.file("cam.lock")).unwrap();

    let writer = place.writer();
    fs::set_permissions(place.frames(), Permissions::from_mode(0o622)).unwrap();
    assert!(place.reader_refusal().to_string().contains("others may write to it (mode 622)"));
    fs::set_permissions(place.frames(), Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(place.ending(".leases"), Permissions::from_mode(0o602)).unwrap();
    assert!(place.reader_refusal().to_string().contains("others may write to it (mode 602)"));
    drop(writer);
}
