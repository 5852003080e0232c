//! A frames file cut off at any length, before and while it is read.

use std::fs::{self, File};
use std::time::Duration;

use billiards_video::{Error, Format, Geometry, Reader, ReaderOptions};

use crate::support::place::{NAME, Place, name};
use crate::support::size::{report, sized};
use crate::support::{pattern, publish_many, read};

/// A reader attaches to all of a segment or to nothing; an observer that has attached to all of it has frames or errors
/// at every length that it is cut to later, and frames again when it is whole.
#[test]
fn a_segment_cut_off_anywhere_is_an_error() {
    let place = Place::new();
    // Two pages and a bit, and frames that end in the middle of pages.
    let geometry = Geometry::new(13, 107, Format::Bgr24).unwrap();
    let least = 4096 + 3 * geometry.frame_bytes() as u64;
    let epoch = leave_remains(&place, geometry);
    let file = File::options().write(true).open(place.frames()).unwrap();
    let options =
        |observe| ReaderOptions { observe, allow_dead: true, timeout: Duration::ZERO, ..place.reader_options() };
    let attached = Reader::attach(&name(), options(true)).unwrap();
    let whole = fs::read(place.frames()).unwrap();
    let step = sized(29, 1);
    let (mut lengths, mut frames) = (0, 0);
    for length in (0..=least + 4096).step_by(step).chain([4095, 4096, least - 1, least]) {
        file.set_len(length).unwrap();
        for observe in [true, false] {
            match Reader::attach(&name(), options(observe)) {
                Ok(reader) => {
                    assert!(length >= least, "attached to {length} bytes");
                    pattern::check(&read(&reader), epoch, 4);
                }
                Err(error) => {
                    assert!(length < least, "{error}");
                    assert!(matches!(error, Error::NotAccessible { .. }), "{error}");
                }
            }
        }
        match attached.newest() {
            Ok(Some(frame)) => {
                pattern::check(&frame, epoch, 4);
                frames += 1;
            }
            Ok(None) => {}
            Err(error) => assert!(length < least && matches!(error, Error::Corrupt { .. }), "{length}: {error}"),
        }
        let figures = [attached.counters().err(), attached.state().err(), attached.writer_pid().err()];
        assert!(length < 4096 || figures.iter().all(Option::is_none), "{length}: {figures:?}");
        let waited = attached.wait(Some(Duration::ZERO));
        assert!(length < least || waited.is_ok(), "{length}: {waited:?}");
        fs::write(place.frames(), &whole).unwrap();
        lengths += 1;
    }
    assert!(frames >= 1, "what was whole was read");
    report(&format!("hostile cut: {lengths} lengths of a file of {least} bytes"));
}

/// The files of a writer that was killed; gives their epoch.
fn leave_remains(place: &Place, geometry: Geometry) -> u64 {
    let mut writer = place.writer_of(geometry);
    publish_many(&mut writer, 5);
    let kept: Vec<_> = place.files().into_iter().filter(|file| *file != format!("{NAME}.lock")).collect();
    let bytes: Vec<_> = kept.iter().map(|file| fs::read(place.file(file)).unwrap()).collect();
    let epoch = writer.epoch();
    drop(writer);
    for (file, bytes) in kept.iter().zip(bytes) {
        fs::write(place.file(file), bytes).unwrap();
    }
    epoch
}
