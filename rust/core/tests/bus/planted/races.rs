//! Faster than a writer, while its files come into being.

use std::collections::HashSet;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::mpsc::TryRecvError;

use super::{STRANGER, Scene, is_root};
use crate::attempts::lock;
use crate::support::namespace::Elsewhere;
use crate::support::process::{heard, hearing, say};
use crate::support::{publish, small};

/// Somebody who watches the directory learns of an epoch with its first file, and may be faster with the others. That costs a
/// writer another epoch, and neither its place nor its start.
#[test]
fn who_is_faster_at_an_epoch_s_names_gains_nothing() {
    if !is_root() {
        return;
    }
    let scene = Scene::new(0);
    let path = scene.place.path();
    let there = Elsewhere::new().user(STRANGER, &[]);
    let Some(mut planter) = there.start("planter", &[path.to_str().unwrap()]) else { return };
    planter.expect("watches");
    for _ in 0..100 {
        let mut writer = scene.place.writer();
        writer.reshape(small()).unwrap();
        publish(&mut writer);
        let epoch = writer.epoch();
        for file in ["cam".to_owned(), format!("cam.{epoch:016x}.leases"), format!("cam.{epoch:016x}.status")] {
            assert_eq!(0, scene.place.file(&file).metadata().unwrap().uid(), "{file} is somebody else's");
        }
    }
    planter.tell("end");
    let won: u32 = planter.hear().parse().unwrap();
    assert!(won > 0, "it never was faster: this has shown nothing");
    planter.finish();
    assert!(scene.place.files().iter().all(|file| scene.place.file(file).metadata().unwrap().uid() == STRANGER));
}

/// What another user's lock says about who holds the name is not repeated.
#[test]
fn a_planted_lock_is_nobody_s_word() {
    if !is_root() {
        return;
    }
    let scene = Scene::new(0);
    let path = scene.place.path();
    let Some(holder) = Elsewhere::new().user(STRANGER, &[]).start("lock holder", &[path.to_str().unwrap()]) else {
        return;
    };
    holder.expect("holds");
    let told = scene.place.reader_refusal().to_string();
    assert!(told.contains("no process publishes it"), "{told}");
}

/// Makes files at an epoch's names as soon as the first of them has told it the epoch; says how often it was faster.
pub(crate) fn planter(directory: &Path) {
    let told = hearing();
    say("watches");
    let (mut seen, mut won) = (HashSet::new(), 0);
    while told.try_recv() == Err(TryRecvError::Empty) {
        for entry in fs::read_dir(directory).unwrap().flatten() {
            let file = entry.file_name().into_string().unwrap();
            let Some(epoch) = file.split('.').find(|part| part.len() == 16) else { continue };
            if !seen.insert(epoch.to_owned()) {
                continue;
            }
            for other in [format!(".cam.{epoch}"), format!("cam.{epoch}.leases"), format!("cam.{epoch}.status")] {
                won += u32::from(File::create_new(directory.join(other)).is_ok());
            }
        }
    }
    say(&won.to_string());
}

/// Holds a lock file that everybody may read, and that names process 1.
pub(crate) fn lock_holder(directory: &Path) {
    let path = directory.join("cam.lock");
    fs::write(&path, "1\n").unwrap();
    let file = File::options().write(true).open(&path).unwrap();
    lock(&file, libc::F_OFD_SETLK, libc::F_WRLCK, 0, 1).unwrap();
    say("holds");
    heard();
}
