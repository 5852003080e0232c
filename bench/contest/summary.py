"""One block's figures, from what its writer and its readers saw."""

from __future__ import annotations

from array import array

from bench.contest.orders import Block, Run, Taken, Written


def mean(values: list[float]) -> float | None:
    """Return the mean of what there is."""
    return sum(values) / len(values) if values else None


def summary(run: Run, written: object, answers: list[object]) -> Block:
    """Join what the writer and the readers saw."""
    taken = [answer for answer in answers if isinstance(answer, Taken)]
    if not isinstance(written, Written) or len(taken) != len(answers):
        raise TypeError(f"unexpected answers: {written!r}, {answers!r}")
    latency = array("q")
    for each in taken:
        latency.extend(
            ready - written.began[sequence]
            for sequence, ready in zip(each.sequences, each.ready, strict=True)
            if written.began[sequence]
        )
    counted = written.began[run.warm :]
    published = sum(1 for began in counted if began)
    received = sum(len(each.ready) for each in taken)
    readers = len(taken)
    return Block(
        latency_ns=latency,
        published=published,
        dropped=len(counted) - published,
        missed=max(0, published * readers - received),
        torn=sum(each.torn for each in taken),
        late=written.late,
        elapsed_s=written.elapsed_ns / 1e9,
        writer_cpu_us=written.cpu_ns / 1e3,
        reader_cpu_us=mean([each.cpu_ns / 1e3 for each in taken if each.cpu_ns is not None]),
        reader_share=mean([each.share for each in taken if each.share is not None]),
        taken=received,
    )
