//! What the tests share: a place of their own, frames that prove themselves, other processes.
#![allow(dead_code, reason = "two test binaries compile it, and each uses its part")]

pub(crate) mod namespace;
pub(crate) mod pattern;
pub(crate) mod place;
pub(crate) mod process;
pub(crate) mod protection;
pub(crate) mod roles;
pub(crate) mod size;

use std::time::{Duration, Instant};

use billiards_video::{Format, Frame, Geometry, Reader, Stamp, Writer};

/// How long anything may take that should happen by itself.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// A small frame whose buffers share pages and do not end on a word.
pub(crate) fn small() -> Geometry {
    Geometry::new(61, 67, Format::Gray8).unwrap()
}

/// Publishes the next frame, in a pattern of the segment and its number, and gives the number.
pub(crate) fn publish(writer: &mut Writer) -> u64 {
    try_publish(writer).expect("a free buffer")
}

/// Publishes so many frames.
pub(crate) fn publish_many(writer: &mut Writer, count: u64) {
    for _ in 0..count {
        publish(writer);
    }
}

/// As [`publish`]; `None` where every buffer is held.
pub(crate) fn try_publish(writer: &mut Writer) -> Option<u64> {
    // The epoch that the loan will be of: a writer looks after its name behind a frame, not before.
    let (epoch, number) = (writer.epoch(), writer.stats().published);
    let mut loan = writer.loan().unwrap()?;
    pattern::fill(loan.pixels(), epoch, number);
    let info = loan.publish(&Stamp { frame_number: Some(number), ..Stamp::default() }).unwrap();
    assert_eq!(number, info.frame_number);
    Some(number)
}

/// The newest frame, which must be there, checked.
pub(crate) fn read(reader: &Reader) -> Frame {
    let frame = reader.wait(Some(SOON)).unwrap().expect("a frame soon");
    pattern::check(&frame, reader.epoch().unwrap(), frame.info().frame_number);
    frame
}

/// Calls `attempt` until it gives something, without a pause: for things that no event announces.
pub(crate) fn until<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = attempt() {
            return value;
        }
        assert!(start.elapsed() < SOON, "{what}: not within {SOON:?}");
        std::thread::yield_now();
    }
}
