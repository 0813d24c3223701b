"""Whose work a span is part of, so that reports of the same work can be compared.

Two callback handlers, or a framework and a client that does not see its spans, report a
run as two chains side by side. What can be one call, or one run of a tool, lies in one
domain: below the same agent and tool, however many other spans are in between.
"""

from __future__ import annotations

from collections import defaultdict, deque
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects.lenient_json import MAPPING, loads
from infinium_otel.mapping.merging import merge
from infinium_otel.mapping.tool_names import get_bare_name
from infinium_otel.mapping.tree import sort_top_down

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from infinium_otel.mapping.tree import Node

MAX_PENDING = 50
"""Spans of one domain that are compared with a later one, at most."""

BARRIERS = frozenset({"agent", "tool"})
"""Kinds below which work is not that of the agent above."""

SLACK_NS = 2_000_000
"""How far the clocks of two instrumentations may differ."""

Domains = dict[int, int]
"""The domain of each node, by the node's identity."""


def find_domains(nodes: list[Node]) -> Domains:
    """The domain of each node; mirrored agents and tools are folded into one each."""
    domains: Domains = {}
    below: dict[int, int] = {}
    owners: dict[int, Node] = {}
    pending: dict[tuple[int, str], deque[Node]] = defaultdict(
        lambda: deque(maxlen=MAX_PENDING)
    )
    several = have_several_scopes(nodes)
    for node in sort_top_down(nodes):
        domain = 0 if node.parent is None else below[id(node.parent)]
        domains[id(node)] = domain
        below[id(node)] = domain
        if node.kind not in BARRIERS:
            continue
        if _is_same_agent(owners.get(domain), node):
            continue
        same = pending[domain, node.kind]
        may_repeat = several or _may_be_replayed(node)
        mirrored = (
            next((n for n in same if _is_reported_again(n, node)), None)
            if may_repeat
            else None
        )
        if mirrored is not None:
            mirrored.span = merge(mirrored.span, node.span)
            node.fold_into(mirrored)
            below[id(node)] = below[id(mirrored)]
            continue
        same.append(node)
        below[id(node)] = id(node)
        owners[id(node)] = node
    return domains


def _is_same_agent(owner: Node | None, node: Node) -> bool:
    """Whether *node* reports the agent again that its domain belongs to."""
    return (
        owner is not None
        and owner.kind == node.kind == "agent"
        and owner.span.agent_name is not None
        and owner.span.agent_name == node.span.agent_name
    )


def _is_reported_again(earlier: Node, node: Node) -> bool:
    return (
        is_mirrored(earlier, node)
        or _is_replayed(earlier, node)
        or _is_its_result(earlier, node)
    )


def _is_its_result(earlier: Node, node: Node) -> bool:
    """Whether *node* has the result of the tool call that *earlier* only announced.

    Source: pipecat-ai/pipecat, pull request 1927 (`llm_tool_call`, `llm_tool_result`).
    """
    announced, ended = earlier.span, node.span
    return (
        _may_be_replayed(node)
        and announced.tool_call_id == ended.tool_call_id
        and is_same_tool_name(announced.tool_name or "", ended.tool_name or "")
        and (announced.result, ended.arguments, announced.failure) == (None, None, None)
        and announced.arguments is not None
        and earlier.start_ns <= node.start_ns
    )


def _is_replayed(earlier: Node, node: Node) -> bool:
    """Whether *node* is a tool's run that a durable workflow's replay reports again.

    A replay takes what was recorded and does not run the tool: it is over at once.

    Source: pydantic/pydantic-ai, issue 6919.
    """
    first, again = earlier.span, node.span
    return (
        _may_be_replayed(node)
        and (first.tool_call_id, first.tool_name)
        == (again.tool_call_id, again.tool_name)
        and (first.arguments, first.result) == (again.arguments, again.result)
        and earlier.end_ns <= node.start_ns
        and (node.end_ns - node.start_ns) * 10 <= earlier.end_ns - earlier.start_ns
    )


def _may_be_replayed(node: Node) -> bool:
    span = node.span
    return (
        node.kind == "tool"
        and span.tool_call_id is not None
        and span.result is not None
    )


def is_mirrored(one: Node, other: Node) -> bool:
    """Whether two agents or tools of one domain are two reports of the same run."""
    if not have_other_scopes(one, other) or not do_coincide(one, other):
        return False
    first, second = one.span, other.span
    if one.kind == "agent":
        names = first.agent_name, second.agent_name
        return names[0] is not None and names[0] == names[1]
    if not is_same_tool_name(first.tool_name or "", second.tool_name or ""):
        return False
    ids = first.tool_call_id, second.tool_call_id
    if all(ids) and ids[0] != ids[1]:
        return False
    return have_same_arguments(first.arguments, second.arguments)


def is_same_tool_name(one: str, other: str) -> bool:
    """Whether two names are one tool's, with or without a server's or a module's name."""
    return one == other or one == get_bare_name(other) or get_bare_name(one) == other


def have_several_scopes(nodes: Iterable[Node]) -> bool:
    """Whether more than one instrumentation reports *nodes*, folded ones included."""
    first: str | None = None
    for node in nodes:
        name = node.record.scope_name
        if first is None:
            first = name
        elif name != first:
            return True
        if node.members and any(m.record.scope_name != first for m in node.members):
            return True
    return False


def have_other_scopes(one: Node, other: Node) -> bool:
    """Whether no instrumentation has a part in both: it reports each work once."""
    if not (one.members or other.members):
        return one.record.scope_name != other.record.scope_name
    scopes = {node.record.scope_name for node in (one, *one.members)}
    return scopes.isdisjoint(node.record.scope_name for node in (other, *other.members))


def do_coincide(one: Node, other: Node) -> bool:
    """Whether one lies in the other's time, or nearly: callbacks begin one by one."""
    begin_ns = max(one.start_ns, other.start_ns)
    end_ns = min(one.end_ns, other.end_ns)
    shorter_ns = min(one.end_ns - one.start_ns, other.end_ns - other.start_ns)
    return (
        begin_ns - end_ns <= SLACK_NS
        and end_ns - begin_ns >= 0.8 * shorter_ns - SLACK_NS
    )


def have_same_arguments(one: Any, other: Any) -> bool:
    """Whether two reports of arguments agree, as far as both have them."""
    first, second = loads(one), loads(other)
    if first is None or second is None:
        return True
    leaves = set(_iter_leaves(first)), set(_iter_leaves(second))
    return leaves[0] <= leaves[1] or leaves[1] <= leaves[0]


MAX_LEAVES = 200


def _iter_leaves(value: Any) -> Iterator[str]:
    """The texts, numbers and flags in a structure, as texts."""
    waiting = [value]
    for _ in range(MAX_LEAVES):
        if not waiting:
            return
        found = waiting.pop()
        if isinstance(found, MAPPING):
            waiting += found.values()
        elif isinstance(found, (list, tuple)):
            waiting += found
        elif found is not None:
            yield str(found)
