"""Access to a local server: by Host header, and by bearer token.

A page in a browser can make any name resolve to 127.0.0.1 and then use a server there
as if it were its own (DNS rebinding). Its requests carry that name in the Host header,
which is why a server on loopback accepts only the names of loopback. A page may also send
requests to 127.0.0.1 itself, whose response it cannot read: those have its Origin.
"""

from __future__ import annotations

import hmac
import ipaddress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from infinium_otel.apps.http.bind import format_host
from infinium_otel.apps.http.export_response import JSON, encode_error, parse_encoding
from infinium_otel.apps.http.mistakes import MistakeLog
from infinium_otel.apps.http.otlp_paths import show

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

GRPC_CODES = {421: 7, 403: 7, 401: 16}
"""HTTP status to gRPC code: "permission denied" and "unauthenticated".

Source: google/rpc/code.proto.
"""

HOW_TO_SEND_ONE = (
    "presents no token, or a wrong one: set OTEL_EXPORTER_OTLP_HEADERS="
    "'authorization=Bearer ...'"
)

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


def is_loopback(host: str) -> bool:
    """Report whether only this machine can reach a server bound to *host*."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def get_allowed_hosts(host: str, allowed: Iterable[str]) -> frozenset[str]:
    """Return the names to accept in a Host header: loopback's, *host* and *allowed*."""
    names = {format_host(host), *allowed}
    return LOOPBACK_NAMES.union(name.lower() for name in names)


@dataclass(frozen=True, slots=True)
class AuthMiddleware:
    """ASGI middleware that rejects requests to other hosts, of other pages, or without token.

    Args:
        app: the wrapped application.
        hosts: names to accept in a Host header, in lower case, without port; empty
            for any.
        token: what `Authorization: Bearer` must contain; "" if no token is required.
        open_paths: paths that need no token.
        mistakes: counts and logs what is rejected.
        origins: of other web pages that may send, or `*`.
    """

    app: ASGIApp
    hosts: frozenset[str] = LOOPBACK_NAMES
    token: str = ""
    open_paths: frozenset[str] = frozenset({"/healthz"})
    mistakes: MistakeLog = field(default_factory=MistakeLog)
    origins: tuple[str, ...] = ()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Reject the request, or pass it on."""
        if scope["type"] == "http":
            headers = dict(scope["headers"])
            content_type = headers.get(b"content-type", b"").decode("latin-1")
            if not self._is_known_host(scope, headers):
                self._note_host(scope, headers.get(b"host", b""))
                await _reject(send, 421, content_type, "not a name of this server")
                return
            if not self._is_own_page(scope, headers.get(b"origin", b"")):
                self._note_origin(scope, headers[b"origin"])
                await _reject(send, 403, content_type, "not a page of this server")
                return
            if not self._is_authorized(
                scope["path"], headers.get(b"authorization", b"")
            ):
                self.mistakes.add("token", _get_address(scope), HOW_TO_SEND_ONE)
                await _reject(send, 401, content_type, "a bearer token is required")
                return
        await self.app(scope, receive, send)

    def _note_host(self, scope: Scope, host: bytes) -> None:
        name = show(host.decode("latin-1"))
        message = f"uses the host name {name!r}: accept it with --allow-host"
        self.mistakes.add("host name", _get_address(scope), message)

    def _note_origin(self, scope: Scope, origin: bytes) -> None:
        name = show(origin.decode("latin-1"))
        message = f"pages of {name} may not send here: allow them with --cors-origin"
        self.mistakes.add("origin not allowed", _get_address(scope), message)

    def _is_known_host(self, scope: Scope, headers: Mapping[bytes, bytes]) -> bool:
        if b"host" not in headers and scope["http_version"] == "1.0":
            return True  # browsers always send it, and only they can be misled
        return self._accepts(headers.get(b"host", b""))

    def _accepts(self, host: bytes) -> bool:
        """Whether *host*, with or without a port, is a name of this server."""
        name = host.decode("latin-1").lower()
        if name.rpartition(":")[2].isdigit():
            name = name.rpartition(":")[0]
        return not self.hosts or name.rstrip(".") in self.hosts

    def _is_own_page(self, scope: Scope, origin: bytes) -> bool:
        """Whether a browser sends the request for a page of this server, or no browser.

        A preflight request has no effect, and its response says what is missing.
        """
        if scope["method"] == "OPTIONS":
            return True
        text = origin.decode("latin-1").lower()
        if not origin or not self.hosts or "*" in self.origins or text in self.origins:
            return True
        scheme, separator, host = origin.partition(b"://")
        known = scheme in (b"http", b"https") and separator
        return bool(known) and self._accepts(host)

    def _is_authorized(self, path: str, authorization: bytes) -> bool:
        if not self.token or path in self.open_paths:
            return True
        scheme, _, token = authorization.partition(b" ")
        return scheme.lower() == b"bearer" and hmac.compare_digest(
            token.strip(), self.token.encode()
        )


def _get_address(scope: Scope) -> str:
    return str(scope["client"][0]) if scope.get("client") else ""


async def _reject(send: Send, code: int, content_type: str, message: str) -> None:
    encoding = parse_encoding(content_type) or JSON
    body = encode_error(encoding, GRPC_CODES[code], message)
    headers = [
        (b"content-type", encoding.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"www-authenticate", b"Bearer"),
    ]
    await send({"type": "http.response.start", "status": code, "headers": headers})
    await send({"type": "http.response.body", "body": body})
