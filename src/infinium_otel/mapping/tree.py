"""The spans of one trace as a tree, whatever their parents claim."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from infinium_otel.mapping.previews import Said

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from infinium_otel.records import Reading, SpanRecord


@dataclass(slots=True, eq=False)
class Node:
    """A span in its tree, while the mapper works on it.

    Args:
        kind: the reading's, until the mapper knows better.
        folded: told by another node, so never a step of its own.
        members: nodes folded into this one because they tell the same.
        crossed: how many agents and tools stand above; equal for one call's spans.
    """

    record: SpanRecord
    reading: Reading
    kind: str
    parent: Node | None = None
    children: list[Node] = field(default_factory=list)
    folded: bool = False
    members: list[Node] = field(default_factory=list)
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

    def fold_into(self, other: Node) -> None:
        """Make this node a part of what *other* tells."""
        self.folded = True
        other.members.append(self)
        other.members.extend(self.members)
        self.members = []


def in_order(records: Iterable[SpanRecord]) -> list[SpanRecord]:
    """By start; where two start together the one that ends later encloses the other."""
    return sorted(records, key=lambda r: (r.start_ns, -r.end_ns, r.span_id))


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
    _cut_cycles(nodes)
    return nodes


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


def without_dropped(nodes: list[Node]) -> list[Node]:
    """*nodes* less the placeholders, whose children move up to their parent."""
    if not any(node.reading.dropped for node in nodes):
        return nodes
    for node in nodes:
        if node.reading.dropped:
            _lift(node)
    return [node for node in nodes if not node.reading.dropped]


def _lift(node: Node) -> None:
    for child in node.children:
        child.parent = node.parent
    if node.parent is not None:
        node.parent.children.remove(node)
        node.parent.children.extend(node.children)
    node.children = []
