"""Bodies of OTLP/HTTP responses, in the encoding of the request.

There are two messages of one or two fields each, so they are encoded here by the rules
of the wire format: no protobuf library is needed.

Source: opentelemetry-proto `Export*ServiceResponse`, `google/rpc/status.proto`.
"""

from __future__ import annotations

import json

JSON, PROTOBUF = "application/json", "application/x-protobuf"

SEVEN_BITS = 0x7F
RETRY_INFO_TYPE = b"type.googleapis.com/google.rpc.RetryInfo"
REJECTED = {"traces": "rejectedSpans", "logs": "rejectedLogRecords"}


def parse_encoding(content_type: str) -> str | None:
    """Return the encoding that a Content-Type names; None if OTLP does not have it."""
    name = content_type.partition(";")[0].strip().lower()
    return name if name in (JSON, PROTOBUF) else None


def encode_success(encoding: str, signal: str, rejected: int, message: str) -> bytes:
    """Encode a success; a partial one if there is a *message*.

    Args:
        encoding: `JSON` or `PROTOBUF`.
        signal: "traces" or "logs".
        rejected: how many spans or log records were dropped.
        message: what was wrong with them; "" for a full success.
    """
    if encoding == JSON:
        partial = {REJECTED[signal]: str(rejected), "errorMessage": message}
        return json.dumps({"partialSuccess": partial} if message else {}).encode()
    partial_success = _encode_varint_field(1, rejected) + _encode_bytes_field(
        2, message.encode()
    )
    return _encode_bytes_field(1, partial_success) if message else b""


def encode_error(encoding: str, code: int, message: str) -> bytes:
    """Encode an error, a `google.rpc.Status`.

    Args:
        encoding: `JSON` or `PROTOBUF`.
        code: a number from google/rpc/code.proto.
        message: appears in the sender's log.
    """
    if encoding == JSON:
        return json.dumps({"code": code, "message": message}).encode()
    return _encode_varint_field(1, code) + _encode_bytes_field(2, message.encode())


def encode_retry_info(seconds: int) -> bytes:
    """Encode a `google.rpc.RetryInfo`: when a call may be repeated."""
    return _encode_bytes_field(1, _encode_varint_field(1, seconds))


def encode_details(code: int, message: str, retry_info: bytes) -> bytes:
    """Encode a `google.rpc.Status` with a `RetryInfo` in its details.

    Args:
        code: as for `encode_error`.
        message: as for `encode_error`.
        retry_info: as `encode_retry_info` returns it.
    """
    detail = _encode_bytes_field(1, RETRY_INFO_TYPE) + _encode_bytes_field(
        2, retry_info
    )
    return encode_error(PROTOBUF, code, message) + _encode_bytes_field(3, detail)


def _encode_varint_field(field: int, value: int) -> bytes:
    return _encode_varint(field << 3) + _encode_varint(value) if value else b""


def _encode_bytes_field(field: int, value: bytes) -> bytes:
    return _encode_varint(field << 3 | 2) + _encode_varint(len(value)) + value


def _encode_varint(value: int) -> bytes:
    encoded = bytearray()
    while value > SEVEN_BITS:
        encoded.append(value & SEVEN_BITS | SEVEN_BITS + 1)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
