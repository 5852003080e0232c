//! In the place of the directories that stand in for /dev/shm.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown, symlink};
use std::path::Path;
use std::sync::mpsc::TryRecvError;
use std::thread;
use std::time::Duration;

use billiards_video::{Writer, WriterOptions};

use super::{STRANGER, Scene, VICTIM, attempt, is_root, remove};
use crate::support::namespace::Elsewhere;
use crate::support::place::{Place, name};
use crate::support::process::{hearing, say};
use crate::support::{publish, small};

/// A directory of our own that was removed under a live writer: made again, and with it the segment. Where somebody else has
/// put theirs, or a link to one, nothing is published there, for as long as it stands.
#[test]
fn a_removed_directory_is_made_again_and_a_planted_one_is_not_used() {
    if !is_root() {
        return;
    }
    let scene = Scene::new(0);
    make_directory(&scene.elsewhere.file("good"), STRANGER, 0o777);
    let there = Elsewhere::new()
        .bind(scene.place.path(), "/tmp")
        .bind(scene.elsewhere.path(), "/mnt")
        .tmpfs(Path::new("/dev/shm"), "ro");
    let Some(mut writer) = there.start("displaced writer", &[]) else { return };
    let own = scene.place.file("billiards_video-0");
    writer.expect("publishes in /tmp/billiards_video-0");
    fs::remove_dir_all(&own).unwrap();
    writer.expect("'/tmp/billiards_video-0/cam' had been removed by another process and was published again");
    assert_eq!((4, 0o700), (fs::read_dir(&own).unwrap().count(), own.metadata().unwrap().mode() & 0o7777));
    fs::remove_dir_all(&own).unwrap();
    symlink("/mnt/good", &own).unwrap();
    let told = writer.hear();
    assert!(told.contains("cannot be published again") && told.contains("links are not followed"), "{told}");
    assert_eq!(0, fs::read_dir(scene.elsewhere.file("good")).unwrap().count());
    fs::remove_file(&own).unwrap();
    writer.expect("'/tmp/billiards_video-0/cam' had been removed by another process and was published again");
    writer.tell("end");
    writer.finish();
    assert_eq!(0, fs::read_dir(&own).unwrap().count());
}

/// The directories that stand in for /dev/shm, where somebody else has made them, or made them something else: not used, and
/// it is said of each why.
#[test]
fn a_planted_fallback_directory_is_not_used() {
    type Plant = fn(&Scene, &Path);
    const PLANTS: [(Plant, &str); 10] = [
        (|scene, path| symlink(scene.elsewhere.file("good"), path).unwrap(), "links are not followed"),
        (|scene, path| scene.plant("a link to a file", path), "links are not followed"),
        (|scene, path| scene.plant("a link to nothing", path), "links are not followed"),
        (|scene, path| scene.plant("a FIFO", path), "not a directory"),
        (|scene, path| scene.plant("a socket", path), "not a directory"),
        (|scene, path| scene.plant("a hard link", path), "not a directory"),
        (|scene, path| scene.plant("a stranger's file", path), "not a directory"),
        (|scene, path| scene.plant("a directory", path), "it belongs to user 4003"),
        (|scene, path| make_directory(path, scene.victim, 0o777), "others may enter it (mode 777, wanted 700)"),
        (|scene, path| make_directory(path, scene.victim, 0o750), "others may enter it (mode 750, wanted 700)"),
    ];
    if !is_root() {
        return;
    }
    for victim in [0, VICTIM] {
        let scene = Scene::new(victim);
        make_directory(&scene.elsewhere.file("good"), victim, 0o700);
        let runtime = scene.place.file("run");
        fs::create_dir(&runtime).unwrap();
        fs::set_permissions(&runtime, Permissions::from_mode(0o1777)).unwrap();
        // The places stay where they are, for the links' sake, and beside them there is a /dev/shm that does not serve.
        let stays = |there: Elsewhere, place: &Place| there.bind(place.path(), place.path().to_str().unwrap());
        let there = stays(stays(Elsewhere::new(), &scene.place), &scene.elsewhere)
            .step("mount -o remount,bind,ro /dev/shm 2>/dev/null || mount --bind -o ro /dev/shm /dev/shm".to_owned());
        let there =
            there.variable("XDG_RUNTIME_DIR", &runtime).variable("TMPDIR", scene.place.path()).user(victim, &[]);
        let Some(mut process) = there.start("victim", &["standard"]) else { return };
        for (plant, reason) in PLANTS {
            let paths = [runtime.join("billiards_video"), scene.place.file(&format!("billiards_video-{victim}"))];
            for path in &paths {
                plant(&scene, path);
            }
            let before = paths.each_ref().map(|path| format!("{:?}", scene.state(path)));
            let [writer, reader] = attempt(&mut process);
            assert!(writer.starts_with("no directory can hold the shared memory 'cam': /dev/shm: "), "{writer}");
            for path in &paths {
                let (_, told) = writer.split_once(&format!("{}: ", path.display())).expect("each is named");
                assert!(told.split(';').next().unwrap().contains(reason), "{reason}: {writer}");
            }
            assert!(reader.contains("'cam' not created within"), "{reader}");
            assert_eq!(before, paths.each_ref().map(|path| format!("{:?}", scene.state(path))), "{reason}");
            for path in &paths {
                remove(path);
            }
        }
        process.finish();
    }
}

fn make_directory(path: &Path, owner: u32, mode: u32) {
    fs::create_dir(path).unwrap();
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    lchown(path, Some(owner), None).unwrap();
}

/// Publishes in the standard directories, at a frame's pace, and says what it is told about it.
pub(crate) fn displaced_writer() {
    let mut writer = Writer::create(&name(), small(), WriterOptions::default()).unwrap();
    writer.notices();
    say(&format!("publishes in {}", writer.path().parent().unwrap().display()));
    let told = hearing();
    while told.try_recv() == Err(TryRecvError::Empty) {
        publish(&mut writer);
        writer.notices().iter().for_each(|notice| say(&notice.to_string()));
        thread::sleep(Duration::from_millis(5));
    }
}
