"""Reads the response that a service nearly always gives, without the parser of e-mails.

`http.client` parses a response's header as an e-mail's, which costs more than all else that
is done for a request. What arrives whole with the first read, and has nothing but a status,
plain header fields and a body of the length it names, is read here; everything else, and all
that is wrong, is left to `http.client`.
"""

from __future__ import annotations

import re

from infinium_otel.delivery.protocol import Response

MAX_FIELDS = 50

_HEAD = re.compile(
    rb"HTTP/1\.1 ([2-5][0-9]{2}) [\t -~]*\r\n"
    rb"((?:[A-Za-z0-9-]+:[\t -~]*\r\n){1,%d})\r\n" % MAX_FIELDS
)
"""Source: RFC 9112, sections 4 and 5, without line folding, bytes beyond ASCII and
responses that are only interim (1xx)."""
_BODILESS = frozenset({204, 304})
_UNUSUAL = frozenset({"transfer-encoding", "content-encoding"})
"""Fields that say how the body is sent."""


def read_simple(data: bytes) -> Response | None:
    """The response in *data*, after which the connection may be used again.

    Args:
        data: the first bytes that were received.

    Returns:
        None if it is not whole, if something follows it, or if it is not simple.
    """
    match = _HEAD.match(data)
    if match is None:
        return None
    status = int(match[1])
    lines = match[2].decode("ascii").split("\r\n")
    pairs = [line.partition(":") for line in lines[:-1]]
    headers = {name.lower(): text.lstrip(" \t") for name, _, text in pairs}
    if len(headers) < len(pairs) or status in _BODILESS or headers.keys() & _UNUSUAL:
        return None
    if headers.get("connection", "keep-alive").lower() != "keep-alive":
        return None
    body = data[match.end() :]
    # As texts: a number of thousands of digits is not for `int`, which raises ValueError.
    if headers.get("content-length") != str(len(body)):
        return None
    return Response(status, headers, body)
