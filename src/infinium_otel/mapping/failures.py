"""Failures of a trace: each once, at its deepest span, with what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.mapping.previews import STACK, cut
from infinium_otel.taskdata import ErrorDetail

if TYPE_CHECKING:
    from infinium_otel.mapping.content import Content
    from infinium_otel.mapping.tree import Node
    from infinium_otel.records import Failure

MAX_MESSAGE = 2_000


def failures_of(nodes: list[Node], content: Content) -> dict[int, ErrorDetail]:
    """The error of each node that has one of its own, by the node's identity.

    An exception that ran up through its ancestors is theirs no more: it belongs to the
    deepest span that recorded it.
    """
    found: dict[int, ErrorDetail] = {}
    for node in nodes:
        failure = node.reading.failure
        if failure is not None and not node.folded and not _is_a_copy(node, failure):
            found[id(node)] = _detail(node, failure, content)
    return found


def _is_a_copy(node: Node, failure: Failure) -> bool:
    """Whether a span below tells of the same failure."""
    return any(
        below.reading.failure is not None and _same(failure, below.reading.failure)
        for below in node.descendants()
        if below not in node.members
    )


def _same(upper: Failure, lower: Failure) -> bool:
    """One failure seen from above: the message, or type, carries over."""
    if upper.message == lower.message:
        return True
    if lower.message and lower.message in upper.message:
        return True
    if upper.message and upper.message in lower.message:
        return True
    if upper.stack_trace and lower.stack_trace:
        return _last_line(upper.stack_trace) == _last_line(lower.stack_trace)
    return upper.type == lower.type and _says_nothing(upper)


def _last_line(stack: str) -> str:
    return stack.rstrip().rpartition("\n")[2]


def _says_nothing(failure: Failure) -> bool:
    """A bare status: `error.type` with no message of its own."""
    return failure.message.startswith(failure.type) or failure.type == "error"


def _detail(node: Node, failure: Failure, content: Content) -> ErrorDetail:
    stack = failure.stack_trace
    return ErrorDetail(
        error_type=failure.type,
        message=content.error(cut(failure.message, MAX_MESSAGE)),
        recoverable=failure.handled or _was_recovered(node),
        retry_count=node.reading.retry_count or _earlier_failures(node),
        stack_trace=content.text(_tail(stack)) if stack else None,
        error_code=failure.code,
    )


def _tail(stack: str) -> str:
    """The end of a stack says where it happened."""
    return stack if len(stack) <= STACK else "..." + stack[3 - STACK :]


def _was_recovered(node: Node) -> bool:
    """Some span above went on and ended well, or the same was tried again and worked."""
    above = next(iter(node.ancestors()), None)
    while above is not None:
        if not above.failed:
            return above.parent is not None or _went_on(node) or _ended_well(above)
        above = above.parent
    return _went_on(node)


def _ended_well(root: Node) -> bool:
    return root.record.status == "ok" or not root.failed


def _went_on(node: Node) -> bool:
    """A later sibling with the same work succeeded."""
    return any(
        sibling.record.start_ns >= node.record.end_ns
        and sibling.kind == node.kind
        and not sibling.failed
        for sibling in (node.parent.children if node.parent else ())
    )


def _earlier_failures(node: Node) -> int:
    """How many times the same call had failed before this one."""
    siblings = node.parent.children if node.parent else ()
    return sum(
        1
        for sibling in siblings
        if sibling.record.start_ns < node.record.start_ns
        and sibling.failed
        and sibling.kind == node.kind
        and _work(sibling) == _work(node)
    )


def _work(node: Node) -> tuple[str | None, str | None]:
    reading = node.reading
    return reading.tool_name, reading.model_requested or reading.model


def as_errors(details: list[ErrorDetail], *, on_steps: set[int]) -> list[ErrorDetail]:
    """The task's list of errors: without the stack where a step already carries it."""
    return [
        ErrorDetail(
            error_type=detail.error_type,
            message=detail.message,
            recoverable=detail.recoverable,
            retry_count=detail.retry_count,
            stack_trace=None if id(detail) in on_steps else detail.stack_trace,
            error_code=detail.error_code,
        )
        for detail in details
    ]
