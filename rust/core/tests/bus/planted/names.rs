//! At the names of a stream's files.

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::{PLANTS, PRECIOUS, STRANGER, Scene, attempt, is_root, remove, with_victims};
use crate::support::protection::Protection;
use crate::support::{publish, publish_many, read, until};

/// At the name, and at the lock file's: refused with the reason, and left as it was, with all that it leads to.
#[test]
fn what_is_planted_at_a_name_is_refused_and_left_alone() {
    with_victims(|scene, process, who| {
        for (what, reasons) in PLANTS {
            for file in ["cam", "cam.lock"] {
                let path = scene.place.file(file);
                scene.plant(what, &path);
                let before = scene.state(&path);
                let [writer, reader] = attempt(process);
                let context = format!("{what} at {file}, {who}: {writer} AND {reader}");
                let tells = |said: &str| {
                    reasons.iter().any(|reason| said.contains(reason)) || said.contains("belongs to user 4003")
                };
                assert!(writer.contains(&format!("'{}' cannot be used: ", path.display())), "{context}");
                assert!(tells(&writer), "{context}");
                if file == "cam" {
                    assert!(reader.contains("'cam' not accessible within") && tells(&reader), "{context}");
                } else {
                    assert!(reader.contains("'cam' not created within"), "{context}");
                }
                assert_eq!(before, scene.state(&path), "{context}");
                assert_eq!([file], *scene.place.files(), "{context}");
                remove(&path);
            }
        }
    });
}

/// At the names of an epoch's files: no matter. Only what is a file of the user's own is taken for leftovers and removed; what
/// it is linked to is not.
#[test]
fn what_is_planted_at_an_epoch_s_names_is_no_matter() {
    with_victims(|scene, process, who| {
        for (what, _) in PLANTS {
            for file in ["cam.0123456789abcdef.leases", "cam.0123456789abcdef.status", ".cam.0123456789abcdef"] {
                let path = scene.place.file(file);
                scene.plant(what, &path);
                let before = scene.state(&path);
                let context = format!("{what} at {file}, {who}");
                assert_eq!(["writes", "reads 0"], attempt(process).each_ref().map(String::as_str), "{context}");
                if ["a hard link", "a file open to all"].contains(&what) {
                    assert!(!path.exists(), "{context}");
                    assert_eq!(PRECIOUS, fs::read_to_string(scene.precious()).unwrap(), "{context}");
                } else {
                    assert_eq!(before, scene.state(&path), "{context}");
                    remove(&path);
                }
                assert!(scene.place.files().is_empty(), "{context}: {:?}", scene.place.files());
            }
        }
    });
}

/// In the place of a live segment's files, when somebody has removed those: the writer publishes on, heals where it can, and
/// what was planted stays as it was.
#[test]
fn what_is_planted_in_the_place_of_removed_files_is_left_alone() {
    if !is_root() {
        return;
    }
    thread::scope(|scope| {
        for suffix in ["cam", ".leases", ".status", ".lock"] {
            for what in ["a link to a file", "a FIFO", "a hard link", "a stranger's file"] {
                scope.spawn(move || replaced(suffix, what));
            }
        }
    });
}

fn replaced(suffix: &str, what: &str) {
    let scene = Scene::new(0);
    let place = &scene.place;
    let mut writer = place.writer();
    let readers = [place.reader(), place.observer()];
    let epoch = writer.epoch();
    let path = place.ending(suffix);
    fs::remove_file(&path).unwrap();
    scene.plant(what, &path);
    let before = scene.state(&path);
    let mut told = Vec::new();
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(1100) {
        let number = publish(&mut writer);
        for reader in &readers {
            assert_eq!(number, read(reader).info().frame_number, "{what} for {suffix}");
        }
        told.extend(writer.notices().iter().map(ToString::to_string));
        thread::sleep(Duration::from_millis(5));
    }
    let heals = suffix == ".leases" || suffix == ".status";
    assert_eq!(heals, writer.epoch() != epoch, "{what} for {suffix}: {told:?}");
    let [notice] = &told[..] else { panic!("one notice of {what} for {suffix}: {told:?}") };
    assert!(notice.contains(if heals { "was published again" } else { "cannot be published again" }), "{notice}");
    if what == "a hard link" && heals {
        // One of the user's own files, under a name of an epoch that is over.
        assert!(!path.exists());
        assert_eq!(PRECIOUS, fs::read_to_string(scene.precious()).unwrap());
    } else {
        assert_eq!(before, scene.state(&path), "{what} for {suffix}");
        remove(&path);
    }
    let start = Instant::now();
    until("all is well again", || {
        writer.tend().unwrap();
        thread::sleep(Duration::from_millis(5));
        (place.files().len() == 4 && place.frames().is_file()).then_some(())
    });
    assert!(start.elapsed() < Duration::from_millis(1500), "{:?}", start.elapsed());
    publish(&mut writer);
    drop(read(&place.reader()));
}

/// A hard link that a stranger makes to a live segment's file: the kernel refuses it (`fs.protected_hardlinks`), or else those
/// who are attached do not notice, who comes is told, and a restart of the writer ends it.
#[test]
fn a_stranger_s_hard_link_disturbs_nobody_who_is_there() {
    for level in 0..=1 {
        let Some(_protection) = Protection::set(level) else { return };
        for suffix in ["cam", ".leases", ".lock"] {
            let scene = Scene::new(0);
            let place = &scene.place;
            let mut writer = place.writer();
            let reader = place.reader();
            let link = place.file("linked");
            let linked = Command::new("setpriv")
                .args([&format!("--reuid={STRANGER}"), &format!("--regid={STRANGER}"), "--clear-groups", "ln"])
                .args([place.ending(suffix), link])
                .stderr(Stdio::null())
                .status();
            assert_eq!(level == 0, linked.unwrap().success(), "{suffix}");
            publish_many(&mut writer, 100);
            assert_eq!(99, read(&reader).info().frame_number);
            if level == 0 && suffix != ".lock" {
                let told = place.reader_refusal().to_string();
                assert!(told.contains("it has 2 names (hard links), ours have one"), "{told}");
            } else {
                drop(place.reader());
            }
            drop(writer);
            let mut writer = place.writer();
            publish(&mut writer);
            for reader in [reader, place.reader()] {
                assert_eq!(0, read(&reader).info().frame_number);
            }
        }
    }
}
