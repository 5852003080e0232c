"""A lens's calibration, as OpenCV's own programs and most others write it, and its matrix for another resolution."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from billiards_video.capture.source import SourceError

if TYPE_CHECKING:
    import numpy.typing as npt

    Matrix = npt.NDArray[np.float64]

_COEFFICIENT_NAMES = ("dist_coeffs", "distortion_coefficients")  # the second in OpenCV's samples and in ROS
_COEFFICIENTS = (4, 5, 8, 12, 14)
_ROUNDING = 0.01
"""How far the scales of width and height may be apart: 1366x768 and 1920x1080 are both called 16:9."""
_ADVICE = (
    "an OpenCV file (YAML, XML or JSON) with camera_matrix, dist_coeffs, image_width and image_height is asked for,"
    " as cv2.FileStorage writes it"
)


class PreprocessingError(SourceError):
    """Frames of this size cannot be preprocessed as configured; the text is one line for a person, with a next step."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What a lens does to a picture of `width` x `height`: a pinhole camera's matrix, and OpenCV's coefficients."""

    path: Path
    matrix: Matrix
    coefficients: Matrix
    width: int
    height: int

    def matrix_for(self, width: int, height: int) -> Matrix:
        """The camera matrix for frames of another resolution, of which the whole picture was scaled.

        Raises `PreprocessingError` where the aspect ratio is another: the sensor was cropped then, nobody knows how.
        """
        across, down = width / self.width, height / self.height
        if abs(across - down) > _ROUNDING * max(across, down):
            raise PreprocessingError(
                f"frames are {width}x{height}, and {self.path} is a calibration for {self.width}x{self.height}, another"
                " aspect ratio: calibrate in the mode that is used, or set vision.camera.resolution to one of"
                f" {self.width}:{self.height}, or video.enable_distortion_correction to false"
            )
        # Pixel centres are whole numbers, so that the edge of the picture is half a pixel outside of the first one.
        return np.array(
            [
                [across * self.matrix[0, 0], across * self.matrix[0, 1], across * (self.matrix[0, 2] + 0.5) - 0.5],
                [0, down * self.matrix[1, 1], down * (self.matrix[1, 2] + 0.5) - 0.5],
                [0, 0, 1],
            ]
        )


def read_calibration(path: str) -> Calibration:
    """Reads a calibration file. Raises `FileNotFoundError`, or `ValueError` with one line that says what is wrong."""
    try:
        with Path(path).open("rb") as file:  # for the system's words, without OpenCV's on standard error
            empty = not file.read(1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}; {_ADVICE}") from None
    if empty:
        raise ValueError(f"{path} is empty; {_ADVICE}")
    storage = cv2.FileStorage()
    try:
        storage.open(path, cv2.FILE_STORAGE_READ)
        return _calibration(Path(path), storage)
    except cv2.error as error:
        where = " ".join(error.func.split())  # OpenCV has file, line and complaint there
        raise ValueError(f"{path} is no calibration file ({where}); {_ADVICE}") from None
    finally:
        storage.release()


def _calibration(path: Path, storage: cv2.FileStorage) -> Calibration:
    model = storage.getNode("distortion_model")
    if _is_set(storage.getNode("fisheye_model")) or (model.isString() and model.string() in ("equidistant", "fisheye")):
        raise ValueError(
            f"{path} describes a fisheye lens by its own model, which is not supported; calibrate with"
            " cv2.calibrateCamera (its 8 coefficients of the rational model reach far), not with cv2.fisheye"
        )
    matrix = _numbers(path, storage, "camera_matrix")
    if matrix.size != 9 or not _is_camera(matrix.reshape(3, 3)):  # noqa: PLR2004 - 3x3
        raise ValueError(
            f"{path}: camera_matrix is {_shown(matrix)}; allowed: 3x3 numbers, [fx 0 cx, 0 fy cy, 0 0 1], fx and fy"
            " above 0"
        )
    present = (name for name in _COEFFICIENT_NAMES if not storage.getNode(name).isNone())
    name = next(present, _COEFFICIENT_NAMES[0])
    coefficients = _numbers(path, storage, name)
    if coefficients.size not in _COEFFICIENTS:
        raise ValueError(f"{path}: {name} has {coefficients.size} numbers; allowed: 4, 5, 8, 12 or 14 of them")
    width, height = (_side(path, storage, name) for name in ("image_width", "image_height"))
    return Calibration(path, matrix.reshape(3, 3), coefficients.ravel(), width, height)


def _is_set(node: cv2.FileNode) -> bool:
    return (node.isInt() or node.isReal()) and node.real() != 0


def _is_camera(matrix: Matrix) -> bool:
    return bool(
        matrix[0, 0] > 0 and matrix[1, 1] > 0 and matrix[1, 0] == 0 and np.array_equal(matrix[2], [0.0, 0.0, 1.0])
    )


def _shown(matrix: Matrix) -> str:
    return f"{matrix.size} numbers" if matrix.size != 9 else str(matrix.reshape(3, 3).tolist())  # noqa: PLR2004 - 3x3


def _side(path: Path, storage: cv2.FileStorage, name: str) -> int:
    side = _numbers(path, storage, name)
    if side.size != 1 or side[0] < 1 or side[0] != int(side[0]):
        raise ValueError(f"{path}: {name} is {side.tolist()}; allowed: the picture's size in pixels, a whole number")
    return int(side[0])


def _numbers(path: Path, storage: cv2.FileStorage, name: str) -> Matrix:
    node = storage.getNode(name)
    if node.isNone():
        present = ", ".join(storage.root().keys()) or "nothing"
        raise ValueError(f"{path} has no {name} (it has {present}); {_ADVICE}")
    numbers = np.array(list(_flat(node)), np.float64)
    if not np.isfinite(numbers).all():
        raise ValueError(f"{path}: {name} holds what is no number; {_ADVICE}")
    return numbers


def _flat(node: cv2.FileNode) -> Any:  # noqa: ANN401 - a recursive iterator of floats
    """The numbers of a matrix, be it OpenCV's own, a map with `data` as ROS writes it, or nested lists."""
    if node.isMap():
        yield from _flat(node.getNode("data"))
    elif node.isSeq():
        for index in range(node.size()):
            yield from _flat(node.at(index))
    else:
        yield node.real() if node.isInt() or node.isReal() else np.nan
