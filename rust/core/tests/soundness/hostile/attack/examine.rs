//! All that a reader handle can be asked, and what every answer must be: right by its own account, or a clear error.

use std::hint::black_box;
use std::time::Duration;

use billiards_video::{Error, Frame, Reader};

/// Looks at each byte of a frame, and whether the frame agrees with what it says of itself.
pub(crate) fn frame(frame: &Frame) {
    assert_eq!(frame.len(), frame.info().geometry.frame_bytes());
    black_box(frame.iter().map(|&byte| u64::from(byte)).sum::<u64>());
    let mut copy = vec![0; frame.len() + 1];
    assert!(matches!(frame.copy_to(&mut copy), Err(Error::SizeMismatch { .. })));
    frame.copy_to(&mut copy[1..]).expect("it is as long as the frame");
}

/// What a reader came to: a frame, none, or an error that says what is wrong.
pub(crate) fn taken(result: Result<Option<Frame>, Error>) -> Option<Frame> {
    let found = answer(result)?;
    found.inspect(frame)
}

/// An answer, or an error that a reader of any segment may give.
pub(crate) fn answer<T>(result: Result<T, Error>) -> Option<T> {
    let error = match result {
        Ok(answer) => return Some(answer),
        Err(error) => error,
    };
    let expected = matches!(
        error,
        Error::Corrupt { .. } | Error::Io { .. } | Error::TooManyLeases { .. } | Error::EndOfStream { .. }
    );
    assert!(expected, "not an error of a segment that is there: {error}");
    is_for_people(&error);
    None
}

/// Why a reader could not attach.
pub(crate) fn refusal(error: &Error) {
    let expected = matches!(
        error,
        Error::NotCreated { .. }
            | Error::NotAccessible { .. }
            | Error::Corrupt { .. }
            | Error::LinesFull { .. }
            | Error::BadOption { .. }
    );
    assert!(expected, "not a reason not to attach: {error}");
    is_for_people(error);
}

/// An error's text is shown: nothing in it moves a cursor.
pub(crate) fn is_for_people(error: &Error) {
    let text = error.to_string();
    assert!(text.len() > 20 && !text.contains(char::is_control), "{text:?}");
}

/// Asks for the status. One whose writer seems to be writing it is asked for a thousand times: not to be done all the time.
pub(crate) fn status(reader: &Reader) {
    if let Some(status) = answer(reader.status()) {
        assert!(status.len() <= 65_472);
    }
}

/// Asks a handle for all that is known. What it says of the stream is the segment's word; what it says of itself is true.
pub(crate) fn figures(reader: &Reader) {
    let (geometry, is_observer) = (reader.geometry().unwrap(), reader.is_observer().unwrap());
    let buffers = reader.buffers().unwrap();
    assert!(if is_observer { buffers.is_empty() } else { (3..=16).contains(&buffers.len()) });
    for (at, buffer) in buffers.iter().enumerate() {
        assert_eq!(geometry, buffer.geometry());
        // Addresses of whole buffers one behind the other; whoever has no frame there does not look.
        let offset = buffer.as_ptr().addr() - buffers[0].as_ptr().addr();
        assert_eq!(at * geometry.frame_bytes(), offset);
    }
    black_box((reader.epoch().unwrap(), reader.path().unwrap(), reader.writer_alive().unwrap(), reader.name()));
    black_box((answer(reader.state()), answer(reader.counters()), answer(reader.writer_pid())));
}

/// Asks a handle for a frame in one of the ways there are, none of which may take longer than it is allowed.
pub(crate) fn read(reader: &Reader, way: u64) -> Option<Frame> {
    match way {
        0 => taken(reader.newest()),
        1 => taken(reader.newest_here()),
        2 => taken(reader.wait(Some(Duration::ZERO))),
        3 => match reader.wait_with(None, &mut || true) {
            Err(Error::Interrupted) => None,
            result => taken(result),
        },
        _ => {
            let _newer = answer(reader.wait_newer_with(Some(Duration::ZERO), &mut || false));
            None
        }
    }
}

/// How many ways there are.
pub(crate) const WAYS: u64 = 5;
