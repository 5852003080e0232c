"""The server's life: its address, its token, its signals, its end."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import secrets
import signal
import socket
import sys
from typing import TYPE_CHECKING
from urllib.parse import quote

import uvicorn

from billiards_video.view.application import View

if TYPE_CHECKING:
    from collections.abc import Generator

OK = 0
FAILURE = 1
USAGE = 2

_HIGHEST_PORT = 65_535
_UNSENT_BYTES = 65_536
"""What the kernel may queue of a connection beyond what is under way: more of it would be old pictures."""


def serve(
    name: str, *, host: str = "127.0.0.1", port: int = 8000, token: str | None = None, viewer_timeout: float = 10.0
) -> int:
    """Shows the stream of a name to browsers, until SIGINT or SIGTERM, in the main thread. Prints its address.

    It need not be there yet, and may come and go. Frames are read and encoded only while somebody looks.

    Args:
        name: The stream's name.
        host: The address to listen on. Any but one of this machine alone needs a token.
        port: The port; 0 for a free one.
        token: What viewers have to know; None for none on an address of this machine alone, and a new one elsewhere.
        viewer_timeout: After how many seconds a viewer is dropped that takes nothing of what is sent to it.

    Returns:
        The exit code: 0 ended by a signal, 1 the address cannot be had, 2 an argument is not possible. What is wrong is
        told on standard error, in a line.
    """
    if not 0 <= port <= _HIGHEST_PORT:
        return _refuse(USAGE, f"port {port}: 0 to {_HIGHEST_PORT} is allowed")
    if token == "":
        return _refuse(USAGE, "the token is empty, and nobody could have it: leave it out, and one is made")
    try:
        view = View(name)
    except ValueError as error:
        return _refuse(USAGE, " ".join(str(error).split()))
    try:
        listener = _listen(host, port, viewer_timeout)
    except OSError as error:
        return _refuse(FAILURE, f"cannot listen on {host} port {port}: {error}; choose another with --host and --port")
    if token is None and not _this_machine_alone(listener):
        token = secrets.token_urlsafe(16)
    with listener:
        sys.stdout.write(f"The view of '{name}' is at {_address(listener, host, token)} (Ctrl-C ends it)\n")
        sys.stdout.flush()
        config = uvicorn.Config(
            view.application(token),
            log_config=None,
            access_log=False,
            server_header=False,
            ws_per_message_deflate=False,  # JPEGs do not become smaller
            ws_ping_interval=viewer_timeout,
            ws_ping_timeout=viewer_timeout,
            ws_max_size=65_536,
            timeout_graceful_shutdown=0,
        )
        _Server(config).run(sockets=[listener])
    return OK


class _Server(uvicorn.Server):
    """Ends at once at a signal, whoever is still watching, and without raising the signal again."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Streams have no end of their own: that they are cut off is no error worth a line each.
        logging.getLogger("uvicorn.error").disabled = True
        await super().shutdown(sockets)
        for connection in list(self.server_state.connections):
            connection.transport.abort()  # it has not taken all that was sent, and may never do
        await asyncio.sleep(0)


def _listen(host: str, port: int, viewer_timeout: float) -> socket.socket:
    """A listening socket whose connections have the kernel's help against viewers that do not read."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(viewer_timeout * 1000))
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_BYTES)
        listener.bind(address)
        listener.listen(128)
    except BaseException:
        listener.close()
        raise
    return listener


def _this_machine_alone(listener: socket.socket) -> bool:
    return ipaddress.ip_address(listener.getsockname()[0].partition("%")[0]).is_loopback


def _address(listener: socket.socket, host: str, token: str | None) -> str:
    bound, port = listener.getsockname()[:2]
    shown = socket.gethostname() if ipaddress.ip_address(bound.partition("%")[0]).is_unspecified else host
    shown = f"[{shown}]" if ":" in shown else shown
    return f"http://{shown}:{port}/" + (f"?token={quote(token, safe='')}" if token is not None else "")


def _refuse(code: int, text: str) -> int:
    sys.stderr.write(f"billiards-video: error: {text}\n")
    return code
