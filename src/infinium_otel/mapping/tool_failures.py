"""Failures that the result of a tool reports, whatever the state of its span."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._repr_text import CLASS_NAME, parse_repr
from infinium_otel.dialects.callback_payloads import is_empty, iter_result_layers
from infinium_otel.mapping.previews import extract_text

if TYPE_CHECKING:
    from infinium_otel.dialects.messages import ToolResponsePart

DEFAULT_ERROR = "the tool reported an error"
_MARKED = re.compile(r"\[?(?:TOOL|MCP|FUNCTION)[_ ](?:CALL[_ ])?ERROR\b\]?:?")
"""A word in capitals with which a runtime marks what a tool returned as its error."""
FAILURE_MARKS = ("error", "Error", "ERROR", "false", "False", "exception")


def contains_mark(text: str, marks: tuple[str, ...]) -> bool:
    """Whether one of *marks* stands in *text*."""
    for mark in marks:  # noqa: SIM110 - a generator takes longer than the search
        if mark in text:
            return True
    return False


def has_failed(response: ToolResponsePart) -> bool:
    """Whether a response reports a failure, by its flag or in its result."""
    if response.failed is None:
        return find_failure(response.result) is not None
    return response.failed


def describe_failure(result: Any) -> str:
    """The reason in the result of a tool that failed."""
    return find_failure(result) or extract_text(result) or DEFAULT_ERROR


def find_failure(result: Any) -> str | None:
    """The error that a tool's result reports: by a status, a flag, or as its only member.

    Returns:
        None for a result that is not an error.
    """
    if isinstance(result, str):
        if not contains_mark(result, FAILURE_MARKS):
            return None
        marked = _MARKED.match(result)
        if marked:
            return result[marked.end() :].strip() or DEFAULT_ERROR
        if result[:1] not in '{["':
            result = parse_repr(result)
    messages = map(_read_error, iter_result_layers(result))
    return next((message for message in messages if message is not None), None)


_REASONS = (
    "error_message",
    "errorMessage",
    "error",
    "errors",
    "content",
    "raw_output",
    "message",
    "text",
    "reason",
    "detail",
    "exception",
    "result",
    "output",
)


def _read_error(envelope: Mapping[str, Any]) -> str | None:
    if not _is_failure(envelope):
        return None
    reasons = (_read_reason(envelope[key]) for key in _REASONS if key in envelope)
    return next(filter(None, reasons), DEFAULT_ERROR)


def _read_reason(value: Any) -> str | None:
    """A reason as text: the message of an object that has one."""
    if isinstance(value, bool):
        return None
    inner = value.get("message") if isinstance(value, Mapping) else None
    return inner if isinstance(inner, str) and inner else extract_text(value)


def _is_failure(envelope: Mapping[str, Any]) -> bool:
    """Whether an object reports a failure rather than data that has such a member."""
    status = envelope.get("status")
    status = status.lower() if isinstance(status, str) else None
    reasons = (envelope.get(key) for key in _ERROR_KEYS)
    has_reason = any(r for r in reasons if isinstance(r, (str, list, Mapping)))
    return (
        status == "error"
        or any(envelope.get(flag) is True for flag in ("is_error", "isError", "error"))
        or any(_is_false(envelope.get(flag)) for flag in ("ok", "success"))
        or (has_reason and any(envelope.get(flag) == 0 for flag in ("ok", "success")))
        or (status in _FAILED and has_reason)
        or (has_reason and status not in _SUCCEEDED and _is_alone(envelope))
    )


def _is_false(flag: Any) -> bool:
    return flag is False or flag in ("false", "False")


_SUCCEEDED = ("success", "succeeded", "ok", "completed")
_FAILED = ("failure", "failed", "fail")
_ERROR_KEYS = ("error", "errors", "exception", "error_message", "errorMessage")
_BESIDE_ERROR = frozenset(
    [
        *_ERROR_KEYS,
        CLASS_NAME,
        *"code status statusCode status_code type message detail details".split(),
        *"timestamp path request_id requestId".split(),
    ]
)
"""Members that describe an error: an object of nothing else is one."""


def _is_alone(envelope: Mapping[str, Any]) -> bool:
    """Whether only the error of an object has content."""
    return all(
        key in _BESIDE_ERROR or is_empty(member) for key, member in envelope.items()
    )
