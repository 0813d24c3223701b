"""Who may talk to a local server: by Host header, and by bearer token.

A page in a browser can make any name resolve to 127.0.0.1 and then talk to a server
there as if it were its own (DNS rebinding). Its requests carry that name as their Host,
which is why a server on loopback answers to the names of loopback only.
"""

from __future__ import annotations

import hmac
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infinium_otel.apps.listening import name_of
from infinium_otel.apps.replies import JSON, encoding_of, status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import ASGIApp, Receive, Scope, Send

REFUSALS = {421: 7, 401: 16}
"""gRPC's numbers for "permission denied" and "unauthenticated"."""

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


def is_loopback(host: str) -> bool:
    """True if binding to *host* lets in nobody but this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def names_of(host: str, allowed: Iterable[str]) -> frozenset[str]:
    """Names that a Host header may have: of loopback, of *host*, and those allowed."""
    own = {name_of(host), *allowed}
    return LOOPBACK_NAMES.union(name.lower() for name in own)


@dataclass(frozen=True, slots=True)
class Guard:
    """An ASGI application in front of another, that lets the right requests through.

    Args:
        app: the application behind.
        hosts: names that a Host header may have, in lower case, without port; empty
            for any.
        token: what `Authorization: Bearer` must say; "" if nothing need be said.
        open_paths: paths that need no token.
    """

    app: ASGIApp
    hosts: frozenset[str] = LOOPBACK_NAMES
    token: str = ""
    open_paths: frozenset[str] = frozenset({"/healthz"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, or pass it on."""
        if scope["type"] == "http":
            headers = dict(scope["headers"])
            content_type = headers.get(b"content-type", b"").decode("latin-1")
            if not self._is_ours(headers.get(b"host", b"")):
                await _refuse(send, 421, content_type, "not a name of this server")
                return
            if not self._may(scope["path"], headers.get(b"authorization", b"")):
                await _refuse(send, 401, content_type, "a bearer token is required")
                return
        await self.app(scope, receive, send)

    def _is_ours(self, host: bytes) -> bool:
        name = host.decode("latin-1").lower()
        if name.rpartition(":")[2].isdigit():
            name = name.rpartition(":")[0]
        return not self.hosts or name.rstrip(".") in self.hosts

    def _may(self, path: str, authorization: bytes) -> bool:
        if not self.token or path in self.open_paths:
            return True
        scheme, _, given = authorization.partition(b" ")
        return scheme.lower() == b"bearer" and hmac.compare_digest(
            given.strip(), self.token.encode()
        )


async def _refuse(send: Send, code: int, content_type: str, message: str) -> None:
    encoding = encoding_of(content_type) or JSON
    body = status(encoding, REFUSALS[code], message)
    headers = [
        (b"content-type", encoding.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"www-authenticate", b"Bearer"),
    ]
    await send({"type": "http.response.start", "status": code, "headers": headers})
    await send({"type": "http.response.body", "body": body})
