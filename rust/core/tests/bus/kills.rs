//! Killed readers: what they held, and their lines, are free again. Deaths at every point are the campaign of `soundness`.

use std::time::{Duration, Instant};

use billiards_video::{Error, Reader};

use crate::support::place::{Place, name};
use crate::support::process::Process;
use crate::support::{publish, publish_many, read};

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
