"""What workers send each other: records in frames, and one line of JSON in response.

A frame is its length and its content. The content is Python's own pickle format, because
it is the fastest that keeps every value as it is. What reads it refuses every class and
every function, so that nothing but plain values can be made of it; the sockets are in a
directory that belongs to this user alone, besides.
"""

from __future__ import annotations

import json
import pickle
import struct
from io import BytesIO
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from infinium_otel.apps.http.body_limiter import BusyError
from infinium_otel.errors import DecodingError, InfiniumError
from infinium_otel.records import LogEvent, SpanEvent, SpanLink, SpanRecord

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infinium_otel.otlp import Record
    from infinium_otel.records import Attributes

LENGTH = struct.Struct("!I")
"""The head of a frame: how many bytes follow."""

MAX_FRAME_BYTES = 128 * 1024 * 1024
"""Of one part of a request: twice what a whole request may have."""

TOO_LARGE = 413

SPAN_FIELDS = (
    "trace_id",
    "span_id",
    "parent_id",
    "name",
    "start_ns",
    "end_ns",
    "kind",
    "status",
    "status_message",
    "scope_name",
    "scope_version",
    "parent_is_remote",
    "dropped_attributes",
    "is_annotated",
)
LOG_FIELDS = (
    "trace_id",
    "span_id",
    "name",
    "time_ns",
    "body",
    "severity",
    "scope_name",
)
"""The fields of a record that are not containers of others."""

_get_span, _get_log = attrgetter(*SPAN_FIELDS), attrgetter(*LOG_FIELDS)


def encode_records(records: Iterable[Record]) -> bytes:
    """Records as the content of a frame.

    Raises:
        DecodingError: it has over `MAX_FRAME_BYTES` (413).
    """
    content = pickle.dumps([_to_values(record) for record in records], protocol=5)
    if len(content) > MAX_FRAME_BYTES:
        raise DecodingError(
            "too much in one request: send smaller batches", status_code=TOO_LARGE
        )
    return content


def decode_records(content: bytes) -> list[Record]:
    """The records in a frame.

    Raises:
        DecodingError: the content is damaged.
    """
    try:
        return [
            _to_record(values) for values in _PlainUnpickler(BytesIO(content)).load()
        ]
    except (
        pickle.UnpicklingError,
        EOFError,
        TypeError,
        ValueError,
        IndexError,
    ) as error:
        raise DecodingError(f"a damaged frame: {type(error).__name__}") from None


class _PlainUnpickler(pickle.Unpickler):
    """Reads plain values only."""

    def find_class(self, module: str, name: str) -> Any:
        """Refuse it: no record contains one."""
        raise pickle.UnpicklingError(f"{module}.{name}")


def _to_values(record: Record) -> tuple[Any, ...]:
    if isinstance(record, LogEvent):
        return (
            _get_log(record),
            _to_dict(record.attributes),
            _to_dict(record.resource),
        )
    return (
        _get_span(record),
        _to_dict(record.attributes),
        _to_dict(record.resource),
        [(e.name, e.time_ns, _to_dict(e.attributes)) for e in record.events],
        [(k.trace_id, k.span_id, _to_dict(k.attributes)) for k in record.links],
    )


def _to_dict(attributes: Attributes) -> dict[str, Any]:
    """The same object if it is a dict: what many records share is encoded once."""
    return attributes if type(attributes) is dict else dict(attributes)


def _to_record(values: Any) -> Record:
    plain, attributes, resource, *more = values
    if not more:  # a log event has no events and no links
        named = dict(zip(LOG_FIELDS, plain, strict=True))
        return LogEvent(**named, attributes=attributes, resource=resource)
    events, links = more
    return SpanRecord(
        **dict(zip(SPAN_FIELDS, plain, strict=True)),
        attributes=attributes,
        resource=resource,
        events=tuple([SpanEvent(*event) for event in events]),
        links=tuple([SpanLink(*link) for link in links]),
    )


def add_length(content: bytes) -> bytes:
    """The head of a frame with this content."""
    return LENGTH.pack(len(content))


def describe_outcome(error: InfiniumError | None) -> bytes:
    """The response to a frame: how its records were received."""
    if error is None:
        outcome: dict[str, Any] = {}
    elif isinstance(error, BusyError):
        outcome = {"busy": error.retry_after}
    elif isinstance(error, DecodingError):
        outcome = {"invalid": error.message, "status": error.status_code}
    else:
        outcome = {"failed": type(error).__name__}
    return json.dumps(outcome).encode() + b"\n"


def parse_outcome(response: bytes) -> InfiniumError | None:
    """The error that a response reports; None if the records were accepted."""
    try:
        outcome = json.loads(response)
    except ValueError:
        return InfiniumError("another worker's response is damaged")
    if "busy" in outcome:
        return BusyError(outcome["busy"] or 1.0)
    if "invalid" in outcome:
        return DecodingError(outcome["invalid"], status_code=outcome["status"])
    if "failed" in outcome:
        return InfiniumError(f"another worker failed: {outcome['failed']}")
    return None
