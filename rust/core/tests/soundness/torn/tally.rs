//! What the processes of a round have done, as they say it to the test: one line of numbers.

/// What a reader has done.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Read {
    /// Frames read, and checked to the last byte.
    pub(super) frames: u64,
    /// Of them, those kept while later ones were read.
    pub(super) held: u64,
    /// Of them, those copied out of their buffer.
    pub(super) copied: u64,
    /// Of them, those that came as copies, to an observer.
    pub(super) observed: u64,
    /// Frames published and not read.
    pub(super) missed: u64,
    /// Times that an observer was overtaken by the writer in the middle of a copy, twice in a row.
    pub(super) overtaken: u64,
    /// Handles opened.
    pub(super) attached: u64,
    /// The most frames that were published while one was held.
    pub(super) outlived: u64,
}

impl Read {
    pub(super) fn line(&self) -> String {
        line(&[
            self.frames,
            self.held,
            self.copied,
            self.observed,
            self.missed,
            self.overtaken,
            self.attached,
            self.outlived,
        ])
    }

    pub(super) fn parse(line: &str) -> Read {
        let [frames, held, copied, observed, missed, overtaken, attached, outlived] = numbers(line);
        Read { frames, held, copied, observed, missed, overtaken, attached, outlived }
    }

    pub(super) fn add(&mut self, other: &Read) {
        self.frames += other.frames;
        self.held += other.held;
        self.copied += other.copied;
        self.observed += other.observed;
        self.missed += other.missed;
        self.overtaken += other.overtaken;
        self.attached += other.attached;
        self.outlived = self.outlived.max(other.outlived);
    }
}

/// What a writer has done.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Written {
    /// Frames published.
    pub(super) published: u64,
    /// Frames that found no buffer.
    pub(super) dropped: u64,
    /// Buffers taken, scribbled into and given back.
    pub(super) cancelled: u64,
    /// Buffers of the segment.
    pub(super) buffers: u64,
    /// The buffers that were written to, one bit each.
    pub(super) used: u64,
}

impl Written {
    pub(super) fn line(&self) -> String {
        line(&[self.published, self.dropped, self.cancelled, self.buffers, self.used])
    }

    pub(super) fn parse(line: &str) -> Written {
        let [published, dropped, cancelled, buffers, used] = numbers(line);
        Written { published, dropped, cancelled, buffers, used }
    }

    pub(super) fn add(&mut self, other: &Written) {
        self.published += other.published;
        self.dropped += other.dropped;
        self.cancelled += other.cancelled;
        self.buffers = self.buffers.max(other.buffers);
        self.used |= other.used;
    }
}

fn line(numbers: &[u64]) -> String {
    numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(" ")
}

fn numbers<const N: usize>(line: &str) -> [u64; N] {
    let numbers: Vec<u64> = line.split(' ').map(|word| word.parse().expect("a number")).collect();
    numbers.try_into().expect("as many as were said")
}
