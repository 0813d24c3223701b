"""Host, port and path of a URL."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}


class Address(NamedTuple):
    """Host, port and path of an HTTP URL.

    Args:
        host: in lower case, without the brackets of IPv6.
        port: the URL's port, else the default of its scheme.
        path: "" or with a leading slash, exactly as in the URL.
    """

    host: str
    port: int
    path: str

    @classmethod
    def parse(cls, url: str) -> Address:
        """The address of *url*.

        Raises:
            ValueError: *url* is not an HTTP or HTTPS URL.
        """
        parts = urlsplit(url)
        if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
            raise ValueError("not an HTTP address")
        port = parts.port or DEFAULT_PORTS[parts.scheme]
        return cls(parts.hostname, port, parts.path)
