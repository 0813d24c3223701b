"""The spans of one trace as a tree, whatever their parents claim."""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from typing import TYPE_CHECKING

from infinium_otel.assembly.trees import find_roots, sort_key
from infinium_otel.dialects import CALLS
from infinium_otel.mapping.decoded_content import DecodedContent
from infinium_otel.mapping.pricing import find_cost

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from infinium_otel.records import NormalizedSpan, SpanRecord


INVOCATIONS = CALLS | {"tool"}
"""Kinds that transport spans can serve: model calls and tools."""

AGENTIC = INVOCATIONS | {"agent"}
"""Kinds that make a trace an agent run."""


class Node:
    """A span in its tree, while it is mapped.

    No dataclass: one is made of each span, and a constructor of its own takes a third of
    the time.

    Args:
        record: the span as recorded.
        span: the span as its dialects read it; other reports are merged into it.
        kind: the span's kind, until the mapping finds a better one.
        folded: represented by another node, so never a step itself.
        start_ns: when the work began, by the earliest of the spans that report it.
        end_ns: when it ended, by the latest of them.
        members: nodes folded into this one because they report the same work.
        nearest_agent: the nearest agent above, once `set_nearest` ran.
        nearest_call: the nearest model call or tool above.
        nearest_actor: the nearest agent, model call or tool above.
        nearest_aggregate: the nearest node above that sums usage over others.
        agent_name: name of the agent that did the work; None if unknown.
    """

    __slots__ = (
        "_folded_into",
        "_input_content",
        "_output_content",
        "_priced",
        "agent_name",
        "children",
        "end_ns",
        "folded",
        "kind",
        "members",
        "nearest_actor",
        "nearest_agent",
        "nearest_aggregate",
        "nearest_call",
        "parent",
        "record",
        "span",
        "start_ns",
    )

    def __init__(self, record: SpanRecord, span: NormalizedSpan, kind: str) -> None:
        self.record = record
        self.span = span
        self.kind = kind
        self.parent: Node | None = None
        self.children: list[Node] = []
        self.folded = False
        self.start_ns = record.start_ns
        self.end_ns = record.end_ns
        self.members: list[Node] = []
        self.nearest_agent: Node | None = None
        self.nearest_call: Node | None = None
        self.nearest_actor: Node | None = None
        self.nearest_aggregate: Node | None = None
        self.agent_name: str | None = None
        self._folded_into: Node | None = None
        self._input_content: DecodedContent | None = None
        self._output_content: DecodedContent | None = None
        self._priced: tuple[NormalizedSpan, float | None] | None = None

    @property
    def input_content(self) -> DecodedContent:
        """The span's input, decoded at most once."""
        if (
            self._input_content is None
            or self._input_content.value is not self.span.input
        ):
            self._input_content = DecodedContent(self.span.input, "user")
        return self._input_content

    @property
    def output_content(self) -> DecodedContent:
        """The span's output, decoded at most once."""
        if (
            self._output_content is None
            or self._output_content.value is not self.span.output
        ):
            self._output_content = DecodedContent(
                self.span.output, "assistant", joins_pieces=self.kind in CALLS
            )
        return self._output_content

    @property
    def cost_usd(self) -> float | None:
        """What the call cost, see `find_cost`; looked up at most once."""
        if self._priced is None or self._priced[0] is not self.span:
            self._priced = self.span, find_cost(self.span, self.record.start_ns)
        return self._priced[1]

    @property
    def failed(self) -> bool:
        """Whether the span reports a failure that was not handled inside it."""
        failure = self.span.failure
        return failure is not None and not failure.handled

    def ancestors(self) -> Iterator[Node]:
        """Parents from the nearest to the root."""
        node = self.parent
        while node is not None:
            yield node
            node = node.parent

    def descendants(self) -> Iterator[Node]:
        """Every node below, in no particular order."""
        waiting = deque(self.children)
        while waiting:
            node = waiting.popleft()
            yield node
            waiting.extend(node.children)

    @property
    def representative(self) -> Node:
        """The node that represents this one: itself, or the one it was folded into."""
        node = self
        while node._folded_into is not None:
            node = node._folded_into
        if self._folded_into is not None:
            self._folded_into = node  # shortens the path for the next caller
        return node

    def fold_into(self, other: Node) -> None:
        """Make this node, and all folded into it, members of *other*.

        Nothing is changed if *other* is already a member of this node.
        """
        if other.representative is self:
            return
        self.folded = True
        self._folded_into = other
        other.members.append(self)
        other.members.extend(self.members)
        self.members = []
        other.start_ns = min(other.start_ns, self.start_ns)
        other.end_ns = max(other.end_ns, self.end_ns)


def sort_by_start(records: Iterable[SpanRecord]) -> list[SpanRecord]:
    """*records* by start; of two with one start, the longer one encloses the other."""
    found = list(records)
    for earlier, later in pairwise(found):
        if earlier.start_ns >= later.start_ns:
            return sorted(found, key=sort_key)
    return found  # as the assembler has them, if no two begin at once


def link_nodes(pairs: Iterable[tuple[SpanRecord, NormalizedSpan]]) -> list[Node]:
    """Nodes in start order, linked to parents and children.

    A span whose parent is missing becomes a root, as does the first span of a cycle.
    """
    nodes = [Node(record, span, span.kind) for record, span in pairs]
    by_id = {node.record.span_id: node for node in nodes}
    for node in nodes:
        parent = by_id.get(node.record.parent_id or "")
        if parent is not None and parent is not node:
            node.parent = parent
            parent.children.append(node)
    if not _is_top_down(nodes):
        _cut_cycles(nodes)
    return nodes


def attach_orphans(nodes: list[Node], root_id: str) -> None:
    """Attach spans whose parent is missing to the run's root, if they lie within it.

    Frameworks leak spans: one that never ended was never exported, but its children were.
    The root is the only span that surely is their ancestor.
    """
    root = next((n for n in nodes if n.record.span_id == root_id), None)
    if root is None or root.record.parent_id is not None:
        return
    for node in nodes:
        if node.parent is None and node is not root and _is_within(node, root):
            node.parent = root
            root.children.append(node)


def _is_within(node: Node, root: Node) -> bool:
    inner, outer = node.record, root.record
    return outer.start_ns <= inner.start_ns and inner.end_ns <= outer.end_ns


def _is_top_down(nodes: list[Node]) -> bool:
    """Whether every parent comes before its children, so that there is no cycle."""
    passed: set[int] = set()
    for node in nodes:
        if node.parent is not None and id(node.parent) not in passed:
            return False
        passed.add(id(node))
    return True


def _cut_cycles(nodes: list[Node]) -> None:
    by_id = {node.record.span_id: node for node in nodes}
    parents = {
        span_id: node.parent.record.span_id if node.parent else None
        for span_id, node in by_id.items()
    }
    order = {node.record.span_id: index for index, node in enumerate(nodes)}
    _, cut = find_roots(parents, order.__getitem__)
    for node in nodes:
        if node.record.span_id in cut and node.parent is not None:
            node.parent.children.remove(node)
            node.parent = None


def unlink(nodes: list[Node]) -> None:
    """Remove the reference cycles between *nodes*, once they are no longer needed.

    Otherwise all texts of the trace stay in memory until the garbage collector runs, and
    a collection of the host's memory costs more than the mapping does.
    """
    for node in nodes:
        node.children = node.members = []
        node._folded_into = None  # noqa: SLF001 - of the same module


def remove_placeholders(nodes: list[Node]) -> list[Node]:
    """*nodes* without placeholders, whose children move up to their parent."""
    if not any(node.span.dropped for node in nodes):
        return nodes
    for node in sort_top_down(nodes):
        if node.parent is not None and node.parent.span.dropped:
            node.parent = node.parent.parent
    kept = [node for node in nodes if not node.span.dropped]
    for node in kept:
        node.children = []
    for node in kept:
        if node.parent is not None:
            node.parent.children.append(node)
    return kept


def sort_top_down(nodes: list[Node]) -> list[Node]:
    """*nodes* with every parent before its children."""
    ordered = [node for node in nodes if node.parent is None]
    for node in ordered:
        ordered.extend(node.children)
    return ordered


def set_nearest(nodes: list[Node]) -> None:
    """Set each node's nearest agent, call, actor and aggregate, in one pass."""
    for node in sort_top_down(nodes):
        above = node.parent
        if above is not None:
            _inherit(node, above)
        name = node.span.agent_name
        if name and node.kind not in ("agent", "handoff"):
            node.agent_name = name


def is_run_of_a_tool(node: Node) -> bool:
    """Whether *node* is an agent that a tool ran: what it used is not its caller's sum."""
    actor = node.nearest_actor
    return node.kind == "agent" and actor is not None and actor.kind == "tool"


def _inherit(node: Node, above: Node) -> None:
    kind = above.kind
    node.nearest_agent = above if kind == "agent" else above.nearest_agent
    node.nearest_call = above if kind in INVOCATIONS else above.nearest_call
    node.nearest_actor = above if kind in AGENTIC else above.nearest_actor
    is_aggregate = above.span.usage is not None and kind not in CALLS
    node.nearest_aggregate = above if is_aggregate else above.nearest_aggregate
    if node.kind == "agent" and is_run_of_a_tool(node):
        node.nearest_aggregate = None
    own_name = above.span.agent_name if kind in ("agent", "step") else None
    node.agent_name = own_name or above.agent_name
