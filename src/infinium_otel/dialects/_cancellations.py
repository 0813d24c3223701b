"""Whether the work of a span was cancelled, by a person or by other work's end."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from infinium_otel.dialects._attributes import count
from infinium_otel.dialects._words import split_words

if TYPE_CHECKING:
    from infinium_otel.dialects._dialect import Facts
    from infinium_otel.dialects._recorded_exceptions import RecordedException
    from infinium_otel.dialects._shape import Shape
    from infinium_otel.records import SpanRecord


def was_cancelled(
    record: SpanRecord, shape: Shape, facts: Facts, last: RecordedException
) -> bool:
    """Whether the work of *record* was cancelled, by a person or by other work's end.

    Not where a cancellation was only recorded: a reader that has enough of a stream cancels
    it, and the work is done.
    """
    failed = record.status == "error" or facts.get("failed")
    if record.status == "ok" and not failed:
        return False
    is_reported = failed or facts.get("error_type") or last.escaped
    if is_reported and is_cancellation(record, shape, facts, last):
        return True
    kind = facts.get("error_type")
    return (not kind or count(kind) is not None) and has_cancelled_outcome(
        record, shape, facts
    )


def is_cancellation(
    record: SpanRecord, shape: Shape, facts: Facts, error: RecordedException
) -> bool:
    """Whether what is recorded as the failure is a cancellation."""
    kind = error.kind or facts.get("error_type")
    message = error.message or facts.get("error_message") or record.status_message or ""
    if (not kind or count(kind)) and has_cancelled_outcome(record, shape, facts):
        return True
    name = (kind or "").rpartition(".")[2]
    stopped = _CANCELLED.search(name) or _CONTEXT_CANCELLED.search(message)
    if error.code == _ABORT_CODE:
        stopped = _ABORTED.search(message)
    return bool(stopped) and not _TIMEOUT.search(message)


CLIENT_CLOSED_REQUEST = 499
"""The status that proxies report when the client went away before the answer."""
_ABORT_CODE = "20"
"""DOMException.ABORT_ERR: OpenTelemetry for JavaScript prefers an error's code to its name."""
_ABORTED = re.compile(r"(?i)\babort(?:ed)?\b")


def has_cancelled_outcome(record: SpanRecord, shape: Shape, facts: Facts) -> bool:
    """Whether an attribute for the outcome, in any vocabulary, has that word.

    Or is a switch of that name: `cloudflare.agents.canceled`; or it is the finish reason,
    or the status of a request.
    """
    if facts.get("http_status") == CLIENT_CLOSED_REQUEST:
        return True
    if not _STOPPED.isdisjoint(map(to_word, facts.get("finish_reasons") or ())):
        return True
    for key, is_switch in shape.select(_find_outcome):
        value = record.attributes[key]
        if is_switch and value in (True, "true"):
            return True
        if value and split_words(key)[-2:] in _CANCELLATIONS:
            return True
        if (
            isinstance(value, str)
            and len(value) <= len("cancelled")
            and value.lower() in _STOPPED
        ):
            return True
    return False


def _find_outcome(key: str) -> bool | None:
    """Whether a key is a switch for a cancelled outcome; None if it is for no outcome."""
    words = split_words(key)
    if words[-2:] == ("failure", "kind") or words[-2:] in _CANCELLATIONS:
        return False
    last = words[-1:]
    return last in _SWITCHES if last in _OUTCOMES else None


_CANCELLED = re.compile(
    r"Cancell?(?:ed|ation)|^(?:API)?(?:User)?Abort(?:ed)?Error$|^KeyboardInterrupt$"
    r"|^(?:user_)?cancell?ed$"
)
"""Python's CancelledError, .NET's OperationCanceledException, JavaScript's AbortError."""
_CONTEXT_CANCELLED = re.compile(r"\bcontext canceled$")
_TIMEOUT = re.compile(r"(?i)time[d -]?out|deadline|HttpClient\.Timeout")
"""A time limit also cancels what runs, and is a failure."""
_STOPPED = frozenset({"canceled", "cancelled"})
_CANCELLATIONS = frozenset(
    (cancelled, what)
    for cancelled in ("cancellation", "cancelation", "cancel")
    for what in ("type", "reason", "cause")
)
"""Keys that only a cancelled span has: `strands.cancellation.type`."""
_SWITCHES = frozenset({("canceled",), ("cancelled",)})
_OUTCOMES = _SWITCHES | {("status",), ("outcome",), ("state",), ("result",)}


def to_word(reason: str) -> str:
    """The word of a reason, without the enumeration that it is a member of."""
    return reason.rpartition(".")[2].lower()
