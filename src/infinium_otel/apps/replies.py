"""The bodies of OTLP's replies, in the encoding of the request.

They are two messages of one or two fields each, so they are written out here by the
rules of the wire format, without a protobuf library.

Source: opentelemetry-proto `Export*ServiceResponse`, `google/rpc/status.proto`.
"""

from __future__ import annotations

import json

JSON, PROTOBUF = "application/json", "application/x-protobuf"

SEVEN_BITS = 0x7F
REJECTED = {"traces": "rejectedSpans", "logs": "rejectedLogRecords"}


def encoding_of(content_type: str) -> str | None:
    """The encoding that a Content-Type names; None if OTLP does not know it."""
    name = content_type.partition(";")[0].strip().lower()
    return name if name in (JSON, PROTOBUF) else None


def receipt(encoding: str, signal: str, rejected: int, message: str) -> bytes:
    """A success; a partial one if there is a *message*.

    Args:
        encoding: `JSON` or `PROTOBUF`.
        signal: "traces" or "logs".
        rejected: how many spans or log records were left out.
        message: what was wrong with them; "" for a full success.
    """
    if encoding == JSON:
        partial = {REJECTED[signal]: str(rejected), "errorMessage": message}
        return json.dumps({"partialSuccess": partial} if message else {}).encode()
    partial_success = _number(1, rejected) + _octets(2, message.encode())
    return _octets(1, partial_success) if message else b""


def status(encoding: str, code: int, message: str) -> bytes:
    """An error.

    Args:
        encoding: `JSON` or `PROTOBUF`.
        code: gRPC's number of the kind of error.
        message: for the person who reads the sender's log.
    """
    if encoding == JSON:
        return json.dumps({"code": code, "message": message}).encode()
    return _number(1, code) + _octets(2, message.encode())


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value) if value else b""


def _octets(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > SEVEN_BITS:
        encoded.append(value & SEVEN_BITS | SEVEN_BITS + 1)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
