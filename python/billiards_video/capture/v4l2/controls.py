"""A device's controls: what is asked of them, in the order in which it has an effect, and what they made of it.

A driver may clip a value, refuse it, or agree and do nothing, and some values only count while an automatism is off. So
the automatism is switched first, and everything is read back, once frames flow: some cameras begin a stream anew with
settings of their own.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from billiards_video.capture.source import Setting
from billiards_video.capture.v4l2 import abi

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from billiards_video.capture.v4l2.node import Node

_EXPOSURE_AUTO = (3, 0)  # with the aperture as it is, which is what webcams have; else all by itself
_EXPOSURE_MANUAL = (1, 2)  # all by hand; else at least the time
_EXPOSURES = {0: "auto", 1: "manual", 2: "manual", 3: "auto"}
_ON_OFF = ("off", "on")


class Wish(NamedTuple):
    """A control that is to have a value. None: it is only to be read."""

    name: str
    control: int
    value: float | str | None
    implied: bool = False
    """It goes without saying, and so does it where the device has no such control."""


class _Control(NamedTuple):
    """What a control of the device takes."""

    type: int
    least: int
    most: int
    flags: int
    choices: frozenset[int]
    """Of a menu."""

    def number(self, value: float | str) -> int | None:
        """A wish in the driver's terms; None where it has nothing like it."""
        if isinstance(value, str):
            modes = _EXPOSURE_AUTO if value == "auto" else _EXPOSURE_MANUAL
            return next((mode for mode in modes if mode in self.choices), None)
        return round(value)

    def text(self, value: float | str, name: str) -> str:
        """A value, for people."""
        if isinstance(value, str):
            return value
        if name == "exposure_mode":
            return _EXPOSURES.get(round(value), f"{value:g}")
        if self.type == abi.CONTROL_BOOLEAN:
            return _ON_OFF[bool(value)]
        return f"{value:g}"

    @property
    def takes(self) -> str:
        """The range, for people."""
        return "it takes on or off" if self.type == abi.CONTROL_BOOLEAN else f"it takes {self.least} to {self.most}"


def ask(node: Node, wishes: Iterable[Wish]) -> dict[str, str]:
    """Sets what has a value; gives, by name, what the driver said against it."""
    refused = {}
    for name, identity, value, _ in wishes:
        control = _query(node, identity)
        if control is None or value is None:
            continue
        number = control.number(value)
        if number is None:
            refused[name] = f"it knows no {value}"
        elif problem := _refusal(node, abi.S_CTRL, abi.Control(id=identity, value=number)):
            refused[name] = f"{problem}; {control.takes}"
    return refused


def read(node: Node, wishes: Iterable[Wish], refused: dict[str, str]) -> Iterator[Setting]:
    """What the controls are now, and why that is not what was asked.

    Controls that the device does not have are left out, where nothing was asked of them.
    """
    for name, identity, value, implied in wishes:
        control = _query(node, identity)
        if control is None:
            if value is not None and not implied:
                yield Setting(name, _plain(value), None, note="this device has no such control")
            continue
        now = abi.Control(id=identity)
        known = not _refusal(node, abi.G_CTRL, now)
        yield Setting(
            name,
            None if value is None else control.text(value, name),
            control.text(now.value, name) if known else None,
            note=_note(control, value, now.value if known else None, refused.get(name, "")),
        )


def _plain(value: float | str) -> str:
    return value if isinstance(value, str) else f"{float(value):g}"


def _note(control: _Control, value: float | str | None, now: int | None, refused: str) -> str:
    if refused or value is None:
        return refused
    if control.flags & abi.CONTROL_READ_ONLY:
        return "it cannot be set"
    if now == control.number(value) or (isinstance(value, str) and _EXPOSURES.get(now or 0) == value):
        return "no effect: an automatism is on" if control.flags & abi.CONTROL_INACTIVE else ""
    return control.takes


def _refusal(node: Node, request: abi.Request, argument: abi.Control | abi.QueryControl | abi.QueryMenu) -> str:
    """What the driver says against it, or nothing. No control is worth a camera: if it has failed, it will show."""
    try:
        node.call(request, argument)
    except OSError as error:
        return os.strerror(error.errno or 0)
    return ""


def _query(node: Node, identity: int) -> _Control | None:
    asked = abi.QueryControl(id=identity)
    if _refusal(node, abi.QUERYCTRL, asked) or asked.flags & abi.CONTROL_DISABLED:
        return None
    choices = frozenset(
        index
        for index in range(asked.minimum, asked.maximum + 1)
        if asked.type == abi.CONTROL_MENU and not _refusal(node, abi.QUERYMENU, abi.QueryMenu(id=identity, index=index))
    )
    return _Control(asked.type, asked.minimum, asked.maximum, asked.flags, choices)
