//! Segments that say what cannot be.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use billiards_video::{Error, Format, Geometry, Reader, ReaderOptions};

use crate::support::place::{NAME, Place, name};
use crate::support::process::Process;
use crate::support::{SOON, pattern, publish, publish_many, read, small};

/// A header that is not, or not quite, one of ours is refused with what is wrong with it.
#[test]
fn a_header_that_cannot_be_is_refused() {
    let damages: [(u64, &[u8], &str); 13] = [
        (256, b"BVFRAMEX", "not a segment of billiards_video"),
        (264, &2_u32.to_le_bytes(), "its layout is version 2, this reader knows version 1"),
        (268, &8192_u32.to_le_bytes(), "sizes in it contradict"),
        (280, &4088_u64.to_le_bytes(), "sizes in it contradict"),
        (280, &u64::MAX.to_le_bytes(), "sizes in it contradict"),
        (288, &62_u32.to_le_bytes(), "sizes in it contradict"),
        (288, &0_u32.to_le_bytes(), "0x67 in format 3 is no frame"),
        (288, &u32::MAX.to_le_bytes(), "4294967295x67 in format 3 is no frame"),
        (296, &9_u32.to_le_bytes(), "61x67 in format 9 is no frame"),
        (300, &2_u32.to_le_bytes(), "sizes in it contradict"),
        (300, &17_u32.to_le_bytes(), "sizes in it contradict"),
        (304, &65_u32.to_le_bytes(), "sizes in it contradict"),
        (308, &64_u32.to_le_bytes(), "sizes in it contradict"),
    ];
    for (at, bytes, problem) in damages {
        let place = Place::new();
        let _writer = place.writer();
        let file = File::options().read(true).write(true).open(place.frames()).unwrap();
        let mut before = vec![0; bytes.len()];
        file.read_exact_at(&mut before, at).unwrap();
        file.write_all_at(bytes, at).unwrap();
        let error = place.reader_refusal();
        assert!(matches!(error, Error::NotAccessible { .. }) && error.to_string().contains(problem), "{at}: {error}");
        file.write_all_at(&before, at).unwrap();
        drop(place.reader());
    }
}

/// A segment that was cut off before a reader came is refused at any length.
#[test]
fn a_segment_that_is_cut_off_is_refused() {
    let place = Place::new();
    Process::start("writer", &[place.path().to_str().unwrap()]).hear();
    let whole = 4096 + 3 * small().frame_bytes() as u64;
    let file = File::options().write(true).open(place.frames()).unwrap();
    for (length, problem) in
        [(whole - 1, "it is cut off"), (4096, "it is cut off"), (4095, "shorter than a header"), (0, "shorter")]
    {
        file.set_len(length).unwrap();
        for observe in [false, true] {
            let timeout = Duration::from_millis(20);
            let options = ReaderOptions { observe, timeout, allow_dead: true, ..place.reader_options() };
            let error = Reader::attach(&name(), options).unwrap_err();
            assert!(matches!(error, Error::NotAccessible { .. }) && error.to_string().contains(problem), "{error}");
        }
    }
}

/// A `latest` that names what cannot be, or a frame that never is, is an error and neither a crash nor a hang; when it
/// says what can be again, reading goes on.
#[test]
fn a_latest_that_cannot_be_is_an_error() {
    let place = Place::new();
    let mut writer = place.writer();
    publish(&mut writer);
    let readers = [place.reader(), place.observer()];
    let file = File::options().read(true).write(true).open(place.frames()).unwrap();
    let mut before = [0; 8];
    file.read_exact_at(&mut before, 384).unwrap();
    for (sequence, slot) in [(4_u64, 255_u64), (4, 16), (4, 8), (4, 7), (4, 3), (4, 1), (1 << 55, 0), (3, 0)] {
        file.write_all_at(&(sequence << 8 | slot).to_le_bytes(), 384).unwrap();
        for reader in &readers {
            let results = [
                reader.newest().map(|_| ()),
                reader.wait(Some(Duration::from_millis(10))).map(|_| ()),
                reader.wait_with(None, &mut || true).map(|_| ()),
            ];
            for result in results {
                assert!(matches!(result, Err(Error::Corrupt { .. })), "{sequence} in {slot}: {result:?}");
            }
        }
    }
    for (sequence, slot) in [(0_u64, 1_u64), (0, 255), (0, 0)] {
        file.write_all_at(&(sequence << 8 | slot).to_le_bytes(), 384).unwrap();
        assert!(readers.iter().all(|reader| reader.newest().unwrap().is_none()), "no frame yet");
    }
    file.write_all_at(&before, 384).unwrap();
    assert!(readers.iter().all(|reader| read(reader).info().frame_number == 0));
    assert_eq!(0, writer.readers()[0].held, "no failed attempt has left a hold");
}

/// A frame that says of itself that it is yet to come makes its reader look once, and does not keep it from looking for a
/// successor of which nobody tells it.
#[test]
fn a_frame_of_the_future_does_not_keep_a_reader_from_its_successor() {
    let place = Place::new();
    let mut dying = Process::start("writer", &[place.path().to_str().unwrap()]);
    dying.hear();
    dying.tell("publish 1");
    dying.expect("published 0");
    let file = File::options().write(true).open(place.frames()).unwrap();
    let readers = [place.reader(), place.observer()];
    let read_of_the_future = || {
        for slot in 0..3 {
            file.write_all_at(&u64::MAX.to_le_bytes(), 2048 + 128 * slot + 24).unwrap();
        }
        for reader in &readers {
            assert_eq!(u64::MAX, read(reader).info().published_ns);
        }
    };
    read_of_the_future();
    assert!(readers.iter().all(|reader| reader.newest().unwrap().is_none()), "and one look");
    dying.tell("publish 1");
    dying.expect("published 1");
    assert!(readers.iter().all(|reader| reader.newest_here().unwrap().is_some()), "without another look");
    dying.tell("publish 1");
    dying.expect("published 2");
    read_of_the_future();
    dying.kill();
    std::fs::remove_file(place.frames()).unwrap(); // so that the next writer finds nothing to say it in
    let mut successor = place.writer();
    publish(&mut successor);
    for reader in &readers {
        let frame = reader.wait(Some(SOON)).unwrap().unwrap();
        pattern::check(&frame, successor.epoch(), 0);
    }
}

/// Any bytes anywhere in the header while it is read: frames or errors, never a crash, never a wait beyond its time.
#[test]
fn noise_in_a_header_harms_no_reader() {
    let place = Place::new();
    let mut writer = Process::start("writer", &[place.path().to_str().unwrap()]);
    writer.hear();
    writer.tell("publish 3");
    writer.expect("published 2");
    let readers = [place.reader(), place.observer()];
    let file = File::options().write(true).open(place.frames()).unwrap();
    let mut noise = 1_u64;
    let start = Instant::now();
    for round in 0..3000_u64 {
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let at = if round % 3 == 0 { 384 } else { (noise >> 33) % 512 * 8 };
        let word = if round % 5 == 0 { noise >> 40 << 8 | noise & 7 } else { noise.rotate_left(17) };
        file.write_all_at(&word.to_le_bytes(), at).unwrap();
        for reader in &readers {
            if let Ok(Some(frame)) = reader.newest() {
                assert_eq!(small().frame_bytes(), frame.len());
            }
            let _any = reader.wait(Some(Duration::ZERO));
            let _any = (reader.state().unwrap(), reader.counters().unwrap(), reader.writer_alive().unwrap());
        }
    }
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

/// Any bytes in any lease line cost nobody a frame: too many bits protect nothing, other bits only where a live reader
/// owns the line, and then no more than three.
#[test]
fn noise_in_the_lease_lines_starves_nobody() {
    let place = Place::new();
    let mut writer = place.writer_with(3);
    let reader = place.reader();
    let file = File::options().write(true).open(place.ending(".leases")).unwrap();
    let line = |index: u64, mask: u32| {
        let mut bytes = [0xff; 128];
        bytes[..4].copy_from_slice(&mask.to_le_bytes());
        file.write_all_at(&bytes, 4096 + 128 * index).unwrap();
    };
    (0..64).for_each(|index| line(index, u32::MAX));
    for mask in [u32::MAX, 0b1111, 0b111, 0b11, 1, 0xffff_0000] {
        (1..64).for_each(|index| line(index, mask));
        publish_many(&mut writer, 100);
    }
    // Line 0 belongs to a live reader: a mask that it cannot have is disregarded, one that it could have counts.
    line(0, 0b1111);
    publish_many(&mut writer, 100);
    assert_eq!(0, writer.stats().dropped);
    let figures = &writer.readers()[0];
    assert_eq!((u32::MAX, 0, u64::MAX), (figures.pid, figures.held, figures.missed));
    assert!(!figures.name.contains('\u{1b}'));
    line(0, 0b111);
    assert!(writer.loan().unwrap().is_none(), "three bits of a live reader are what it says");
    let told: Vec<String> = writer.notices().iter().map(ToString::to_string).collect();
    assert!(told.iter().any(|told| told.contains("3 of 3 for 0 ms")), "{told:?}");
    line(0, 0);
    publish(&mut writer);
    // The next owners of the lines start empty.
    (1..64).for_each(|index| line(index, 0b111));
    let readers: Vec<Reader> = (1..64).map(|_| place.reader()).collect();
    publish_many(&mut writer, 10);
    assert_eq!((0, 63), (writer.readers().iter().map(|r| r.held).sum::<u32>(), readers.len()));
    drop(read(&reader));
}

/// A leases file that is not this epoch's, or damaged, is not used.
#[test]
fn damaged_leases_are_refused() {
    for (at, bytes, problem) in
        [(0, 7_u64, "head is damaged"), (8, 2 | 64 << 32, "head is damaged"), (8, 1 | 63 << 32, "head is damaged")]
    {
        let place = Place::new();
        let _writer = place.writer();
        File::options()
            .write(true)
            .open(place.ending(".leases"))
            .unwrap()
            .write_all_at(&bytes.to_le_bytes(), at)
            .unwrap();
        assert!(place.reader_refusal().to_string().contains(problem));
    }
    let place = Place::new();
    let _writer = place.writer();
    let leases = File::options().write(true).open(place.ending(".leases")).unwrap();
    leases.write_all_at(&[9; 8], 16).unwrap();
    assert!(matches!(place.reader_refusal(), Error::NotCreated { .. }), "another epoch's: as if there were none");
    let place = Place::new();
    Process::start("writer", &[place.path().to_str().unwrap()]).hear();
    let options = ReaderOptions { allow_dead: true, ..place.reader_options() };
    File::options().write(true).open(place.ending(".leases")).unwrap().set_len(4096).unwrap();
    assert!(Reader::attach(&name(), options).unwrap_err().to_string().contains("it is cut off"));
}

/// A growing segment whose file does not reach its newest buffer is an error, at the first use of that buffer.
#[test]
fn a_buffer_beyond_the_file_is_an_error() {
    let place = Place::new();
    let mut writer = place.writer_of(Geometry::new(100, 100, Format::Gray8).unwrap());
    publish(&mut writer);
    let reader = place.reader();
    let file = File::options().read(true).write(true).open(place.file(NAME)).unwrap();
    // Slot 5 of 8 with an even sequence that `latest` names: all as it should be, but for the memory.
    file.write_all_at(&8_u64.to_le_bytes(), 2048 + 5 * 128).unwrap();
    file.write_all_at(&(8_u64 << 8 | 5).to_le_bytes(), 384).unwrap();
    let error = reader.newest().unwrap_err();
    assert!(error.to_string().contains("its newest frame is in buffer 5, beyond its 34096 bytes"), "{error}");
    assert_eq!(0, writer.readers()[0].held);
    // A slot that the file has room for, and the segment's own word for how many there may be does not allow.
    file.set_len(4096 + 9 * 10_000).unwrap();
    file.write_all_at(&8_u64.to_le_bytes(), 2048 + 8 * 128).unwrap();
    file.write_all_at(&(8_u64 << 8 | 8).to_le_bytes(), 384).unwrap();
    for reader in [&reader, &place.observer()] {
        let error = reader.newest().unwrap_err();
        assert!(error.to_string().contains("its newest frame is in buffer 8, it can have 8"), "{error}");
    }
    file.write_all_at(&(2_u64 << 8).to_le_bytes(), 384).unwrap();
    pattern::check(&reader.newest().unwrap().unwrap(), writer.epoch(), 0);
}
