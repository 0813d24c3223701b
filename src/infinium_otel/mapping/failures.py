"""Failures of a trace: each once, at its deepest span, with what came of it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from infinium_otel.dialects import CALLS
from infinium_otel.mapping.previews import STACK, cut
from infinium_otel.mapping.tree import AGENTIC, top_down
from infinium_otel.taskdata import ErrorDetail

if TYPE_CHECKING:
    from infinium_otel.mapping.content import Content
    from infinium_otel.mapping.tree import Node
    from infinium_otel.records import Failure

MAX_MESSAGE = 2_000


ECHOES = frozenset({"Error in agent run"})
"""What frameworks say of a failure that another span below tells."""

MAX_BELOW = 8
"""Distinct failures of a subtree that a span above is compared with."""


def failures_of(nodes: list[Node], content: Content) -> dict[int, ErrorDetail]:
    """The error of each node that has one of its own, by the node's identity.

    An exception that ran up through its ancestors is theirs no more: it belongs to the
    deepest span that recorded it.
    """
    failing = [n for n in nodes if n.reading.failure is not None and not n.folded]
    if not failing:
        return {}
    below = _failures_below(nodes)
    after = _Aftermath(nodes)
    return {
        id(node): _detail(node, node.reading.failure, after, content)
        for node in failing
        if node.reading.failure is not None
        and not any(_same(node.reading.failure, lower) for lower in below[id(node)])
    }


def _failures_below(nodes: list[Node]) -> dict[int, list[Failure]]:
    """What failed in each node's subtree, itself left out."""
    below: dict[int, list[Failure]] = {id(node): [] for node in nodes}
    for node in reversed(top_down(nodes)):
        if node.parent is None:
            continue
        told = below[id(node.parent)]
        own = node.reading.failure
        for failure in (*([own] if own and not node.folded else ()), *below[id(node)]):
            if len(told) < MAX_BELOW and failure not in told:
                told.append(failure)
    return below


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
    if upper.message in ECHOES:
        return True
    return upper.type == lower.type and _says_nothing(upper)


def _last_line(stack: str) -> str:
    return stack.rstrip().rpartition("\n")[2]


def _says_nothing(failure: Failure) -> bool:
    """A bare status: `error.type` with no message of its own."""
    return failure.message.startswith(failure.type) or failure.type == "error"


def _detail(
    node: Node, failure: Failure, after: _Aftermath, content: Content
) -> ErrorDetail:
    stack = failure.stack_trace
    return ErrorDetail(
        error_type=failure.type,
        message=content.error(cut(failure.message, MAX_MESSAGE)),
        recoverable=failure.handled or after.recovered(node),
        retry_count=node.reading.retry_count or after.failed_before(node),
        stack_trace=content.text(_tail(stack)) if stack else None,
        error_code=failure.code,
    )


def _tail(stack: str) -> str:
    """The end of a stack says where it happened."""
    return stack if len(stack) <= STACK else "..." + stack[3 - STACK :]


class _Aftermath:
    """What came before and after each failure."""

    def __init__(self, nodes: list[Node]) -> None:
        self._latest = _latest_work(nodes)
        self._again: dict[tuple[object, ...], int] = {}
        self._before: dict[int, int] = {}
        self._recovered: dict[int, bool] = {}
        self._count(nodes)
        for node in top_down(nodes):
            self._recovered[id(node)] = self._is_survived(node)

    def _count(self, nodes: list[Node]) -> None:
        failed: Counter[tuple[object, ...]] = Counter()
        for node in nodes:
            work = _work(node)
            if node.failed:
                self._before[id(node)] = failed[work, _model(node)]
                failed[work, _model(node)] += 1
            else:
                latest_ns = max(self._again.get(work, 0), node.record.start_ns)
                self._again[work] = latest_ns

    def _is_survived(self, node: Node) -> bool:
        """Whether what is around *node* went on, or was fine and is one to know."""
        above = node.parent
        if above is None:
            return False
        if self._recovered[id(above)]:
            return True
        went_on = self._latest[id(above)] >= node.record.end_ns
        return not above.failed and (went_on or _is_proof(above, node))

    def recovered(self, node: Node) -> bool:
        """Whether the run went on, or the same work succeeded later beside it."""
        again = self._again.get(_work(node), -1)
        return self._recovered[id(node)] or again >= node.record.end_ns

    def failed_before(self, node: Node) -> int:
        """How many times the same call had failed before this one."""
        return self._before.get(id(node), 0)


def _latest_work(nodes: list[Node]) -> dict[int, int]:
    """When the last work in or below each node began that did not fail, in ns."""
    latest = {
        id(node): node.record.start_ns
        if node.kind in AGENTIC and not node.failed
        else 0
        for node in nodes
    }
    for node in reversed(top_down(nodes)):
        if node.parent is not None:
            above = id(node.parent)
            latest[above] = max(latest[above], latest[id(node)])
    return latest


FRAMES = frozenset({"agent", "workflow", "step", "lifecycle"})
"""What frameworks put around work, often as fine whatever happens inside."""


def _is_proof(above: Node, node: Node) -> bool:
    """Whether *above*, which is fine, could not be had *node* brought the run down."""
    if above.kind in CALLS:
        return node.kind in CALLS or _concludes(above)
    if above.kind == "agent" and node.kind == "tool":
        return True
    return above.kind not in FRAMES or above.reading.output is not None


def _concludes(call: Node) -> bool:
    """Whether a call that holds tools gives an answer, rather than asks for them.

    Google's client runs them between two requests; ADK after the one that asks.
    """
    messages = call.answered.messages
    return bool(messages) and not messages[-1].requests


def _work(node: Node) -> tuple[object, ...]:
    """What makes a later span another attempt at the same."""
    return id(node.parent), node.kind, node.reading.tool_name


def _model(node: Node) -> str | None:
    return node.reading.model_requested or node.reading.model


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
