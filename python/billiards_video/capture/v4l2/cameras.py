"""Which cameras this machine has, what they are called, and which one is meant.

The kernel numbers devices in the order in which they come: after a replug, a camera may have another number, and its
old one may be another camera's. Names that stay are the links that udev makes under /dev/v4l, and what the kernel shows
under /sys, which is there without udev too, as in most containers.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from billiards_video.capture.source import SourceError

PREFIX = "camera:"
_LINKS = ("by-id", "by-path")
_NUMBERED = re.compile(r"video(\d+)")


class Places(NamedTuple):
    """Where devices are looked for."""

    dev: Path = Path("/dev")
    sys: Path = Path("/sys/class/video4linux")


class Model(NamedTuple):
    """What stays of a camera when it is plugged in elsewhere: equal for cameras of one model without serial numbers."""

    name: str
    vendor: str
    product: str
    serial: str


class Camera(NamedTuple):
    """A device node, and what is known of it without opening it."""

    node: Path
    model: Model
    links: tuple[str, ...]
    """The names under which it stays the same: of /dev/v4l/by-id and by-path."""
    pictures: bool
    """False for a camera's further nodes, those for metadata."""

    def __str__(self) -> str:
        """For people: "/dev/video0 (HD Pro Webcam C920)"."""
        return f"{self.node} ({self.model.name})" if self.model.name else str(self.node)


def cameras(places: Places) -> list[Camera]:
    """All that there are, in the order of their numbers."""
    links: dict[str, list[str]] = {}
    for kind in _LINKS:
        for link in sorted((places.dev / "v4l" / kind).glob("*")):
            links.setdefault(link.resolve().name, []).append(link.name)
    nodes = [(int(match[1]), node) for node in places.dev.glob("video*") if (match := _NUMBERED.fullmatch(node.name))]
    return [_camera(node, places.sys / node.name, tuple(links.get(node.name, ()))) for _, node in sorted(nodes)]


def _camera(node: Path, facts: Path, links: tuple[str, ...]) -> Camera:
    device = (facts / "device").resolve()
    usb = next((folder for folder in (device, *device.parents[:3]) if (folder / "idVendor").exists()), device)
    model = Model(_read(facts / "name"), *(_read(usb / key) for key in ("idVendor", "idProduct", "serial")))
    return Camera(node, model, links, pictures=_read(facts / "index") in ("0", ""))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def listing(found: list[Camera]) -> str:
    """Those from which pictures can be had, for people."""
    return ", ".join(str(camera) for camera in found if camera.pictures) or "none"


def find(device: int | str, places: Places, before: Model | None = None) -> Camera:
    """The camera meant by a number, a path, or "camera:" and its name, or a part of one that no other camera has.

    It is looked up anew each time. The camera that was opened `before` under a number (see `unmistakable`) is followed
    to another one, where it is no longer under this one. Raises `SourceError`.
    """
    found = cameras(places)
    if isinstance(device, str) and device.startswith(PREFIX):
        return _by_name(device.removeprefix(PREFIX), found)
    node = Path(device) if isinstance(device, str) else places.dev / f"video{device}"
    resolved = node.resolve()
    camera = next((camera for camera in found if camera.node.resolve() == resolved), None)
    if before is not None and not node.is_symlink() and (camera is None or camera.model != before):
        same = [other for other in found if other.model == before and other.pictures]
        if len(same) == 1:
            return same[0]
    if not node.exists():
        there = f"{node} is missing" if not node.is_symlink() else f"{node} leads to nothing"
        raise SourceError(f"device {device} does not exist: {there}; cameras of this machine: {listing(found)}")
    return camera or _camera(resolved, places.sys / resolved.name, ())


def unmistakable(camera: Camera, places: Places) -> Model | None:
    """What tells this camera from all others that are there, by which it can be followed; None where nothing does."""
    same = [other for other in cameras(places) if other.model == camera.model and other.pictures]
    return camera.model if camera.model.name and len(same) == 1 else None


def _by_name(text: str, found: list[Camera]) -> Camera:
    """Exactly so called, or else the only one in whose name, serial number or links the text is found."""
    wanted = text.strip().casefold()
    able = [camera for camera in found if camera.pictures]
    names = {camera: [camera.model.name, camera.model.serial, *camera.links] for camera in able}
    exact = [camera for camera in able if wanted in (name.casefold() for name in names[camera])]
    partly = [camera for camera in able if wanted and any(wanted in name.casefold() for name in names[camera])]
    matching = exact or partly
    if not matching:
        raise SourceError(f"device {PREFIX}{text} is not there; cameras of this machine: {listing(found)}")
    if len(matching) > 1:
        raise SourceError(
            f"device {PREFIX}{text} is {len(matching)} cameras: {listing(matching)}; a link under /dev/v4l/by-path"
            " tells cameras of one model apart, by where they are plugged in"
        )
    return matching[0]
