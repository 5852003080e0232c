"""Numbers as people read them."""

from __future__ import annotations

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_SHORT = 100


def seconds(value: float) -> str:
    """A time in the unit that suits it: "84 us", "12 ms", "3.2 s", "4 min 10 s", "2 h 5 min", "3 d 4 h"."""
    if value < 0.9995e-3:  # noqa: PLR2004 - what would be rounded to a millisecond
        return f"{value * 1e6:.0f} us"
    if value < 0.9995:  # noqa: PLR2004 - likewise
        milliseconds = value * 1e3
        return f"{milliseconds:.1f} ms" if milliseconds < _SHORT else f"{milliseconds:.0f} ms"
    if value < _MINUTE:
        return f"{value:.1f} s"
    for unit, name, smaller, smaller_name in ((_DAY, "d", _HOUR, "h"), (_HOUR, "h", _MINUTE, "min")):
        if value >= unit:
            return f"{value // unit:.0f} {name} {value % unit // smaller:.0f} {smaller_name}"
    return f"{value // _MINUTE:.0f} min {value % _MINUTE:.0f} s"


def size(count: float) -> str:
    """Bytes, in units of a thousand: "18.7 MB"."""
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:  # noqa: PLR2004
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def some(count: int, what: str, several: str = "") -> str:
    """As "1 buffer", "2 buffers"."""
    return f"{count} {what}" if count == 1 else f"{count} {several or what + 's'}"
