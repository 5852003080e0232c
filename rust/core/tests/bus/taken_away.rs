//! What systemd does to a user who has no session any more (`RemoveIPC=yes`): every file of theirs under /dev/shm is removed,
//! and nobody is asked. The stream heals, whatever of it was removed, within about a second.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use billiards_video::{Reader, Reservation};

use crate::support::place::{Place, name};
use crate::support::size::report;
use crate::support::{pattern, publish, read, small, until};

/// A frame's pace.
const PACE: Duration = Duration::from_millis(5);
/// The writer looks once a second.
const ABOUT_A_SECOND: Duration = Duration::from_millis(1300);

/// Each of a stream's four files, and every subset of them, removed at once: whoever is attached sees every frame, before,
/// meanwhile and after; who comes is served within about a second; and all four files are there again.
#[test]
fn every_subset_of_the_files_comes_back() {
    thread::scope(|scope| {
        for subset in 1..16_u32 {
            scope.spawn(move || removed(subset));
        }
    });
}

fn removed(subset: u32) {
    let place = Place::new();
    let mut writer = place.writer();
    let readers = [place.reader(), place.observer()];
    publish(&mut writer);
    let held = readers.each_ref().map(read);
    let epoch = writer.epoch();
    let files = place.files();
    assert_eq!(4, files.len());
    for (_, file) in files.iter().enumerate().filter(|(at, _)| subset & 1 << at != 0) {
        fs::remove_file(place.file(file)).unwrap();
    }
    let newcomer = thread::spawn({
        let options = place.reader_options();
        let began = Instant::now();
        move || (Reader::attach(&name(), options).unwrap(), began.elapsed())
    });
    let start = Instant::now();
    let mut healed_after = None;
    while start.elapsed() < ABOUT_A_SECOND {
        thread::sleep(PACE);
        let number = publish(&mut writer);
        for reader in &readers {
            let frame = read(reader);
            assert_eq!((number, 0), (frame.info().frame_number, frame.info().missed), "subset {subset:04b}");
        }
        if healed_after.is_none() && place.files().len() == 4 {
            healed_after = Some(start.elapsed());
        }
    }
    let healed_after = healed_after.unwrap_or_else(|| panic!("subset {subset:04b}: {:?}", place.files()));
    report(&format!("subset {subset:04b} of the files is there again after {healed_after:?}"));
    let only_the_lock = files.iter().position(|file| file == "cam.lock").is_some_and(|at| subset == 1 << at);
    assert_eq!(only_the_lock, writer.epoch() == epoch, "a whole segment is not replaced");
    let (newcomer, after) = newcomer.join().unwrap();
    assert!(after < ABOUT_A_SECOND, "attached after {after:?}");
    publish(&mut writer);
    drop(read(&newcomer));
    for frame in &held {
        pattern::check(frame, epoch, 0);
    }
    drop(writer);
    assert!(place.files().is_empty(), "{:?}", place.files());
}

/// A name that was only reserved so far, and whose lock file is removed: whoever asks meanwhile may have it, and then the
/// first one is told so, or else it publishes as if nothing had been.
#[test]
fn a_reservation_survives_it_too() {
    let place = Place::new();
    let reserve = || Reservation::take(&name(), place.writer_options()).unwrap();
    let reservation = reserve();
    fs::remove_file(place.file("cam.lock")).unwrap();
    let mut writer = reservation.publish(small()).unwrap();
    publish(&mut writer);
    until("its lock file is there again", || {
        writer.tend().unwrap();
        thread::sleep(PACE);
        place.file("cam.lock").exists().then_some(())
    });
    drop(writer);

    let reservation = reserve();
    fs::remove_file(place.file("cam.lock")).unwrap();
    let mut other = place.writer();
    let refused = reservation.publish(small()).unwrap_err();
    assert!(refused.to_string().contains("another process already publishes 'cam'"), "{refused}");
    publish(&mut other);
    drop(read(&place.reader()));
}
