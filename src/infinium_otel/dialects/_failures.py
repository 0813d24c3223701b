"""The failure of a span: from its exception event, its status or its attributes."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from infinium_otel.dialects._attributes import MAX_CACHED, count, structure, text
from infinium_otel.dialects._cancellations import (
    has_cancelled_outcome,
    is_cancellation,
    to_word,
    was_cancelled,
)
from infinium_otel.dialects._facts import dig
from infinium_otel.dialects._failure_codes import find_code
from infinium_otel.dialects._recorded_exceptions import (
    EXCEPTION_EVENTS,
    UNKNOWN,
    RecordedException,
    add_cause,
    find_cause,
    read_error_events,
    read_exceptions,
    remove_prefixes,
)
from infinium_otel.dialects._words import split_words
from infinium_otel.dialects.lenient_json import MAPPING
from infinium_otel.records import Failure

if TYPE_CHECKING:
    from infinium_otel.dialects._dialect import Facts
    from infinium_otel.dialects._shape import Shape
    from infinium_otel.records import SpanRecord


CONTROL_FLOW = frozenset(
    (
        # LangGraph's, in langgraph.errors and langgraph.types
        "GraphInterrupt GraphBubbleUp NodeInterrupt Command ParentCommand "
        # Pydantic AI; from its format version 5 on it records none of them
        "CallDeferred ApprovalRequired "
        # LlamaIndex, in llama_index.core.workflow.errors: a workflow has its result
        "WorkflowDone "
        # Python; GeneratorExit is a reader that wants no more of a stream
        "GeneratorExit StopIteration StopAsyncIteration"
    ).split()
)
"""Exceptions for control flow, which are not failures (docs/reference/traps.md T18).

Any tracer on the way records them, so they belong to no one dialect.
"""

_PRINTED_CONTROL_FLOW = re.compile(r"[(\[]?Interrupt\(value=")
"""LangGraph's GraphInterrupt as text: a tuple of what it waits for."""

_TYPED = re.compile(r"([A-Za-z_][\w.]*)(?:: |:$|\()(.*)", re.DOTALL)
_LOOKS_LIKE_TYPE = re.compile(r"[A-Z]|_error$|\.")


def read_outcome(
    record: SpanRecord, shape: Shape, facts: Facts
) -> tuple[Failure | None, bool | None]:
    """The failure of *record*, and true if its work was cancelled, which is none."""
    if _may_have_failed(record, facts):
        found = read_exceptions(record)
        if not found and record.status == "error":
            found = read_error_events(record)
        last = found[-1] if found else UNKNOWN
        cancellation = is_cancellation(record, shape, facts, last)
        failure = None if cancellation else _read_failure(record, facts, found)
        return failure, was_cancelled(record, shape, facts, last) or None
    if record.status != "ok" and has_cancelled_outcome(record, shape, facts):
        return None, True
    return None, None


_REPORTS = frozenset({"failed", "error_type", "error_message"})
"""The facts that can report a failure by themselves."""


def _may_have_failed(record: SpanRecord, facts: Facts) -> bool:
    """Whether anything at all reports a failure; nearly all spans end here."""
    if record.status == "error" or not facts.keys().isdisjoint(_REPORTS):
        return True
    for event in record.events:
        if event.name in EXCEPTION_EVENTS:
            return True
    return _find_failed_reason(facts) is not None


def _find_failed_reason(facts: Facts) -> str | None:
    """The reason for which an output ended that is an error, such as of its format."""
    for reason in map(to_word, facts.get("finish_reasons") or ()):
        if reason in _FAILED or reason.startswith(_MALFORMED):
            return reason
    return None


_FAILED = frozenset({"error", "failed", "unexpected_tool_call", "too_many_tool_calls"})
_MALFORMED = "malformed_"
"""Gemini's `MALFORMED_FUNCTION_CALL` and its like: what the model wrote is not passed on."""


def count_retries(record: SpanRecord) -> int | None:
    """The attempts before the last one, where a span has an event for each."""
    retries = attempts = failed = 0
    for event in record.events:
        words = split_words(event.name)
        retries += not _RETRY.isdisjoint(words)
        attempts += words[-1:] == ("attempt",)
        if "error" in words:  # Claude Code numbers the attempts that failed
            failed = max(failed, count(event.attributes.get("attempt")) or 0)
    if failed and record.status == "error":
        failed -= 1  # the last one failed too
    return max(retries, attempts - 1, min(failed, MAX_ATTEMPTS)) or None


MAX_ATTEMPTS = 1_000
MAX_LISTED = 10
_RETRY = frozenset({"retry", "retrying", "retried"})


def list_retried_errors(record: SpanRecord) -> tuple[str, ...]:
    """The types of the errors before each retry that a span has an event for."""
    found = [
        text(value)
        for event in record.events
        if not _RETRY.isdisjoint(split_words(event.name))
        for key, value in event.attributes.items()
        if split_words(str(key))[-2:] in _ERROR_TYPES
    ]
    return tuple(name[:MAX_ERROR_TYPE] for name in found if name)[:MAX_LISTED]


MAX_ERROR_TYPE = 200
_ERROR_TYPES = frozenset({("error", "type"), ("exception", "type")})


def _read_failure(
    record: SpanRecord, facts: Facts, exceptions: list[RecordedException]
) -> Failure | None:
    error = exceptions[-1] if exceptions else None
    if _is_control_flow(record, facts, error):
        return None
    failed = record.status == "error" or bool(facts.get("failed"))
    reason = None if failed else _find_failed_reason(facts)
    if reason is not None:
        failed = True
        why = "an error" if reason == "error" else reason
        facts.setdefault("error_message", f"the model's response ended with {why}")
    reported = facts.get("error_type") or facts.get("error_message")
    if not (error or failed or (reported and record.status != "ok")):
        return None
    wrapper = None
    if error is not None:
        error, wrapper = find_cause(exceptions)
        failed = failed or (error.escaped and record.status != "ok")
    return _build_failure(
        record, facts, error, wrapper, handled=not (failed or reported)
    )


def _is_control_flow(
    record: SpanRecord, facts: Facts, error: RecordedException | None
) -> bool:
    """Whether an exception, by its type or as printed, only controls the program."""
    kind = (error and error.kind) or facts.get("error_type")
    if kind:
        return kind.rpartition(".")[2] in CONTROL_FLOW
    message = (
        (error and error.message) or facts.get("error_message") or record.status_message
    )
    if not message:
        return False
    if _PRINTED_CONTROL_FLOW.match(message):
        return True
    printed = split_description(message)[0] or ""
    return printed.rpartition(".")[2] in CONTROL_FLOW


def _build_failure(
    record: SpanRecord,
    facts: Facts,
    error: RecordedException | None,
    wrapper: str | None,
    *,
    handled: bool,
) -> Failure:
    error = error or UNKNOWN
    status_type, status_message = split_description(record.status_message or "")
    error_type = facts.get("error_type")
    kinds = (facts.get("failure_type"), error.kind, error_type, status_type)
    kind = next((k for k in kinds if k and count(k) is None), None) or error_type
    messages = (
        facts.get("failure_message"),
        error.message,
        facts.get("error_message"),
        status_message,
    )
    message = next((m for m in messages if m and m.strip() not in _NO_TEXTS), None)
    stack = error.stack or facts.get("stack_trace")
    if not message and not stack:
        stack = _find_traceback(facts)
        message = stack and stack.rpartition("\n")[2]
    if not message:
        kind, message = _find_error_object(facts, kind)
    kind, message = remove_prefixes(kind, message)
    code = error.code or find_code(
        facts, error_type if error_type != kind else None, stack, message
    )
    return Failure(
        type=kind or "error",
        message=add_cause(
            message or _default_message(kind, code, record.name), kind, stack
        ),
        stack_trace=stack,
        code=code,
        handled=handled,
        wrapper=wrapper,
    )


def _find_traceback(facts: Facts) -> str | None:
    """Python's traceback as the output of code that ran, such as AG2's executors give."""
    for side in ("result", "output"):
        found = facts.get(side)
        if isinstance(found, str) and found.startswith(_TRACEBACK):
            return found.rstrip()
    return None


def _find_error_object(facts: Facts, kind: str | None) -> tuple[str | None, str | None]:
    """Type and message in the error that a failed span has in place of its output."""
    for side in ("result", "output"):
        error = dig(structure(facts.get(side)), "error")
        if error is not None:
            message = text(dig(error, "message")) or text(error)
            return kind or text(dig(error, "type")), message
    return kind, None


_TRACEBACK = "Traceback (most recent call last)"


def split_description(description: str) -> tuple[str | None, str | None]:
    """The type and message in a status description such as `ValueError: no city`."""
    if len(description) <= MAX_CACHED:
        return _split_cached(description)
    return _split_description(description)


@lru_cache(maxsize=8)
def _split_cached(description: str) -> tuple[str | None, str | None]:
    """As `_split_description`: the spans around a failure repeat its description."""
    return _split_description(description)


def _split_description(description: str) -> tuple[str | None, str | None]:
    description = _unwrap_error_object(description.strip())
    match = _TYPED.fullmatch(description)
    if match and _LOOKS_LIKE_TYPE.search(match[1]):
        message = match[2].strip()
        return match[1], _REPR.sub(r"\2", message) or None
    return None, description or None


_REPR = re.compile(r"\A(['\"])(.*)\1,?\)\Z", re.DOTALL)
"""The one argument of an exception that was printed as Python's repr."""


_NO_TEXTS = frozenset("undefined null None nil NULL <nil> ".split()) | {
    "[object Object]"
}
"""What programs print where they have no message."""


def _unwrap_error_object(description: str) -> str:
    """The reason in an error object of OpenAI's Agents SDK, written as Python's repr.

    Either the whole object, `{'message': ..., 'data': {'error': ...}}`, or its data
    behind its message. The instrumentations of the SDK all take it as the status
    description, so it belongs to no one dialect.
    """
    words, _, rest = description.partition("{")
    found = structure("{" + rest) if not words or words.endswith(": ") else None
    if not isinstance(found, MAPPING):
        return description
    inner = found.get("data")
    cause = found if words else inner if isinstance(inner, MAPPING) else {}
    reasons = cause.get("error"), None if words else found.get("message")
    return next((reason for reason in map(text, reasons) if reason), description)


def _default_message(kind: str | None, code: str | None, name: str) -> str:
    """The message of a failure without one."""
    if kind == "tool_error":
        return "the tool reported an error"
    what = kind or f"{name or 'the operation'} failed"
    return f"{what} ({code})" if code and code != kind else what
