"""Which spans of one trace id belong together, and in which order.

Everything here depends on the spans alone, not on the order in which they came.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from infinium_otel.records import SpanRecord, SpanStart

NO_ID = "0" * 16
K = TypeVar("K", bound=Hashable)


def sort_key(record: SpanRecord) -> tuple[int, int, str]:
    """Sort key: by start, the longer span first, then by id."""
    return record.start_ns, -record.end_ns, record.span_id


def is_root(span: SpanRecord | SpanStart) -> bool:
    """Whether *span* begins a trace here: no parent, or one in another process."""
    return span.parent_id is None or span.parent_is_remote


@dataclass(slots=True)
class Tree:
    """Spans that are connected by their parents.

    Args:
        top: id of the span that all others descend from.
        rooted: whether *top* has ended and is a root.
        running: whether a span of it has not ended.
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
    def complete(self) -> bool:
        """Whether every span has ended, and has its parent here, up to a root."""
        return all(tree.rooted and not tree.running for tree in self.trees)

    @property
    def rooted(self) -> bool:
        """Whether the root is here."""
        return any(tree.rooted for tree in self.trees)

    @property
    def records(self) -> list[SpanRecord]:
        """All spans, in no particular order."""
        return [record for tree in self.trees for record in tree.records]


def build_trees(
    records: Mapping[str, SpanRecord], running: Mapping[str, str | None]
) -> list[Tree]:
    """The trees that *records* form, in the order of their tops.

    Args:
        records: ended spans by id.
        running: parents of the spans that have not ended, by span id: they connect
            a tree although they are not in it.
    """
    parents = dict(running) | {key: record.parent_id for key, record in records.items()}
    tops, cut = find_roots(parents, partial(_get_cycle_key, records))
    found: dict[str, Tree] = {}
    for span_id, record in records.items():
        top = tops[span_id]
        tree = found.setdefault(top, Tree(top))
        tree.records.append(make_root(record) if span_id in cut else record)
    for top, tree in found.items():
        ended = records.get(top)
        tree.rooted = ended is not None and is_root(ended)
    for span_id in running:
        if tops[span_id] in found:
            found[tops[span_id]].running = True
    return sorted(found.values(), key=_get_sort_key)


def _get_cycle_key(records: Mapping[str, SpanRecord], span_id: str) -> tuple[Any, ...]:
    """Ended spans by start, then those that run, by id."""
    record = records.get(span_id)
    return (1, span_id) if record is None else (0, *sort_key(record))


def _get_sort_key(tree: Tree) -> tuple[int, int, str]:
    return min(sort_key(record) for record in tree.records)


def make_root(record: SpanRecord) -> SpanRecord:
    """A copy of *record* as a root."""
    return replace(record, parent_id=None)


def find_roots(
    parents: Mapping[K, K | None], sort_key: Callable[[K], Any]
) -> tuple[dict[K, K], set[K]]:
    """The root of every span, with cycles cut.

    Each span is visited once, so that a long chain costs no more than a flat trace.

    Args:
        parents: the parent of each span; one that is not itself a key is missing, and
            its children are roots.
        sort_key: the first span of a cycle by this key becomes its root.

    Returns:
        the root of each span, and the spans whose parent was cut to break a cycle.
    """
    roots: dict[K, K] = {}
    cut: set[K] = set()
    for span in parents:
        path: dict[K, None] = {}
        here = span
        while here not in roots:
            path[here] = None
            above = parents[here]
            if above is None or above not in parents:
                roots[here] = here
            elif above in path:
                cycle = list(path)
                roots[here] = min(cycle[cycle.index(above) :], key=sort_key)
                cut.add(roots[here])
            else:
                here = above
        roots.update(dict.fromkeys(path, roots[here]))
    return roots, cut


def find_single_tree(
    records: Mapping[str, SpanRecord],
) -> tuple[SpanRecord, ...] | None:
    """*records* in order, if they are one tree under one root that has ended.

    Nearly all traces are, and this check costs a fifth of `build_trees`.

    Returns:
        the spans, the root first. None if there are orphans, cycles, several roots or
        clocks that disagree.
    """
    ordered = sorted(records.values(), key=sort_key)
    root = ordered[0]
    if not is_root(root) or root.parent_id in records:
        return None
    placed = {root.span_id}
    for record in ordered[1:]:
        if record.parent_id not in placed:
            return None
        placed.add(record.span_id)
    return tuple(ordered)


def group_all(members: list[Tree]) -> Group:
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


def group_overlapping(rooted: Iterable[Tree]) -> list[Group]:
    """Group trees that overlap in time.

    Several roots under one trace id are one task if they ran at the same time, and
    a task each if they ran one after the other.
    """
    found: list[Group] = []
    spans = sorted(
        ((tree.start_ns, tree.end_ns, tree) for tree in rooted), key=_window_key
    )
    for start_ns, end_ns, tree in spans:
        if found and start_ns < found[-1].end_ns:
            found[-1].trees.append(tree)
            found[-1].end_ns = max(found[-1].end_ns, end_ns)
        else:
            found.append(Group("", [tree], start_ns, end_ns))
    for group in found:
        group.trees.sort(key=_get_sort_key)
        group.root_id = group.trees[0].top
    return found


def _window_key(span: tuple[int, int, Tree]) -> tuple[int, int, str]:
    return span[0], -span[1], span[2].top


def find_nearest(tree: Tree, candidates: list[Group]) -> Group:
    """The group of a tree without a root: the last group that started before it."""
    start_ns = tree.start_ns
    before = [group for group in candidates if group.start_ns <= start_ns]
    return before[-1] if before else candidates[0]


def sort_parents_first(records: Iterable[SpanRecord]) -> tuple[SpanRecord, ...]:
    """*records* by start, with no child before its parent."""
    pending = sorted(records, key=sort_key)
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
    """Append *record*, then those that waited for it, and so on."""
    ready = [record]
    while ready:
        record = ready.pop()
        result.append(record)
        placed.add(record.span_id)
        if waiting:
            ready += reversed(waiting.pop(record.span_id, ()))
