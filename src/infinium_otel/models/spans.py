"""Helpers that every conversion uses to write spans and to read them back.

Times, ids, JSON inside attributes, typed access to values, finished `SpanRecord`s.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import datetime, timedelta, timezone
from enum import Enum
from typing import Any

from infinium_otel.records import Failure, SpanEvent, SpanRecord

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_LAST_NS = 253_402_300_799_999_999_999
_DEEPEST = 64
_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::(\d\d)(?:[.,](\d+))?)?)?"
    r"\s*(?:[Zz]|([+-])(\d\d):?(\d\d))?"
)
_HEX_TRACE = re.compile(r"[0-9a-fA-F]{32}")
_HEX_SPAN = re.compile(r"[0-9a-fA-F]{16}")
LATEST_NS = 2**64 - 1
"""The latest time a span can have (64 bits of ns): in the year 2554."""
_LARGEST = 2**63 - 1

KINDS = frozenset({"internal", "server", "client", "producer", "consumer"})


def to_iso(time_ns: int) -> str:
    """A time as ISO 8601 in UTC with microseconds and `Z`.

    Args:
        time_ns: ns since the epoch; clamped to the years 1970 to 9999.
    """
    micros = min(max(time_ns, 0), _LAST_NS) // 1000
    moment = _EPOCH + timedelta(microseconds=micros)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond:06d}Z"


def to_ns(text: Any) -> int | None:
    """An ISO 8601 time as ns since the epoch.

    Args:
        text: with `Z`, an offset or neither (then UTC is assumed); nine digits of the
            second's fraction are used.

    Returns:
        None if it is not such a text, or if no span can have the time: before 1970 or
        after `LATEST_NS`.
    """
    match = _ISO.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        return None
    day, clock, second, fraction, sign, hours, minutes = match.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{clock or '00:00'}:{second or '00'}")
    except ValueError:
        return None
    offset_s = (int(hours or 0) * 60 + int(minutes or 0)) * 60
    whole = moment.replace(tzinfo=timezone.utc) - _EPOCH
    seconds = whole.days * 86_400 + whole.seconds
    seconds += offset_s if sign == "-" else -offset_s
    return as_time_ns(seconds * 1_000_000_000 + int((fraction or "")[:9].ljust(9, "0")))


def find_earliest_ns(texts: Iterable[Any], default_ns: int) -> int:
    """The earliest of some ISO 8601 times; *default_ns* if none of them is valid."""
    times = (to_ns(each) for each in texts)
    return min((at for at in times if at is not None), default=default_ns)


def to_trace_id(vendor_id: str, namespace: str) -> str:
    """The trace id for a vendor's run id.

    Args:
        vendor_id: a UUID or 32 hex digits are used as they are; anything else is
            hashed into a UUID of version 5 in the URL namespace.
        namespace: a prefix for the hashed text ("hud.task_run:").
    """
    plain = vendor_id.replace("-", "")
    if _HEX_TRACE.fullmatch(plain) and int(plain, 16):
        return plain.lower()
    name = (namespace + vendor_id).encode("utf-8", "replace").decode()
    return uuid.uuid5(uuid.NAMESPACE_URL, name).hex


def to_uuid(trace_id: str) -> str:
    """A trace id (32 hex digits) written as a UUID with hyphens."""
    return str(uuid.UUID(hex=to_trace_id(trace_id, "")))


def make_span_id(*parts: object) -> str:
    """A span id (16 hex digits) derived from *parts*: equal parts give equal ids."""
    text = "\x1f".join(str(part) for part in parts)
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]
    return digest if int(digest, 16) else "0000000000000001"


def to_json(value: Any) -> str:
    """JSON text for an attribute, which cannot hold nested values or null.

    Keys keep their order and non-ASCII text is not escaped. Values that JSON cannot
    represent do not raise: NaN and infinities become null, other objects their fields
    or their text.
    """
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return json.dumps(to_plain(value), ensure_ascii=False, allow_nan=False)


def canonical_json(value: Any) -> str:
    """JSON text with sorted keys: equal for equal values, whatever their key order."""
    return json.dumps(to_plain(value), sort_keys=True)


def to_plain(value: Any, above: tuple[int, ...] = ()) -> Any:
    """Reduce a value to JSON types: dict, list, str, finite numbers, bool, None.

    Values nested deeper than 64 levels, cyclic references and integers too large for a
    double become None.

    Args:
        above: the ids of the containers around it.
    """
    if isinstance(value, Enum):
        return to_plain(value.value, above)
    if isinstance(value, (int, float)):
        return value if abs(value) <= sys.float_info.max else None
    if isinstance(value, datetime):
        return value.isoformat()
    if value is None or isinstance(value, str):
        return value
    if is_endless(value, above):
        return None
    return _plain_container(value, (*above, id(value)))


def is_endless(value: Any, above: tuple[int, ...]) -> bool:
    """Whether a container contains itself, or is nested too deeply."""
    return len(above) > _DEEPEST or id(value) in above


def _plain_container(value: Any, above: tuple[int, ...]) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_plain(item, above) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [to_plain(item, above) for item in value]
    return str(value)


def from_json(value: Any) -> Any:
    """Parse JSON text in an attribute; any other value is returned unchanged.

    Text that is not JSON is returned unchanged too.
    """
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return value


def json_object(value: Any) -> dict[str, Any] | None:
    """The JSON object in an attribute (text or mapping); None for anything else."""
    found = from_json(value)
    return dict(found) if isinstance(found, Mapping) else None


def json_list(value: Any) -> list[Any] | None:
    """The JSON list in an attribute (text or sequence); None for anything else."""
    found = from_json(value)
    return list(found) if isinstance(found, (list, tuple)) else None


def as_text(value: Any) -> str | None:
    """*value* if it is a string; None otherwise."""
    return value if isinstance(value, str) else None


def as_number(value: Any) -> float | None:
    """*value* if it is a finite number (and not a bool); None otherwise."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if abs(value) <= sys.float_info.max else None


def as_int(value: Any) -> int | None:
    """*value* as an int if it is a number without a fraction; None otherwise."""
    found = as_number(value)
    return int(found) if found is not None and found == int(found) else None


def as_bool(value: Any) -> bool | None:
    """*value* if it is a bool; None otherwise."""
    return value if isinstance(value, bool) else None


def as_span_id(value: Any) -> str | None:
    """*value* if it is a valid span id; None otherwise."""
    found = as_text(value)
    if found is None or not _HEX_SPAN.fullmatch(found) or not int(found, 16):
        return None
    return found.lower()


def as_time_ns(value: Any) -> int | None:
    """*value* if it is a time a span can have, ns since the epoch; None otherwise."""
    found = as_int(value)
    return found if found is not None and 0 <= found <= LATEST_NS else None


def as_kind(value: Any) -> str | None:
    """*value* if it is a span kind of OpenTelemetry's; None otherwise."""
    found = (as_text(value) or "").lower()
    return found if found in KINDS else None


def as_status(value: Any) -> str | None:
    """*value* if it is a span status of OpenTelemetry's; None otherwise."""
    found = (as_text(value) or "").lower()
    return found if found in {"unset", "ok", "error"} else None


def to_attribute(value: Any) -> Any:
    """Any value as an attribute; nested values and large integers become JSON text."""
    if value is None or isinstance(value, (str, bool, float)):
        return value
    if isinstance(value, int) and abs(value) <= _LARGEST:
        return value
    listed = isinstance(value, (list, tuple))
    if listed and all(isinstance(item, str) for item in value):
        return list(value)
    return to_json(to_plain(value))


def drop_nulls(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Remove attributes whose value is None: OpenTelemetry has no null."""
    return {key: value for key, value in attributes.items() if value is not None}


def exception_event(failure: Failure, time_ns: int) -> SpanEvent:
    """The `exception` event for a failure.

    Source: OpenTelemetry semantic conventions, "Semantic Conventions for Exceptions".
    """
    return SpanEvent(
        "exception",
        time_ns,
        drop_nulls(
            {
                "exception.type": failure.type,
                "exception.message": failure.message,
                "exception.stacktrace": failure.stack_trace,
            }
        ),
    )


def read_failure(record: SpanRecord) -> Failure | None:
    """The failure of a span; None unless its status is an error.

    It is read from the last exception event, or without one from `error.type` and the
    status description.
    """
    if record.status != "error":
        return None
    exceptions = [event for event in record.events if event.name == "exception"]
    attributes = exceptions[-1].attributes if exceptions else {}
    kind = as_text(record.attributes.get("error.type"))
    return Failure(
        as_text(attributes.get("exception.type")) or kind or "error",
        as_text(attributes.get("exception.message")) or record.status_message or "",
        as_text(attributes.get("exception.stacktrace")),
        handled=False,
    )


def finalize(record: SpanRecord, failure: Failure | None = None) -> SpanRecord:
    """Complete a draft into a record that OpenTelemetry could have produced.

    Attributes that are None are removed, an end before the start makes the span
    zero-length, times are clamped to `LATEST_NS`, and a failure sets the status,
    `error.type` and an exception event.

    Args:
        record: a draft; its attributes may hold None.
        failure: what went wrong; None keeps the status unchanged.
    """
    start_ns = min(record.start_ns, LATEST_NS)
    end_ns = min(max(start_ns, record.end_ns), LATEST_NS)
    attributes = drop_nulls(record.attributes)
    record = replace(record, start_ns=start_ns, end_ns=end_ns, attributes=attributes)
    if failure is None:
        return record
    return replace(
        record,
        status="error",
        status_message=failure.message or None,
        attributes={**record.attributes, "error.type": failure.type},
        events=(*record.events, exception_event(failure, end_ns)),
    )
