//! The right to a name before there is a frame: a camera may take long to open, and two processes must not both try.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use billiards_video::{Error, Reader, ReaderOptions, Reservation};

use crate::support::place::{Place, name};
use crate::support::{publish, read, small};

/// A reserved name is refused to other writers, and readers are told who holds it and that there is no frame yet.
#[test]
fn a_reserved_name_is_held_though_there_is_no_frame() {
    let place = Place::new();
    let reservation = Reservation::take(&name(), place.writer_options()).unwrap();
    assert!(matches!(place.refusal(), Error::NameInUse { .. }));
    assert!(matches!(Reservation::take(&name(), place.writer_options()), Err(Error::NameInUse { .. })));
    let patience = ReaderOptions { timeout: Duration::ZERO, ..place.reader_options() };
    let text = Reader::attach(&name(), patience).unwrap_err().to_string();
    let told = format!("pid {} holds the name, but its source has given no frame yet", std::process::id());
    assert!(
        text.starts_with("Shared memory segment 'cam' not created within 0.0s: ") && text.contains(&told),
        "{text}"
    );
    drop(reservation);
    assert!(place.files().is_empty(), "a reservation given back leaves nothing");
}

/// When the size is known, the reservation becomes the writer, with no moment at which the name is free.
#[test]
fn a_reservation_becomes_the_writer() {
    let place = Place::new();
    let reservation = Reservation::take(&name(), place.writer_options()).unwrap();
    let mut writer = reservation.publish(small()).unwrap();
    assert!(matches!(place.refusal(), Error::NameInUse { .. }));
    let reader = place.reader();
    publish(&mut writer);
    assert_eq!(0, read(&reader).info().frame_number);
    drop((writer, reader));
    assert!(place.files().is_empty());
}

/// What keeps a name from being published under is found out when it is reserved, and not only with the first frame.
#[test]
fn a_name_that_is_not_to_be_had_is_not_reserved() {
    let place = Place::new();
    fs::write(place.frames(), "mine").unwrap();
    fs::set_permissions(place.frames(), fs::Permissions::from_mode(0o600)).unwrap();
    let early = Reservation::take(&name(), place.writer_options()).map(drop);
    assert!(matches!(early, Err(Error::NameTaken { path, .. }) if path == place.frames()));
    assert_eq!(vec!["cam"], place.files());
}
