//! What another user who may read the frames can try against them, short of what nobody can forbid: each attempt, one by
//! one, and every lock and mapping that there is for the asking.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::Path;

use billiards_video::{Reader, ReaderOptions};
use rustix::fs::{FallocateFlags, FlockOperation, SealFlags, XattrFlags, fallocate, fcntl_add_seals, flock, ftruncate};
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap, mprotect};

use crate::support::place::name;
use crate::support::process::{heard, say};
use crate::support::read;
use crate::support::roles::reader_options;

const F_SETLEASE: libc::c_int = 1024;

type ByPath = fn(&Path, &Path) -> io::Result<()>;
type ByDescriptor = fn(&File) -> io::Result<()>;

/// By the path of a file, and another path in the same directory.
const BY_PATH: [(&str, ByPath); 9] = [
    ("open for writing", |path, _| File::options().write(true).open(path).map(drop)),
    ("open for appending", |path, _| File::options().append(true).open(path).map(drop)),
    ("cut off on opening", |path, _| File::options().read(true).custom_flags(libc::O_TRUNC).open(path).map(drop)),
    ("remove", |path, _| fs::remove_file(path)),
    ("rename", |path, other| fs::rename(path, other.with_extension("taken"))),
    ("rename another over", |path, other| fs::rename(other, path)),
    ("widen the mode", |path, _| fs::set_permissions(path, Permissions::from_mode(0o666))),
    ("own", |path, _| chown(path, Some(rustix::process::geteuid().as_raw()), None)),
    ("label", |path, _| Ok(rustix::fs::setxattr(path, "user.mine", b"", XattrFlags::empty())?)),
];

/// By a descriptor that was opened for reading.
const BY_DESCRIPTOR: [(&str, ByDescriptor); 12] = [
    ("open again for writing", |file| {
        File::options().write(true).open(format!("/proc/self/fd/{}", file.as_raw_fd())).map(drop)
    }),
    ("write", |file| file.write_at(&[0xee], 0).map(drop)),
    ("cut off", |file| Ok(ftruncate(file, 0)?)),
    ("make longer", |file| Ok(ftruncate(file, 1 << 30)?)),
    ("punch a hole", |file| Ok(fallocate(file, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, 0, 4096)?)),
    ("widen the mode by descriptor", |file| file.set_permissions(Permissions::from_mode(0o666))),
    ("seal", |file| Ok(fcntl_add_seals(file, SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW)?)),
    ("take a lease", |file| lease(file, libc::F_RDLCK).or_else(|_| lease(file, libc::F_WRLCK))),
    ("lock for writing, as a description", |file| lock(file, libc::F_OFD_SETLK, libc::F_WRLCK, 0, 0)),
    ("lock for writing, as a process", |file| lock(file, libc::F_SETLK, libc::F_WRLCK, 0, 0)),
    ("map for writing", |file| map(file, ProtFlags::READ | ProtFlags::WRITE).map(drop)),
    ("map for reading, and then for writing", |file| {
        let start = map(file, ProtFlags::READ)?;
        #[allow(unsafe_code, reason = "protections have no safe wrapper")]
        // SAFETY: the page was mapped just now and nobody has a reference into it.
        let changed = unsafe { mprotect(start, 4096, MprotectFlags::READ | MprotectFlags::WRITE) };
        Ok(changed?)
    }),
];

/// Watches another user's stream, tries all that should be refused, and holds all that is given, of each segment anew.
pub(crate) fn outsider(directory: &Path, owner: u32) {
    let reader = Reader::attach(&name(), ReaderOptions { owner: Some(owner), ..reader_options(directory) }).unwrap();
    assert!(reader.is_observer().unwrap());
    let number = read(&reader).info().frame_number;
    let mut held: Vec<(u64, [File; 3])> = Vec::new();
    say(&format!("observes {number}, was refused {} attempts", refused_attempts(directory)));
    while let Some(line) = heard() {
        match line.as_str() {
            "read" => {
                let frame = read(&reader);
                let epoch = reader.epoch().unwrap();
                if held.iter().all(|(of, _)| *of != epoch) {
                    held.push((epoch, hold_all(&reader.path().unwrap())));
                }
                say(&format!("observes {}", frame.info().frame_number));
            }
            "hold the dead" => {
                // The byte that stands for the writer's life, now that nobody has it.
                let (_, [file, ..]) = held.last().unwrap();
                lock(file, libc::F_OFD_SETLK, libc::F_RDLCK, 0, 0).unwrap();
                say(&format!("its writer lives: {}", reader.writer_alive().unwrap()));
            }
            "look" => say(&format!("its writer lives: {}", reader.writer_alive().unwrap())),
            "wait" => {
                say("waits");
                let number = read(&reader).info().frame_number;
                say(&format!("observes {number}"));
            }
            _ => panic!("not a command of an outsider: {line}"),
        }
    }
}

/// Tries everything on every file, and gives how often it was refused, which must be always.
fn refused_attempts(directory: &Path) -> usize {
    let own = directory.join(format!("own-{}", rustix::process::geteuid().as_raw()));
    fs::write(&own, "mine").unwrap();
    let mut refused = 0;
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path == own {
            continue;
        }
        for (attempt, run) in BY_PATH {
            assert!(run(&path, &own).is_err(), "could {attempt}: {}", path.display());
            refused += 1;
        }
        let file = File::open(&path);
        let is_private = path.extension().is_some_and(|end| end == "leases" || end == "lock");
        assert_eq!(is_private, file.is_err(), "{}", path.display());
        for (attempt, run) in BY_DESCRIPTOR.iter().filter(|_| !is_private) {
            assert!(run(file.as_ref().unwrap()).is_err(), "could {attempt}: {}", path.display());
            refused += 1;
        }
    }
    let frames = File::open(directory.join("cam")).unwrap();
    for command in [libc::F_OFD_SETLK, libc::F_SETLK] {
        let byte_of_life = lock(&frames, command, libc::F_RDLCK, 0, 1);
        assert!(byte_of_life.is_err(), "could lock the byte of life for reading");
    }
    // The signal that is none: asks for no more than the right to send one.
    assert!(rustix::process::test_kill_process(rustix::process::getppid().unwrap()).is_err(), "may send signals");
    fs::remove_file(&own).unwrap();
    refused
}

/// Everything that a reader of a file may have of it: locks of each kind, and its pages. The files stay open.
fn hold_all(frames: &Path) -> [File; 3] {
    let files = [(); 3].map(|()| File::open(frames).unwrap());
    flock(&files[0], FlockOperation::NonBlockingLockExclusive).unwrap();
    // Beyond the first byte, which the writer has.
    lock(&files[1], libc::F_OFD_SETLK, libc::F_RDLCK, 1, 0).unwrap();
    lock(&files[2], libc::F_SETLK, libc::F_RDLCK, 1, 0).unwrap();
    map(&files[0], ProtFlags::READ).unwrap();
    files
}

#[allow(unsafe_code, reason = "mappings have no safe wrapper")]
fn map(file: &File, protection: ProtFlags) -> io::Result<*mut libc::c_void> {
    // SAFETY: a new mapping at an address of the kernel's choice disturbs no other memory; it stays for good.
    Ok(unsafe { mmap(std::ptr::null_mut(), 4096, protection, MapFlags::SHARED, file, 0) }?)
}

#[allow(unsafe_code, reason = "leases have no safe wrapper")]
fn lease(file: &File, kind: libc::c_int) -> io::Result<()> {
    // SAFETY: the descriptor is open, and the command takes a number.
    let result = unsafe { libc::fcntl(file.as_raw_fd(), F_SETLEASE, kind) };
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Takes a lock on some bytes of a file without waiting; no length is to the end.
#[allow(unsafe_code, reason = "locks on ranges have no safe wrapper")]
pub(crate) fn lock(
    file: &File,
    command: libc::c_int,
    kind: libc::c_int,
    l_start: libc::off_t,
    l_len: libc::off_t,
) -> io::Result<()> {
    let range = libc::flock { l_type: kind.try_into().unwrap(), l_whence: 0, l_start, l_len, l_pid: 0 };
    // SAFETY: the descriptor is open and the structure lives through the call.
    let result = unsafe { libc::fcntl(file.as_raw_fd(), command, &raw const range) };
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
