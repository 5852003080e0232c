//! The two clocks: monotonic for ages and latencies, wall for people.

use rustix::time::{ClockId, Timespec, clock_gettime};

/// `CLOCK_MONOTONIC` in nanoseconds: the same clock in every process of the machine.
pub(crate) fn monotonic_ns() -> u64 {
    nanoseconds(clock_gettime(ClockId::Monotonic))
}

/// `CLOCK_REALTIME` in nanoseconds since 1970.
pub(crate) fn wall_ns() -> u64 {
    nanoseconds(clock_gettime(ClockId::Realtime))
}

fn nanoseconds(time: Timespec) -> u64 {
    #[allow(clippy::cast_sign_loss, reason = "neither clock is before its zero")]
    let (seconds, rest) = (time.tv_sec as u64, time.tv_nsec as u64);
    seconds * 1_000_000_000 + rest
}
