"""Raw pixels and JPEGs as V4L2 cameras send them: colours that are right, and damage that is seen."""

import re

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from billiards_video.capture.v4l2.jpeg import JPEGCheck
from billiards_video.capture.v4l2.pixels import Converter, Layout

Pixels = npt.NDArray[np.uint8]

COLOURS = ((200, 60, 20), (30, 180, 90))  # blue and green, each half of a picture


def encoded(pixels: str, stride: int) -> Pixels:
    """A picture of 64x48, blue on the left and green on the right, as a camera would send it."""
    blue_green = np.zeros((48, 64, 3), np.uint8)
    blue_green[:, :32], blue_green[:, 32:] = COLOURS
    gray = cv2.cvtColor(blue_green, cv2.COLOR_BGR2GRAY)
    planar = cv2.cvtColor(blue_green, cv2.COLOR_BGR2YUV_I420).astype(np.uint8)
    y, u, v = planar[:48], planar[48:60].reshape(24, 32), planar[60:].reshape(24, 32)
    across = {"Y": y.reshape(48, 32, 2), "U": u.repeat(2, 0), "V": v.repeat(2, 0)}
    order = {"YUYV": "YUYV", "UYVY": "UYVY", "YVYU": "YVYU"}
    if pixels in order:
        counts = {"Y": 0}
        columns = []
        for letter in order[pixels]:
            columns.append(across["Y"][:, :, counts["Y"]] if letter == "Y" else across[letter])
            counts["Y"] += letter == "Y"
        rows = [np.stack(columns, 2).reshape(48, 128)]
    elif pixels in {"NV12", "NV21"}:
        pair = (u, v) if pixels == "NV12" else (v, u)
        rows = [y, np.stack(pair, 2).reshape(24, 64)]
    elif pixels in {"YU12", "YV12"}:
        rows = [y, *((u, v) if pixels == "YU12" else (v, u))]
    else:
        alpha = np.full((48, 64, 1), 9, np.uint8)
        packed: dict[str, npt.NDArray[np.generic]] = {
            "BGR3": blue_green,
            "RGB3": blue_green[:, :, ::-1],
            "XR24": np.concatenate([blue_green, alpha], 2),
            "GREY": gray,
            "Y16": gray.astype("<u2") * 256,
            "Y12": gray.astype("<u2") * 16,
            "Y10": gray.astype("<u2") * 4,
        }
        rows = [np.ascontiguousarray(packed[pixels]).view(np.uint8).reshape(48, -1)]
    width = rows[0].shape[1]
    padded = [np.pad(part, ((0, 0), (0, (stride - width) * part.shape[1] // width))) for part in rows]
    return np.concatenate([part.ravel() for part in padded])


@pytest.mark.parametrize("padding", [0, 64])
@pytest.mark.parametrize(
    "pixels",
    ["YUYV", "UYVY", "YVYU", "NV12", "NV21", "YU12", "YV12", "BGR3", "RGB3", "XR24", "GREY", "Y16", "Y12", "Y10"],
)
def test_colours_are_right(pixels: str, padding: int) -> None:
    """Every raw format becomes the blue, green and red that it was made of, with filling in its rows or without."""
    samples = {"YUYV": 2, "UYVY": 2, "YVYU": 2, "BGR3": 3, "RGB3": 3, "XR24": 4, "Y16": 2, "Y12": 2, "Y10": 2}
    stride = 64 * samples.get(pixels, 1) + padding
    data = encoded(pixels, stride)
    converter = Converter(Layout(pixels, 64, 48, stride))
    assert converter.whole(data)
    assert not converter.whole(data[: data.size // 2])
    out = np.zeros((48, 64, 3), np.uint8)
    assert converter.convert(data, out) is out
    gray = pixels in {"GREY", "Y16", "Y12", "Y10"}
    for colour, column in zip(COLOURS, (5, 58), strict=True):
        wanted = [round(0.114 * colour[0] + 0.587 * colour[1] + 0.299 * colour[2])] * 3 if gray else colour
        assert out[20, column].astype(int) == pytest.approx(wanted, abs=4)
    elsewhere = converter.convert(data, np.zeros((2, 2, 3), np.uint8))
    assert elsewhere is not None
    assert np.array_equal(elsewhere, out)


@pytest.mark.parametrize("pixels", ["BA81", "GBRG", "GRBG", "RGGB"])
def test_mosaics_have_their_colours(pixels: str) -> None:
    """A sensor's mosaic in each of its orders: what is blue in it comes out blue."""
    first = {"BA81": "BGGR", "GBRG": "GBRG", "GRBG": "GRBG", "RGGB": "RGGB"}[pixels]
    blue, green, red = COLOURS[0]
    tile = np.array([{"B": blue, "G": green, "R": red}[letter] for letter in first], np.uint8).reshape(2, 2)
    data = np.tile(tile, (24, 32)).ravel()
    out = np.zeros((48, 64, 3), np.uint8)
    assert Converter(Layout(pixels, 64, 48, 64)).convert(data, out) is out
    assert out[20, 20].astype(int) == pytest.approx(COLOURS[0], abs=1)


def picture_of(restart_every: int) -> Pixels:
    """A JPEG of noise, of 64x48, with a restart after so many of its 12 blocks of 16x16; 0 is none."""
    noise = np.random.default_rng(1).integers(0, 256, (48, 64, 3), np.uint8)
    options = [cv2.IMWRITE_JPEG_QUALITY, 90, cv2.IMWRITE_JPEG_RST_INTERVAL, restart_every]
    return cv2.imencode(".jpg", noise, options)[1].ravel().astype(np.uint8)


def restarts_in(jpeg: Pixels) -> list[int]:
    """Where they are."""
    return [found.start() for found in re.finditer(rb"\xff[\xd0-\xd7]", jpeg.tobytes())]


@pytest.mark.parametrize("restart_every", [0, 1])
def test_what_is_wrong_with_a_jpeg_shows_in_its_markers(restart_every: int) -> None:
    """Cut off, another one in its middle, bytes of something else: each is seen, and what follows the end is not."""
    good = picture_of(restart_every)
    half = good.size // 2
    noise = good.copy()
    noise[half : half + 2] = (0xFF, 0xE3)
    filled = np.concatenate([good, np.zeros(9000, np.uint8), good[:half]])
    wrong = [good[:half], np.concatenate([good[:half], good]), noise, good[:2], good[4:], good[:100], good[:0]]
    assert [JPEGCheck().passes(data) for data in (good, filled)] == [True, True]
    assert [JPEGCheck().passes(data) for data in wrong] == [False] * len(wrong)


def test_a_restart_that_is_left_out_shows() -> None:
    """Where a camera writes restarts, a piece that is missing between them is seen by their numbers."""
    good = picture_of(1)
    places = restarts_in(good)
    assert len(places) == 11  # more than there are numbers for: they begin anew
    without_one = np.delete(good, np.s_[places[4] : places[5]])
    assert JPEGCheck().passes(good)
    assert not JPEGCheck().passes(without_one)


def test_a_camera_s_own_fault_is_lived_with_until_it_can_do_better() -> None:
    """Pictures that all have the same fault are shown after ten of them; after a single one without, none is."""
    good = picture_of(0)
    check = JPEGCheck()
    assert [check.passes(good[:-2]) for _ in range(12)] == [False] * 10 + [True] * 2
    assert check.passes(good)
    assert [check.passes(good[:-2]) for _ in range(12)] == [False] * 12
