"""Every way that is measured, in the order of the tables."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module, metadata
from typing import TYPE_CHECKING

from bench.rivals.transport import NotHereError

if TYPE_CHECKING:
    from bench.rivals.transport import Transport


@dataclass(frozen=True)
class Way:
    """One way of handing over frames: what it is called, where it is, what is needed for it."""

    name: str
    where: str  # module of bench.rivals, colon, class
    floor: str  # the floor that it is divided by: the one that does as much as it has to
    package: str = ""
    run_in: int = 0  # frames it needs to learn the publisher's rhythm

    def load(self) -> type[Transport]:
        """Import it; `NotHereError` says what is missing."""
        module, _, kind = self.where.partition(":")
        try:
            found: type[Transport] = getattr(import_module(f"bench.rivals.{module}"), kind)
        except (ImportError, ValueError, AttributeError) as error:
            needed = self.package or module
            raise NotHereError(f"{needed} cannot be imported: {' '.join(str(error).split())}") from None
        return found

    def version(self) -> str:
        """Return the version of what it is made of, as far as it is not Python's own."""
        if not self.package:
            return ""
        if self.package == "GStreamer":
            from gi.repository import Gst  # noqa: PLC0415 - there where this way is, and only there

            return f"{Gst.VERSION_MAJOR}.{Gst.VERSION_MINOR}.{Gst.VERSION_MICRO}"
        return metadata.version(self.package)


WAKE, COPY = "wake floor", "copy floor"
WAYS = {
    way.name: way
    for way in (
        Way(WAKE, "floors:WakeFloor", WAKE),
        Way(COPY, "floors:CopyFloor", COPY),
        Way("ours, in place", "bus:Loan", WAKE),
        Way("ours, low latency", "bus:LowLatency", WAKE, run_in=27),
        Way("ours, by copy", "bus:Copy", COPY),
        Way("iceoryx2, in place", "iceoryx:InPlace", WAKE, "iceoryx2"),
        Way("iceoryx2, by copy", "iceoryx:ByCopy", COPY, "iceoryx2"),
        Way("GStreamer, in place", "gstreamer:InPlace", WAKE, "GStreamer"),
        Way("GStreamer, by copy", "gstreamer:ByCopy", COPY, "GStreamer"),
        Way("zenoh", "zenoh_memory:SharedMemory", COPY, "eclipse-zenoh"),
        Way("pyzmq", "zeromq:Sockets", COPY, "pyzmq"),
        Way("shared memory, condition", "processes:Condition", COPY),
        Way("pipe", "processes:Pipe", COPY),
        Way("queue", "processes:Queue", COPY),
    )
}
DUELLISTS = (WAKE, "ours, in place")
OURS = ("ours, in place", "ours, low latency", "ours, by copy")
