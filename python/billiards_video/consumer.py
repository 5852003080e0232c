"""The thin client: the name stands in `config.json`, and all that is wanted is the newest frame now."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from billiards_video.ipc import SharedMemoryFrameReader

if TYPE_CHECKING:
    from typing import Self

    import numpy as np
    from numpy.typing import NDArray

_DEFAULT_PATH = "config.json"
_DEFAULT_NAME = "billiards_video"
_DEFAULT_TIMEOUT = 5.0
_LONGEST_TIMEOUT = 3600  # as the process has it, which reads the same file


class VideoModuleNotAvailableError(RuntimeError):
    """The video process does not publish the frames that are wanted. The text says what is known, and what to do."""


class VideoConsumer:
    """Reads the newest frame of the stream that a configuration file names.

    Args:
        config_path: The file; of it, `video.shared_memory_name` and `video.shared_memory_attach_timeout_sec` are read.
            None: `./config.json`, or, where there is none, the defaults: "billiards_video" and 5.0.

    Raises:
        OSError: The file named cannot be read.
        ValueError: It is no JSON, or one of the two values is not what it should be.
    """

    def __init__(self, config_path: str | os.PathLike[str] | None = None) -> None:
        self._name, self._timeout = _read_settings(config_path)
        self._reader: SharedMemoryFrameReader | None = None
        self._pid = 0

    def start(self) -> None:
        """Attaches to the stream, waiting for it as long as the configuration says. Does nothing if that was done.

        Releases the GIL while it waits; Ctrl-C is heard.

        Raises:
            VideoModuleNotAvailableError: The video process does not run, or may not be read.
            RuntimeError: It was started before this process was forked.
        """
        if self._reader is not None:
            self._refuse_after_fork()
            return
        reader = SharedMemoryFrameReader(self._name, reader_name="VideoConsumer")
        try:
            reader.attach(self._timeout)
        except TimeoutError as error:
            raise VideoModuleNotAvailableError(str(error)) from error
        self._reader, self._pid = reader, os.getpid()

    def get_frame(self) -> NDArray[np.uint8] | None:
        """The newest frame, as a copy; None if there is none newer than the last one, or if it cannot be read.

        Does not wait. A failure is logged. The copy releases the GIL.

        Returns:
            uint8, (height, width) or (height, width, channels).

        Raises:
            RuntimeError: `start` was not called, or was called before this process was forked.
        """
        if self._reader is None:
            raise RuntimeError("VideoConsumer not started. Call start() first.")
        self._refuse_after_fork()
        try:
            return self._reader.read_frame()[0]
        except (OSError, RuntimeError, ValueError) as error:
            import logging  # noqa: PLC0415 - not before it is needed: it would be a tenth of this package's import

            logging.getLogger(__name__).warning("Reading a frame of '%s' failed: %s", self._name, error)
            return None

    def stop(self) -> None:
        """Detaches. Does nothing if that was done."""
        if self._reader is not None:
            self._reader.detach()
            self._reader = None

    @property
    def name(self) -> str:
        """The name of the stream, as the configuration has it."""
        return self._name

    @property
    def is_running(self) -> bool:
        """Whether it was started, and not stopped since."""
        return self._reader is not None

    @property
    def reader(self) -> SharedMemoryFrameReader | None:
        """The reader, for what goes beyond `get_frame`; None before `start` and after `stop`."""
        return self._reader

    def _refuse_after_fork(self) -> None:
        # The reader refuses too, but `get_frame` would take that for a failure that passes, and give None for ever.
        if self._pid != os.getpid():
            raise RuntimeError(
                "this consumer belongs to the parent process: after a fork, make a new VideoConsumer in the child"
            )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()


def _read_settings(path: str | os.PathLike[str] | None) -> tuple[str, float]:
    import json  # noqa: PLC0415 - whoever imports the package for its reader need not wait for it
    from pathlib import Path  # noqa: PLC0415 - likewise

    file = Path(_DEFAULT_PATH if path is None else path)
    if path is None and not file.exists():
        return _DEFAULT_NAME, _DEFAULT_TIMEOUT
    try:
        content = json.loads(file.read_text(encoding="utf-8-sig"))  # some editors begin a file with a byte order mark
    except FileNotFoundError:
        raise FileNotFoundError(f"{file}: this configuration file does not exist (looked in {Path.cwd()})") from None
    except ValueError as error:
        raise ValueError(f"{file} is no JSON: {error}") from error
    video: Any = content.get("video", {}) if isinstance(content, dict) else None
    if not isinstance(video, dict):
        raise ValueError(f"{file}: 'video' is to be an object, with 'shared_memory_name' in it")  # noqa: TRY004
    name = video.get("shared_memory_name", _DEFAULT_NAME)
    if not isinstance(name, str):
        raise ValueError(f"{file}: video.shared_memory_name is {name!r}: a text is needed")  # noqa: TRY004
    try:
        SharedMemoryFrameReader(name)  # the core knows what a name may be, and a reader is nothing until it is attached
    except ValueError as error:
        raise ValueError(f"{file}: video.shared_memory_name: {' '.join(str(error).splitlines())}") from error
    timeout = video.get("shared_memory_attach_timeout_sec", _DEFAULT_TIMEOUT)
    # Python's JSON knows NaN and Infinity, which are not in the range either.
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 <= timeout <= _LONGEST_TIMEOUT:
        raise ValueError(
            f"{file}: video.shared_memory_attach_timeout_sec is {timeout!r}:"
            f" a number from 0 to {_LONGEST_TIMEOUT} is needed"
        )
    return name, timeout
