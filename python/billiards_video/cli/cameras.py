"""`billiards-video list`: the cameras of this machine, what they offer, and the names by which each stays the same."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, NamedTuple

from billiards_video.capture.v4l2.cameras import PREFIX, Camera, Places, cameras
from billiards_video.capture.v4l2.holders import PROC, holders
from billiards_video.capture.v4l2.offers import Offers, offers
from billiards_video.capture.v4l2.refusals import reason
from billiards_video.cli.outcome import OK
from billiards_video.cli.terminal import BOLD, DIM, YELLOW, Paint, columns, printable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from billiards_video.capture.v4l2.holders import Holder
    from billiards_video.capture.v4l2.offers import Offer, Size

_LABEL = 10


class Listed(NamedTuple):
    """A camera, and what could be found out about it."""

    camera: Camera
    names: tuple[str, ...]
    """For `vision.camera.device_id`, the one that says most first."""
    offers: Offers | None
    problem: str
    """Why its formats are not known; "" where they are."""
    users: tuple[Holder, ...]
    """The processes that have it open, as far as they can be seen."""


def command(asked: argparse.Namespace) -> int:
    """Lists them. That there are none is no failure."""
    found = listed(Places())
    if asked.json:
        print(json.dumps({"cameras": [_as_json(each) for each in found]}, indent=2))  # noqa: T201 - a command's output
        return OK
    print("\n".join(as_text(found, Paint(sys.stdout), columns(sys.stdout))))  # noqa: T201
    return OK


def listed(places: Places) -> list[Listed]:
    """All cameras that give pictures; a camera's nodes for metadata are left out."""
    found = cameras(places)
    return [each for camera in found if camera.pictures and (each := _look(camera, found, places)) is not None]


def _look(camera: Camera, others: list[Camera], places: Places) -> Listed | None:
    users = holders(camera.node).found  # before this process has it open itself
    names = tuple(_names(camera, others, places))
    try:
        offered = offers(camera.node)
    except OSError as error:
        return Listed(camera, names, None, f"{camera.node} {reason(error, camera.node, PROC)}", users)
    return None if offered is None else Listed(camera, names, offered, "", users)


def _names(camera: Camera, others: list[Camera], places: Places) -> Iterator[str]:
    """What it can be called, so that it is found again: by its name where no other has the same, then by its links."""
    same = [other for other in others if other.pictures and other.model.name == camera.model.name]
    if camera.model.name and len(same) == 1:
        yield f"{PREFIX}{camera.model.name}"
    for link in camera.links:
        kind = next((kind for kind in ("by-id", "by-path") if (places.dev / "v4l" / kind / link).is_symlink()), None)
        if kind is not None:
            yield str(places.dev / "v4l" / kind / link)


def as_text(found: list[Listed], paint: Paint, width: int | None) -> list[str]:
    """The list for people."""
    if not found:
        return [
            "no camera: plug one in; 'dmesg | tail' shows whether the system has seen it.",
            "A container has it with '--device /dev/video0' only.",
            'Without one: set vision.camera.device_id to "synthetic", or VIDEO_FILE=film.mp4 in the environment.',
        ]
    lines: list[str] = []
    for each in found:
        if lines:
            lines.append("")
        name = (each.offers.name if each.offers else each.camera.model.name) or "a camera"
        lines.append(f"{paint(str(each.camera.node), BOLD)}  {printable(name)}")
        lines += [f"  {paint(label.ljust(_LABEL), DIM)}{text}" for label, text in _facts(each, paint, width)]
    return lines


def _facts(each: Listed, paint: Paint, width: int | None) -> Iterator[tuple[str, str]]:
    for number, name in enumerate(each.names):
        yield ("names" if number == 0 else ""), f'"{printable(name)}"'
    if not each.names:
        yield "names", paint("none that stays: after a replug its number may be another one's", YELLOW)
    if each.users:
        users = ", ".join(f"{printable(holder.name)} (pid {holder.pid})" for holder in each.users)
        yield "in use", paint(f"by {users}", YELLOW)
    if each.problem:
        yield "formats", paint(f"not known: {each.problem}", YELLOW)
    elif each.offers is not None:
        for number, offer in enumerate(each.offers.formats):
            yield from _offer("formats" if number == 0 else "", offer, width)


def _offer(label: str, offer: Offer, width: int | None) -> Iterator[tuple[str, str]]:
    """A format's sizes, as many to a line as fit."""
    room = (width or 100) - 2 - _LABEL - 6
    line = ""
    head = f"{offer.pixels:<6}"
    for text in [_size(size) for size in offer.sizes] or ["any size, as its driver says nothing"]:
        if line and len(line) + 2 + len(text) > room:
            yield label, head + line + ","
            label, head, line = "", " " * 6, ""
        line += f"{', ' if line else ''}{text}"
    yield label, head + line


def _size(size: Size) -> str:
    """As "1920x1080@30", "640x480@30|15", "16x16..1920x1080"."""
    upto = "" if size.largest is None else "..{}x{}".format(*size.largest)
    rates = "|".join(f"{rate:.4g}" for rate in size.rates)
    return f"{size.width}x{size.height}{upto}{'@' if rates else ''}{rates}"


def _as_json(each: Listed) -> dict[str, object]:
    camera = each.camera
    return {
        "node": str(camera.node),
        "name": each.offers.name if each.offers else camera.model.name,
        "names": list(each.names),
        "serial": camera.model.serial,
        "users": [holder._asdict() for holder in each.users],
        "problem": each.problem or None,
        "formats": [
            {
                "pixel_format": offer.pixels,
                "description": offer.description,
                "sizes": [
                    {
                        "width": size.width,
                        "height": size.height,
                        "up_to": None if size.largest is None else list(size.largest),
                        "fps": [round(rate, 3) for rate in size.rates],
                    }
                    for size in offer.sizes
                ],
            }
            for offer in (each.offers.formats if each.offers else ())
        ],
    }
