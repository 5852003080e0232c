//! More buffers on demand, drops when there are no more, recovery when readers let go.

use std::collections::VecDeque;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use billiards_video::{Format, Frame, Geometry, Notice, Reader, Writer, WriterOptions};
use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};

use crate::support::place::{Place, name};
use crate::support::process::{Process, heard, say};
use crate::support::roles::{reader_options, writer_options};
use crate::support::{namespace, pattern, publish, publish_many, read, small, try_publish};

fn told(writer: &mut Writer) -> Vec<String> {
    writer.notices().iter().map(ToString::to_string).collect()
}

/// A segment grows buffer by buffer while readers hold, to its maximum and no further; no frame is dropped on the way.
#[test]
fn a_segment_grows_to_its_maximum() {
    for max_buffers in [3, 4, 8, 16] {
        let place = Place::new();
        let mut writer = place.writer_with(max_buffers);
        let size = |slots: usize| 4096 + (slots * small().frame_bytes()) as u64;
        assert_eq!((3, size(3)), (writer.stats().buffers, fs::metadata(place.frames()).unwrap().len()));
        let readers: Vec<Reader> = (0..6).map(|_| place.reader()).collect();
        let mut held: Vec<Frame> = Vec::new();
        // With `L` held there must be `L + 2`: one more is the newest, and one is for the next.
        for reader in readers.iter().cycle().take(usize::from(max_buffers) - 2) {
            publish(&mut writer);
            held.push(read(reader));
            publish(&mut writer);
            assert_eq!((held.len() + 2).max(3), writer.stats().buffers);
        }
        publish_many(&mut writer, 20);
        assert_eq!((usize::from(max_buffers), 0), (writer.stats().buffers, writer.stats().dropped));
        assert_eq!(size(max_buffers.into()), fs::metadata(place.frames()).unwrap().len());
        assert_eq!(u32::from(max_buffers), readers[0].counters().unwrap().buffers);
        let notices = writer.notices();
        assert_eq!(usize::from(max_buffers) - 3, notices.len());
        assert!(notices.iter().all(|notice| matches!(notice, Notice::Grew { .. }) && !notice.is_warning()));
        held.iter().zip(0..).for_each(|(frame, at)| pattern::check(frame, writer.epoch(), 2 * at));

        // One more held, and there is none for the next frame: dropped, until somebody lets go.
        held.push(read(&readers[5]));
        assert_eq!(None, try_publish(&mut writer).and_then(|_| try_publish(&mut writer)));
        assert_eq!(usize::from(max_buffers), writer.stats().buffers);
    }
}

/// A buffer that is added while a reader is attached reaches it, and an observer.
#[test]
fn added_buffers_reach_those_who_were_there_before() {
    let place = Place::new();
    let mut writer = place.writer_with(16);
    let (holders, reader, observer) =
        ((0..4).map(|_| place.reader()).collect::<Vec<_>>(), place.reader(), place.observer());
    let mut held = Vec::new();
    for holder in holders.iter().cycle().take(12) {
        publish(&mut writer);
        held.push(read(holder));
    }
    let mut highest = 0;
    for number in 12..40 {
        publish(&mut writer);
        highest = highest.max(writer.stats().latest_slot.unwrap());
        assert_eq!((number, number), (read(&reader).info().frame_number, read(&observer).info().frame_number));
    }
    assert!(highest >= 12, "no frame was in an added buffer");
}

/// When every buffer is held, frames are dropped and counted, a warning names who holds them, and all is well again as
/// soon as they let go.
#[test]
fn starvation_is_counted_named_and_over_when_they_let_go() {
    let place = Place::new();
    let mut writer = place.writer_with(4);
    let mut greedy = Process::start("reader", &[place.path().to_str().unwrap()]);
    greedy.expect("attached");
    for number in 0..3 {
        publish(&mut writer);
        greedy.tell("hold");
        greedy.expect(&format!("holds {number}"));
    }
    let observer = place.observer();
    publish(&mut writer); // the fourth buffer, which is the newest: none is left
    assert!((0..100).all(|_| try_publish(&mut writer).is_none()));
    let stats = writer.stats();
    assert_eq!((4, 100, 4, 0), (stats.published, stats.dropped, stats.buffers, stats.buffers_free));
    assert_eq!(100, observer.counters().unwrap().dropped);
    assert_eq!(3, read(&observer).info().frame_number, "the newest frame is still there to read");
    let pid = greedy.pid();
    let notices = told(&mut writer);
    assert_eq!(2, notices.len(), "{notices:?}");
    assert_eq!("readers hold the other buffers: there are 4 now", notices[0]);
    let start = format!(
        "all 4 buffers are held by readers, frames are dropped until one lets go (held by 'reader {pid}' pid {pid}: 3 of 3 for "
    );
    assert!(notices[1].starts_with(&start), "{notices:?}");
    for _ in 0..3 {
        greedy.tell("drop");
        greedy.expect("dropped");
        publish_many(&mut writer, 10);
    }
    assert_eq!((100, 3), (writer.stats().dropped, writer.stats().buffers_free));
    greedy.finish();
}

/// A reader that is stopped (SIGSTOP) with all it may hold delays nothing: frames flow through the other buffers.
#[test]
fn a_stopped_reader_delays_nothing() {
    let place = Place::new();
    let mut writer = place.writer();
    let mut stopped = Process::start("reader", &[place.path().to_str().unwrap()]);
    stopped.expect("attached");
    for number in 0..3 {
        publish(&mut writer);
        stopped.tell("hold");
        stopped.expect(&format!("holds {number}"));
    }
    stopped.signal(Signal::STOP);
    let start = Instant::now();
    publish_many(&mut writer, 1000);
    assert!(start.elapsed() < Duration::from_secs(5), "1000 frames took {:?}", start.elapsed());
    assert_eq!(0, writer.stats().dropped);
    stopped.signal(Signal::CONT);
    stopped.tell("drop"); // checks all three
    stopped.expect("dropped");
    stopped.tell("read");
    stopped.expect("read 1002");
    stopped.finish();
}

/// Where the system gives no more memory, that is the maximum for now: said once, and frames go on in what there is.
#[test]
fn no_room_to_grow_is_said_once() {
    let place = Place::new();
    let mut process = Process::start("limited writer", &[place.path().to_str().unwrap()]);
    process.expect("3 buffers, 300 published, told: no room for more than 3 buffers (File too large (os error 27))");
    process.expect("4 buffers after the limit was lifted");
    process.tell("end");
    process.finish();
}

/// As above, where the tmpfs is full.
#[test]
fn a_full_tmpfs_is_the_maximum() {
    let place = Place::new();
    let directory = place.file("small");
    fs::create_dir(&directory).unwrap();
    let size = 4 * small_enough().frame_bytes() + 256 * 1024;
    let arguments = [directory.to_str().unwrap()];
    let Some(mut process) = namespace::with_tmpfs(&directory, &format!("size={size}"), "cramped writer", &arguments)
    else {
        return;
    };
    process.expect(
        "4 buffers, 300 published, told: no room for more than 4 buffers (No space left on device (os error 28))",
    );
    process.expect("nothing left");
    process.tell("end");
    process.finish();
}

fn small_enough() -> Geometry {
    Geometry::new(512, 512, Format::Gray8).unwrap()
}

/// One reader that always holds as many frames as leave one buffer free: with each frame, the segment wants to grow.
struct Press {
    reader: Reader,
    held: VecDeque<Frame>,
}

impl Press {
    fn new(directory: &Path) -> Press {
        Press { reader: Reader::attach(&name(), reader_options(directory)).unwrap(), held: VecDeque::new() }
    }

    fn publish(&mut self, writer: &mut Writer) {
        publish(writer);
        while self.held.len() + 2 > writer.stats().buffers {
            let frame = self.held.pop_front().unwrap();
            pattern::check(&frame, writer.epoch(), frame.info().frame_number);
        }
        self.held.push_back(read(&self.reader));
    }

    /// Publishes 300 frames and says how it went.
    fn report(&mut self, writer: &mut Writer) {
        (0..300).for_each(|_| self.publish(writer));
        let stats = writer.stats();
        let told: Vec<String> = told(writer)
            .into_iter()
            .filter_map(|told| told.split_once(": frames may").map(|(told, _)| told.to_owned()))
            .collect();
        say(&format!("{} buffers, {} published, told: {}", stats.buffers, stats.published, told.join(" AND ")));
    }
}

/// May make files of so many bytes, and learns what happens beyond them.
pub(crate) fn limited_writer(directory: &Path) {
    let mut writer = Writer::create(&name(), small_enough(), writer_options(directory)).unwrap();
    limit_file_size(Some(writer.stats().segment_bytes));
    let start = Instant::now();
    let mut press = Press::new(directory);
    press.report(&mut writer);
    limit_file_size(None);
    while writer.stats().buffers == 3 && start.elapsed() < Duration::from_secs(15) {
        thread::sleep(Duration::from_millis(100)); // the next attempt is due after ten seconds
        press.publish(&mut writer);
    }
    assert!(start.elapsed() > Duration::from_secs(9), "tried again after {:?}", start.elapsed());
    say(&format!("{} buffers after the limit was lifted", writer.stats().buffers));
    heard();
}

/// Has a tmpfs with room for four buffers.
pub(crate) fn cramped_writer(directory: &Path) {
    let options = WriterOptions { max_buffers: 16, ..writer_options(directory) };
    let mut writer = Writer::create(&name(), small_enough(), options).unwrap();
    Press::new(directory).report(&mut writer);
    drop(writer);
    say(if fs::read_dir(directory).unwrap().next().is_none() { "nothing left" } else { "something left" });
    heard();
}

/// How large a file this process may make; beyond, an error and no signal.
#[allow(unsafe_code, reason = "signal dispositions have no safe wrapper")]
pub(crate) fn limit_file_size(bytes: Option<u64>) {
    // SAFETY: no handler runs; the kernel's default, to end the process, is replaced by an error code.
    let before = unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
    assert_ne!(libc::SIG_ERR, before);
    let maximum = getrlimit(Resource::Fsize).maximum;
    setrlimit(Resource::Fsize, Rlimit { current: bytes.or(maximum), maximum }).unwrap();
}
