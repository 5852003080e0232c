"""A process to be killed: `python tests/kill_victim.py ROLE NAME REPORT CONFIG`. Frames are sealed, and checked.

It reports to the descriptor REPORT, one line for each segment that it publishes or gets a first frame of: its process,
the segment's epoch, and when. A line is written in one piece or not at all, wherever the process is killed.
"""

import asyncio
import os
import random
import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from billiards_video import Frame, FrameMetadata, SharedMemoryFrameReader, SharedMemoryFrameWriter, VideoConsumer
from billiards_video.frame_code import check, seal

WIDTH, HEIGHT = 64, 48
CHANCE = random.Random()  # noqa: S311 - moments, not secrets
Tell = Callable[[int], None]


def sealed(number: int) -> NDArray[np.uint8]:
    """The frame of a number."""
    frame = np.full((HEIGHT, WIDTH, 3), number % 256, np.uint8)
    seal(frame, number)
    return frame


def verify(array: NDArray[np.uint8], metadata: FrameMetadata) -> None:
    """Every pixel is the one frame's that the metadata are of."""
    assert check(array) == metadata.frame_number


def write(name: str, tell: Tell, *, lend: bool) -> None:
    """Publishes as soon as the name is free."""
    writer = SharedMemoryFrameWriter(name, WIDTH, HEIGHT)
    while True:
        try:
            writer.initialize()
            break
        except FileExistsError:
            time.sleep(0.001)
    number = 0
    while True:
        frame = sealed(number)
        if lend:
            with writer.loan() as slot:
                if slot is not None:
                    slot.array[:] = frame
                    if CHANCE.random() < 0.9:
                        slot.publish(number)
        else:
            writer.write_frame(frame, number)
        if number == 0:
            tell(writer.epoch)
        number += 1
        time.sleep(CHANCE.uniform(0, 0.003))


def read_leased(name: str, tell: Tell) -> None:
    """Holds up to three frames for a while, and looks at each again before it lets go."""
    kept: list[Frame] = []
    with SharedMemoryFrameReader(name) as reader:
        while True:
            kept.append(reader.lease(None))
            tell(reader.epoch)
            while len(kept) == 3 or (kept and CHANCE.random() < 0.5):
                frame = kept.pop(CHANCE.randrange(len(kept)))
                verify(frame.array, frame.metadata)
                del frame
            time.sleep(CHANCE.uniform(0, 0.005))


def read_copies(name: str, tell: Tell, *, observe: bool) -> None:
    """Iterates."""
    with SharedMemoryFrameReader(name, observe=observe) as reader:
        for array, metadata in reader.frames():
            verify(array, metadata)
            tell(reader.epoch)


def read_async(name: str, tell: Tell) -> None:
    """Iterates in an event loop, beside another task."""

    async def read() -> None:
        with SharedMemoryFrameReader(name) as reader:
            beside = asyncio.create_task(asyncio.sleep(1e9))
            async for array, metadata in reader:
                verify(array, metadata)
                tell(reader.epoch)
            await beside

    asyncio.run(read())


def consume(config: str, tell: Tell) -> None:
    """Polls, as the thin client does."""
    with VideoConsumer(config) as consumer:
        while True:
            frame = consumer.get_frame()
            if frame is None:
                time.sleep(0.001)
            else:
                check(frame)
                assert consumer.reader is not None
                tell(consumer.reader.epoch)


def main(role: str, name: str, report: int, config: str) -> None:
    """Plays the role until the process is killed."""
    told = 0

    def tell(epoch: int) -> None:
        nonlocal told
        if epoch != told:
            told = epoch
            os.write(report, f"{os.getpid()} {epoch} {time.monotonic_ns()}\n".encode())

    play = {
        "write": partial(write, name, lend=False),
        "lend": partial(write, name, lend=True),
        "lease": partial(read_leased, name),
        "frames": partial(read_copies, name, observe=False),
        "observe": partial(read_copies, name, observe=True),
        "async": partial(read_async, name),
        "consume": partial(consume, config),
    }
    play[role](tell=tell)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
