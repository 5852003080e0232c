"""The writer and the readers, each a fork of its crew."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from bench.contest.orders import END, Close, Failure, Run, Taken, Written
from bench.pacing import Pace
from bench.rivals.transport import Pixels, Pool, marks

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from bench.rivals.transport import Publisher, Receiver, Transport

AGAIN = 0.004  # seconds between two frames that only say that the block is over
PATIENCE = 3600.0  # in effect for ever: a frame too many would never be taken
SEQUENCE = 0xFFFF_FFFF


def write_block(publisher: Publisher, run: Run, link: Connection) -> Written:
    """Publish the block's frames, and then its end, until everybody has it: ways that drop frames may drop that one."""
    written = Written()
    pace = Pace(run.per_second) if run.per_second else None
    start = time.monotonic_ns()
    limit = start + round(run.seconds * 1e9)
    cpu, counted_from = time.process_time_ns(), start
    for sequence in range(run.frames):
        if pace:
            pace.wait()
        if sequence == run.warm:
            cpu, counted_from = time.process_time_ns(), time.monotonic_ns()
        written.began.append(publisher.publish(run.block << 32 | sequence))
        if time.monotonic_ns() > limit and sequence > run.warm:
            break
    counted = max(1, len(written.began) - run.warm)
    written.cpu_ns = (time.process_time_ns() - cpu) / counted
    written.elapsed_ns = time.monotonic_ns() - counted_from
    written.late = pace.late if pace else 0
    time.sleep(AGAIN)  # else the last frame would be passed over for its successor
    publisher.publish(run.block << 32 | END)
    while not link.poll(PATIENCE if publisher.waits_for_readers else AGAIN):
        publisher.publish(run.block << 32 | END)
    link.recv()
    return written


def look_at(pixels: Pixels, out: Pixels) -> None:
    """Read every pixel, as a detector's first pass would: copied out in parts, into an array that stays cached."""
    flat = pixels.reshape(-1)
    for start in range(0, flat.size, out.size):
        part = flat[start : start + out.size]
        np.copyto(out[: part.size], part)


def read_block(receiver: Receiver, run: Run, out: Pixels) -> Taken:
    """Take frames until the block's end comes."""
    taken = Taken()
    first_cpu = last_cpu = first_ns = last_ns = 0
    while True:
        pixels = receiver.take()
        now = time.monotonic_ns()
        first, last = marks(pixels)
        block, sequence = first >> 32, first & SEQUENCE
        whole = first == last
        if block == run.block and sequence != END:
            if run.look:
                look_at(pixels, out)
                whole = whole and marks(pixels) == (first, first)
            taken.torn += not whole
            if sequence >= run.warm:
                taken.sequences.append(sequence)
                taken.ready.append(now)
                last_cpu, last_ns = time.process_time_ns(), now
                if not first_cpu:
                    first_cpu, first_ns = last_cpu, last_ns
        del pixels
        receiver.release()
        if block == run.block and sequence == END:
            break
    if len(taken.ready) > 1:
        taken.cpu_ns = (last_cpu - first_cpu) / (len(taken.ready) - 1)
        taken.share = (last_cpu - first_cpu) / max(1, last_ns - first_ns)
    return taken


def writer(transport: Transport, pool: Pool, link: Connection) -> None:
    """Obey the crew until it closes."""
    publisher = transport.publisher(pool)
    link.send("open")
    while True:
        match link.recv():
            case Run() as run:
                link.send(write_block(publisher, run, link))
            case Close():
                publisher.close()
                return


def reader(transport: Transport, index: int, out: Pixels, link: Connection) -> None:
    """Obey the crew until it closes."""
    receiver = transport.receiver(index)
    link.send("open")
    while True:
        match link.recv():
            case Run() as run:
                link.send("waiting")
                link.send(read_block(receiver, run, out))
            case Close():
                receiver.close()
                return


def failure_of(error: BaseException) -> Failure:
    """Put an exception into one line."""
    return Failure(f"{type(error).__name__}: {' '.join(str(error).split())}")
