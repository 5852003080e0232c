//! How large a campaign is: one switch for all of them.

/// Set to `full` by `make soundness`.
const SWITCH: &str = "BILLIARDS_VIDEO_SOUNDNESS";

/// Whether the large campaigns are wanted.
pub(crate) fn is_full() -> bool {
    match std::env::var(SWITCH).as_deref() {
        Ok("full") => true,
        Ok(other) => panic!("{SWITCH} is {other:?}: it is \"full\" or not set"),
        Err(_) => false,
    }
}

/// The small number in `make test`, the large one in `make soundness`.
pub(crate) fn sized<T>(small: T, large: T) -> T {
    if is_full() { large } else { small }
}

/// One line of the figures that a campaign came to; seen with `--nocapture`.
#[expect(clippy::print_stdout, reason = "the figures of a campaign are its result")]
pub(crate) fn report(line: &str) {
    println!("{line}");
}
