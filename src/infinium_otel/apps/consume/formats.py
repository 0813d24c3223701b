"""What a message is: OTLP as JSON or protobuf, traces or logs, recognized by its bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel import otlp
from infinium_otel.errors import DecodingError
from infinium_otel.otlp.files import decode_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from infinium_otel.otlp import Decoded

AUTO = "auto"
FORMATS = (AUTO, "otlp_proto", "otlp_json")
"""Encodings of OTLP, as the Collector's Kafka exporter names them."""

BYTES = 2
"""Protobuf's wire type of texts, bytes and messages."""
TRACE_ID_BYTES = 16
FIRST_FIELD, SECOND_FIELD = 1, 2
SPACES = b" \t\r\n"
OTHERS = {
    b"[": "a JSON array, as zipkin_json writes it",
    b"<": "XML or HTML",
    b"\x1f": "gzip",
    b"\x28": "zstd",
    b"\x0c": "zipkin_thrift or jaeger_thrift",
    b"\x00": "a schema registry's header, or padding",
}
"""What else begins with such a byte, for the reason of a message that is not OTLP."""


def choose_decoder(name: str) -> Callable[[bytes], Decoded]:
    """Return the decoder of messages in the format *name*, one of `FORMATS`.

    Raises:
        MissingExtraError: the format needs an extra that is not installed.
    """
    if name == "otlp_json":
        return decode_json
    otlp.from_protobuf(b"")  # fails now if the library is missing
    return decode_protobuf if name == "otlp_proto" else decode


def decode(value: bytes) -> Decoded:
    """The records of a message in any format of OTLP.

    Raises:
        DecodingError: it is not OTLP; the error describes what it may be.
    """
    start = value.lstrip(SPACES)[:1]
    if start == b"{":
        return decode_json(value)
    if start in OTHERS and start:
        raise DecodingError(f"invalid OTLP: begins like {OTHERS[start]}")
    return decode_protobuf(value)


def decode_protobuf(value: bytes) -> Decoded:
    """The records of a message in protobuf: spans or log records.

    Raises:
        DecodingError: it is not OTLP, or contains neither spans nor log records.
    """
    decoded = otlp.from_protobuf(value, find_signal(value))
    if value and not (decoded.records or decoded.problem_count):
        is_empty = not (decoded.rejected_logs or decoded.unrelated_logs)
        if is_empty:
            raise DecodingError("invalid OTLP: neither spans nor log records in it")
    return decoded


def find_signal(value: bytes) -> str:
    """Which signal it is, "traces" or "logs": they differ only inside their records.

    A span begins with its trace id, 16 bytes in field 1. Field 1 of a log record is a
    time.
    """
    start, end = 0, len(value)
    for number in (FIRST_FIELD, SECOND_FIELD, SECOND_FIELD):
        found = _find_message(value, start, end, number)
        if found is None:
            return "traces"
        start, end = found
    is_span = value[start : start + 2] == bytes((0x0A, TRACE_ID_BYTES))
    has_field_1 = value[start : start + 1] in (b"\x0a", b"")
    return "traces" if is_span or has_field_1 else "logs"


def _find_message(
    value: bytes, start: int, end: int, number: int
) -> tuple[int, int] | None:
    """Where the content of the first field *number* is; None if there is no such."""
    while start < end:
        tag, start = _read_varint(value, start, end)
        if tag & 7 != BYTES:
            return None
        length, start = _read_varint(value, start, end)
        if tag >> 3 == number:
            return start, min(end, start + length)
        start += length
    return None


def _read_varint(value: bytes, at: int, end: int) -> tuple[int, int]:
    result = shift = 0
    while at < end:
        byte = value[at]
        at += 1
        result |= (byte & 127) << shift
        if byte < 128:  # the last byte has no flag
            break
        shift += 7
        if shift > 63:
            return 0, end
    return result, at
