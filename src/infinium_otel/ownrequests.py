"""Spans that tell of requests to Infinium itself: to send them would make more of them.

The first fence is that our requests run where instrumentations keep quiet. It does not
hold for a client that hands its requests to threads of its own, nor for a server that
watches itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.address import DEFAULT_PORTS, Address

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infinium_otel.records import Attributes, SpanRecord

OWN_REQUEST = "own_request"
"""The reason such spans are counted under."""


class OwnRequests:
    """Tells them by their URL, or by host, port and path where there is none.

    Args:
        base_url: where the API lives, as `Config.base_url`.
    """

    def __init__(self, base_url: str) -> None:
        self._address = Address.of(base_url)
        self._has_default_port = self._address.port in DEFAULT_PORTS.values()

    def among(self, records: Sequence[SpanRecord]) -> tuple[str, ...]:
        """Ids of the requests to us among *records*, and of all spans below them.

        Args:
            records: parents before their children.
        """
        # Nearly always there is none; that takes a look for four keys of each span.
        if not any(self._is_told_by(record.attributes) for record in records):
            return ()
        found: dict[str, None] = {}
        for record in records:
            if record.parent_id in found or self._is_told_by(record.attributes):
                found[record.span_id] = None
        return tuple(found)

    def _is_told_by(self, attributes: Attributes) -> bool:
        # Newest convention of HTTP first.
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
            there = Address.of(url)
        except ValueError:
            return False
        same_server = (there.host, there.port) == (ours.host, ours.port)
        return same_server and self._is_below(there.path)

    def _is_peer(self, attributes: Attributes) -> bool:
        host = _first_text(attributes, "server.address", "net.peer.name")
        if host.lower() != self._address.host:
            return False
        port = _first_text(attributes, "server.port", "net.peer.port")
        if port != str(self._address.port) and (port or not self._has_default_port):
            return False
        path = _first_text(attributes, "url.path", "http.target")
        return not path or self._is_below(path)

    def _is_below(self, path: str) -> bool:
        return f"{path}/".startswith(f"{self._address.path}/")


def _first_text(attributes: Attributes, *keys: str) -> str:
    """The first text or whole number under *keys*; "" if there is none."""
    for key in keys:
        value = attributes.get(key)
        if isinstance(value, (str, int)):
            return str(value)
    return ""
