//! The clocks by which sides are measured, and the alarm by which frames are published.

use rustix::io::{Errno, Result};
use rustix::thread::clock_nanosleep_absolute;
use rustix::time::{ClockId, Timespec, clock_gettime};

const SECOND: u64 = 1_000_000_000;

/// `CLOCK_MONOTONIC`: the same in every process of the machine.
pub(crate) fn monotonic_ns() -> u64 {
    nanoseconds(clock_gettime(ClockId::Monotonic))
}

/// The processor time of this thread, which is the only one.
pub(crate) fn processor_ns() -> u64 {
    nanoseconds(clock_gettime(ClockId::ThreadCPUTime))
}

/// Sleeps until a moment of `CLOCK_MONOTONIC`; returns at once if it is past.
pub(crate) fn sleep_until(deadline_ns: u64) -> Result<()> {
    let deadline =
        Timespec { tv_sec: (deadline_ns / SECOND).cast_signed(), tv_nsec: (deadline_ns % SECOND).cast_signed() };
    loop {
        match clock_nanosleep_absolute(ClockId::Monotonic, &deadline) {
            Err(Errno::INTR) => {}
            slept => return slept,
        }
    }
}

fn nanoseconds(time: Timespec) -> u64 {
    time.tv_sec.cast_unsigned() * SECOND + time.tv_nsec.cast_unsigned()
}
