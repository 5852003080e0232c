"""What a capture thread is told, and what it tells: its orders, its gaps, its end, and when to try again."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from billiards_video.capture import SourceError

if TYPE_CHECKING:
    from billiards_video.backoff import Backoff
    from billiards_video.capture.preprocessing import Preprocessing
    from billiards_video.config import CameraConfig
    from billiards_video.ipc import State

logger = logging.getLogger(__name__)


class CapturePlan(NamedTuple):
    """What a loop is to do with its source and with each frame."""

    camera: CameraConfig
    preprocessing: Preprocessing | None


class Gap(NamedTuple):
    """Why there is no frame just now, in the words of the bus or of the statistics, and how long to wait (seconds)."""

    reason: str
    delay: float = 0.0


class Outcome(NamedTuple):
    """How the capture ended: the last state of the stream, the reason that readers see, an error for the log."""

    state: State
    reason: str
    error: str | None = None


def delay_after(error: str, backoff: Backoff, camera: CameraConfig) -> float:
    """The seconds to wait before a source that has failed is tried again; says so in the log.

    Raises `SourceError` where the configuration does not want that for ever.
    """
    delay = backoff.failed()
    if backoff.persistent and camera.exit_after_reconnect_attempts:
        tried = f"opened again {backoff.attempts} times in vain" if backoff.attempts else "not to be opened again"
        raise SourceError(f"{error}; {tried} (vision.camera.max_reconnect_attempts)")
    level = logging.ERROR if backoff.persistent else logging.WARNING
    logger.log(level, "%s; attempt %d to open it again in %g s", error, backoff.failures, delay)
    return delay
