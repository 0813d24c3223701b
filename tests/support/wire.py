"""Protobuf messages that no library would write."""

from __future__ import annotations

from functools import cache

BYTES = 2


def varint(value):
    """A number in the wire format."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*encoded, value))


def field(number, content):
    """A length-delimited field."""
    return varint(number << 3 | BYTES) + varint(len(content)) + content


def make_request(spans):
    """A request with one scope, whose content is *spans*."""
    return field(1, field(2, spans))


def fill(unit, size):
    """*unit* repeated to nearly *size* bytes."""
    return unit * (size // len(unit))


@cache
def nest_value(depth):
    """A value of *depth* lists inside each other, made once: it takes a moment.

    Written from the inside out, in one buffer: each level needs the length of the next.
    """
    keys = [varint(number << 3 | BYTES) for number in (1, 5)]
    parts, length = [], 0
    for _ in range(depth):
        for key in keys:
            head = key + varint(length)
            parts.append(head)
            length += len(head)
    return b"".join(reversed(parts))


def nest_values(depth):
    """A span with an attribute of *depth* lists inside each other."""
    ids = field(1, b"\1" * 16) + field(2, b"\2" * 8)
    return field(2, ids + field(9, field(1, b"k") + field(2, nest_value(depth))))


def nest_bodies(depth):
    """A log record with a body of *depth* lists inside each other."""
    ids = field(9, b"\1" * 16) + field(10, b"\2" * 8)
    return field(2, ids + field(5, nest_value(depth)))
