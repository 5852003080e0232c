"""The measurements: billiards_video beside the floors it stands on, and beside everything else.

`python -m bench.everything` runs all stages and makes docs/performance.md of them; each can be run alone:

- `python -m bench`: ours and the floors. Each figure is a ratio of two sides that do the same work in short alternating
  blocks: a floor made of plain shared memory and a bare futex, and ours. What each side is: `floor`, `ours`; what is
  compared: `measures`, `capture_cpu`; how ratios become a verdict: `blocks`.
- `python -m bench.contest STAGE`: everybody (`rivals`), by the same rules, with any number of readers (`contest`).
- `python -m bench.rhythms`: whether real sources keep time so well that a reader can poll for their frames.
- `python -m bench.headline`: the capture process on files, starting and stopping.
- `python -m bench.rust_sides`: the wake floor and ours in Rust on both sides (`rust/bench`).
- `python -m bench.memory`: 100,000 frames through the bus and through the process.
- `python -m bench.page`: the page again, from the results that are kept beside it.

`python -m bench.two_builds REVISION` is not part of the page: it compares the working tree's build with a revision's.
"""
