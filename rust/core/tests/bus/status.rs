//! The status text: whole or not at all.

use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use billiards_video::Error;

use crate::support::place::Place;
use crate::support::roles::spin;

/// What was written is what is read, by readers and observers, up to the limit; before the first text there is none.
#[test]
fn a_status_comes_back() {
    let place = Place::new();
    let mut writer = place.writer();
    let readers = [place.reader(), place.observer()];
    let read = |expected: &[u8]| readers.iter().for_each(|reader| assert!(expected == reader.status().unwrap()));
    read(b"");
    for length in [1, 100, 65_472, 3, 0] {
        let text = vec![b'x'; length];
        writer.set_status(&text).unwrap();
        read(&text);
    }
    writer.set_status(b"before").unwrap();
    let error = writer.set_status(&vec![b'y'; 65_473]).unwrap_err();
    assert!(matches!(error, Error::StatusTooLong { got: 65_473, limit: 65_472 }));
    assert_eq!("a status of 65473 bytes is too long: up to 65472 fit", error.to_string());
    read(b"before");
}

/// While it is rewritten all the time, a read gives one of the texts, never a mixture of two.
#[test]
fn a_status_is_never_a_mixture() {
    let place = Place::new();
    let mut writer = place.writer();
    writer.set_status(&[b'a'; 7]).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|_| {
                let (reader, done) = (place.reader(), &done);
                scope.spawn(move || {
                    let mut different = 0;
                    let mut last = Vec::new();
                    while !done.load(Ordering::Relaxed) {
                        let text = match reader.status() {
                            Ok(text) => text,
                            // A thousand tries in vain, where the writer does nothing else: honest, if not helpful.
                            Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::TimedOut => continue,
                            Err(error) => panic!("{error}"),
                        };
                        let letter = text[0];
                        assert_eq!(7 + 600 * usize::from(letter - b'a'), text.len());
                        assert!(text.iter().all(|&byte| byte == letter));
                        different += u64::from(text != last);
                        last = text;
                    }
                    different
                })
            })
            .collect();
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(1) {
            for letter in b'a'..=b'z' {
                writer.set_status(&vec![letter; 7 + 600 * usize::from(letter - b'a')]).unwrap();
                spin(Duration::from_micros(20)); // a text stands for a moment
            }
        }
        done.store(true, Ordering::Relaxed);
        let different: u64 = readers.into_iter().map(|reader| reader.join().unwrap()).sum();
        assert!(different > 10, "only {different} different texts: this has shown nothing");
    });
}

/// A status file that is not this segment's, or one that its writer died writing, is an error.
#[test]
fn a_foreign_or_unfinished_status_is_an_error() {
    let place = Place::new();
    let mut writer = place.writer();
    let reader = place.reader();
    writer.set_status(b"{}").unwrap();
    let path = place.ending(".status");
    let file = fs::File::options().read(true).write(true).open(&path).unwrap();
    let mut sequence = [0; 8];
    file.read_exact_at(&mut sequence, 24).unwrap();
    file.write_all_at(&(u64::from_le_bytes(sequence) + 1).to_le_bytes(), 24).unwrap();
    let error = reader.status().unwrap_err();
    assert!(error.to_string().contains("its writer died while writing it"), "{error}");
    file.write_all_at(&sequence, 24).unwrap();
    file.write_all_at(&u64::MAX.to_le_bytes(), 32).unwrap();
    assert_eq!(65_472, reader.status().unwrap().len(), "a length that cannot be is the longest that can");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    assert!(reader.status().unwrap_err().to_string().contains("others may write to it"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    file.write_all_at(b"BVSTATUX", 0).unwrap();
    assert!(reader.status().is_err());
    fs::remove_file(&path).unwrap();
    assert!(matches!(reader.status(), Err(Error::Io { .. })));
    std::os::unix::fs::symlink("/etc/passwd", &path).unwrap();
    assert!(reader.status().is_err());
}
