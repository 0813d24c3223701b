"""Which spans of one trace id belong together, and in which order.

Everything here depends on the spans alone, not on the order in which they came.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from infinium_otel.records import SpanRecord

NO_ID = "0" * 16
_UNDER_WAY = ""


def order(record: SpanRecord) -> tuple[int, int, str]:
    """Sort key: by start, the longer span first, then by id."""
    return record.start_ns, -record.end_ns, record.span_id


def is_root(record: SpanRecord) -> bool:
    """True if *record* begins a trace here: no parent, or one in another process."""
    return record.parent_id is None or record.parent_is_remote


@dataclass(slots=True)
class Tree:
    """Spans that hang together by their parents.

    Args:
        top: id of the span that all others descend from.
        rooted: True if *top* has ended and is a root.
        running: True if a span of it has not ended.
    """

    top: str
    records: list[SpanRecord] = field(default_factory=list)
    rooted: bool = False
    running: bool = False

    @property
    def start_ns(self) -> int:
        """Start of the earliest span."""
        return min(record.start_ns for record in self.records)

    @property
    def end_ns(self) -> int:
        """End of the last span; never before `start_ns`."""
        return max(max(record.start_ns, record.end_ns) for record in self.records)


@dataclass(slots=True)
class Group:
    """Trees that make one task; `root_id` is the root of the earliest."""

    root_id: str
    trees: list[Tree]
    start_ns: int
    end_ns: int

    @property
    def whole(self) -> bool:
        """True if every span has ended, and has its parent here, up to a root."""
        return all(tree.rooted and not tree.running for tree in self.trees)

    @property
    def rooted(self) -> bool:
        """True if the root is here."""
        return any(tree.rooted for tree in self.trees)

    @property
    def records(self) -> list[SpanRecord]:
        """All spans, in no order."""
        return [record for tree in self.trees for record in tree.records]


def trees(
    records: Mapping[str, SpanRecord], running: Mapping[str, str | None]
) -> list[Tree]:
    """The trees that *records* form, in the order of their tops.

    Args:
        records: ended spans by id.
        running: parents of the spans that have not ended, by span id: they hold a
            tree together although they are not in it.
    """
    tops, cut = _tops(records, running)
    found: dict[str, Tree] = {}
    for span_id, record in records.items():
        top = tops[span_id]
        tree = found.setdefault(top, Tree(top))
        tree.records.append(without_parent(record) if span_id in cut else record)
    for top, tree in found.items():
        ended = records.get(top)
        tree.rooted = ended is not None and is_root(ended)
    for span_id in running:
        if tops[span_id] in found:
            found[tops[span_id]].running = True
    return sorted(found.values(), key=_by_top)


def _by_top(tree: Tree) -> tuple[int, int, str]:
    return min(order(record) for record in tree.records)


def without_parent(record: SpanRecord) -> SpanRecord:
    """A copy of *record* as a root."""
    return replace(record, parent_id=None)


def _tops(
    records: Mapping[str, SpanRecord], running: Mapping[str, str | None]
) -> tuple[dict[str, str], set[str]]:
    """The top of every span, and the spans whose parent was cut to break a cycle."""
    tops: dict[str, str] = {}
    cut: set[str] = set()

    def parent(span_id: str) -> str | None:
        record = records.get(span_id)
        above = running[span_id] if record is None else record.parent_id
        return above if above in records or above in running else None

    for span_id in (*records, *running):
        path = []
        here: str = span_id
        while here not in tops:
            path.append(here)
            tops[here] = _UNDER_WAY
            above = parent(here)
            if above is None:
                tops[here] = here
            elif tops.get(above) == _UNDER_WAY:
                first = _first_of_cycle(path[path.index(above) :], records)
                cut.add(first)
                tops[here] = first
            else:
                here = above
        top = tops[here]
        for passed in path:
            tops[passed] = top
    return tops, cut


def _first_of_cycle(cycle: list[str], records: Mapping[str, SpanRecord]) -> str:
    ended = [records[span_id] for span_id in cycle if span_id in records]
    return min(ended, key=order).span_id if ended else min(cycle)


def plain_tree(
    records: Mapping[str, SpanRecord],
) -> tuple[SpanRecord, ...] | None:
    """*records* in order, where they are one tree under one root that has ended.

    Nearly all traces are, and this costs a fifth of finding out what others are.

    Returns:
        None if there is anything to find out: orphans, cycles, several roots, clocks
        that disagree. The root comes first.
    """
    ordered = sorted(records.values(), key=order)
    root = ordered[0]
    if not is_root(root) or root.parent_id in records:
        return None
    placed = {root.span_id}
    for record in ordered[1:]:
        if record.parent_id not in placed:
            return None
        placed.add(record.span_id)
    return tuple(ordered)


def one_group(members: list[Tree]) -> Group:
    """All of *members* as one task; a tree whose top has no parent gives the root."""
    true = [t for t in members if t.rooted and _has_no_parent(t)]
    root_id = (true or [t for t in members if t.rooted] or members)[0].top
    if true:
        # With the true root here, a parent in another process should be here as well.
        for tree in members:
            tree.rooted = tree.rooted and _has_no_parent(tree)
    start_ns = min(tree.start_ns for tree in members)
    return Group(root_id, members, start_ns, max(tree.end_ns for tree in members))


def _has_no_parent(tree: Tree) -> bool:
    return any(r.span_id == tree.top and r.parent_id is None for r in tree.records)


def groups(rooted: Iterable[Tree]) -> list[Group]:
    """Trees that overlap in time, together.

    Several roots under one trace id are one task if they ran at the same time, and
    a task each if they ran one after the other.
    """
    found: list[Group] = []
    spans = sorted(((tree.start_ns, tree.end_ns, tree) for tree in rooted), key=_window)
    for start_ns, end_ns, tree in spans:
        if found and start_ns < found[-1].end_ns:
            found[-1].trees.append(tree)
            found[-1].end_ns = max(found[-1].end_ns, end_ns)
        else:
            found.append(Group("", [tree], start_ns, end_ns))
    for group in found:
        group.trees.sort(key=_by_top)
        group.root_id = group.trees[0].top
    return found


def _window(span: tuple[int, int, Tree]) -> tuple[int, int, str]:
    return span[0], -span[1], span[2].top


def nearest(tree: Tree, candidates: list[Group]) -> Group:
    """The group that a tree without a root belongs to: the last to start before it."""
    start_ns = tree.start_ns
    before = [group for group in candidates if group.start_ns <= start_ns]
    return before[-1] if before else candidates[0]


def in_order(records: Iterable[SpanRecord]) -> tuple[SpanRecord, ...]:
    """*records* by start, but no child before its parent."""
    pending = sorted(records, key=order)
    ids = {record.span_id for record in pending}
    placed: set[str] = set()
    waiting: dict[str, list[SpanRecord]] = defaultdict(list)
    result: list[SpanRecord] = []
    for record in pending:
        parent = record.parent_id
        if parent is not None and parent in ids and parent not in placed:
            waiting[parent].append(record)
            continue
        _place(record, waiting, placed, result)
    return tuple(result)


def _place(
    record: SpanRecord,
    waiting: dict[str, list[SpanRecord]],
    placed: set[str],
    result: list[SpanRecord],
) -> None:
    """Append *record*, then those that waited for it, and theirs."""
    ready = [record]
    while ready:
        record = ready.pop()
        result.append(record)
        placed.add(record.span_id)
        if waiting:
            ready += reversed(waiting.pop(record.span_id, ()))
