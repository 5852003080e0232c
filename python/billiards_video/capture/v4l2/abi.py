"""The part of `linux/videodev2.h` that is used here. A test compares it with the header, byte for byte."""

from __future__ import annotations

import ctypes
from ctypes import Structure, Union, c_char, c_int32, c_long, c_uint8, c_uint16, c_uint32, c_ulong, c_void_p
from typing import NamedTuple

CAPTURE, CAPTURE_MPLANE = 1, 9  # kinds of buffer
MMAP = 1
FIELD_NONE = 1
CAP_CAPTURE, CAP_CAPTURE_MPLANE, CAP_STREAMING, CAP_DEVICE_CAPS = 0x1, 0x1000, 0x0400_0000, 0x8000_0000
DISCRETE = 1  # sizes and intervals: one each, otherwise a range
BUFFER_ERROR, BUFFER_STAMP_MASK, BUFFER_STAMP_MONOTONIC = 0x40, 0xE000, 0x2000
CONTROL_DISABLED, CONTROL_READ_ONLY, CONTROL_INACTIVE = 0x01, 0x04, 0x10
CONTROL_MENU, CONTROL_BOOLEAN = 3, 2

BRIGHTNESS, CONTRAST, SATURATION = 0x0098_0900, 0x0098_0901, 0x0098_0902
AUTO_WHITE_BALANCE, AUTO_GAIN, GAIN, WHITE_BALANCE_TEMPERATURE = 0x0098_090C, 0x0098_0912, 0x0098_0913, 0x0098_091A
EXPOSURE_AUTO, EXPOSURE_ABSOLUTE, EXPOSURE_AUTO_PRIORITY = 0x009A_0901, 0x009A_0902, 0x009A_0903
FOCUS_ABSOLUTE, FOCUS_AUTO = 0x009A_090A, 0x009A_090C
SENSOR_ROTATION = 0x009A_0923


def fourcc(letters: str) -> int:
    """The number that four letters are to V4L2, as to OpenCV."""
    return int.from_bytes(letters.ljust(4).encode("ascii"), "little")


def letters(fourcc: int) -> str:
    """The letters of a pixel format, for people."""
    text = (fourcc & 0x7FFF_FFFF).to_bytes(4, "little").decode("ascii", "replace").rstrip()
    return text if text.isprintable() and text else f"0x{fourcc:08x}"


class Capability(Structure):
    """What a device is, and what it can do."""

    _fields_ = (
        ("driver", c_char * 16),
        ("card", c_char * 32),
        ("bus_info", c_char * 32),
        ("version", c_uint32),
        ("capabilities", c_uint32),
        ("device_caps", c_uint32),
        ("reserved", c_uint32 * 3),
    )


class FormatDescription(Structure):
    """One of the pixel formats that a device offers."""

    _fields_ = (
        ("index", c_uint32),
        ("type", c_uint32),
        ("flags", c_uint32),
        ("description", c_char * 32),
        ("pixelformat", c_uint32),
        ("mbus_code", c_uint32),
        ("reserved", c_uint32 * 3),
    )


class FrameSize(Structure):
    """One size, or a range of sizes (least, greatest, step of the width; the same of the height)."""

    _fields_ = (
        ("index", c_uint32),
        ("pixel_format", c_uint32),
        ("type", c_uint32),
        ("numbers", c_uint32 * 6),
        ("reserved", c_uint32 * 2),
    )


class FrameInterval(Structure):
    """One time from frame to frame, or a range (least, greatest, step), each as numerator and denominator."""

    _fields_ = (
        ("index", c_uint32),
        ("pixel_format", c_uint32),
        ("width", c_uint32),
        ("height", c_uint32),
        ("type", c_uint32),
        ("numbers", c_uint32 * 6),
        ("reserved", c_uint32 * 2),
    )


class PixelFormat(Structure):
    """Frames in one piece."""

    _fields_ = (
        ("width", c_uint32),
        ("height", c_uint32),
        ("pixelformat", c_uint32),
        ("field", c_uint32),
        ("bytesperline", c_uint32),
        ("sizeimage", c_uint32),
        ("colorspace", c_uint32),
        ("priv", c_uint32),
        ("flags", c_uint32),
        ("encoding", c_uint32),
        ("quantization", c_uint32),
        ("transfer", c_uint32),
    )


class PlaneFormat(Structure):
    """One piece of a frame in several."""

    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("sizeimage", c_uint32), ("bytesperline", c_uint32), ("reserved", c_uint16 * 6))


class PixelFormatPlanes(Structure):
    """Frames in several pieces, of which there may be one."""

    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (
        ("width", c_uint32),
        ("height", c_uint32),
        ("pixelformat", c_uint32),
        ("field", c_uint32),
        ("colorspace", c_uint32),
        ("planes", PlaneFormat * 8),
        ("num_planes", c_uint8),
        ("rest", c_uint8 * 11),
    )


class _FormatUnion(Union):
    _fields_ = (("pix", PixelFormat), ("pix_mp", PixelFormatPlanes), ("raw", c_uint8 * 200), ("align", c_void_p))


class Format(Structure):
    """The format in force, or asked for."""

    _fields_ = (("type", c_uint32), ("fmt", _FormatUnion))


class StreamParameters(Structure):
    """The time from frame to frame."""

    _fields_ = (
        ("type", c_uint32),
        ("capability", c_uint32),
        ("capturemode", c_uint32),
        ("numerator", c_uint32),
        ("denominator", c_uint32),
        ("rest", c_uint8 * 184),
    )


class RequestBuffers(Structure):
    """How many buffers are asked for, then how many there are."""

    _fields_ = (
        ("count", c_uint32),
        ("type", c_uint32),
        ("memory", c_uint32),
        ("capabilities", c_uint32),
        ("reserved", c_uint32),
    )


class _Where(Union):
    _fields_ = (("offset", c_uint32), ("userptr", c_ulong), ("planes", c_void_p), ("fd", c_int32))


class Plane(Structure):
    """One piece of a buffer."""

    _fields_ = (
        ("bytesused", c_uint32),
        ("length", c_uint32),
        ("m", _Where),
        ("data_offset", c_uint32),
        ("reserved", c_uint32 * 11),
    )


class Buffer(Structure):
    """One buffer, and the frame in it."""

    _fields_ = (
        ("index", c_uint32),
        ("type", c_uint32),
        ("bytesused", c_uint32),
        ("flags", c_uint32),
        ("field", c_uint32),
        ("seconds", c_long),
        ("microseconds", c_long),
        ("timecode", c_uint32 * 4),
        ("sequence", c_uint32),
        ("memory", c_uint32),
        ("m", _Where),
        ("length", c_uint32),
        ("reserved2", c_uint32),
        ("request_fd", c_int32),
    )


class QueryControl(Structure):
    """What a control takes."""

    _fields_ = (
        ("id", c_uint32),
        ("type", c_uint32),
        ("name", c_char * 32),
        ("minimum", c_int32),
        ("maximum", c_int32),
        ("step", c_int32),
        ("default_value", c_int32),
        ("flags", c_uint32),
        ("reserved", c_uint32 * 2),
    )


class QueryMenu(Structure):
    """One choice of a control that is a menu."""

    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("id", c_uint32), ("index", c_uint32), ("name", c_char * 32), ("reserved", c_uint32))


class Control(Structure):
    """The value of a control."""

    _fields_ = (("id", c_uint32), ("value", c_int32))


class Switch(Structure):
    """A kind of buffer, of which the stream is switched on or off."""

    _fields_ = (("type", c_int32),)


class Request(NamedTuple):
    """An ioctl: its number, and the name it has in the kernel's documentation."""

    number: int
    name: str


_READ, _WRITE = 2, 1


def _request(name: str, number: int, direction: int, argument: type[Structure]) -> Request:
    return Request(direction << 30 | ctypes.sizeof(argument) << 16 | ord("V") << 8 | number, f"VIDIOC_{name}")


QUERYCAP = _request("QUERYCAP", 0, _READ, Capability)
ENUM_FMT = _request("ENUM_FMT", 2, _READ | _WRITE, FormatDescription)
S_FMT = _request("S_FMT", 5, _READ | _WRITE, Format)
REQBUFS = _request("REQBUFS", 8, _READ | _WRITE, RequestBuffers)
QUERYBUF = _request("QUERYBUF", 9, _READ | _WRITE, Buffer)
QBUF = _request("QBUF", 15, _READ | _WRITE, Buffer)
DQBUF = _request("DQBUF", 17, _READ | _WRITE, Buffer)
STREAMON = _request("STREAMON", 18, _WRITE, Switch)
STREAMOFF = _request("STREAMOFF", 19, _WRITE, Switch)
S_PARM = _request("S_PARM", 22, _READ | _WRITE, StreamParameters)
G_CTRL = _request("G_CTRL", 27, _READ | _WRITE, Control)
S_CTRL = _request("S_CTRL", 28, _READ | _WRITE, Control)
QUERYCTRL = _request("QUERYCTRL", 36, _READ | _WRITE, QueryControl)
QUERYMENU = _request("QUERYMENU", 37, _READ | _WRITE, QueryMenu)
ENUM_FRAMESIZES = _request("ENUM_FRAMESIZES", 74, _READ | _WRITE, FrameSize)
ENUM_FRAMEINTERVALS = _request("ENUM_FRAMEINTERVALS", 75, _READ | _WRITE, FrameInterval)
