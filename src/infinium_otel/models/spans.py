"""What every pair of conversions needs to write spans and to read them back.

Times, ids, JSON inside an attribute, and one way of building a `SpanRecord`.
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
"""The last time a span can have: in the year 2554."""
_LARGEST = 2**63 - 1

KINDS = frozenset({"internal", "server", "client", "producer", "consumer"})


def to_iso(time_ns: int) -> str:
    """A time as ISO 8601 in UTC with microseconds and `Z`.

    Args:
        time_ns: ns since the epoch; what lies outside the years 1970 to 9999 is
            moved to their edge.
    """
    micros = min(max(time_ns, 0), _LAST_NS) // 1000
    moment = _EPOCH + timedelta(microseconds=micros)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond:06d}Z"


def to_ns(text: Any) -> int | None:
    """An ISO 8601 text as ns since the epoch.

    Args:
        text: with `Z`, an offset or neither (then it is UTC); any number of digits
            of the second, of which nine count.

    Returns:
        None if it is no such text, or tells a time no span can have: one before 1970
        or after `LATEST_NS`.
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
    return time_in(seconds * 1_000_000_000 + int((fraction or "")[:9].ljust(9, "0")))


def earliest_ns(texts: Iterable[Any], default_ns: int) -> int:
    """The first of the times that ISO 8601 texts tell; *default_ns* if none does."""
    told = (to_ns(each) for each in texts)
    return min((at for at in told if at is not None), default=default_ns)


def trace_id_of(vendor_id: str, namespace: str) -> str:
    """The trace id that stands for a vendor's id of a run.

    Args:
        vendor_id: a UUID or 32 hex digits are taken as they are; anything else is
            hashed into a UUID of version 5 in the URL namespace.
        namespace: put before what is hashed ("hud.task_run:").
    """
    plain = vendor_id.replace("-", "")
    if _HEX_TRACE.fullmatch(plain) and int(plain, 16):
        return plain.lower()
    name = (namespace + vendor_id).encode("utf-8", "replace").decode()
    return uuid.uuid5(uuid.NAMESPACE_URL, name).hex


def uuid_of(trace_id: str) -> str:
    """A trace id (32 hex digits) written as a UUID with hyphens."""
    return str(uuid.UUID(hex=trace_id_of(trace_id, "")))


def span_id_of(*parts: object) -> str:
    """A span id (16 hex digits) that is the same whenever the parts are."""
    text = "\x1f".join(str(part) for part in parts)
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]
    return digest if int(digest, 16) else "0000000000000001"


def as_json(value: Any) -> str:
    """JSON text for an attribute, which can hold no nested value and no null.

    Keys keep their order, nothing is escaped that need not be. What JSON has no
    word for does not raise: NaN and infinities become null, other objects their
    fields or their text.
    """
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return json.dumps(plain(value), ensure_ascii=False, allow_nan=False)


def signature(value: Any) -> str:
    """A text that two values share if they are the same JSON, in whatever key order."""
    return json.dumps(plain(value), sort_keys=True)


def plain(value: Any, above: tuple[int, ...] = ()) -> Any:
    """A value as JSON knows it: dicts, lists, texts, finite numbers, None.

    What nests deeper than 64 levels, or contains itself, ends as None; so does a
    whole number that no double can hold.

    Args:
        above: the ids of the containers around it.
    """
    if isinstance(value, (int, float)):
        return value if abs(value) <= sys.float_info.max else None
    if value is None or isinstance(value, str):
        return value
    if is_endless(value, above):
        return None
    return _plain_container(value, (*above, id(value)))


def is_endless(value: Any, above: tuple[int, ...]) -> bool:
    """Whether a container stands within itself, or deeper than JSON need go."""
    return len(above) > _DEEPEST or id(value) in above


def _plain_container(value: Any, above: tuple[int, ...]) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item, above) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item, above) for item in value]
    return str(value)


def from_json(value: Any) -> Any:
    """What a JSON text in an attribute holds; anything else as it stands.

    A text that is no JSON stays the text it is.
    """
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return value


def json_object(value: Any) -> dict[str, Any] | None:
    """The JSON object in an attribute (text or mapping); None if it holds none."""
    found = from_json(value)
    return dict(found) if isinstance(found, Mapping) else None


def json_list(value: Any) -> list[Any] | None:
    """The JSON list in an attribute (text or sequence); None if it holds none."""
    found = from_json(value)
    return list(found) if isinstance(found, (list, tuple)) else None


def text(value: Any) -> str | None:
    """A text that stands in an attribute; None for anything else."""
    return value if isinstance(value, str) else None


def number(value: Any) -> float | None:
    """A finite number that stands in an attribute; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if abs(value) <= sys.float_info.max else None


def whole(value: Any) -> int | None:
    """A whole number that stands in an attribute; None for anything else."""
    found = number(value)
    return int(found) if found is not None and found == int(found) else None


def flag(value: Any) -> bool | None:
    """A truth value that stands in an attribute; None for anything else."""
    return value if isinstance(value, bool) else None


def span_id_in(value: Any) -> str | None:
    """The span id in a JSON value; None if it is none."""
    found = text(value)
    if found is None or not _HEX_SPAN.fullmatch(found) or not int(found, 16):
        return None
    return found.lower()


def time_in(value: Any) -> int | None:
    """The time in a JSON value, ns since the epoch; None if no span can have it."""
    found = whole(value)
    return found if found is not None and 0 <= found <= LATEST_NS else None


def kind_in(value: Any) -> str | None:
    """The span kind in a JSON value; None if OpenTelemetry knows none of that name."""
    found = (text(value) or "").lower()
    return found if found in KINDS else None


def status_in(value: Any) -> str | None:
    """The span status in a JSON value, likewise."""
    found = (text(value) or "").lower()
    return found if found in {"unset", "ok", "error"} else None


def attribute(value: Any) -> Any:
    """Any value as an attribute holds it; what is nested, or too great, as JSON."""
    if value is None or isinstance(value, (str, bool, float)):
        return value
    if isinstance(value, int) and abs(value) <= _LARGEST:
        return value
    listed = isinstance(value, (list, tuple))
    if listed and all(isinstance(item, str) for item in value):
        return list(value)
    return as_json(plain(value))


def present(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes without those that are None: OpenTelemetry has no null."""
    return {key: value for key, value in attributes.items() if value is not None}


def exception_event(failure: Failure, time_ns: int) -> SpanEvent:
    """The `exception` event that tells a failure."""
    return SpanEvent(
        "exception",
        time_ns,
        present(
            {
                "exception.type": failure.type,
                "exception.message": failure.message,
                "exception.stacktrace": failure.stack_trace,
            }
        ),
    )


def failure_of(record: SpanRecord) -> Failure | None:
    """What went wrong on a span; None unless its status is an error.

    The last exception event tells it; without one, `error.type` and the status
    description do.
    """
    if record.status != "error":
        return None
    told = [event for event in record.events if event.name == "exception"]
    said = told[-1].attributes if told else {}
    kind = text(record.attributes.get("error.type"))
    return Failure(
        text(said.get("exception.type")) or kind or "error",
        text(said.get("exception.message")) or record.status_message or "",
        text(said.get("exception.stacktrace")),
        handled=False,
    )


def settled(record: SpanRecord, failure: Failure | None = None) -> SpanRecord:
    """A record as OpenTelemetry could have held it.

    Attributes that are None are gone, an end before the start makes the span
    zero-length, what is too late is moved to `LATEST_NS`, and a failure stands as
    status, `error.type` and exception event.

    Args:
        record: a draft; its attributes may hold None.
        failure: what went wrong; None leaves the status as it is.
    """
    start_ns = min(record.start_ns, LATEST_NS)
    end_ns = min(max(start_ns, record.end_ns), LATEST_NS)
    said = present(record.attributes)
    record = replace(record, start_ns=start_ns, end_ns=end_ns, attributes=said)
    if failure is None:
        return record
    return replace(
        record,
        status="error",
        status_message=failure.message or None,
        attributes={**record.attributes, "error.type": failure.type},
        events=(*record.events, exception_event(failure, end_ns)),
    )
