"""The capture process of the demonstration."""

from __future__ import annotations

import json
import os
from typing import Self

from billiards_video.demo.child import Child


class CaptureProcess(Child):
    """`python -m billiards_video` with a configuration of its own, running while the `with` block lasts."""

    def __init__(self, name: str, source: str) -> None:
        super().__init__("The capture process")
        self._config = {
            "video": {"shared_memory_name": name},
            "vision": {"camera": {"device_id": source, "frame_log_interval": 1_000_000}},
        }
        self.warning = ""
        """The last line of its log that was a warning or worse."""

    def __enter__(self) -> Self:
        config = os.memfd_create("config.json")  # a file without a name, which no crash can leave behind
        try:
            os.write(config, json.dumps(self._config).encode())
            self.start("billiards_video", f"/proc/self/fd/{config}", pass_fds=[config])
        finally:
            os.close(config)
        return self

    def heard(self, line: str) -> None:
        """Takes note of a line of its log."""
        super().heard(line)
        if any(f" - {level} - " in line for level in ("WARNING", "ERROR", "CRITICAL")):
            self.warning = line
