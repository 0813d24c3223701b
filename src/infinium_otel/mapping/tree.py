"""The spans of one trace as a tree, whatever their parents claim."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from infinium_otel.assembly.forest import order
from infinium_otel.dialects import CALLS
from infinium_otel.mapping.previews import Said

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from infinium_otel.records import Reading, SpanRecord


WORKERS = CALLS | {"tool"}
"""What a transport span can serve."""

AGENTIC = WORKERS | {"agent"}
"""What makes a trace the run of an agent."""


@dataclass(slots=True, eq=False)
class Node:
    """A span in its tree, while the mapper works on it.

    Args:
        kind: the reading's, until the mapper knows better.
        folded: told by another node, so never a step of its own.
        members: nodes folded into this one because they tell the same.
        agent_above: the nearest agent around it, after `look_up`; the others likewise:
            worker_above: the nearest model call or tool.
            boss_above: the nearest agent, model call or tool.
            account_above: the nearest that sums usage over others.
        agent_name: who did it: its own word, else the nearest agent's.
    """

    record: SpanRecord
    reading: Reading
    kind: str
    parent: Node | None = None
    children: list[Node] = field(default_factory=list)
    folded: bool = False
    members: list[Node] = field(default_factory=list)
    agent_above: Node | None = None
    worker_above: Node | None = None
    boss_above: Node | None = None
    account_above: Node | None = None
    agent_name: str | None = None
    _teller: Node | None = None
    _asked: Said | None = None
    _answered: Said | None = None

    @property
    def asked(self) -> Said:
        """The span's input, decoded at most once."""
        if self._asked is None or self._asked.value is not self.reading.input:
            self._asked = Said(self.reading.input, "user")
        return self._asked

    @property
    def answered(self) -> Said:
        """The span's output, decoded at most once."""
        if self._answered is None or self._answered.value is not self.reading.output:
            self._answered = Said(self.reading.output, "assistant")
        return self._answered

    @property
    def failed(self) -> bool:
        """Whether the span tells of a failure that was not handled inside it."""
        failure = self.reading.failure
        return failure is not None and not failure.handled

    def ancestors(self) -> Iterator[Node]:
        """Parents from the nearest to the root."""
        node = self.parent
        while node is not None:
            yield node
            node = node.parent

    def descendants(self) -> Iterator[Node]:
        """Every node below, in no promised order."""
        waiting = deque(self.children)
        while waiting:
            node = waiting.popleft()
            yield node
            waiting.extend(node.children)

    @property
    def told_by(self) -> Node:
        """The node that tells what this one does: itself, or what it folded into."""
        teller = self
        while teller._teller is not None:
            teller = teller._teller
        if self._teller is not None:
            self._teller = teller
        return teller

    def fold_into(self, other: Node) -> None:
        """Make this node a part of what *other* tells."""
        self.folded = True
        self._teller = other
        other.members.append(self)
        other.members.extend(self.members)
        self.members = []


def in_order(records: Iterable[SpanRecord]) -> list[SpanRecord]:
    """By start; where two start together the one that ends later encloses the other."""
    return sorted(records, key=order)


def tree_of(pairs: Iterable[tuple[SpanRecord, Reading]]) -> list[Node]:
    """The nodes in start order, linked to parents and children.

    A parent that is missing makes a root; of a cycle the first span becomes one.
    """
    nodes = [Node(record, reading, reading.kind) for record, reading in pairs]
    by_id = {node.record.span_id: node for node in nodes}
    for node in nodes:
        parent = by_id.get(node.record.parent_id or "")
        if parent is not None and parent is not node:
            node.parent = parent
            parent.children.append(node)
    if not _go_down(nodes):
        _cut_cycles(nodes)
    return nodes


def adopt(nodes: list[Node], root_id: str) -> None:
    """Put spans whose parent is missing below the run's root, if they lie within it.

    Frameworks leak spans: one that never ended was never exported, its children were.
    All of a trace descends from the span that began it, and from no other surely.
    """
    root = next((n for n in nodes if n.record.span_id == root_id), None)
    if root is None or root.record.parent_id is not None:
        return
    for node in nodes:
        if node.parent is None and node is not root and _within(node, root):
            node.parent = root
            root.children.append(node)


def _within(node: Node, root: Node) -> bool:
    inner, outer = node.record, root.record
    return outer.start_ns <= inner.start_ns and inner.end_ns <= outer.end_ns


def _go_down(nodes: list[Node]) -> bool:
    """Whether every parent stands before its children, so that there is no cycle."""
    passed: set[int] = set()
    for node in nodes:
        if node.parent is not None and id(node.parent) not in passed:
            return False
        passed.add(id(node))
    return True


def _cut_cycles(nodes: list[Node]) -> None:
    reached: set[int] = set()
    for node in nodes:
        if node.parent is None:
            _reach(node, reached)
    for node in nodes:
        if id(node) not in reached and node.parent is not None:
            node.parent.children.remove(node)
            node.parent = None
            _reach(node, reached)


def _reach(node: Node, reached: set[int]) -> None:
    reached.add(id(node))
    reached.update(id(below) for below in node.descendants())


def dissolve(nodes: list[Node]) -> None:
    """Undo what makes *nodes* hold one another, once nobody walks them any more.

    Else every text of the trace stays until the garbage collector comes round, and its
    round through the host's memory costs more than the mapping does.
    """
    for node in nodes:
        node.children = node.members = []
        node._teller = None  # noqa: SLF001 - of the same module


def without_dropped(nodes: list[Node]) -> list[Node]:
    """*nodes* less the placeholders, whose children move up to their parent."""
    if not any(node.reading.dropped for node in nodes):
        return nodes
    for node in top_down(nodes):
        if node.parent is not None and node.parent.reading.dropped:
            node.parent = node.parent.parent
    kept = [node for node in nodes if not node.reading.dropped]
    for node in kept:
        node.children = []
    for node in kept:
        if node.parent is not None:
            node.parent.children.append(node)
    return kept


def top_down(nodes: list[Node]) -> list[Node]:
    """*nodes* with every parent before its children."""
    ordered = [node for node in nodes if node.parent is None]
    for node in ordered:
        ordered.extend(node.children)
    return ordered


def look_up(nodes: list[Node]) -> None:
    """Tell each node who stands above it, in one pass."""
    for node in top_down(nodes):
        above = node.parent
        if above is not None:
            _inherit(node, above)
        name = node.reading.agent_name
        if name and node.kind not in ("agent", "handoff"):
            node.agent_name = name


def _inherit(node: Node, above: Node) -> None:
    kind = above.kind
    node.agent_above = above if kind == "agent" else above.agent_above
    node.worker_above = above if kind in WORKERS else above.worker_above
    node.boss_above = above if kind in AGENTIC else above.boss_above
    sums = above.reading.usage is not None and kind not in CALLS
    node.account_above = above if sums else above.account_above
    own = above.reading.agent_name if kind in ("agent", "step") else None
    node.agent_name = own or above.agent_name
