"""Whether the host of a URL is known by its name, for the words about a stream that cannot be opened."""

from __future__ import annotations

import os
import socket
import threading
from typing import NamedTuple
from urllib.parse import urlsplit

_PROXIES = ("http_proxy", "https_proxy", "all_proxy")


class UnknownHost(NamedTuple):
    """A host that has no address here."""

    name: str
    why: str
    """In the system's words."""


def unknown_host(url: str, seconds: float) -> UnknownHost | None:
    """Looks the host of a URL up; None where it has an address, or where no answer comes within `seconds`.

    None, without a look-up, also where the environment names a proxy, which may know hosts that are not known here; and
    where the name has a percent sign, as of an encoding or an IPv6 zone.

    Blocks for no longer than that: the look-up itself cannot be called off, and is left to a thread of its own.
    """
    name = _host(url)
    if name is None or "%" in name or seconds <= 0 or _has_proxy():
        return None
    found: list[UnknownHost] = []

    def look_up() -> None:
        try:
            socket.getaddrinfo(name, None)
        except OSError as error:
            found.append(UnknownHost(name, error.strerror or str(error)))
        except UnicodeError:  # nothing that a name can be: an empty part, or one that is too long
            found.append(UnknownHost(name, "no name of a host"))

    thread = threading.Thread(target=look_up, name="host name", daemon=True)
    thread.start()
    thread.join(seconds)
    return found[0] if found else None


def _has_proxy() -> bool:
    return any(os.environ.get(name) or os.environ.get(name.upper()) for name in _PROXIES)


def _host(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        # An @ behind the host may be the end of a password with a slash in it: then nobody knows which is the host.
        return None if "@" in parts.path + parts.query + parts.fragment else parts.hostname
    except ValueError:
        return None
