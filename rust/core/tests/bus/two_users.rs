//! Two users of one machine who want the same name. Neither ever sees the other's frames unawares, and both are told.
//!
//! Needs other users, so it is root that sees it.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::time::Duration;

use billiards_video::{Access, Directories, Reader, ReaderOptions, Writer, WriterOptions};

use crate::support::namespace::Elsewhere;
use crate::support::place::{Place, name};
use crate::support::process::{Process, heard, say};
use crate::support::{publish, read, small};

const ANN: u32 = 4001;
const BEN: u32 = 4002;

/// Makes of a directory what /dev/shm and /tmp are: everybody's, where nobody removes another's files.
pub(crate) fn open_to_all(place: &Place) {
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o1777)).unwrap();
}

/// A machine with a /dev/shm and a /tmp for these users alone.
struct Machine {
    shm: Place,
    tmp: Place,
}

impl Machine {
    fn new() -> Machine {
        let machine = Machine { shm: Place::new(), tmp: Place::new() };
        open_to_all(&machine.shm);
        open_to_all(&machine.tmp);
        machine
    }

    /// Nobody but root makes files in /dev/shm.
    fn close(&self) {
        fs::set_permissions(self.shm.path(), fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn start(&self, user: u32, groups: &[u32], role: &str, argument: &str) -> Option<Process> {
        let there = Elsewhere::new().bind(self.tmp.path(), "/tmp").bind(self.shm.path(), "/dev/shm");
        there.user(user, groups).start(role, &[argument])
    }

    /// What a writer of that user says first.
    fn writer(&self, user: u32, access: &str) -> Option<(Process, String)> {
        let writer = self.start(user, &[], "a user's writer", access)?;
        let said = writer.hear();
        Some((writer, said))
    }

    /// What a reader of that user says first, to whom the stream of `owner` will do too.
    fn reader(&self, user: u32, owner: u32) -> (Process, String) {
        let reader = self.start(user, &[], "visitor", &owner.to_string()).expect("as before");
        let said = reader.hear();
        (reader, said)
    }
}

/// Whoever comes second is told whose the name is and what to do, and goes nowhere else with it; their readers are told too,
/// and see the other's frames only where they are let in and have asked for them.
#[test]
fn whoever_comes_second_is_told_whose_the_name_is() {
    for (first, second) in [(ANN, BEN), (BEN, ANN)] {
        for access in ["owner", "everyone"] {
            let machine = Machine::new();
            let Some((mut owner, said)) = machine.writer(first, access) else { return };
            assert_eq!("writes to /dev/shm/cam", said);
            owner.tell("publish");
            owner.expect("published 0");
            let (_, said) = machine.writer(second, access).expect("as before");
            let whose = format!("belongs to user {first}");
            assert!(said.contains(&whose) && said.contains("choose another shared_memory_name"), "{said}");
            assert!(machine.tmp.files().is_empty(), "{:?}", machine.tmp.files());

            let own = machine.reader(first, 0).1;
            assert_eq!("reads 0 of user 4001 in /dev/shm".replace("4001", &first.to_string()), own);
            let (_, said) = machine.reader(second, 0);
            assert!(said.starts_with("Shared memory segment 'cam' not accessible within"), "{said}");
            assert!(said.contains(&whose), "{said}");
            let (_, said) = machine.reader(second, first);
            if access == "owner" {
                assert!(said.contains(&format!("permission denied: it {whose} with mode 600")), "{said}");
            } else {
                assert_eq!(format!("observes 0 of user {first} in /dev/shm"), said);
            }
        }
    }
}

/// A writer's files are of its own first group: who is in that may watch, where the access mode says so.
#[test]
fn the_group_of_a_user_s_stream_is_the_user_s_own() {
    for (access, may_watch) in [("group", true), ("owner", false)] {
        let machine = Machine::new();
        let Some((mut anns, _)) = machine.writer(ANN, access) else { return };
        anns.tell("publish");
        anns.expect("published 0");
        let said = machine.start(BEN, &[ANN], "visitor", &ANN.to_string()).unwrap().hear();
        assert_eq!(may_watch, said == "observes 0 of user 4001 in /dev/shm", "{access}: {said}");
        assert!(machine.reader(BEN, ANN).1.contains("permission denied: it belongs to user 4001 with mode 6"));
    }
}

/// A user who is somewhere else already stays there, whoever takes the name in /dev/shm meanwhile: no reader changes over
/// to the other's frames, not even when its own writer has died.
#[test]
fn no_reader_changes_over_to_another_user_s_stream() {
    let machine = Machine::new();
    machine.close();
    let Some((mut anns, said)) = machine.writer(ANN, "everyone") else { return };
    assert_eq!("writes to /tmp/billiards_video-4001/cam", said);
    anns.tell("publish");
    anns.expect("published 0");
    let (mut anns_reader, said) = machine.reader(ANN, 0);
    assert_eq!("reads 0 of user 4001 in /tmp/billiards_video-4001", said);

    open_to_all(&machine.shm);
    let (mut bens, said) = machine.writer(BEN, "everyone").unwrap();
    assert_eq!("writes to /dev/shm/cam", said);
    for number in 0..5 {
        bens.tell("publish");
        bens.expect(&format!("published {number}"));
    }
    assert_eq!("reads 4 of user 4002 in /dev/shm", machine.reader(BEN, 0).1);
    anns.tell("publish");
    anns.expect("published 1");
    assert_eq!("reads 1 of user 4001 in /tmp/billiards_video-4001", machine.reader(ANN, 0).1);
    anns_reader.tell("read");
    anns_reader.expect("reads 1 of user 4001 in /tmp/billiards_video-4001");

    anns.kill();
    anns_reader.tell("read for a while");
    anns_reader.expect("nothing");
    let told = machine.reader(ANN, 0).1;
    assert!(told.contains("belongs to user 4002, not to user 4001") && told.contains("owner=4002"), "{told}");
    let (_, told) = machine.writer(ANN, "everyone").unwrap();
    assert!(told.contains("belongs to user 4002"), "{told}");

    bens.tell("close");
    bens.finish();
    let (mut anns, said) = machine.writer(ANN, "owner").unwrap();
    assert_eq!("writes to /dev/shm/cam", said);
    anns.tell("publish");
    anns.expect("published 0");
    anns_reader.tell("read");
    anns_reader.expect("reads 0 of user 4001 in /dev/shm");
}

/// Where /dev/shm serves neither, each has a place of its own, which the other may not enter.
#[test]
fn in_their_own_places_two_users_do_not_meet() {
    let machine = Machine::new();
    machine.close();
    let mut writers = Vec::new();
    for user in [ANN, BEN] {
        let Some((mut writer, said)) = machine.writer(user, "everyone") else { return };
        assert_eq!(format!("writes to /tmp/billiards_video-{user}/cam"), said);
        writer.tell("publish");
        writer.expect("published 0");
        writers.push(writer);
    }
    for (user, other) in [(ANN, BEN), (BEN, ANN)] {
        let (_, said) = machine.reader(user, other);
        assert_eq!(format!("reads 0 of user {user} in /tmp/billiards_video-{user}"), said);
        assert_eq!(0o700, machine.tmp.file(&format!("billiards_video-{user}")).metadata().unwrap().mode() & 0o7777);
    }
}

/// What a killed writer leaves behind is its user's still, be it all of it or a part: the other is told whose, and that
/// another name will do.
#[test]
fn another_user_s_leftovers_are_theirs() {
    for left in [&["cam", "cam.lock"][..], &["cam"], &["cam.lock"]] {
        for access in ["owner", "everyone"] {
            let machine = Machine::new();
            let Some((bens, _)) = machine.writer(BEN, access) else { return };
            bens.kill();
            for file in ["cam", "cam.lock"] {
                if !left.contains(&file) {
                    fs::remove_file(machine.shm.file(file)).unwrap();
                }
            }
            let before = machine.shm.files();
            let (_, told) = machine.writer(ANN, "owner").unwrap();
            assert!(told.contains("belongs to user 4002"), "{left:?} {access}: {told}");
            assert!(told.contains("choose another shared_memory_name"), "{left:?} {access}: {told}");
            assert!(!told.contains("access mode"), "{left:?} {access}: {told}");
            assert_eq!(before, machine.shm.files());
        }
    }
}

/// Publishes on command in the standard directories, and says where.
pub(crate) fn writer(access: &str) {
    let access = match access {
        "owner" => Access::Owner,
        "group" => Access::Group,
        _ => Access::Everyone,
    };
    let mut writer = match Writer::create(&name(), small(), WriterOptions { access, ..WriterOptions::default() }) {
        Ok(writer) => writer,
        Err(error) => return say(&error.to_string()),
    };
    say(&format!("writes to {}", writer.path().display()));
    while heard().is_some_and(|line| line == "publish") {
        say(&format!("published {}", publish(&mut writer)));
    }
}

/// Reads on command, in one directory or the standard ones, the stream of its own user, or of one more; says whose it is.
pub(crate) fn visitor(directories: Directories, owner: u32) {
    let (owner, timeout) = ((owner != 0).then_some(owner), Duration::from_millis(30));
    let reader = match Reader::attach(&name(), ReaderOptions { owner, timeout, directories, ..Default::default() }) {
        Ok(reader) => reader,
        Err(error) => return say(&error.to_string()),
    };
    let tell = || {
        let frame = read(&reader);
        let (path, reads) = (reader.path().unwrap(), if frame.is_copy() { "observes" } else { "reads" });
        let (number, user) = (frame.info().frame_number, path.metadata().unwrap().uid());
        say(&format!("{reads} {number} of user {user} in {}", path.parent().unwrap().display()));
    };
    tell();
    while let Some(line) = heard() {
        match line.as_str() {
            "read" => tell(),
            "read for a while" => {
                assert!(reader.wait(Some(Duration::from_millis(600))).unwrap().is_none()); // two looks at least
                say("nothing");
            }
            "who reads?" => say(&reader.readers().unwrap_err().to_string()),
            _ => panic!("not a command of a visitor: {line}"),
        }
    }
}
