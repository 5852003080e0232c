//! The processes that are killed: each prepares one operation, waits for the word, and does it between two marks.

use std::hint::black_box;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use billiards_video::{
    Directories, Error, Format, Geometry, Reader, ReaderOptions, Reason, Reservation, State, Writer, WriterOptions,
};

use super::tracer::mark;
use crate::support::place::name;
use crate::support::process::{heard, say};
use crate::support::{SOON, pattern};

/// What a writer says in its status before and while it is killed.
pub(crate) const STATUS: [&[u8]; 2] = [b"{\"before\": 1}", b"{\"the text that was being written\": 2}"];

/// Frames of which all buffers share a page, and that do not end on a word: what an operation costs is the operation.
pub(crate) fn tiny() -> Geometry {
    Geometry::new(19, 13, Format::Gray8).unwrap()
}

/// Frames of another size.
pub(crate) fn other() -> Geometry {
    Geometry::new(7, 43, Format::Bgr24).unwrap()
}

/// Some directories, in order.
pub(crate) fn directories<P: AsRef<Path>>(paths: &[P]) -> Directories {
    let first = Directories::only(paths[0].as_ref());
    paths[1..].iter().fold(first, |directories, path| directories.or(path.as_ref()))
}

pub(crate) fn writer_options(directories: Directories) -> WriterOptions {
    WriterOptions { directories, ..WriterOptions::default() }
}

pub(crate) fn reader_options(directories: Directories) -> ReaderOptions {
    ReaderOptions { timeout: SOON, directories, ..ReaderOptions::default() }
}

/// Publishes the next frame, if there is a buffer for it, and gives its number.
pub(crate) fn try_publish(writer: &mut Writer) -> Option<u64> {
    let (epoch, number) = (writer.epoch(), writer.stats().published);
    let mut loan = writer.loan().unwrap()?;
    pattern::fill(loan.pixels(), epoch, number);
    loan.publish(&pattern::stamp(epoch, number)).unwrap();
    Some(number)
}

/// Says which of its threads will act.
fn introduce() {
    say(&format!("thread {}", rustix::thread::gettid().as_raw_nonzero()));
}

/// Waits for the word, and does something between the marks. It is killed there, or at the second mark at the latest.
fn perform<T>(operation: impl FnOnce() -> T) {
    assert_eq!(Some("go"), heard().as_deref());
    mark();
    let result = operation();
    mark();
    black_box(result);
    panic!("nobody has killed this process");
}

/// A writer that starts while the one before it ends, and says what has come of it. Nobody kills it.
pub(crate) fn heir(paths: &[&str]) {
    introduce();
    assert_eq!(Some("go"), heard().as_deref());
    mark();
    let created = Writer::create(&name(), tiny(), writer_options(directories(paths)));
    mark();
    match created {
        Ok(_writer) => {
            say("writes");
            heard();
        }
        Err(Error::NameInUse { .. }) => say("refused"),
        Err(error) => panic!("{error}"),
    }
}

/// A reader that dies in `operation`.
pub(crate) fn reader(operation: &str, paths: &[&str]) {
    introduce();
    let attach = |observe| {
        let reader_name = "a victim".to_owned();
        Reader::attach(&name(), ReaderOptions { observe, reader_name, ..reader_options(directories(paths)) }).unwrap()
    };
    let newest = |reader: &Reader| reader.newest().unwrap().expect("a frame");
    match operation {
        "nothing" => return perform(|| ()),
        "attach" => {
            say("ready");
            return perform(|| attach(false));
        }
        "observe" => {
            let reader = attach(true);
            say("ready");
            return perform(|| newest(&reader));
        }
        _ => {}
    }
    let reader = attach(false);
    if operation == "take" {
        say("ready");
        return perform(|| newest(&reader));
    }
    let frame = newest(&reader);
    say("ready");
    match operation {
        "take another" | "follow" => perform(|| newest(&reader)),
        "wait" => perform(|| reader.wait(Some(SOON)).unwrap().expect("a frame")),
        "release" => perform(|| drop(frame)),
        "detach" => perform(|| {
            drop(reader);
            drop(frame);
        }),
        _ => panic!("no operation of a reader: {operation}"),
    }
}

/// A writer that dies in `operation`; before it, unless that is its start, it publishes on command.
pub(crate) fn writer(operation: &str, paths: &[&str]) {
    introduce();
    let options = writer_options(directories(paths));
    let create = || Writer::create(&name(), tiny(), options.clone()).unwrap();
    match operation {
        "create" => return perform(create),
        "reserve" => return perform(|| Reservation::take(&name(), options.clone()).unwrap()),
        "publish reserved" => {
            let reservation = Reservation::take(&name(), options).unwrap();
            say("reserved");
            return perform(|| reservation.publish(tiny()).unwrap());
        }
        _ => {}
    }
    let (mut writer, since) = (create(), Instant::now());
    writer.set_status(STATUS[0]).unwrap();
    say(&format!("writes {:016x}", writer.epoch()));
    while let Some(order) = heard() {
        match &*order {
            "publish" => say(&format!("published {}", try_publish(&mut writer).expect("a buffer"))),
            "go on" => break,
            _ => panic!("not an order to a writer: {order}"),
        }
    }
    let epoch = writer.epoch();
    let number = writer.stats().published;
    let pixels = pattern::frame(writer.geometry().frame_bytes(), epoch, number);
    let stamp = pattern::stamp(epoch, number);
    match operation {
        "nothing" => perform(|| ()),
        "loan" => perform(|| writer.loan().unwrap().expect("a buffer").slot()),
        "cancel" => perform(|| {
            let mut loan = writer.loan().unwrap().expect("a buffer");
            loan.pixels().fill(0xdd);
            loan.cancel();
        }),
        "publish" => {
            let mut loan = writer.loan().unwrap().expect("a buffer");
            loan.pixels().copy_from_slice(&pixels);
            perform(|| loan.publish(&stamp).unwrap());
        }
        "write" => perform(|| writer.write(&pixels, &stamp).unwrap().expect("a buffer")),
        "grow" => {
            let mut loan = writer.loan().unwrap().expect("a buffer");
            loan.pixels().copy_from_slice(&pixels);
            loan.publish_untidied(&stamp).unwrap();
            let buffers = writer.stats().buffers;
            perform(|| {
                writer.tidy();
                assert_eq!(buffers + 1, writer.stats().buffers);
            });
        }
        "reshape" => perform(|| writer.reshape(other()).unwrap()),
        "heal" => {
            // A writer looks after its name once a second.
            thread::sleep((since + Duration::from_secs(1)).saturating_duration_since(Instant::now()));
            perform(|| {
                writer.tend().unwrap();
                assert!(std::fs::exists(writer.path()).unwrap());
            });
        }
        "status" => perform(|| writer.set_status(STATUS[1]).unwrap()),
        "state" => perform(|| writer.set_state(State::Stalled, Reason::SlowFrames)),
        "end" => perform(|| writer.close(State::Ended, Reason::EndOfSource)),
        "drop" => perform(|| drop(writer)),
        _ => panic!("no operation of a writer: {operation}"),
    }
}
