//! Loans: written in place, published or without a trace.

use billiards_video::{Error, Stamp};

use crate::support::place::Place;
use crate::support::{pattern, publish, read, small};

/// A loan that is cancelled, or just dropped, leaves nothing that a reader could see, however often.
#[test]
fn a_cancelled_loan_leaves_no_trace() {
    let place = Place::new();
    let mut writer = place.writer_with(3);
    let (reader, observer) = (place.reader(), place.observer());
    for round in 0..20 {
        let mut loan = writer.loan().unwrap().unwrap();
        loan.pixels().fill(0xee);
        if round % 2 == 0 {
            loan.cancel();
        } else {
            drop(loan);
        }
        assert!(reader.newest().unwrap().is_none());
        assert!(observer.newest().unwrap().is_none());
        publish(&mut writer);
        for reader in [&reader, &observer] {
            let frame = read(reader);
            assert_eq!((round, 2 * (round + 1), 0), {
                let info = frame.info();
                (info.frame_number, info.sequence, info.missed)
            });
        }
    }
    assert_eq!((20, 0), (writer.stats().published, writer.stats().dropped));
}

/// A loan writes into the very memory that readers see, and its bytes are an older frame's.
#[test]
fn a_loan_is_the_shared_buffer() {
    let place = Place::new();
    let mut writer = place.writer_with(3);
    let first = writer.loan().unwrap().unwrap();
    let slot = first.slot();
    first.publish(&Stamp::default()).unwrap();
    assert_eq!(Some(slot), writer.stats().latest_slot);
    let mut slots = vec![slot];
    for _ in 0..5 {
        let loan = writer.loan().unwrap().unwrap();
        slots.push(loan.slot());
        loan.publish(&Stamp::default()).unwrap();
    }
    assert_eq!(vec![0, 1, 2, 0, 1, 2], slots, "oldest first");
}

/// One loan at a time: while one is parked, everything that would open another or move the segment is refused.
#[test]
fn a_parked_loan_stays_the_only_one_until_it_is_resumed() {
    let place = Place::new();
    let mut writer = place.writer();
    let reader = place.reader();
    assert!(writer.resume().is_none());
    let mut loan = writer.loan().unwrap().unwrap();
    let slot = loan.slot();
    pattern::fill(loan.pixels(), 1, 2);
    let view = loan.park();
    assert_eq!((small(), small().frame_bytes()), (view.geometry(), view.len()));
    assert!(matches!(writer.loan(), Err(Error::LoanOpen)));
    assert!(matches!(writer.write(&pattern::frame(view.len(), 0, 0), &Stamp::default()), Err(Error::LoanOpen)));
    assert!(matches!(writer.reshape(small()), Err(Error::LoanOpen)));
    writer.tend().unwrap();
    assert_eq!(0, writer.stats().dropped);
    assert!(reader.newest().unwrap().is_none());

    let loan = writer.resume().unwrap();
    assert_eq!(slot, loan.slot());
    loan.publish(&Stamp::default()).unwrap();
    pattern::check(&reader.newest().unwrap().unwrap(), 1, 2);
    assert!(writer.resume().is_none());
}

/// A buffer with a live view is not loaned again, published or cancelled; without one it comes round again.
#[test]
fn a_view_keeps_its_buffer_out_of_use() {
    for cancel in [false, true] {
        let place = Place::new();
        let mut writer = place.writer_with(4);
        let loan = writer.loan().unwrap().unwrap();
        let slot = loan.slot();
        let view = loan.park();
        let loan = writer.resume().unwrap();
        if cancel {
            loan.cancel();
        } else {
            loan.publish(&Stamp::default()).unwrap();
        }
        let comes_round = |writer: &mut billiards_video::Writer| {
            (0..20).any(|_| {
                let loan = writer.loan().unwrap().unwrap();
                let same = loan.slot() == slot;
                loan.publish(&Stamp::default()).unwrap();
                same
            })
        };
        assert!(!comes_round(&mut writer));
        drop(view);
        assert!(comes_round(&mut writer));
    }
}

/// A view's memory outlives the writer, and a view of an old segment pins nothing in a new one.
#[test]
#[allow(unsafe_code, reason = "reads through a view's pointer, as the glue to another language does")]
fn a_view_s_memory_stays() {
    let place = Place::new();
    let mut writer = place.writer_with(3);
    let mut loan = writer.loan().unwrap().unwrap();
    loan.pixels().fill(0x5a);
    let view = loan.park();
    writer.resume().unwrap().publish(&Stamp::default()).unwrap();
    writer.reshape(small()).unwrap();
    assert_eq!(3, writer.stats().buffers_free);
    drop(writer);
    // SAFETY: `len` bytes are mapped while the view lives, and nobody writes to them any more.
    let bytes = unsafe { std::slice::from_raw_parts(view.as_mut_ptr(), view.len()) };
    assert!(bytes.iter().all(|&byte| byte == 0x5a));
    assert!(place.files().is_empty());
}

/// Views that are kept starve the writer like readers that hold, and the notice says whose they are.
#[test]
fn kept_views_are_named_when_they_starve_the_writer() {
    let place = Place::new();
    let mut writer = place.writer_with(3);
    let mut views = Vec::new();
    while let Some(loan) = writer.loan().unwrap() {
        assert!(views.len() < 3, "there are three buffers, and a view of each");
        views.push(loan.park());
        writer.resume().unwrap().publish(&Stamp::default()).unwrap();
    }
    assert_eq!(3, views.len());
    let notices: Vec<String> = writer.notices().iter().map(ToString::to_string).collect();
    assert!(notices[0].contains("3 by arrays of this process"), "{notices:?}");
    views.clear();
    publish(&mut writer);
}
