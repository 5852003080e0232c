//! A publisher's rhythm: when its next frame is due, and how well that is known.
//!
//! A reader that asks for low latency sleeps until just before a frame is due and then polls, so that it takes most frames
//! without being woken. What polling may cost is bounded by a share of the publisher's period; where the rhythm is not
//! steady enough for that, there is no moment to poll at, and the reader sleeps as any other.

/// A reader is awake before a frame for at most this part of the period, its lead and the span to poll in together: 500 us
/// at 60 frames a second, or 3 % of a core.
const SHARE_TO_POLL: i64 = 33;

/// What a span has beside the publisher's own deviation: the clock, the way from the clock's reading to the frame's
/// appearance, and what a deviation of nearly nothing would leave.
const MARGIN_NS: i64 = 15_000;

/// How many frames in step it takes until a rhythm is believed.
const BELIEVED_AFTER: u32 = 8;

/// What a rhythm is made of: frames at most 10 s apart, at most a million of them missed. Within these bounds no sum or product
/// of this file overflows.
const LONGEST_NS: u64 = 10_000_000_000;
const MOST_BEATS: u64 = 1_000_000;

/// A moment before which a reader may sleep, and one after which it need not poll any longer. `CLOCK_MONOTONIC`, ns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from_ns: u64,
    pub(crate) to_ns: u64,
}

/// What became of the waits of a reader that asked for low latency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Anticipation {
    /// Waits that could be timed, because the publisher's rhythm was known.
    pub timed: u64,
    /// Those of them that a frame ended while the reader polled: taken without a wake-up.
    pub met: u64,
    /// How long the reader has polled, in nanoseconds.
    pub polled_ns: u64,
}

/// What is known of a publisher's rhythm, and of this thread's own punctuality.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rhythm {
    last: Option<(u64, u64)>,
    /// When the next frame is due if the last one had come when it was due.
    due_ns: i64,
    period_ns: i64,
    deviation_ns: i64,
    in_step: u32,
    /// How late this reader wakes from a timed sleep, and how much that differs.
    lateness_ns: i64,
    lateness_deviation_ns: i64,
    pub(crate) anticipation: Anticipation,
}

impl Rhythm {
    /// Learns from a frame, by its sequence and the moment of its publication, which are whatever the header says.
    #[inline(never)] // not everybody's
    pub(crate) fn learn(&mut self, sequence: u64, published_ns: u64) {
        let frame = (sequence, published_ns);
        let Some((beats, interval_ns)) = self.last.replace(frame).and_then(|before| since(before, frame)) else {
            self.in_step = 0; // another segment has begun, or another publisher
            return;
        };
        let at_ns = published_ns.cast_signed();
        if self.in_step == 0 {
            self.begin(at_ns, interval_ns);
            return;
        }
        let error_ns = at_ns - (self.due_ns + (beats - 1) * self.period_ns);
        if error_ns.abs() > self.period_ns / 4 {
            self.begin(at_ns, interval_ns); // another rhythm, or none
            return;
        }
        // A single frame that is very late says little about the next one.
        let bound = 4 * self.deviation_ns + MARGIN_NS;
        let clipped = error_ns.clamp(-bound, bound);
        self.period_ns += clipped / (32 * beats);
        self.due_ns = at_ns - error_ns + clipped / 8 + self.period_ns;
        self.deviation_ns += (clipped.abs() - self.deviation_ns) / 8;
        self.in_step = self.in_step.saturating_add(1);
    }

    fn begin(&mut self, at_ns: i64, interval_ns: i64) {
        self.period_ns = interval_ns;
        self.due_ns = at_ns + self.period_ns;
        self.deviation_ns = self.period_ns / 64;
        self.in_step = 1;
    }

    /// When to poll for the frame after the last one; `None` where that is not known well enough, or past.
    pub(crate) fn span(&self, now_ns: u64) -> Option<Span> {
        let half_ns = self.half_ns();
        let is_steady = self.in_step >= BELIEVED_AFTER && 2 * half_ns <= self.period_ns / SHARE_TO_POLL;
        let span =
            Span { from_ns: (self.due_ns - half_ns).cast_unsigned(), to_ns: (self.due_ns + half_ns).cast_unsigned() };
        (is_steady && span.to_ns > now_ns).then_some(span)
    }

    /// Until when to sleep, to be awake when a span begins.
    pub(crate) fn alarm_ns(&self, span: Span) -> u64 {
        span.from_ns.saturating_sub(self.lead_ns().cast_unsigned())
    }

    /// How far a span reaches to either side of the moment at which a frame is due.
    fn half_ns(&self) -> i64 {
        2 * self.deviation_ns + MARGIN_NS
    }

    /// How long before a span it has to be woken: at most half of its share of the period, and what the span leaves of it. Who
    /// is later than that is late, and may be punctual another time.
    fn lead_ns(&self) -> i64 {
        let left_ns = self.period_ns / SHARE_TO_POLL - 2 * self.half_ns();
        let most_ns = left_ns.min(self.period_ns / (2 * SHARE_TO_POLL));
        (self.lateness_ns + 2 * self.lateness_deviation_ns).min(most_ns).max(0)
    }

    /// Learns how late this reader was ready to poll, after a timed sleep that nobody ended.
    pub(crate) fn woke(&mut self, late_ns: u64) {
        let late_ns = late_ns.cast_signed().min(self.period_ns / (2 * SHARE_TO_POLL));
        let error_ns = late_ns - self.lateness_ns;
        self.lateness_ns += error_ns / 8;
        self.lateness_deviation_ns += (error_ns.abs() - self.lateness_deviation_ns) / 8;
    }
}

/// How many beats lie between two frames, each a sequence and a time, and how long one took; `None` where they are not of one
/// rhythm.
fn since(before: (u64, u64), frame: (u64, u64)) -> Option<(i64, i64)> {
    let beats = frame.0.checked_sub(before.0)? / 2;
    let passed_ns = frame.1.checked_sub(before.1)?;
    let is_possible = (1..=MOST_BEATS).contains(&beats) && frame.1 <= u64::MAX / 4;
    let interval_ns = passed_ns.checked_div(beats)?;
    (is_possible && (1..=LONGEST_NS).contains(&interval_ns)).then(|| (beats.cast_signed(), interval_ns.cast_signed()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: u64 = 16_666_667;

    /// Frames at these moments, one after the other.
    fn heard(moments: impl IntoIterator<Item = u64>) -> Rhythm {
        let mut rhythm = Rhythm::default();
        moments.into_iter().zip(1..).for_each(|(at_ns, number)| rhythm.learn(2 * number, at_ns));
        rhythm
    }

    /// Up to 20 us to either side, always the same way.
    fn jitter(number: u64) -> u64 {
        number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32 & 0x7fff
    }

    fn steady(frames: u64) -> Rhythm {
        heard((0..frames).map(|number| 5_000_000_000 + number * PERIOD + jitter(number)))
    }

    #[test]
    fn a_steady_rhythm_tells_when_the_next_frame_is_due() {
        for frames in 30..300 {
            let last = 5_000_000_000 + (frames - 1) * PERIOD + jitter(frames - 1);
            let span = steady(frames).span(last).unwrap();
            let next = 5_000_000_000 + frames * PERIOD + jitter(frames);
            assert!(span.from_ns < next && next < span.to_ns, "frame {frames}: {next} is not in {span:?}");
            assert!(span.to_ns - span.from_ns <= PERIOD / 33);
        }
    }

    #[test]
    fn a_missed_frame_does_not_break_it() {
        let rhythm = heard((0..60).map(|number| 5_000_000_000 + number * PERIOD));
        let mut missed = rhythm.clone();
        missed.learn(2 * 62, 5_000_000_000 + 61 * PERIOD); // number 60 was never seen
        let span = missed.span(5_000_000_000 + 61 * PERIOD).unwrap();
        assert!((span.from_ns..span.to_ns).contains(&(5_000_000_000 + 62 * PERIOD)));
    }

    #[test]
    fn a_late_frame_does_not_break_it_and_another_rhythm_is_learnt_anew() {
        let mut rhythm = steady(100);
        let at = |number: u64| 5_000_000_000 + number * PERIOD;
        rhythm.learn(2 * 101, at(100) + 1_000_000);
        assert!(rhythm.span(at(100)).is_some_and(|span| (span.from_ns..span.to_ns).contains(&at(101))));
        let slower = |number: u64| at(101) + number * 2 * PERIOD;
        rhythm.learn(2 * 102, slower(1));
        assert_eq!(None, rhythm.span(slower(1)), "twice as slow from now on");
        (2..100).for_each(|number| rhythm.learn(2 * (101 + number), slower(number)));
        let span = rhythm.span(slower(99)).unwrap();
        assert!((span.from_ns..span.to_ns).contains(&slower(100)));
    }

    #[test]
    fn there_is_nothing_to_poll_for_without_a_rhythm() {
        assert_eq!(None, Rhythm::default().span(0));
        assert_eq!(None, steady(5).span(0), "five frames are no rhythm");
        let loose = heard((0..200).map(|number| 5_000_000_000 + number * PERIOD + 40 * jitter(number)));
        assert_eq!(None, loose.span(0), "a millisecond to and fro is more than polling may cost");
        let past = steady(100);
        assert_eq!(None, past.span(5_000_000_000 + 101 * PERIOD), "the frame is late, and may not come at all");
        let mut restarted = steady(100);
        restarted.learn(2, 6_000_000_000_000);
        assert_eq!(None, restarted.span(0), "another segment counts anew");
    }

    #[test]
    fn who_wakes_late_sets_the_alarm_earlier() {
        let mut rhythm = steady(100);
        let span = rhythm.span(0).unwrap();
        assert_eq!(span.from_ns, rhythm.alarm_ns(span));
        (0..100).for_each(|_| rhythm.woke(60_000));
        let alarm_ns = rhythm.alarm_ns(span);
        assert!((55_000..90_000).contains(&(span.from_ns - alarm_ns)), "{}", span.from_ns - alarm_ns);
        (0..100).for_each(|_| rhythm.woke(1_000_000_000));
        assert!(span.from_ns - rhythm.alarm_ns(span) <= PERIOD / 66, "not for any price");
    }
    #[test]
    fn being_late_now_and_then_does_not_end_it() {
        let stray = |number: u64| 5 * jitter(number);
        let mut rhythm = heard((0..200).map(|number| 5_000_000_000 + number * PERIOD + stray(number)));
        let span = rhythm.span(0).unwrap();
        (0..10).for_each(|_| rhythm.woke(5_000_000));
        assert_eq!(Some(span), rhythm.span(0), "a publisher's rhythm has nothing to do with this reader's");
        assert!(span.to_ns - rhythm.alarm_ns(span) <= PERIOD / 33);
    }

    #[test]
    fn no_header_breaks_it() {
        let mut state = 1_u64;
        let mut random = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> 20
        };
        let mut rhythm = Rhythm::default();
        let (mut sequence, mut at_ns) = (0_u64, 0_u64);
        for _ in 0..200_000 {
            (sequence, at_ns) = match random() % 10 {
                0 => (random() << (random() % 64), random() << (random() % 64)),
                1 => (u64::MAX - random() % 3, u64::MAX - random() % 3),
                2 => (sequence.wrapping_add(1), at_ns),
                3 => (sequence.wrapping_add(2), at_ns.wrapping_add(random() << (random() % 40))),
                _ => (sequence.wrapping_add(2), at_ns.wrapping_add(PERIOD)),
            };
            rhythm.learn(sequence, at_ns);
            if let Some(span) = rhythm.span(at_ns) {
                assert!(span.from_ns <= span.to_ns);
                assert!(span.to_ns - rhythm.alarm_ns(span) <= LONGEST_NS / 32);
                rhythm.woke(random() << (random() % 64));
            }
        }
    }
}
