//! What many durations come to.

use std::time::Duration;

/// Durations, in order of size.
#[derive(Clone, Debug)]
pub(crate) struct Durations(Vec<Duration>);

impl Durations {
    pub(crate) fn new(mut durations: Vec<Duration>) -> Durations {
        assert!(!durations.is_empty(), "nothing was measured");
        durations.sort_unstable();
        Durations(durations)
    }

    /// The one that so many in a hundred do not exceed.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        self.0[(self.0.len() * percent / 100).min(self.0.len() - 1)]
    }

    pub(crate) fn median(&self) -> Duration {
        self.percentile(50)
    }

    pub(crate) fn all(&self) -> String {
        let [median, most, longest] = [50, 99, 100].map(|percent| self.percentile(percent));
        format!("p50 {median:.1?}, p99 {most:.1?}, max {longest:.1?} of {}", self.0.len())
    }
}
