//! The core's steps, each alone and in one process: `cargo bench --package billiards-video-bench`.
//!
//! No reader waits, so no wake-up is in any of these times; what a frame takes from process to process is measured by
//! `python -m bench.rust_sides`.

#![allow(missing_docs, reason = "criterion's macros make public functions without any")]

use std::hint::black_box;
use std::process;
use std::time::{Duration, Instant};

use billiards_video::{Format, Geometry, Name, Reader, ReaderOptions, Stamp, Writer, WriterOptions};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const SIZES: [(&str, u32, u32); 3] = [("720p", 1280, 720), ("1080p", 1920, 1080), ("2160p", 3840, 2160)];
const STAMP: Stamp = Stamp {
    frame_number: None,
    captured_ns: Some(0),
    wall_ns: Some(0),
    position_ns: None,
    loop_count: 0,
    discontinuity: false,
};
/// As many frames as a decoder's pool has, taken in turn: a single one would be copied out of the cache for ever.
const POOL: usize = 4;

fn name() -> Name {
    Name::new(&format!("bench-core-{}", process::id())).unwrap()
}

fn writer(width: u32, height: u32) -> Writer {
    Writer::create(&name(), Geometry::new(width, height, Format::Bgr24).unwrap(), WriterOptions::default()).unwrap()
}

fn readers(count: usize) -> Vec<Reader> {
    (0..count).map(|_| Reader::attach(&name(), ReaderOptions::default()).unwrap()).collect()
}

fn publish(writer: &mut Writer) {
    writer.loan().unwrap().expect("a free buffer").publish(&STAMP).unwrap();
}

/// A buffer is claimed and published, with so many lines of readers to look through.
fn publishing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("loan and publish, by readers attached");
    for count in [0, 1, 8, 64] {
        let mut writer = writer(1920, 1080);
        let _attached = readers(count);
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| bencher.iter(|| publish(&mut writer)));
    }
}

/// A frame is taken and let go of, by a reader beside so many others. Two readings of the clock are in it.
fn taking(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("newest and release, by readers attached");
    for count in [1, 8, 64] {
        let mut writer = writer(1920, 1080);
        let attached = readers(count);
        let reader = attached.last().expect("at least one");
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            bencher.iter_custom(|rounds| {
                let mut taken = Duration::ZERO;
                for _ in 0..rounds {
                    publish(&mut writer);
                    let begin = Instant::now();
                    drop(black_box(reader.newest().unwrap().expect("a new frame")));
                    taken += begin.elapsed();
                }
                taken
            });
        });
    }
}

/// A frame is copied in and published: by the writer's own copy, and by `memcpy` into a loan.
fn writing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("copying a frame in");
    for (label, width, height) in SIZES {
        let mut writer = writer(width, height);
        let pool = vec![vec![7; writer.geometry().frame_bytes()]; POOL];
        let mut frames = pool.iter().cycle();
        group.throughput(Throughput::Bytes(pool[0].len() as u64));
        group.bench_function(BenchmarkId::new("write", label), |bencher| {
            bencher.iter(|| writer.write(frames.next().expect("a cycle"), &STAMP).unwrap().expect("a free buffer"));
        });
        group.bench_function(BenchmarkId::new("memcpy into a loan", label), |bencher| {
            bencher.iter(|| {
                let mut loan = writer.loan().unwrap().expect("a free buffer");
                loan.pixels().copy_from_slice(frames.next().expect("a cycle"));
                loan.publish(&STAMP).unwrap()
            });
        });
    }
}

/// A held frame is copied out.
fn copying_out(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("copy_to");
    for (label, width, height) in SIZES {
        let mut writer = writer(width, height);
        let reader = readers(1).remove(0);
        publish(&mut writer);
        let frame = reader.newest().unwrap().expect("a frame");
        let mut target = vec![0; frame.len()];
        group.throughput(Throughput::Bytes(frame.len() as u64));
        group.bench_function(label, |bencher| bencher.iter(|| frame.copy_to(black_box(&mut target)).unwrap()));
    }
}

/// A reader attaches, with its mapping and its line, and detaches.
fn attaching(criterion: &mut Criterion) {
    let mut writer = writer(1920, 1080);
    publish(&mut writer);
    criterion.bench_function("attach and detach", |bencher| bencher.iter(|| readers(1)));
}

criterion_group! {
    name = core;
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    targets = publishing, taking, writing, copying_out, attaching
}
criterion_main!(core);
