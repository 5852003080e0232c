// What was measured of the last frames, kept for 20 seconds.

export const WINDOW_MS = 20000;
const LONGEST_MS = 2000; // beyond that it is a break, which the state tells, and all else would be a flat line

export class Samples {
  list = [];

  add(sample) {
    const last = this.list.at(-1);
    const interval = last ? sample.captured - last.captured : NaN;
    sample.interval = sample.discontinuity || interval > LONGEST_MS ? NaN : interval;
    this.list.push(sample);
    this.forget(sample.at);
  }

  forget(now) {
    while (this.list.length && this.list[0].at < now - WINDOW_MS) this.list.shift();
  }

  since(at) { return this.list.filter((sample) => sample.at >= at); }
}

export function median(values) {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  return sorted.length ? sorted[sorted.length >> 1] : NaN;
}
