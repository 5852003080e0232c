//! `kill -9`, of readers and writers, at any moment.

use std::collections::VecDeque;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use billiards_video::{Error, Frame, Reader, ReaderOptions, Stamp, Writer};

use crate::support::place::{Place, name};
use crate::support::process::{Process, say};
use crate::support::roles::{reader_options, spin, writer_options};
use crate::support::{SOON, pattern, publish, publish_many, read, small, until};

/// A killed reader's hold ends with it: the writer, at its maximum, goes on at once and never drops a frame, and the line
/// serves the next reader, which starts empty.
#[test]
fn a_killed_reader_s_buffers_are_used_again() {
    let place = Place::new();
    let mut writer = place.writer_with(4);
    for round in 0..5 {
        let mut reader = Process::start("reader", &[place.path().to_str().unwrap()]);
        reader.expect("attached");
        for _ in 0..2 {
            let number = publish(&mut writer);
            reader.tell("hold");
            reader.expect(&format!("holds {number}"));
        }
        publish(&mut writer);
        assert_eq!((4, 1), (writer.stats().buffers, writer.stats().buffers_free));
        let [figures] = &writer.readers()[..] else { panic!("{:?}", writer.readers()) };
        assert_eq!((0, reader.pid(), 2), (figures.line, figures.pid, figures.held));
        reader.kill();
        assert!(writer.readers().is_empty());
        assert_eq!(3, writer.stats().buffers_free);
        publish_many(&mut writer, 100);
        assert_eq!(0, writer.stats().dropped, "round {round}");
    }
    assert_eq!(4, writer.stats().buffers);
    let next = place.reader();
    let figures = &writer.readers()[0];
    assert_eq!((0, 0, 0, String::new()), (figures.line, figures.held, figures.frames_read, figures.name.clone()));
    drop(read(&next));
}

/// There are 64 lines: the 65th reader is refused with what to do, an observer is not; killed readers' lines are free.
#[test]
fn sixty_four_readers_and_no_more() {
    let place = Place::new();
    let mut writer = place.writer_with(16);
    let number = publish(&mut writer);
    let attach = |count| {
        let readers: Vec<Process> =
            (0..count).map(|_| Process::start("reader", &[place.path().to_str().unwrap()])).collect();
        for reader in &readers {
            reader.expect("attached");
        }
        readers
    };
    let mut readers = attach(64);
    for reader in &mut readers {
        reader.tell("hold");
        reader.expect(&format!("holds {number}"));
    }
    let refused = Reader::attach(&name(), place.reader_options()).unwrap_err();
    assert!(matches!(refused, Error::LinesFull { .. }));
    assert!(refused.to_string().contains("64 readers") && refused.to_string().contains("observe=True"), "{refused}");
    assert_eq!(number, read(&place.observer()).info().frame_number);
    let mut lines: Vec<usize> = writer.readers().iter().map(|reader| reader.line).collect();
    lines.dedup();
    assert_eq!((0..64).collect::<Vec<_>>(), lines);

    readers.remove(17).kill();
    let reader = place.reader();
    assert_eq!(64, writer.readers().len());
    drop(reader);
    readers.into_iter().for_each(Process::kill);
    assert_eq!(0, writer.readers().len());
    let start = Instant::now();
    publish_many(&mut writer, 100);
    assert_eq!((0, 3), (writer.stats().dropped, writer.stats().buffers));
    assert!(start.elapsed() < Duration::from_secs(2), "64 dead lines cost {:?}", start.elapsed());

    let readers: Vec<Reader> = (0..64).map(|_| place.reader()).collect();
    assert!(matches!(Reader::attach(&name(), place.reader_options()), Err(Error::LinesFull { .. })));
    drop(readers);
}

/// A few hundred processes killed at random moments, readers and writers, from their very start on: no torn frame, no
/// stuck one, every attached reader goes on by itself, and nothing is left behind.
#[test]
fn a_campaign_of_kills() {
    const KILLS: u64 = 300;
    let place = Place::new();
    let directory = place.path().to_str().unwrap().to_owned();
    let mut random = Random(0x1234_5678_9abc_def1);
    let start = |role: &str, random: &mut Random| Process::start(role, &[&directory, &random.next().to_string()]);
    let mut writer = start("campaign writer", &mut random);
    writer.expect("writing");
    let reader = place.reader();
    let mut held = VecDeque::from([hold(&reader)]);
    let mut readers: VecDeque<Process> = (0..3).map(|_| start("campaign reader", &mut random)).collect();
    let mut epochs = 1;
    for kill in 0..KILLS {
        thread::sleep(Duration::from_micros(random.below(8000)));
        if kill % 3 == 0 {
            writer.kill();
            writer = start("campaign writer", &mut random);
            if random.below(2) == 0 {
                writer.expect("writing"); // else its successor may come while it is starting
            }
        } else {
            readers.pop_front().unwrap().kill();
            readers.push_back(start("campaign reader", &mut random));
        }
        // This reader was there from the beginning: it holds frames of several writers, all dead but the last.
        if let Ok(Some(frame)) = reader.wait(Some(Duration::ZERO)) {
            let epoch = reader.epoch().unwrap();
            epochs += u64::from(held.back().is_some_and(|(last, _)| *last != epoch));
            pattern::check(&frame, epoch, frame.info().frame_number);
            held.push_back((epoch, frame));
        }
        while held.len() > 2 {
            drop(held.pop_front());
        }
        for (epoch, frame) in &held {
            pattern::check(frame, *epoch, frame.info().frame_number);
        }
        // A reader that saw something wrong has ended by itself, and its kill above would say so.
    }
    assert!(epochs > KILLS / 20, "the reader has followed only {epochs} of some {} writers", KILLS / 3);
    drop(writer);
    readers.into_iter().for_each(Process::kill);
    until("the last writer is gone", || (!reader.writer_alive().unwrap()).then_some(()));
    let mut last = place.writer();
    publish(&mut last);
    let frame = until("the last writer's frame", || reader.wait(Some(Duration::ZERO)).unwrap());
    pattern::check(&frame, last.epoch(), 0);
    assert_eq!(4, place.files().len(), "{:?}", place.files());
    drop(last);
    assert!(place.files().is_empty(), "{:?}", place.files());
}

fn hold(reader: &Reader) -> (u64, Frame) {
    let frame = read(reader);
    (reader.epoch().unwrap(), frame)
}

/// Publishes as fast as it can, with cancelled loans and status texts between, until it is killed.
pub(crate) fn writer(directory: &Path, seed: u64) {
    let mut random = Random(seed | 1);
    // The one before may be on its way out still.
    let mut writer =
        until("the right to the name", || match Writer::create(&name(), small(), writer_options(directory)) {
            Err(Error::NameInUse { .. }) => None,
            created => Some(created.unwrap()),
        });
    say("writing");
    for number in 0.. {
        let epoch = writer.epoch();
        writer.tend().unwrap();
        let Some(mut loan) = writer.loan().unwrap() else { continue };
        if random.below(4) == 0 {
            loan.pixels().fill(0xdd);
            loan.cancel();
        } else {
            pattern::fill(loan.pixels(), epoch, number);
            loan.publish(&Stamp { frame_number: Some(number), ..Stamp::default() }).unwrap();
        }
        if random.below(16) == 0 {
            writer.set_status(format!("{{\"frame\": {number}}}").as_bytes()).unwrap();
        }
        spin(Duration::from_micros(random.below(60)));
    }
}

/// Reads and holds at random, some through a handle of its own for a while, until it is killed.
pub(crate) fn reader(directory: &Path, seed: u64) {
    let mut random = Random(seed | 1);
    let observe = seed.is_multiple_of(4);
    let attach = || {
        let options = ReaderOptions { observe, ..reader_options(directory) };
        until("a live writer", || match Reader::attach(&name(), options.clone()) {
            Err(Error::NotCreated { .. }) => None,
            attached => Some(attached.unwrap()),
        })
    };
    let mut reader = attach();
    let mut held: VecDeque<(u64, Frame)> = VecDeque::new();
    loop {
        while held.len() > 2 || (random.below(2) == 0 && !held.is_empty()) {
            let (epoch, frame) = held.pop_front().unwrap();
            pattern::check(&frame, epoch, frame.info().frame_number);
        }
        if let Some(frame) = reader.wait(Some(SOON)).unwrap() {
            let epoch = reader.epoch().unwrap();
            pattern::check(&frame, epoch, frame.info().frame_number);
            held.push_back((epoch, frame));
        }
        if random.below(64) == 0 {
            reader = attach();
        }
        spin(Duration::from_micros(random.below(100)));
    }
}

/// Xorshift: enough to be different each time and the same in each run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}
