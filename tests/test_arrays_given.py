"""The arrays that callers give, to publish and to be filled: what fits, what does not, and what they are told."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from billiards_video import SharedMemoryFrameReader, SharedMemoryFrameWriter
from small_stream import HEIGHT, WIDTH, picture


@pytest.mark.parametrize(
    ("frame", "shown"),
    [
        (np.zeros((HEIGHT + 1, WIDTH, 3), np.uint8), "(49, 64, 3) uint8"),
        (np.zeros((HEIGHT, WIDTH, 4), np.uint8), "(48, 64, 4) uint8"),
        (np.zeros((HEIGHT, WIDTH), np.uint8), "(48, 64) uint8"),
        (np.zeros((HEIGHT, WIDTH, 3), np.float32), "(48, 64, 3) float32"),
        (np.zeros((HEIGHT, WIDTH, 3), np.int8), "(48, 64, 3) int8"),
        (np.zeros((HEIGHT, WIDTH, 3), np.bool_), "(48, 64, 3) bool"),
        (np.zeros((HEIGHT, WIDTH, 3), "datetime64[s]"), "(48, 64, 3) datetime64[s]"),
        (np.zeros((), np.uint8), "() uint8"),
        (b"\x00" * (HEIGHT * WIDTH * 3), "(9216,) of format 'B'"),
    ],
    ids=["height", "channels", "axes", "float32", "int8", "bool", "no buffer", "scalar", "bytes"],
)
def test_a_frame_that_does_not_fit_is_refused(
    writer: SharedMemoryFrameWriter, reader: SharedMemoryFrameReader, frame: bytes, shown: str
) -> None:
    """Another shape or type is a ValueError that shows both sides, and nothing is published."""
    expected = f"frame is {shown}, these don't match the writer's (48, 64, 3) uint8"
    with pytest.raises(ValueError, match=f"^{re.escape(expected)}$"):
        writer.write_frame(frame)
    assert reader.read_frame() == (None, None)
    assert writer.get_stats()["frames_written"] == 0


def test_what_is_no_array_is_refused(writer: SharedMemoryFrameWriter) -> None:
    """A list, or None, is a TypeError that says what is needed."""
    for wrong in ([[1]], None):
        with pytest.raises(TypeError, match=r"^frame is of type .*: a uint8 array of \(48, 64, 3\) uint8 is needed$"):
            writer.write_frame(wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "strided",
    [
        lambda frame: np.repeat(np.repeat(frame, 2, 0), 2, 1)[::2, ::2],
        lambda frame: np.pad(frame, ((2, 2), (3, 3), (0, 0)))[2:-2, 3:-3],
        lambda frame: np.ascontiguousarray(frame[::-1])[::-1],
        lambda frame: np.ascontiguousarray(frame[..., ::-1])[..., ::-1],
        np.asfortranarray,
        lambda frame: np.asfortranarray(frame).data,
    ],
    ids=["every other", "region", "upside down", "channels reversed", "fortran", "memoryview"],
)
def test_a_frame_of_any_strides_is_published(
    writer: SharedMemoryFrameWriter, reader: SharedMemoryFrameReader, strided: Callable[[NDArray[np.uint8]], Any]
) -> None:
    """An array that is not contiguous arrives with the pixels that it shows."""
    given = strided(picture(11))
    assert not np.asarray(given).flags.c_contiguous
    assert writer.write_frame(given)
    np.testing.assert_array_equal(picture(11), reader.read_frame()[0])


def test_reading_into_an_array(writer: SharedMemoryFrameWriter, reader: SharedMemoryFrameReader) -> None:
    """`out` is filled and handed back, whatever its strides; nothing new leaves it alone."""
    larger = np.zeros((HEIGHT * 2, WIDTH * 2, 3), np.uint8)
    outs = (np.zeros((HEIGHT, WIDTH, 3), np.uint8), larger[::2, ::2], larger[HEIGHT:, WIDTH:])
    for value, out in enumerate(outs):
        writer.write_frame(picture(value))
        frame, metadata = reader.read_frame(out)
        assert frame is out
        assert metadata is not None
        np.testing.assert_array_equal(picture(value), out)
        assert reader.read_frame(out=out) == (None, None)
        np.testing.assert_array_equal(picture(value), out)
    writer.write_frame(picture(77))
    assert reader.wait_for_frame(1.0, outs[0])[0] is outs[0]
    np.testing.assert_array_equal(picture(77), outs[0])


def test_an_array_that_cannot_be_read_into_is_refused(
    writer: SharedMemoryFrameWriter, reader: SharedMemoryFrameReader
) -> None:
    """`out` of another shape or type shows both sides; one that may not be written to is named so."""
    frozen = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    frozen.flags.writeable = False
    cases = [
        (
            np.zeros((HEIGHT, WIDTH), np.uint8),
            r"^out is \(48, 64\) uint8, these don't match the frames' \(48, 64, 3\) uint8$",
        ),
        (
            np.zeros((HEIGHT, WIDTH, 3)),
            r"^out is \(48, 64, 3\) float64, these don't match the frames' \(48, 64, 3\) uint8$",
        ),
        (frozen, r"^out is read-only"),
    ]
    for out, message in cases:
        writer.write_frame(picture(1))
        with pytest.raises(ValueError, match=message):
            reader.read_frame(out)  # type: ignore[arg-type]
    assert not frozen.any()


def test_an_array_that_does_not_fit_costs_no_frame(
    writer: SharedMemoryFrameWriter, reader: SharedMemoryFrameReader
) -> None:
    """Where `out` is refused, the frame was not taken: the next read gives it, and misses nothing."""
    writer.write_frame(picture(1), 1)
    for read in (reader.read_frame, reader.wait_for_frame):
        with pytest.raises(ValueError, match="don't match"):
            read(out=np.zeros((3, 3, 3), np.uint8))
    frame, metadata = reader.read_frame()
    assert frame is not None
    assert metadata is not None
    assert (metadata.frame_number, metadata.missed) == (1, 0)
