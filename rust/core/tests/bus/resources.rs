//! What a handle costs a process: memory that is there before it is needed, and nothing that stays.

use std::collections::VecDeque;
use std::fs;
use std::path::Path;

use billiards_video::{Format, Geometry, Reader};

use crate::support::place::{Place, name};
use crate::support::process::{Process, heard, say};
use crate::support::roles::reader_options;
use crate::support::{pattern, publish, publish_many, read, small};

/// Kilobytes of a file that this process has mapped, and how many of them it can touch without a fault. The most of some
/// looks: a page that the kernel is just moving in memory counts as nowhere for a moment.
fn mapped(path: &Path) -> (usize, usize) {
    let look = |_| {
        std::thread::yield_now();
        mapped_now(path)
    };
    (0..20).map(look).max().unwrap()
}

fn mapped_now(path: &Path) -> (usize, usize) {
    let smaps = fs::read_to_string("/proc/self/smaps").unwrap();
    let mut inside = false;
    let (mut size, mut resident) = (0, 0);
    for line in smaps.lines() {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        if field.contains('-') {
            inside = line.ends_with(path.to_str().unwrap());
        }
        let kilobytes = || value.trim_end_matches("kB").trim().parse::<usize>().unwrap();
        match field {
            "Size" if inside => size += kilobytes(),
            "Rss" if inside => resident += kilobytes(),
            _ => {}
        }
    }
    (size, resident)
}

/// Buffers are in memory, on either side, before the first frame is written or read: the first three from the start, an
/// added one from when it is added or first seen. The address space for more is there, and costs nothing.
#[test]
fn buffers_are_there_before_they_are_touched() {
    let place = Place::new();
    let geometry = Geometry::new(1024, 1024, Format::Gray8).unwrap();
    let mut writer = place.writer_of(geometry);
    let whole = 4 + 8 * 1024;
    assert_eq!((whole, 4 + 3 * 1024), mapped(&place.frames()), "in the writer");
    let mut reader = Process::start("measuring reader", &[place.path().to_str().unwrap()]);
    reader.expect(&format!("{} of {whole} kB", 4 + 3 * 1024));
    let holders = [place.reader(), place.reader()];
    let mut held = Vec::new();
    for holder in [&holders[0], &holders[0], &holders[1]] {
        publish(&mut writer);
        held.push(read(holder));
    }
    publish(&mut writer);
    assert_eq!(5, writer.stats().buffers);
    // Three mappings of the file here: the writer's and two readers'. The fifth buffer holds no frame yet.
    drop((held, holders));
    assert_eq!((whole, 4 + 5 * 1024), mapped(&place.frames()), "in the writer, grown");
    assert_eq!(Some(3), writer.stats().latest_slot);
    reader.tell("read");
    reader.expect("frame 3");
    let told = reader.hear();
    let resident: usize = told.split_once(' ').unwrap().0.parse().unwrap();
    // The kernel may map some pages around those that it was asked for.
    assert!((4 + 4 * 1024..4 + 4 * 1024 + 256).contains(&resident), "{told}");
    reader.finish();
}

/// Says how much is resident after attaching, and after its first look at a buffer beyond the first three; without
/// touching a byte of it, so that what is resident was made so.
pub(crate) fn measuring_reader(directory: &Path) {
    let reader = Reader::attach(&name(), reader_options(directory)).unwrap();
    let measure = || {
        let (size, resident) = mapped(&reader.path().unwrap());
        say(&format!("{resident} of {size} kB"));
    };
    measure();
    heard();
    let frame = reader.newest().unwrap().unwrap();
    say(&format!("frame {}", frame.info().frame_number));
    measure();
}

/// The descriptors and mappings of this process that belong to files in a place, removed files among them.
fn belongings(place: &Place) -> (Vec<String>, usize) {
    let below = format!("{}/", place.path().display());
    let descriptors = fs::read_dir("/proc/self/fd").unwrap().flatten().filter_map(|entry| {
        let target = fs::read_link(entry.path()).ok()?.to_string_lossy().into_owned();
        target.starts_with(&below).then(|| entry.file_name().to_string_lossy().into_owned())
    });
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    (descriptors.collect(), maps.lines().filter(|line| line.contains(&below)).count())
}

/// Changes of segment leave no descriptor and no mapping behind, on either side, once the old frames are let go.
#[test]
fn nothing_piles_up() {
    let place = Place::new();
    let mut writer = place.writer();
    let (reader, observer) = (place.reader(), place.observer());
    let mut held = VecDeque::new();
    let mut counts = Vec::new();
    for round in 0..40 {
        publish(&mut writer);
        held.push_back((writer.epoch(), read(&reader), read(&observer)));
        if held.len() > 2 {
            let (epoch, frame, copy) = held.pop_front().unwrap();
            pattern::check(&frame, epoch, frame.info().frame_number);
            pattern::check(&copy, epoch, frame.info().frame_number);
        }
        if round > 3 {
            let (descriptors, mappings) = belongings(&place);
            counts.push((descriptors.len(), mappings));
        }
        writer.reshape(small()).unwrap();
    }
    assert!(counts.iter().all(|count| *count == counts[0]), "{counts:?}");
    drop((held, reader, observer, writer));
    assert_eq!((Vec::<String>::new(), 0), belongings(&place));
}

/// A program that is started keeps none of it: every descriptor closes on exec.
#[test]
fn descriptors_close_on_exec() {
    const CLOSE_ON_EXEC: u32 = 0o2_000_000;
    let place = Place::new();
    let mut writer = place.writer();
    let (_reader, _observer) = (place.reader(), place.observer());
    publish_many(&mut writer, 2);
    let (descriptors, _) = belongings(&place);
    assert!(descriptors.len() > 5, "{descriptors:?}");
    for descriptor in descriptors {
        let info = fs::read_to_string(format!("/proc/self/fdinfo/{descriptor}")).unwrap();
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).unwrap().trim();
        assert_ne!(0, u32::from_str_radix(flags, 8).unwrap() & CLOSE_ON_EXEC, "{info}");
    }
}
