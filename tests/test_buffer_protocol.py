"""What a leased frame and a loaned slot export, asked for as C code asks for it: by `PyObject_GetBuffer` and flags."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from billiards_video import SharedMemoryFrameReader, SharedMemoryFrameWriter
from small_stream import HEIGHT, WIDTH, picture

SIMPLE, WRITABLE, FORMAT, ND, STRIDES = 0, 0x1, 0x4, 0x8, 0x18
C_CONTIGUOUS, F_CONTIGUOUS, ANY_CONTIGUOUS, INDIRECT = 0x38, 0x58, 0x98, 0x118
FULL_RO = INDIRECT | FORMAT
SHAPE, ROWS = (HEIGHT, WIDTH, 3), (WIDTH * 3, 3, 1)


class Buffer(ctypes.Structure):
    """A `Py_buffer`."""

    _fields_ = (
        ("buf", ctypes.c_void_p),
        ("obj", ctypes.c_void_p),
        ("len", ctypes.c_ssize_t),
        ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int),
        ("ndim", ctypes.c_int),
        ("format", ctypes.c_char_p),
        ("shape", ctypes.POINTER(ctypes.c_ssize_t)),
        ("strides", ctypes.POINTER(ctypes.c_ssize_t)),
        ("suboffsets", ctypes.POINTER(ctypes.c_ssize_t)),
        ("internal", ctypes.c_void_p),
    )


@contextmanager
def exported(exporter: Any, flags: int) -> Iterator[Buffer]:  # noqa: ANN401 - whatever exports
    """What the exporter fills in for a request."""
    buffer = Buffer()
    ctypes.pythonapi.PyObject_GetBuffer(ctypes.py_object(exporter), ctypes.byref(buffer), flags)
    try:
        yield buffer
    finally:
        ctypes.pythonapi.PyBuffer_Release(ctypes.byref(buffer))


@pytest.mark.parametrize(
    ("flags", "filled"),
    [
        (SIMPLE, (None, None, None)),
        (FORMAT, (None, None, b"B")),
        (ND, (SHAPE, None, None)),
        (STRIDES, (SHAPE, ROWS, None)),
        (C_CONTIGUOUS | FORMAT, (SHAPE, ROWS, b"B")),
        (ANY_CONTIGUOUS, (SHAPE, ROWS, None)),
        (FULL_RO, (SHAPE, ROWS, b"B")),
    ],
    ids=["simple", "format", "nd", "strides", "c", "any", "full"],
)
def test_a_lease_exports_what_is_asked_for(
    writer: SharedMemoryFrameWriter,
    reader: SharedMemoryFrameReader,
    flags: int,
    filled: tuple[tuple[int, ...] | None, tuple[int, ...] | None, bytes | None],
) -> None:
    """Shape, strides and format are there where the flags ask for them, and only there; the bytes are the frame's."""
    written = picture(3)
    shape, strides, format_ = filled
    writer.write_frame(written)
    with reader.lease() as frame:
        exporter = frame.array.base
        with exported(exporter, flags) as buffer:
            assert (buffer.len, buffer.itemsize, buffer.readonly) == (written.nbytes, 1, 1)
            assert buffer.ndim == (1 if shape is None else 3)
            assert (tuple(buffer.shape[:3]) if buffer.shape else None) == shape
            assert (tuple(buffer.strides[:3]) if buffer.strides else None) == strides
            assert not buffer.suboffsets
            assert buffer.format == format_
            assert ctypes.string_at(buffer.buf, buffer.len) == written.tobytes()
        del exporter


@pytest.mark.parametrize("flags", [WRITABLE, WRITABLE | FULL_RO, F_CONTIGUOUS], ids=["simple", "full", "fortran"])
def test_a_lease_refuses_what_it_cannot_give(
    writer: SharedMemoryFrameWriter, reader: SharedMemoryFrameReader, flags: int
) -> None:
    """A request to write, or for columns in one piece, is a BufferError, and leaves nothing held."""
    writer.write_frame(picture(3))
    with reader.lease() as frame:
        for exporter in (frame.array.base, frame.array.data):
            with pytest.raises(BufferError), exported(exporter, flags):
                pass
        del exporter
    assert writer.readers()[0].held == 0


def test_an_export_alone_keeps_the_hold(writer: SharedMemoryFrameWriter, reader: SharedMemoryFrameReader) -> None:
    """Frame, array and memoryview may go: a buffer taken by C code holds until it is released."""
    writer.write_frame(picture(3))
    with reader.lease() as frame:
        export = exported(frame.array.base, SIMPLE)
        buffer = export.__enter__()
    del frame
    assert writer.readers()[0].held == 1
    assert ctypes.string_at(buffer.buf, buffer.len) == picture(3).tobytes()
    export.__exit__(None, None, None)
    assert writer.readers()[0].held == 0


def test_a_slot_exports_its_buffer_writable_until_it_is_published(writer: SharedMemoryFrameWriter) -> None:
    """A loaned slot gives C code a buffer to write to; from the publication on it refuses."""
    with writer.loan() as slot:
        assert slot is not None
        exporter = slot.array.base
        with exported(exporter, WRITABLE | FULL_RO) as buffer:
            assert (buffer.readonly, tuple(buffer.shape[:3])) == (0, SHAPE)
            ctypes.memset(buffer.buf, 7, buffer.len)
        assert (slot.array == 7).all()
        slot.publish()
        with pytest.raises(BufferError), exported(exporter, WRITABLE):
            pass
        with exported(exporter, SIMPLE) as buffer:
            assert buffer.readonly == 1
