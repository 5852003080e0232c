"""Who may look: a token where the server is reachable from elsewhere, and no other site's page in the browser."""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, RedirectResponse
from starlette.websockets import WebSocket

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_OPEN = frozenset({"/healthz"})  # says nothing but that the server lives
_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),  # the address may have the token in it
    (b"cross-origin-resource-policy", b"same-site"),  # pages on another port of this machine may show the stream
    (
        b"content-security-policy",
        b"default-src 'self'; img-src 'self' blob: data:; frame-ancestors 'self'; base-uri 'none'; form-action 'self'",
    ),
]


class Access:
    """ASGI middleware that turns away who may not look.

    With a token, a request needs it: as `?token=`, as `Authorization: Bearer`, or as the cookie that the page's first
    request sets. Without one, the server listens to this machine alone, and a request must name it by an address or
    by a name of this machine: a foreign name that was made to point here (DNS rebinding) is none. A browser's page of
    another host gets no WebSocket, which the same-origin policy would leave open.
    """

    def __init__(self, app: ASGIApp, token: str | None) -> None:
        self._app = app
        self._token = token.encode() if token is not None else None
        # Cookies are a host's, not a port's: another server's, with another token, must not replace this one's.
        self._cookie = f"billiards_video_{hashlib.sha256((token or '').encode()).hexdigest()[:12]}"
        self._names = {"localhost", socket.gethostname().lower()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or refuses it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        refusal = self._refusal(connection)
        if refusal is not None:
            await _refuse(scope, receive, send, refusal)
        elif self._token is not None and scope["path"] == "/" and "token" in connection.query_params:
            # From here on the cookie has it: the address that is shared, bookmarked or shown on a screen does not.
            response = RedirectResponse("/", 303)
            response.set_cookie(self._cookie, self._token.decode(), httponly=True, samesite="strict")
            await response(scope, receive, send)
        else:
            await self._app(scope, receive, _with_headers(send) if scope["type"] == "http" else send)

    def _refusal(self, connection: HTTPConnection) -> tuple[int, str] | None:
        if connection.url.path in _OPEN:
            return None
        host = _host(f"//{connection.headers.get('host', '')}")
        if self._token is None and not self._is_local(host):
            return 421, f"this server is not {host!r}: use the address that it printed"
        origin = connection.headers.get("origin")
        if connection.scope["type"] == "websocket" and origin is not None and _host(origin) != host:
            return 403, f"pages of {origin} may not watch here"
        if self._token is not None and not self._has_token(connection):
            return 401, "a token is needed: open the address that 'billiards-video view' printed, which has it"
        return None

    def _is_local(self, host: str) -> bool:
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return host in self._names or host.endswith(".localhost")
        return True  # nobody can make an address point elsewhere

    def _has_token(self, connection: HTTPConnection) -> bool:
        given = (
            connection.query_params.get("token"),
            connection.headers.get("authorization", "").removeprefix("Bearer "),
            connection.cookies.get(self._cookie),
        )
        return any(secrets.compare_digest(one.encode(), self._token or b"") for one in given if one)


def _host(address: str) -> str:
    try:
        return (urlsplit(address).hostname or "").lower()
    except ValueError:
        return ""


async def _refuse(scope: Scope, receive: Receive, send: Send, refusal: tuple[int, str]) -> None:
    status, detail = refusal
    response = JSONResponse({"detail": detail}, status)
    if scope["type"] == "websocket":
        await WebSocket(scope, receive, send).send_denial_response(response)
    else:
        await response(scope, receive, send)


def _with_headers(send: Send) -> Send:
    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), *_HEADERS]
        await send(message)

    return with_headers
