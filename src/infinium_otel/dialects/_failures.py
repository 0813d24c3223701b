"""What went wrong, from wherever a span tells it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._attributes import count, structure, text
from infinium_otel.jsontext import MAPPING
from infinium_otel.records import Failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infinium_otel.dialects._dialect import Facts
    from infinium_otel.records import SpanRecord

CONTROL_FLOW = frozenset(
    "GraphInterrupt GraphBubbleUp NodeInterrupt Command ParentCommand CallDeferred "
    "ApprovalRequired CancelledError GeneratorExit StopIteration "
    "StopAsyncIteration".split()
)
"""Exceptions that steer a program and mean no failure (dialects trap T18)."""

_TYPED = re.compile(r"([A-Za-z_][\w.]*)(?:: |:$|\()(.*)", re.DOTALL)
_LOOKS_LIKE_CLASS = re.compile(r"[A-Z]")
_LOOKS_LIKE_TYPE = re.compile(r"[A-Z]|_error$|\.")
MIN_HTTP_ERROR = 400
STATUS_WITHIN = 200


def failure_of(record: SpanRecord, facts: Facts) -> Failure | None:
    """The failure *record* tells of; None if it tells of none."""
    event = _last_exception(record)
    kind = text(event.get("exception.type")) or facts.get("error_type")
    if kind and kind.rpartition(".")[2] in CONTROL_FLOW:
        return None
    failed = record.status == "error" or bool(facts.get("failed"))
    said = facts.get("error_type") or facts.get("error_message")
    if not (event or failed or (said and record.status != "ok")):
        return None
    return _failure(record, facts, event, handled=not (failed or said))


def is_control_flow(record: SpanRecord) -> bool:
    """Whether *record* ended by an exception that only steers the program."""
    kind = text(_last_exception(record).get("exception.type")) or ""
    return kind.rpartition(".")[2] in CONTROL_FLOW


def _last_exception(record: SpanRecord) -> Mapping[str, Any]:
    for event in reversed(record.events):
        if event.name in ("exception", "gen_ai.client.operation.exception"):
            return event.attributes
    return {}


def _failure(
    record: SpanRecord, facts: Facts, event: Mapping[str, Any], *, handled: bool
) -> Failure:
    status_type, status_message = split(record.status_message or "")
    named = facts.get("error_type")
    kind = (
        facts.get("failure_type")
        or text(event.get("exception.type"))
        or named
        or status_type
    )
    message = (
        facts.get("failure_message")
        or text(event.get("exception.message"))
        or facts.get("error_message")
        or status_message
    )
    stack = text(event.get("exception.stacktrace")) or facts.get("stack_trace")
    code = _code(facts, named if named != kind else None, stack, message)
    return Failure(
        type=kind or "error",
        message=_with_cause(message or _fallback(kind, code, record.name), kind, stack),
        stack_trace=stack,
        code=code,
        handled=handled,
    )


def split(description: str) -> tuple[str | None, str | None]:
    """Type and message of a status description such as `ValueError: no city`."""
    description = _reason(description.strip())
    match = _TYPED.fullmatch(description)
    if match and _LOOKS_LIKE_TYPE.search(match[1]):
        return match[1], match[2].strip() or None
    return None, description or None


def _reason(description: str) -> str:
    """What an error object says that was written down whole (OpenAI's Agents SDK).

    Alone, `{'message': ..., 'data': {'error': ...}}`, or its data behind its message.
    """
    words, _, rest = description.partition("{")
    found = structure("{" + rest) if not words or words.endswith(": ") else None
    if not isinstance(found, MAPPING):
        return description
    inner = found.get("data")
    cause = found if words else inner if isinstance(inner, MAPPING) else {}
    reasons = cause.get("error"), None if words else found.get("message")
    return next((said for said in map(text, reasons) if said), description)


def _code(
    facts: Facts, named: str | None, stack: str | None, message: str | None
) -> str | None:
    """A vendor's word for the failure, else the status, as text."""
    told = facts.get("error_code")
    if told is not None and count(told) is None:
        return str(told)
    if named and not _LOOKS_LIKE_CLASS.search(named):
        return named
    answer = _ANSWER.search(stack or "")
    if answer:
        return answer[1]
    if told is not None:
        return str(told)
    status = facts.get("http_status")
    if status is not None and status >= MIN_HTTP_ERROR:
        return str(status)
    error_type = facts.get("error_type")
    return error_type if count(error_type) is not None else _status_in(message)


_STATUS = re.compile(
    r"(?i:error code|status(?:[_ ]code)?)[:=]? ([45]\d\d)\b"
    r"|^([45]\d\d) [A-Z_]{4,40}\b"
)


def _status_in(message: str | None) -> str | None:
    """The HTTP status that clients write into an exception's text, at its beginning."""
    match = _STATUS.search((message or "")[:STATUS_WITHIN])
    return match and (match[1] or match[2])


_ANSWER = re.compile(r"""'error': \{[^}]{0,500}'code': '([a-z][\w.-]{1,60})'""")
"""A provider's answer in an exception's text, which a gateway passes on only there."""

_CHAINED = re.compile(
    r"\n\n(?:The above exception was the direct cause of the following exception"
    r"|During handling of the above exception, another exception occurred):\n"
)
_LAST_LINE = re.compile(r"([A-Za-z_][\w.]*)(?:: .*)?")


def _with_cause(message: str, kind: str | None, stack: str | None) -> str:
    """*message* with the exception behind it, where a wrapper hides its name."""
    chain = _CHAINED.split(stack or "", maxsplit=1)
    last = chain[0].rstrip().rpartition("\n")[2] if len(chain) > 1 else ""
    match = _LAST_LINE.fullmatch(last)
    cause = match[1].rpartition(".")[2] if match else ""
    if not cause or cause in message or cause in (kind or ""):
        return message
    return f"{message} (caused by {cause})"


def _fallback(kind: str | None, code: str | None, name: str) -> str:
    """A message where nobody wrote one."""
    if kind == "tool_error":
        return "the tool reported an error"
    what = kind or f"{name or 'the operation'} failed"
    return f"{what} ({code})" if code and code != kind else what
