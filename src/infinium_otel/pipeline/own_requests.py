"""Spans of requests to Infinium itself: sending them would cause more of them.

Normally our requests run with instrumentation suppressed. That does not work for a
client that passes its requests to threads of its own, nor for a server that
instruments itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.config.address import DEFAULT_PORTS, Address

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infinium_otel.records import Attributes, SpanRecord

OWN_REQUEST = "own_request"
"""The reason under which such spans are counted."""


class OwnRequests:
    """Recognizes them by their URL, or by host, port and path if there is none.

    Args:
        base_url: the address of the API, as `Config.base_url`.
    """

    def __init__(self, base_url: str) -> None:
        self._address = Address.parse(base_url)
        self._has_default_port = self._address.port in DEFAULT_PORTS.values()

    def find(self, records: Sequence[SpanRecord]) -> tuple[str, ...]:
        """Ids of the requests to us among *records*, and of all spans below them.

        Args:
            records: parents before their children.
        """
        # Nearly always there is none; this checks four keys of each span.
        for record in records:
            attributes = record.attributes
            if not (
                "http.request.method" in attributes
                or "http.method" in attributes
                or "url.full" in attributes
                or "http.url" in attributes
            ):
                continue
            if self._is_request_to_us(attributes):
                break
        else:
            return ()
        found: dict[str, None] = {}
        for record in records:
            if record.parent_id in found or self._is_request_to_us(record.attributes):
                found[record.span_id] = None
        return tuple(found)

    def _is_request_to_us(self, attributes: Attributes) -> bool:
        # The newest HTTP convention first.
        for key in ("url.full", "http.url"):
            if key in attributes:
                return self._is_ours(attributes[key])
        if "http.request.method" in attributes or "http.method" in attributes:
            return self._is_peer(attributes)
        return False

    def _is_ours(self, url: Any) -> bool:
        ours = self._address
        if not isinstance(url, str) or ours.host not in url.lower():
            return False
        try:
            there = Address.parse(url)
        except ValueError:
            return False
        same_server = (there.host, there.port) == (ours.host, ours.port)
        return same_server and self._is_below(there.path)

    def _is_peer(self, attributes: Attributes) -> bool:
        host = _read_first(attributes, "server.address", "net.peer.name")
        if host.lower() != self._address.host:
            return False
        port = _read_first(attributes, "server.port", "net.peer.port")
        if port != str(self._address.port) and (port or not self._has_default_port):
            return False
        path = _read_first(attributes, "url.path", "http.target")
        return not path or self._is_below(path)

    def _is_below(self, path: str) -> bool:
        return f"{path}/".startswith(f"{self._address.path}/")


def _read_first(attributes: Attributes, *keys: str) -> str:
    """The first text or integer under *keys*; "" if there is none."""
    for key in keys:
        value = attributes.get(key)
        if isinstance(value, (str, int)):
            return str(value)
    return ""
