//! The header of the system that this one replaces, read as its readers read it: `mmap` and fixed offsets.

use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use billiards_video::{Format, Frame, Geometry, Stamp, Writer};

use crate::support::place::Place;
use crate::support::{pattern, publish, read};

/// What Python's `struct` makes of the format `QIIIIIQIIQQQQII`, native alignment.
#[derive(Debug, PartialEq)]
struct Old {
    magic: u64,
    version: u32,
    buffer_count: u32,
    width: u32,
    height: u32,
    format: u32,
    bytes_per_frame: u64,
    write_index: u32,
    read_index: u32,
    write_counter: u64,
    frame_number: u64,
    seconds: u64,
    nanoseconds: u64,
    writer_pid: u32,
    reader_count: u32,
}

impl Old {
    fn read(path: &Path) -> (Old, Vec<u8>) {
        let bytes = fs::read(path).unwrap();
        let (mut at, page) = (0_usize, &bytes);
        let mut number = |size: usize| {
            at = at.next_multiple_of(size);
            let mut word = [0; 8];
            word[..size].copy_from_slice(&page[at..at + size]);
            at += size;
            u64::from_le_bytes(word)
        };
        let sizes = [8, 4, 4, 4, 4, 4, 8, 4, 4, 8, 8, 8, 8, 4, 4];
        let n = sizes.map(&mut number);
        let small = |index: usize| u32::try_from(n[index]).unwrap();
        assert_eq!(88, at);
        assert!(bytes[88..252].iter().all(|&byte| byte == 0), "88 to 251 are zero");
        let old = Old {
            magic: n[0],
            version: small(1),
            buffer_count: small(2),
            width: small(3),
            height: small(4),
            format: small(5),
            bytes_per_frame: n[6],
            write_index: small(7),
            read_index: small(8),
            write_counter: n[9],
            frame_number: n[10],
            seconds: n[11],
            nanoseconds: n[12],
            writer_pid: small(13),
            reader_count: small(14),
        };
        (old, bytes)
    }

    /// The newest frame, where an old reader looks for it.
    fn frame<'b>(&self, bytes: &'b [u8]) -> &'b [u8] {
        let length = usize::try_from(self.bytes_per_frame).unwrap();
        &bytes[4096 + self.read_index as usize * length..][..length]
    }
}

/// An old reader finds the geometry, and after each frame its index, counter, number, time and pixels.
#[test]
fn an_old_reader_sees_the_right_frames() {
    let place = Place::new();
    let geometry = Geometry::new(37, 21, Format::Bgr24).unwrap();
    let mut writer = place.writer_of(geometry);
    let (old, _) = Old::read(writer.path());
    let expected = Old {
        magic: 0x4249_5441_4C4C_5344,
        version: 1,
        buffer_count: 3,
        width: 37,
        height: 21,
        format: 2,
        bytes_per_frame: 37 * 21 * 3,
        write_index: 0,
        read_index: 0,
        write_counter: 0,
        frame_number: 0,
        seconds: 0,
        nanoseconds: 0,
        writer_pid: std::process::id(),
        reader_count: 0,
    };
    assert_eq!(expected, old);
    for count in 1..=10_u64 {
        let number = 100 + count;
        let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let pixels = pattern::frame(geometry.frame_bytes(), writer.epoch(), number);
        let stamp = Stamp { frame_number: Some(number), ..Stamp::default() };
        let info = writer.write(&pixels, &stamp).unwrap().unwrap();
        let (old, bytes) = Old::read(writer.path());
        assert_eq!((count, number), (old.write_counter, old.frame_number));
        assert_eq!(
            (writer.stats().latest_slot, (old.read_index + 1) % 3),
            (Some(old.read_index as usize), old.write_index)
        );
        assert_eq!(info.wall_ns, old.seconds * 1_000_000_000 + old.nanoseconds);
        assert!(old.nanoseconds < 1_000_000_000 && old.seconds >= before.as_secs());
        assert!(pixels == old.frame(&bytes));
    }
}

/// With more than three buffers, an old reader sees those frames that are in its three, the last of them, and its
/// counter counts those alone.
#[test]
fn an_old_reader_never_looks_beyond_its_three_buffers() {
    let place = Place::new();
    let mut writer = place.writer_with(8);
    let readers = [place.reader(), place.reader()];
    let mut held: Vec<Frame> = Vec::new();
    let (mut visible, mut last) = (0, 0);
    let mut look = |writer: &mut Writer| {
        let number = publish(writer);
        if writer.stats().latest_slot.unwrap() < 3 {
            (visible, last) = (visible + 1, number);
        }
        let (old, bytes) = Old::read(writer.path());
        assert_eq!((3, visible, last), (old.buffer_count, old.write_counter, old.frame_number));
        if writer.stats().latest_slot.unwrap() < 3 {
            pattern::check(old.frame(&bytes), writer.epoch(), last);
        }
        (number, visible)
    };
    for round in 0..30 {
        look(&mut writer);
        if held.len() == 5 {
            drop(held.remove(0));
        }
        held.push(read(&readers[round % 2]));
    }
    let (number, visible) = look(&mut writer);
    assert!(visible < number + 1, "no frame was in an added buffer");
    writer.reshape(writer.geometry()).unwrap();
    let number = publish(&mut writer);
    let (old, _) = Old::read(writer.path());
    assert_eq!((1, number), (old.write_counter, old.frame_number), "a new segment counts anew");
}

/// The reader count is there for people, once a second at most.
#[test]
fn the_reader_count_is_kept() {
    let place = Place::new();
    let mut writer = place.writer();
    let readers = [place.reader(), place.reader()];
    let count = || Old::read(&place.frames()).0.reader_count;
    crate::support::until("two readers", || {
        writer.tend().unwrap();
        (count() == 2).then_some(())
    });
    drop(readers);
    crate::support::until("no readers", || {
        writer.tend().unwrap();
        (count() == 0).then_some(())
    });
}
