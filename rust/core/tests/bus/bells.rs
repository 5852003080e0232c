//! The two words that readers sleep on: who rings which, and what another user can do to those who sleep there.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use billiards_video::{Access, Reader, ReaderOptions, Writer, WriterOptions};
use rustix::thread::futex;

use crate::support::place::{Place, name};
use crate::support::process::{Process, heard, say};
use crate::support::roles::reader_options;
use crate::support::{SOON, publish, small};
use crate::waiting::{age, wait_aloud};

/// Frames that each sleeper is woken for.
const FRAMES: u32 = 10;
/// What all those wake-ups may take together. A sleeper that nobody wakes needs a quarter of a second for each.
const TOGETHER: Duration = Duration::from_millis(800);
/// Where the words are; see `docs/segment-layout.md`.
const NOTIFY: usize = 448;

const NOBODY: u32 = 65534;

/// Starts a role as another user. `None` where only root could.
fn as_another_user(role: &str, arguments: &[&str]) -> Option<Process> {
    use std::os::unix::process::CommandExt;
    if !rustix::process::geteuid().is_root() {
        use std::io::Write;
        let _unheard = writeln!(std::io::stderr(), "NOT TESTED without root: another user's {role}");
        return None;
    }
    let mut command = Command::new("/proc/self/exe");
    command.uid(NOBODY).gid(NOBODY);
    Some(Process::run(command, role, arguments))
}

fn open_to_everyone(place: &Place) -> Writer {
    place.try_writer(small(), WriterOptions { access: Access::Everyone, ..place.writer_options() }).unwrap()
}

/// Publishes a frame whenever all sleep, and adds up how late each of them saw it.
fn delays<const SLEEPERS: usize>(writer: &mut Writer, sleepers: [Reader; SLEEPERS]) -> [Duration; SLEEPERS] {
    let (asleep, falls_asleep) = channel();
    thread::scope(|scope| {
        let sleepers = sleepers.map(|reader| {
            let asleep = asleep.clone();
            scope.spawn(move || {
                (0..FRAMES).map(|_| age(&wait_aloud(&reader, &asleep).unwrap().unwrap())).sum::<Duration>()
            })
        });
        for _ in 0..FRAMES {
            for _ in &sleepers {
                falls_asleep.recv_timeout(SOON).unwrap();
            }
            thread::sleep(Duration::from_millis(3)); // from saying so to sleeping; what comes earlier is seen anyhow
            publish(writer);
        }
        sleepers.map(|sleeper| sleeper.join().unwrap())
    })
}

/// Another user may see the frames, and so can reach everybody who sleeps on the header's word: wake them as fast as it
/// can, and move them to a word that nobody rings. This user's own readers and observers hear of each frame all the same.
#[test]
fn another_user_takes_no_wake_up_away() {
    let place = Place::new();
    let mut writer = open_to_everyone(&place);
    let Some(mut thief) = as_another_user("thief of wake-ups", &[place.frames().to_str().unwrap()]) else { return };
    thief.expect("has moved one that slept on the header's word");
    let [reader, observer] = delays(&mut writer, [place.reader(), place.observer()]);
    thief.expect_alive();
    assert!(reader < TOGETHER, "{FRAMES} wake-ups of a reader took {reader:?}");
    assert!(observer < TOGETHER, "{FRAMES} wake-ups of an observer took {observer:?}");
}

/// Another user who sleeps is woken too, and does not poll.
#[test]
fn another_user_is_woken() {
    let place = Place::new();
    let mut writer = open_to_everyone(&place);
    let Some(mut stranger) = as_another_user("sleeping stranger", &[place.path().to_str().unwrap()]) else { return };
    for _ in 0..FRAMES {
        stranger.expect("sleeps");
        thread::sleep(Duration::from_millis(3)); // from saying so to sleeping
        publish(&mut writer);
    }
    let microseconds = stranger.hear().parse().unwrap();
    let delay = Duration::from_micros(microseconds);
    assert!(delay < TOGETHER, "{FRAMES} wake-ups took {delay:?}");
    stranger.tell("enough");
    stranger.finish();
}

/// Root, who watches somebody else's stream that is nobody else's to see, sleeps where that user's own readers do.
#[test]
fn root_is_woken_by_a_private_stream() {
    let place = Place::new();
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(place.path(), Some(NOBODY), None).unwrap();
    }
    let Some(mut theirs) = as_another_user("writer", &[place.path().to_str().unwrap()]) else { return };
    theirs.hear();
    let options = ReaderOptions { owner: Some(NOBODY), ..place.reader_options() };
    let observer = Reader::attach(&name(), options).unwrap();
    assert!(observer.is_observer().unwrap());
    let mut delay = Duration::ZERO;
    for _ in 0..FRAMES {
        let (asleep, falls_asleep) = channel();
        thread::scope(|scope| {
            let sleeping = scope.spawn(|| age(&wait_aloud(&observer, &asleep).unwrap().unwrap()));
            falls_asleep.recv_timeout(SOON).unwrap();
            thread::sleep(Duration::from_millis(3)); // from saying so to sleeping
            theirs.tell("publish 1");
            delay += sleeping.join().unwrap();
        });
        theirs.hear();
    }
    assert!(delay < TOGETHER, "{FRAMES} wake-ups took {delay:?}");
}

/// A new writer wakes those who sleep on a killed one's segment, on whichever word: readers and observers, and an observer
/// that found no leases file to sleep beside.
#[test]
fn a_successor_wakes_those_who_sleep_on_the_dead_one_s_words() {
    for has_leases in [true, false] {
        let mut delay = Duration::ZERO;
        for _ in 0..4 {
            let place = Place::new();
            let dead = Process::start("writer", &[place.path().to_str().unwrap()]);
            dead.hear();
            if !has_leases {
                fs::remove_file(place.ending(".leases")).unwrap();
            }
            let sleepers = if has_leases { vec![place.reader(), place.observer()] } else { vec![place.observer()] };
            dead.kill();
            let (asleep, falls_asleep) = channel();
            delay += thread::scope(|scope| {
                let asleep = &asleep;
                let sleep = |reader: Reader| scope.spawn(move || age(&wait_aloud(&reader, asleep).unwrap().unwrap()));
                let sleepers: Vec<_> = sleepers.into_iter().map(sleep).collect();
                for _ in &sleepers {
                    falls_asleep.recv_timeout(SOON).unwrap();
                }
                thread::sleep(Duration::from_millis(3)); // from saying so to sleeping
                let mut successor = place.writer();
                publish(&mut successor);
                sleepers.into_iter().map(|sleeper| sleeper.join().unwrap()).max().unwrap()
            });
        }
        // By their own looks, due a quarter of a second after they attached, it would be 4 times 200 ms and more.
        assert!(delay < Duration::from_millis(400), "4 successors were seen after {delay:?}, leases: {has_leases}");
    }
}

/// Thousands of another user's sleepers hold no frame up: each costs its waker some microseconds.
#[test]
fn a_crowd_of_strangers_holds_no_frame_up() {
    let place = Place::new();
    let mut writer = open_to_everyone(&place);
    let Some(crowd) = as_another_user("crowd of strangers", &[place.frames().to_str().unwrap()]) else { return };
    crowd.expect("sleep");
    let mut fastest = Duration::MAX;
    for _ in 0..5 {
        thread::sleep(Duration::from_millis(100)); // for those just woken to sleep again
        let start = std::time::Instant::now();
        publish(&mut writer);
        fastest = fastest.min(start.elapsed());
    }
    assert!(fastest < Duration::from_millis(3), "a frame took {fastest:?}");
    crowd.finish();
}

/// The header's word in a mapping that may only be read.
#[allow(unsafe_code, reason = "maps a page as any program could")]
fn map_notify(frames: &Path) -> &'static AtomicU32 {
    use rustix::mm::{MapFlags, ProtFlags, mmap};
    let file = File::open(frames).unwrap();
    // SAFETY: a new mapping at an address of the kernel's choice; it lasts as long as the process.
    let page = unsafe { mmap(std::ptr::null_mut(), 4096, ProtFlags::READ, MapFlags::SHARED, &file, 0) }.unwrap();
    // SAFETY: in bounds of the page.
    let notify = unsafe { page.byte_add(NOTIFY) };
    // SAFETY: aligned, mapped for ever, and atomic.
    unsafe { AtomicU32::from_ptr(notify.cast()) }
}

fn sleep_on(word: &AtomicU32) {
    let _woken = futex::wait(word, futex::Flags::empty(), word.load(Ordering::Relaxed), None);
}

/// Moves whoever sleeps on the header's word, and wakes who has just fallen asleep there, until its standard input ends.
pub(crate) fn thief(frames: &Path) {
    static ELSEWHERE: AtomicU32 = AtomicU32::new(0);
    let (notify, flags) = (map_notify(frames), futex::Flags::empty());
    thread::spawn(move || sleep_on(notify));
    let steal = move || {
        let number = notify.load(Ordering::Relaxed);
        futex::cmp_requeue(notify, flags, 0, i32::MAX as u32, &ELSEWHERE, number).unwrap_or(0)
    };
    while steal() == 0 {
        thread::yield_now();
    }
    say("has moved one that slept on the header's word");
    thread::spawn(move || {
        loop {
            let _moved: usize = (0..100).map(|_| steal()).sum();
            let _woken = futex::wake(notify, flags, 1);
        }
    });
    while heard().is_some() {}
}

/// Sleeps until each frame, and says at the end how late it saw them all.
pub(crate) fn stranger(directory: &Path) {
    let reader = Reader::attach(&name(), reader_options(directory)).unwrap();
    assert!(reader.is_observer().unwrap());
    let mut delay = Duration::ZERO;
    for _ in 0..FRAMES {
        let mut told = false;
        let frame = reader.wait_with(Some(SOON), &mut || {
            if !std::mem::replace(&mut told, true) {
                say("sleeps");
            }
            false
        });
        delay += age(&frame.unwrap().unwrap());
    }
    say(&delay.as_micros().to_string());
    while heard().is_some() {}
}

/// Thousands of threads that sleep on the header's word.
pub(crate) fn crowd(frames: &Path) {
    let notify = map_notify(frames);
    for _ in 0..4000 {
        let sleeper = thread::Builder::new().stack_size(16 * 1024);
        sleeper
            .spawn(move || {
                loop {
                    sleep_on(notify);
                }
            })
            .unwrap();
    }
    say("sleep");
    while heard().is_some() {}
}
