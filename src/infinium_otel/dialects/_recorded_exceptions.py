"""The exceptions that a span's events record, whatever wrote them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._attributes import count, flag, text
from infinium_otel.redaction import find_cut

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infinium_otel.records import SpanRecord


@dataclass(frozen=True, slots=True)
class RecordedException:
    """An exception as an event records it; None is unknown."""

    kind: str | None = None
    message: str | None = None
    stack: str | None = None
    code: str | None = None
    escaped: bool = False


UNKNOWN = RecordedException()

EXCEPTION_EVENTS = frozenset({"exception", "gen_ai.client.operation.exception"})
MAX_EXCEPTIONS = 20


def read_exceptions(record: SpanRecord) -> list[RecordedException]:
    """The exceptions of *record*, the last ones if there are many."""
    events = [e.attributes for e in record.events if e.name in EXCEPTION_EVENTS]
    return [_read_exception(attributes) for attributes in events[-MAX_EXCEPTIONS:]]


def read_error_events(record: SpanRecord) -> list[RecordedException]:
    """What other events of a failed span report: `tool_execution_error` with an `error.type`."""
    found = []
    for event in record.events[-MAX_EXCEPTIONS:]:
        kind = text(event.attributes.get("error.type"))
        message = text(event.attributes.get("error.message"))
        if kind or message:
            found.append(RecordedException(kind, message))
    return found


def _read_exception(attributes: Mapping[str, Any]) -> RecordedException:
    """One event's exception, with its parts where they belong.

    JavaScript's SDK writes an error's `code` as its type, if it has one; the class is
    then only in the stack trace. Others write the whole stack trace as the message.
    """
    kind = text(attributes.get("exception.type"))
    message = text(attributes.get("exception.message"))
    stack = text(attributes.get("exception.stacktrace"))
    if message and stack is None:
        message, stack = _split_stack(message)
    code = None
    if kind is None or is_code(kind):
        name, code = _find_class(stack), kind
        is_status = kind is None or count(kind) is not None
        if is_status or (name and name not in _GENERIC):
            kind = name
    kind, message = remove_prefixes(kind, message)
    escaped = flag(attributes.get("exception.escaped")) is True
    return RecordedException(kind, message, stack, code, escaped)


_FRAME = re.compile(r"\n\s{1,8}at \S")
"""A line of a stack trace of JavaScript, Java or .NET."""
_TRACEBACK = "Traceback (most recent call last):"


def _split_stack(message: str) -> tuple[str | None, str | None]:
    """The message and the stack trace in a message that contains both."""
    frame = _FRAME.search(message)
    if frame:
        return message[: frame.start()].strip() or None, message
    if message.startswith(_TRACEBACK):
        return message.rstrip().rpartition("\n")[2].strip() or None, message
    return message, None


_CLASS = re.compile(r"(?:Uncaught )?([A-Za-z_$][\w$.]{0,99})(?: \[\w+\])?(?::|\n|$)")


def _find_class(stack: str | None) -> str | None:
    """The class at the beginning of a stack trace; Python's begins with other words."""
    match = _CLASS.match(stack) if stack else None
    return match[1] if match and _FRAME.search(stack or "") else None


_CODE = re.compile(r"\d{1,9}|[a-z][a-z0-9]*(?:[_-][a-z0-9]+)+|[A-Z][A-Z0-9_]{3,}")


def is_code(kind: str) -> bool:
    """Whether it is a status or a vendor's code, not a class: 429, ECONNRESET."""
    return bool(_CODE.fullmatch(kind))


_PREFIX = re.compile(
    r"(?:Uncaught )?([A-Za-z_$][\w$]{0,99})(?: \[\w+\])?: +(\S.*)", re.DOTALL
)
_GENERIC = frozenset({"Error", "error"})
MAX_PREFIXES = 3


def remove_prefixes(
    kind: str | None, message: str | None
) -> tuple[str | None, str | None]:
    """The type and message of an exception without class names before the message.

    `Error: ` and the type itself repeat what is known; another class before the message
    is the type, if only `Error` was known.
    """
    for _ in range(MAX_PREFIXES):
        match = _PREFIX.fullmatch(message or "")
        if match is None:
            break
        if match[1] not in ("Error", kind):
            if kind not in (None, *_GENERIC) or not match[1].endswith("Error"):
                break
            kind = match[1]
        message = match[2]
    return kind, message


def find_cause(
    exceptions: list[RecordedException],
) -> tuple[RecordedException, str | None]:
    """The last exception, or the one that it wraps; and the wrapper's type.

    The wrapper's message contains that of its cause, whichever was recorded first.
    """
    last = exceptions[-1]
    for other in exceptions[:-1]:
        if other.kind == last.kind or not (other.message and last.message):
            continue
        if other.message in last.message:
            return other, last.kind
        if last.message in other.message:
            return last, other.kind
    return last, None


_CHAINED = re.compile(
    r"\n\n(?:The above exception was the direct cause of the following exception"
    r"|During handling of the above exception, another exception occurred):\n"
)
_LAST_LINE = re.compile(r"([A-Za-z_][\w.]*)(?:: (.*))?")
_INNER = re.compile(
    r"\n(?:Caused by| *\[cause\]| ---> |---> ):? ?([A-Za-z_][\w.$]*)(?:: ([^\n]*))?"
)
"""An inner exception in a stack trace of Java, JavaScript or .NET."""
MAX_CAUSE = 300


def add_cause(message: str, kind: str | None, stack: str | None) -> str:
    """*message* with the exception that caused it, if it lacks its name and message."""
    name, reason = _find_inner_exception(stack or "")
    if not name or name in (kind or "") or name in message:
        return message
    is_new = reason and reason not in message
    cause = f"{name}: {reason[: find_cut(reason, MAX_CAUSE)]}" if is_new else name
    return f"{message} (caused by {cause})"


def _find_inner_exception(stack: str) -> tuple[str, str]:
    """The name and message of the innermost exception; "" for what is unknown."""
    chain = _CHAINED.split(stack, maxsplit=1)
    if len(chain) > 1:
        match = _LAST_LINE.fullmatch(chain[0].rstrip().rpartition("\n")[2])
    else:
        inner = list(_INNER.finditer(stack))
        match = inner[-1] if inner else None
    if match is None:
        return "", ""
    return match[1].rpartition(".")[2], (match[2] or "").strip()
