//! What another process of any test can be: a writer and a reader that do as they are told.

use std::collections::VecDeque;
use std::path::Path;
use std::time::{Duration, Instant};

use billiards_video::{Directories, Frame, Reader, ReaderOptions, Reason, State, Writer, WriterOptions};

use super::place::name;
use super::process::{heard, say};
use super::{SOON, pattern, publish, read, small, try_publish};

/// Plays a role that every test binary has to its end; `false` where it is none of them.
pub(crate) fn play(role: &str, arguments: &[&str]) -> bool {
    match (role, arguments) {
        ("writer", [directory]) => writer(Path::new(directory)),
        ("reader", [directory]) => reader(Path::new(directory)),
        _ => return false,
    }
    true
}

pub(crate) fn writer_options(directory: &Path) -> WriterOptions {
    WriterOptions { directories: Directories::only(directory), ..WriterOptions::default() }
}

pub(crate) fn reader_options(directory: &Path) -> ReaderOptions {
    ReaderOptions {
        timeout: SOON,
        reader_name: format!("reader {}", std::process::id()),
        directories: Directories::only(directory),
        ..ReaderOptions::default()
    }
}

/// Publishes on command: `publish <n>`, `drops <n>` (tries and says how many were dropped), `end`, `close`.
fn writer(directory: &Path) {
    let mut writer = match Writer::create(&name(), small(), writer_options(directory)) {
        Ok(writer) => writer,
        Err(error) => return say(&format!("refused: {error}")),
    };
    say(&format!("writes {:016x}", writer.epoch()));
    while let Some(line) = heard() {
        match *line.split(' ').collect::<Vec<_>>() {
            ["publish", count] => {
                let last = (0..count.parse().unwrap()).map(|_| publish(&mut writer)).last();
                say(&format!("published {}", last.unwrap()));
            }
            ["drops", count] => {
                let tries = 0..count.parse::<u64>().unwrap();
                say(&format!("dropped {}", tries.filter(|_| try_publish(&mut writer).is_none()).count()));
            }
            ["end"] => return writer.close(State::Ended, Reason::EndOfSource),
            ["close"] => return,
            _ => panic!("not a command of a writer: {line}"),
        }
    }
}

/// Reads on command: `read` (waits for a frame and drops it), `hold` (waits for one and keeps it), `drop` (the oldest).
/// Checks everything that it holds before each answer.
fn reader(directory: &Path) {
    let reader = match Reader::attach(&name(), reader_options(directory)) {
        Ok(reader) => reader,
        Err(error) => return say(&format!("refused: {error}")),
    };
    say("attached");
    let mut held: VecDeque<(u64, Frame)> = VecDeque::new();
    while let Some(line) = heard() {
        for (epoch, frame) in &held {
            pattern::check(frame, *epoch, frame.info().frame_number);
        }
        match line.as_str() {
            "read" => say(&format!("read {}", read(&reader).info().frame_number)),
            "hold" => {
                let frame = read(&reader);
                say(&format!("holds {}", frame.info().frame_number));
                held.push_back((reader.epoch().unwrap(), frame));
            }
            "drop" => {
                drop(held.pop_front().expect("a held frame"));
                say("dropped");
            }
            _ => panic!("not a command of a reader: {line}"),
        }
    }
}

/// Spins for a while that is too short to sleep.
pub(crate) fn spin(length: Duration) {
    let start = Instant::now();
    while start.elapsed() < length {
        std::hint::spin_loop();
    }
}
