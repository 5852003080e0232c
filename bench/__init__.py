"""The measurements: billiards_video beside the floors it stands on, in one run.

`python -m bench` runs everything and prints one table (`make bench` calls it). Each figure is a ratio of two sides that
do the same work in short alternating blocks: a floor made of plain shared memory and a bare futex, and ours. What each
side is: `floor`, `ours`; what is compared: `measures`, `capture_cpu`; how ratios become a verdict: `blocks`.
`python -m bench.memory` is apart, since it takes minutes: 100,000 frames through the bus and through the process.
"""
