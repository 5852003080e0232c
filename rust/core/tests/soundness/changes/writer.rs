//! The writer under change: publishes all the time, takes another shape when it is told to, and says which segment is in
//! force.

use std::path::Path;
use std::sync::mpsc::TryRecvError;

use billiards_video::{Format, Geometry, Writer};

use crate::random::Random;
use crate::support::pattern;
use crate::support::place::name;
use crate::support::process::{hearing, say};
use crate::support::roles::writer_options;

pub(super) fn write(directory: &Path, seed: u64) {
    let mut random = Random::new(seed);
    let mut writer = Writer::create(&name(), any_geometry(&mut random), writer_options(directory)).unwrap();
    let mut epoch = 0;
    let told = hearing();
    loop {
        if writer.epoch() != epoch {
            epoch = writer.epoch();
            say(&format!("{epoch:016x}"));
        }
        match told.try_recv() {
            Ok(_) => writer.reshape(any_geometry(&mut random)).unwrap(),
            Err(TryRecvError::Empty) => publish(&mut writer),
            Err(TryRecvError::Disconnected) => return,
        }
    }
}

fn publish(writer: &mut Writer) {
    let (epoch, number) = (writer.epoch(), writer.stats().published);
    let Some(mut loan) = writer.loan().unwrap() else { return std::thread::yield_now() };
    pattern::fill(loan.pixels(), epoch, number);
    loan.publish(&pattern::stamp(epoch, number)).unwrap();
}

fn any_geometry(random: &mut Random) -> Geometry {
    let (width, height, format) = random.pick(&[
        (61, 67, Format::Gray8),
        (64, 64, Format::Gray8),
        (160, 120, Format::Bgr24),
        (101, 77, Format::Rgba32),
        (320, 240, Format::Bgr24),
    ]);
    Geometry::new(width, height, format).unwrap()
}
