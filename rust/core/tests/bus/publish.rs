//! Publishing and reading: the newest frame, whole, with what is known of it.

use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use billiards_video::{
    Error, Format, Frame, Geometry, Reader, ReaderFigures, ReaderOptions, SlotView, Stamp, Writer, WriterOptions,
};

use crate::support::place::{NAME, Place, name};
use crate::support::process::Process;
use crate::support::{pattern, publish, publish_many, read, small};

/// Every format and the extremes of size arrive byte for byte, through the buffer and through a copy.
#[test]
fn every_format_and_size_arrives_whole() {
    let sizes = [(1, 1), (2, 1), (1, 3), (61, 67), (640, 480), (16384, 1), (1, 16384), (16384, 9)];
    let place = Place::new();
    for format in Format::ALL {
        for (width, height) in sizes {
            let geometry = Geometry::new(width, height, format).unwrap();
            let mut writer = place.writer_of(geometry);
            let reader = place.reader();
            assert_eq!(geometry, reader.geometry().unwrap());
            for number in 0..4 {
                let sent = pattern::frame(geometry.frame_bytes(), writer.epoch(), number);
                let told = writer.write(&sent, &Stamp::default()).unwrap().unwrap();
                let frame = reader.newest().unwrap().unwrap();
                assert!(sent == *frame, "{geometry}: frame {number} has other pixels");
                assert_eq!((told, geometry, false), (*frame.info(), frame.info().geometry, frame.is_copy()));
                let mut copy = vec![0; sent.len()];
                frame.copy_to(&mut copy).unwrap();
                assert!(sent == copy);
            }
        }
    }
}

/// Pixels or targets of another length are refused, with both sides in the text, and nothing is published or copied.
#[test]
fn a_wrong_length_is_refused() {
    let place = Place::new();
    let mut writer = place.writer();
    for length in [0, small().frame_bytes() - 1, small().frame_bytes() + 1] {
        let error = writer.write(&vec![0; length], &Stamp::default()).unwrap_err();
        assert_eq!(format!("{length} bytes don't match a frame of 61x67 GRAY8 (4087 bytes)"), error.to_string());
    }
    assert_eq!((0, 0), (writer.stats().published, writer.stats().dropped));
    publish(&mut writer);
    let frame = read(&place.reader());
    let mut short = vec![7; 10];
    assert!(matches!(frame.copy_to(&mut short), Err(Error::SizeMismatch { got: 10, .. })));
    assert_eq!(vec![7; 10], short);
}

/// A read gives the newest frame and says how many came between it and the last one read; a first read misses nothing.
#[test]
fn the_newest_frame_comes_first_and_the_missed_are_counted() {
    let place = Place::new();
    let mut writer = place.writer();
    for _ in 0..5 {
        publish(&mut writer);
    }
    let reader = place.reader();
    let mut seen = Vec::new();
    for published in [0, 1, 2, 7] {
        publish_many(&mut writer, published);
        if let Some(frame) = reader.newest().unwrap() {
            seen.push((frame.info().frame_number, frame.info().sequence, frame.info().missed));
        }
        assert!(reader.newest().unwrap().is_none(), "nothing is given twice");
    }
    assert_eq!(vec![(4, 10, 0), (5, 12, 0), (7, 16, 1), (14, 30, 6)], seen);
}

/// What a publisher says of a frame arrives; what it leaves out is filled in by the clocks and by counting on.
#[test]
fn what_is_known_of_a_frame_arrives() {
    let place = Place::new();
    let mut writer = place.writer();
    let reader = place.reader();
    let pixels = vec![1; small().frame_bytes()];
    let full = Stamp {
        frame_number: Some(41),
        captured_ns: Some(5),
        wall_ns: Some(1_700_000_000_000_000_007),
        position_ns: Some(0),
        loop_count: u32::MAX,
        discontinuity: true,
    };
    writer.write(&pixels, &full).unwrap();
    let info = *reader.newest().unwrap().unwrap().info();
    assert_eq!((41, 5, 1_700_000_000_000_000_007), (info.frame_number, info.captured_ns, info.wall_ns));
    assert_eq!((Some(0), u32::MAX, true), (info.position_ns, info.loop_count, info.discontinuity));

    let wall = || u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos()).unwrap();
    let before = wall();
    writer.write(&pixels, &Stamp::default()).unwrap();
    let info = *reader.newest().unwrap().unwrap().info();
    assert_eq!((42, None, 0, false), (info.frame_number, info.position_ns, info.loop_count, info.discontinuity));
    assert_eq!(info.published_ns, info.captured_ns);
    assert!((before..=wall()).contains(&info.wall_ns));
}

/// Counters reach readers, and what readers do reaches the writer.
#[test]
fn both_sides_see_the_figures() {
    let place = Place::new();
    let mut writer = place.writer();
    let options = ReaderOptions { reader_name: "é".repeat(40), ..place.reader_options() };
    let reader = Reader::attach(&name(), options).unwrap();
    writer.add_captured(5);
    writer.add_dropped(2);
    publish_many(&mut writer, 3);
    let first = read(&reader);
    publish(&mut writer);
    publish(&mut writer);
    let second = read(&reader);
    let counters = reader.counters().unwrap();
    assert_eq!((5, 5, 2, 3), (counters.captured, counters.published, counters.dropped, counters.buffers));
    assert_eq!((10, second.info().published_ns), (counters.latest_sequence, counters.heartbeat_ns));
    assert_eq!(std::process::id(), reader.writer_pid().unwrap());
    let figures = writer.readers();
    let [ReaderFigures { line: 0, frames_read: 2, missed: 1, held: 2, last_sequence: 10, pid, .. }] = figures[..]
    else {
        panic!("{figures:?}");
    };
    assert_eq!(std::process::id(), pid);
    assert_eq!("é".repeat(32), figures[0].name, "cut at 64 bytes");
    let held_since = figures[0].held_since_ns.unwrap();
    assert!((first.info().published_ns..second.info().published_ns).contains(&held_since));
    assert!(figures[0].attached_ns < held_since);
    drop((first, second));
    assert_eq!((0, None), (writer.readers()[0].held, writer.readers()[0].held_since_ns));
    drop(reader);
    assert_eq!(0, writer.readers().len());
    let stats = writer.stats();
    assert_eq!((5, 5, 2, 3, 2), (stats.captured, stats.published, stats.dropped, stats.buffers, stats.buffers_free));
    assert_eq!(fs::metadata(writer.path()).unwrap().len(), stats.segment_bytes);
}

/// Options out of range are refused by name, before anything is made.
#[test]
fn options_out_of_range_are_refused() {
    let place = Place::new();
    for max_buffers in [0, 2, 17, 255] {
        let options = WriterOptions { max_buffers, ..place.writer_options() };
        let error = place.try_writer(small(), options).unwrap_err();
        assert_eq!(format!("max_buffers is {max_buffers}: allowed are 3 to 16"), error.to_string());
    }
    for max_leases in [0, 4] {
        let error = Reader::attach(&name(), ReaderOptions { max_leases, ..place.reader_options() }).unwrap_err();
        assert_eq!(format!("max_leases is {max_leases}: allowed are 1 to 3"), error.to_string());
    }
    assert!(place.files().is_empty());
}

/// The time-out's text says what is known: nothing there, or a dead writer's last frame, which can be read on request.
#[test]
fn an_attach_that_times_out_says_what_is_known() {
    let place = Place::new();
    let text = place.reader_refusal().to_string();
    assert!(
        text.starts_with("Shared memory segment 'cam' not created within 0.05s: no process publishes it"),
        "{text}"
    );

    let writer = Process::start("writer", &[place.path().to_str().unwrap()]);
    writer.hear();
    writer.kill();
    assert!(place.reader_refusal().to_string().contains("its writer has died (it published no frame)"));

    let mut writer = Process::start("writer", &[place.path().to_str().unwrap()]);
    writer.hear();
    writer.tell("publish 8");
    writer.expect("published 7");
    writer.kill();
    let error = place.reader_refusal();
    assert!(matches!(error, Error::NotCreated { .. }));
    assert!(error.to_string().contains("its writer has died (last frame 7, 0."), "{error}");
    let options = ReaderOptions { allow_dead: true, timeout: Duration::ZERO, ..place.reader_options() };
    let reader = Reader::attach(&name(), options).unwrap();
    assert!(!reader.writer_alive().unwrap());
    assert_eq!(7, read(&reader).info().frame_number);
}

/// The kernel keeps readers from writing to frames and the writer from writing to lease lines: of their file it can write
/// to the head alone.
#[test]
fn mappings_are_read_only_where_nothing_is_to_be_written() {
    let place = Place::new();
    let mut writer = Process::start("writer", &[place.path().to_str().unwrap()]);
    writer.hear();
    let reader = place.reader();
    let mapped = |process: &str, file: &str| -> Vec<(String, usize)> {
        let maps = fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
        let file = place.file(file).to_str().unwrap().to_owned();
        let of_file = maps.lines().filter(|line| line.contains(&file) && line.ends_with(&file[file.len() - 6..]));
        let of_line = |line: &str| {
            let mut words = line.split_whitespace();
            let (start, end) = words.next().unwrap().split_once('-').unwrap();
            let [start, end] = [start, end].map(|address| usize::from_str_radix(address, 16).unwrap());
            (words.next().unwrap().to_owned(), end - start)
        };
        of_file.map(of_line).collect()
    };
    let protections = |process, file| mapped(process, file).into_iter().map(|(how, _)| how).collect::<Vec<_>>();
    let leases = place.ending(".leases").file_name().unwrap().to_str().unwrap().to_owned();
    assert_eq!(vec!["r--s"], protections("self", NAME), "frames, in a reader");
    assert_eq!(vec!["rw-s"], protections("self", &leases), "leases, in a reader");
    let (writable, others): (Vec<_>, Vec<_>) =
        mapped(&writer.pid().to_string(), &leases).into_iter().partition(|(how, _)| how != "r--s");
    assert_eq!((vec![("rw-s".to_owned(), rustix::param::page_size())], 1), (writable, others.len()), "in the writer");
    writer.tell("close");
    writer.finish();
    drop(reader);
}

/// Handles and frames go from thread to thread, and several threads may share what is meant to be shared.
#[test]
fn handles_may_cross_threads() {
    fn sent<T: Send>() {}
    fn shared<T: Send + Sync>() {}
    sent::<Writer>();
    shared::<Reader>();
    shared::<Frame>();
    shared::<SlotView>();
}
