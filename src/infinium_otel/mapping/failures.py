"""Failures of a trace: each once, at its deepest span, with its outcome."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from infinium_otel.dialects import CALLS
from infinium_otel.mapping.failure_reports import (
    has_no_message,
    is_same_failure,
    remove_error_prefix,
)
from infinium_otel.mapping.folding import HTTP_ERROR, STEP_KINDS
from infinium_otel.mapping.merging import merge_failures
from infinium_otel.mapping.outcomes import Outcomes
from infinium_otel.mapping.tree import AGENTIC, INVOCATIONS, sort_top_down
from infinium_otel.redaction import truncate, truncate_start
from infinium_otel.taskdata import ErrorDetail

if TYPE_CHECKING:
    from infinium_otel.mapping.capture_policy import CapturePolicy
    from infinium_otel.mapping.tree import Node
    from infinium_otel.records import Failure

MAX_MESSAGE_LENGTH = 2_000
MAX_STACK_LENGTH = 4_000

ECHOES = frozenset({"Error in agent run"})
"""Messages with which frameworks repeat a failure that a span below reports."""

MAX_BELOW = 8
"""Distinct failures of a subtree that a span above is compared with, at most."""

MAX_ABOVE = 64
"""Spans above a failure that are searched for the exceptions that wrapped it, at most."""

MAX_WRAPPERS = 3


@dataclass(frozen=True, slots=True)
class Failures:
    """What failed in a trace.

    Args:
        errors: the error of each node that has one of its own, by the node's identity.
        cancelled: whether the run was cancelled, rather than failed.
    """

    errors: dict[int, ErrorDetail]
    cancelled: bool = False

    @property
    def fatal(self) -> bool:
        """Whether the run ended by a failure."""
        return any(not error.recoverable for error in self.errors.values())


def find_failures(nodes: list[Node], policy: CapturePolicy) -> Failures:
    """The errors of a trace, each at the span where it happened.

    An exception that propagated through several spans belongs to the deepest one that
    recorded it; below a model call or tool, to that.
    """
    if not any(node.span.failure or node.span.cancelled for node in nodes):
        return Failures({})
    outcomes = Outcomes(nodes)
    _explain_calls(nodes, outcomes)
    lifted = _lift_to_invocations(nodes)
    failing = [
        node
        for node in nodes
        if node.span.failure is not None and not node.folded and id(node) not in lifted
    ]
    below = _collect_failures_below(nodes, failing)
    own = [
        node
        for node in failing
        if not any(_repeats(node, lower, outcomes) for lower in below[id(node)])
    ]
    errors = {
        id(node): _build_error(node, node.span.failure, outcomes, policy)
        for node in _remove_parallel_reports(own)
        if node.span.failure is not None
    }
    found = Failures(errors)
    cancelled = not found.fatal and any(
        node.span.cancelled and not outcomes.is_survived(node) for node in nodes
    )
    return replace(found, cancelled=cancelled)


def _explain_calls(nodes: list[Node], outcomes: Outcomes) -> None:
    """Give a call that says nothing of its failure the message of what it ended.

    An error within a stream reaches only the handler of the whole run.
    """
    for node in nodes:
        failure = node.span.failure
        if failure is None or node.kind not in CALLS or not _is_bare(failure):
            continue
        for upper in islice(node.ancestors(), MAX_ABOVE):
            above = upper.span.failure
            if above is not None and not above.handled and not has_no_message(above):
                if outcomes.was_last(upper, node):
                    merged = merge_failures(failure, above) or above
                    merged = replace(merged, message=above.message)
                    node.span = replace(node.span, failure=merged)
                break


def _is_bare(failure: Failure) -> bool:
    """Whether it is no more than a status: without a message, and without a type."""
    return has_no_message(failure) and (
        failure.type == "error" or failure.type.isdecimal()
    )


def _lift_to_invocations(nodes: list[Node]) -> set[int]:
    """Move failures of plain spans to the failed call or tool that they are part of.

    Returns:
        The identities of the plain spans.
    """
    lifted: set[int] = set()
    for node in nodes:
        failure = node.span.failure
        if failure is None or node.folded or node.kind in STEP_KINDS:
            continue
        caller = node.nearest_actor
        if caller is None or node.kind == "agent" or caller.kind not in INVOCATIONS:
            continue
        caller = caller.representative
        whole = caller.span.failure
        if whole is not None and not whole.handled and is_same_failure(whole, failure):
            merged = merge_failures(whole, failure)
            caller.span = replace(caller.span, failure=merged)
            lifted.add(id(node))
            if node.kind in _PARTS and caller.kind in CALLS and not node.children:
                node.fold_into(caller)
    return lifted


_PARTS = frozenset({"", "step"})


def _collect_failures_below(
    nodes: list[Node], failing: list[Node]
) -> dict[int, list[Node]]:
    """For each node those in its subtree that failed, without itself, by distinct failures."""
    wanted = {id(node) for node in failing}
    below: dict[int, list[Node]] = {id(node): [] for node in nodes}
    for node in reversed(sort_top_down(nodes)):
        if node.parent is None:
            continue
        found = below[id(node.parent)]
        for lower in (*([node] if id(node) in wanted else ()), *below[id(node)]):
            if len(found) >= MAX_BELOW:
                break
            if all(lower.span.failure != other.span.failure for other in found):
                found.append(lower)
    return below


def _repeats(node: Node, lower: Node, outcomes: Outcomes) -> bool:
    """Whether the failure of *node* is that of *lower*, a span below it."""
    upper, failure = node.span.failure, lower.span.failure
    if upper is None or failure is None:
        return False
    if upper.message in ECHOES or is_same_failure(upper, failure):
        return True
    return _is_bare(upper) and lower.failed and outcomes.was_last(node, lower)


def _remove_parallel_reports(nodes: list[Node]) -> list[Node]:
    """*nodes* without those that report the failure of one beside them.

    Of spans in different branches that failed with one message at one time, a call or
    tool has the failure, and any other has it only if none of these has.
    """
    by_message: dict[str, list[Node]] = {}
    for node in nodes:
        failure = node.span.failure
        if failure is not None and not has_no_message(failure):
            by_message.setdefault(failure.message, []).append(node)
    repeated: set[int] = set()
    for same in by_message.values():
        kept: list[Node] = []
        for node in sorted(same, key=lambda node: node.kind not in INVOCATIONS):
            if node.kind not in AGENTIC and any(
                _is_at_one_time(node, other) for other in kept[:MAX_BELOW]
            ):
                repeated.add(id(node))
            else:
                kept.append(node)
    return [node for node in nodes if id(node) not in repeated]


def _is_at_one_time(node: Node, other: Node) -> bool:
    a, b = node.record, other.record
    return a.start_ns <= b.end_ns and b.start_ns <= a.end_ns


def _build_error(
    node: Node, failure: Failure, outcomes: Outcomes, policy: CapturePolicy
) -> ErrorDetail:
    reached = [
        upper
        for upper in islice(node.ancestors(), MAX_ABOVE)
        if upper.span.failure is not None
        and is_same_failure(upper.span.failure, failure)
    ]
    above = [upper.span.failure for upper in reached if upper.span.failure is not None]
    failed = [node, *(upper for upper in reached if upper.failed)]
    failure = _complete(failure, above)
    stack = failure.stack_trace
    message = truncate(remove_error_prefix(failure.message), MAX_MESSAGE_LENGTH)
    message = _add_wrappers(message, failure, above)
    return ErrorDetail(
        error_type=failure.type,
        message=policy.message_or_length(message),
        recoverable=failure.handled or outcomes.is_recovered(*failed),
        retry_count=node.span.retry_count or outcomes.count_earlier(node),
        stack_trace=policy.text_or_none(truncate_start(stack, MAX_STACK_LENGTH))
        if stack
        else None,
        error_code=failure.code or _get_http_error(node),
    )


def _get_http_error(node: Node) -> str | None:
    """The HTTP status of the last attempt of a call or tool, if it is an error's."""
    status = node.span.http_status
    return str(status) if status is not None and status >= HTTP_ERROR else None


def _complete(failure: Failure, above: list[Failure]) -> Failure:
    """*failure* with the type, the code and the stack trace that only spans above have."""
    kind = failure.type
    if kind == "error" or kind.isdecimal():
        types = (f.type for f in above if f.type != "error" and not f.type.isdecimal())
        kind = next(types, kind)
    same = [upper for upper in above if upper.type == kind]
    stacks = (upper.stack_trace for upper in same if upper.stack_trace)
    codes = (upper.code for upper in above if upper.code)
    return replace(
        failure,
        type=kind,
        stack_trace=failure.stack_trace or next(stacks, None),
        code=failure.code or next(codes, None),
    )


def _add_wrappers(message: str, failure: Failure, above: list[Failure]) -> str:
    """*message* with the exceptions in which the spans above passed the failure on."""
    names = dict.fromkeys(_shorten(failure.wrapper))
    for upper in above:
        names |= dict.fromkeys((*_shorten(upper.type), *_shorten(upper.wrapper)))
    known = (failure.type, message)
    added = [name for name in names if not any(name in text for text in known)]
    if not added:
        return message
    return f"{message} (wrapped in {', '.join(added[-MAX_WRAPPERS:])})"


_NO_WRAPPERS = frozenset({"Error", "Exception"})


def _shorten(kind: str | None) -> tuple[str, ...]:
    """The class name in an exception's type; nothing for words that are no class."""
    name = (kind or "").rpartition(".")[2].lstrip("*")
    is_class = name[:1].isupper() and not name.isupper() and name not in _NO_WRAPPERS
    return (name,) if is_class else ()


def list_errors(details: list[ErrorDetail], *, on_steps: set[int]) -> list[ErrorDetail]:
    """The task's list of errors, without the stack traces that steps already contain.

    Args:
        on_steps: identities of the errors that are on steps.
    """
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
