"""What came before and after each failure of a trace: whether the run went on."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from infinium_otel.dialects import CALLS
from infinium_otel.mapping.previews import extract_text
from infinium_otel.mapping.tree import AGENTIC, sort_top_down

if TYPE_CHECKING:
    from infinium_otel.mapping.tree import Node


class Outcomes:
    """What came before and after each failure."""

    def __init__(self, nodes: list[Node]) -> None:
        self._latest = _find_latest_work(nodes)
        self._latest_success: dict[tuple[object, ...], int] = {}
        self._before: dict[int, int] = {}
        self._recovered: dict[int, bool] = {}
        self._count(nodes)
        for node in sort_top_down(nodes):
            self._recovered[id(node)] = self._find_survival(node)

    def _count(self, nodes: list[Node]) -> None:
        failed: Counter[tuple[object, ...]] = Counter()
        for node in nodes:
            work = _get_work_key(node)
            if node.span.cancelled:
                continue
            if node.failed:
                self._before[id(node)] = failed[work, _get_model(node)]
                failed[work, _get_model(node)] += 1
            else:
                latest_ns = max(self._latest_success.get(work, 0), node.record.start_ns)
                self._latest_success[work] = latest_ns

    def _find_survival(self, node: Node) -> bool:
        """Whether what is around *node* continued, or succeeded in spite of it."""
        above = node.parent
        if above is None:
            return False
        if self._recovered[id(above)]:
            return True
        continued = self._latest[id(above)] >= node.record.end_ns
        if above.failed or above.span.cancelled or _is_server_error(above):
            return False
        return continued or _shows_recovery(above, node)

    def is_survived(self, node: Node) -> bool:
        """Whether what is around *node* continued, or succeeded in spite of it."""
        return self._recovered[id(node)]

    def was_last(self, node: Node, lower: Node) -> bool:
        """Whether no work in *node* began after *lower* had ended."""
        return self._latest[id(node)] < lower.record.end_ns

    def is_recovered(self, node: Node, *above: Node) -> bool:
        """Whether the run continued, or the same work succeeded later beside it.

        Args:
            above: the spans above that failed for the same reason, from the nearest on.
        """
        for failed in (node, *above):
            success_ns = self._latest_success.get(_get_work_key(failed), -1)
            if success_ns >= failed.record.end_ns:
                return True
        return self._recovered[id(above[-1] if above else node)]

    def count_earlier(self, node: Node) -> int:
        """How many times the same call had failed before this one."""
        return self._before.get(id(node), 0)


def _find_latest_work(nodes: list[Node]) -> dict[int, int]:
    """When the last successful work in or below each node began, in ns."""
    latest = {
        id(node): node.record.start_ns
        if node.kind in AGENTIC and not (node.failed or node.span.cancelled)
        else 0
        for node in nodes
    }
    for node in reversed(sort_top_down(nodes)):
        if node.parent is not None:
            above = id(node.parent)
            latest[above] = max(latest[above], latest[id(node)])
    return latest


def _is_server_error(node: Node) -> bool:
    """Whether it is a request whose response is an error, whatever its span's status."""
    status = node.span.http_status
    return status is not None and status >= SERVER_ERROR and node.kind == "http"


SERVER_ERROR = 500


FRAMES = frozenset({"agent", "workflow", "step", "lifecycle"})
"""Spans around work, often without an error status whatever happens inside."""


def _shows_recovery(above: Node, node: Node) -> bool:
    """Whether the success of *above* shows that *node* did not end the run."""
    if above.kind in CALLS:
        return node.kind in CALLS or _has_final_answer(above)
    if above.kind == "agent" and node.kind == "tool":
        return True
    if node.kind in CALLS and _shows_failure(above, node):
        return False
    if above.kind == "" and above.span.output is None:
        return not any(key.endswith(_OUTPUTS) for key in above.record.attributes)
    return above.kind not in FRAMES or above.span.output is not None


_OUTPUTS = (".output", ".outputs")
"""Ends of keys that report an output; without a value they report that there is none."""


MIN_REPEATED = 10


def _shows_failure(frame: Node, call: Node) -> bool:
    """Whether the output of *frame* is only the message of the call that failed in it.

    Agno does not raise: the run ends with the error as its content.
    """
    failure = call.span.failure
    text = (extract_text(frame.span.output) or "").strip()
    return failure is not None and len(text) >= MIN_REPEATED and text in failure.message


def _has_final_answer(call: Node) -> bool:
    """Whether a call around tools ends with an answer, rather than with tool requests.

    Google's client runs tools between two requests; ADK after the one that requests them.
    Without content, a call that is the whole run and ended by itself counts as one.
    """
    messages = call.output_content.messages
    if messages:
        return not messages[-1].tool_calls
    return call.parent is None and call.span.finish_reasons[-1:] == ("stop",)


def _get_work_key(node: Node) -> tuple[object, ...]:
    """What two attempts at the same work have in common."""
    return id(node.parent), node.kind, node.span.tool_name


def _get_model(node: Node) -> str | None:
    return node.span.model_requested or node.span.model
