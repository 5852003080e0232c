//! A reader that shows what `make demo` shows: frame number, frames a second, latency, missed frames.
//!
//! ```console
//! $ cargo run --release --example reader -- billiards_video
//! ```
//!
//! It reads every frame in place, without a copy, until the source has ended or Ctrl-C. There is nothing to clean up: the
//! kernel gives back what a reader holds, however it ends.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program, not a library: printing is what it is for")]

use std::env;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use billiards_video::{Error, FrameInfo, Name, Reader, ReaderOptions, State};
use rustix::time::{ClockId, clock_gettime};

const LINE: Duration = Duration::from_secs(1);
/// Frames that percentiles are taken of.
const WINDOW: usize = 1000;

fn main() -> ExitCode {
    let name = env::args().nth(1).unwrap_or_else(|| "billiards_video".to_owned());
    match watch(&name) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\n{error}");
            ExitCode::FAILURE
        }
    }
}

fn watch(name: &str) -> Result<(), Error> {
    let options = ReaderOptions {
        timeout: Duration::from_secs(10),
        reader_name: "example".to_owned(),
        ..ReaderOptions::default()
    };
    let reader = Reader::attach(&Name::new(name)?, options)?;
    println!("{} in {}, from process {}", reader.geometry()?, reader.path()?.display(), reader.writer_pid()?);
    reader.newest()?; // what is there already was published before this reader came: its age is no latency
    let mut figures = Figures::default();
    let mut next_line = Instant::now() + LINE;
    loop {
        match reader.wait(Some(next_line.saturating_duration_since(Instant::now()))) {
            // The frame derefs to its pixels, in the shared buffer, and holds it until it is dropped.
            Ok(Some(frame)) => figures.add(frame.info(), monotonic_ns()),
            Ok(None) => {} // time for a line, and no frame since
            Err(Error::EndOfStream { .. }) => {
                println!("\nThe source has ended.");
                return Ok(());
            }
            Err(error) => return Err(error),
        }
        if Instant::now() >= next_line {
            next_line += LINE;
            let state = match reader.state()?.0 {
                State::Live | State::Stalled | State::Reconnecting if !reader.writer_alive()? => {
                    "its process is gone".to_owned()
                }
                state => state.to_string(),
            };
            show(&figures.line(&state));
        }
    }
}

/// The line in place of the one before on a terminal, below it elsewhere.
fn show(line: &str) {
    if io::stdout().is_terminal() {
        print!("\r{line}\x1b[K");
        io::stdout().flush().ok(); // a terminal that is gone ends the program by itself
    } else {
        println!("{line}");
    }
}

/// What is known of the frames so far. Times are nanoseconds of `CLOCK_MONOTONIC`, the clock of the frames' own times.
#[derive(Default)]
struct Figures {
    number: u64,
    frames: usize,
    missed: u64,
    since_publish: Vec<u64>,
    since_capture: Vec<u64>,
    /// When the last frame of the line before arrived, how many have since, and when the last.
    interval: Option<(u64, u32, u64)>,
}

impl Figures {
    fn add(&mut self, info: &FrameInfo, arrived_ns: u64) {
        self.number = info.frame_number;
        self.missed += info.missed;
        let place = self.frames % WINDOW;
        put(&mut self.since_publish, place, arrived_ns.saturating_sub(info.published_ns));
        put(&mut self.since_capture, place, arrived_ns.saturating_sub(info.captured_ns));
        self.frames += 1;
        self.interval = match self.interval {
            None => Some((arrived_ns, 0, arrived_ns)),
            Some((begin, count, _)) => Some((begin, count + 1, arrived_ns)),
        };
    }

    /// One line for a person; counts frames a second from the last call on.
    fn line(&mut self, state: &str) -> String {
        let fps = match self.interval {
            Some((begin, count, end)) if count > 0 => {
                f64::from(count) / Duration::from_nanos(end - begin).as_secs_f64()
            }
            _ => 0.0,
        };
        self.interval = self.interval.map(|(_, _, end)| (end, 0, end));
        format!(
            "frame={} fps={fps:.2} publish_to_array_{} capture_to_array_{} missed={} {state}",
            self.number,
            percentiles(&self.since_publish),
            percentiles(&self.since_capture),
            self.missed
        )
    }
}

fn put(window: &mut Vec<u64>, place: usize, value: u64) {
    if place < window.len() { window[place] = value } else { window.push(value) }
}

fn percentiles(window: &[u64]) -> String {
    let mut sorted = window.to_vec();
    sorted.sort_unstable();
    let at = |percent| sorted.get(sorted.len() * percent / 100).map_or_else(|| "none".to_owned(), |&ns| time(ns));
    format!("p50={} p99={}", at(50), at(99))
}

/// A time with a unit that suits it: "84us", "1.62ms".
fn time(ns: u64) -> String {
    let microseconds = ns / 1000;
    if microseconds < 1000 {
        format!("{microseconds}us")
    } else {
        format!("{}.{:02}ms", microseconds / 1000, microseconds / 10 % 100)
    }
}

fn monotonic_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    #[allow(clippy::cast_sign_loss, reason = "this clock is never before its zero")]
    let (seconds, rest) = (now.tv_sec as u64, now.tv_nsec as u64);
    seconds * 1_000_000_000 + rest
}
