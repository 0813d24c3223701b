"""Several spans that report one model call become one; two real calls stay two.

Frameworks and clients instrument the same call: nested spans, spans beside each other,
a wrapper around retries, a record of its usage. Rules: docs/reference/traps.md T1 to T3.
"""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import replace
from typing import TYPE_CHECKING

from infinium_otel.dialects import CALLS
from infinium_otel.mapping import content_texts
from infinium_otel.mapping.call_pairs import (
    agree,
    get_richness,
    is_call,
    merge_into,
    merge_wrapper,
    read_answer,
    sum_tokens,
)
from infinium_otel.mapping.call_records import (
    unify_accounts,
    unify_fetches,
    unify_streams,
)
from infinium_otel.mapping.calls_beside import unify_beside
from infinium_otel.mapping.domains import BARRIERS, MAX_PENDING, have_other_scopes
from infinium_otel.mapping.merging import merge

if TYPE_CHECKING:
    from infinium_otel.mapping.domains import Domains
    from infinium_otel.mapping.tree import Node
    from infinium_otel.records import NormalizedSpan


LOOKS = 50
"""Nodes looked at below calls, at most, for each node of a run: calls within calls within
calls are looked through again and again. Past it each looks at `LEAST_LOOKS`."""
LEAST_LOOKS = 100


def unify_calls(nodes: list[Node], domains: Domains) -> None:
    """Fold all spans of one model call into the one that is kept."""
    left = LOOKS * len(nodes)
    for node in reversed(nodes):
        if node.children and node.kind in CALLS:
            left -= _unify_nested(node, max(left, LEAST_LOOKS))
    unify_fetches(nodes)
    calls = [node for node in nodes if node.kind in CALLS and not node.folded]
    if len(calls) < 2:
        return
    _unify_by_response(calls)
    calls = [node for node in calls if not node.folded]
    unify_beside([(node, (domains[id(node)], node.kind)) for node in calls])
    unify_streams(nodes)
    unify_accounts(nodes, domains)


_PARAMETERS = ("temperature", "top_p", "max_tokens")


def inherit_parameters(nodes: list[Node]) -> None:
    """Copy parameters from the agent: some frameworks write a call's parameters there."""
    for node in nodes:
        agent = node.nearest_agent
        if agent is not None and _has_parameters(agent.span) and is_call(node):
            _copy_parameters(node, agent)


def _has_parameters(span: NormalizedSpan) -> bool:
    return not (span.temperature is None and span.top_p is None) or (
        span.max_tokens is not None
    )


def _copy_parameters(node: Node, agent: Node) -> None:
    missing = {
        name: value
        for name in _PARAMETERS
        if getattr(node.span, name) is None
        and (value := getattr(agent.span, name)) is not None
    }
    if missing:
        node.span = replace(node.span, **missing)


def _unify_nested(outer: Node, most: int) -> int:
    """A call around one call is its wrapper; around several, their container.

    Returns:
        How many nodes were looked at, *most* at most.
    """
    nearest, looks = _find_nearest_calls(outer, most)
    inner = [
        node
        for node in nearest
        if node.kind == outer.kind and not _follows(node, outer)
    ]
    if inner:
        _unify_with(outer, inner)
    return looks


def _unify_with(outer: Node, inner: list[Node]) -> None:
    if len(inner) > 1:
        unify_beside([(node, ()) for node in inner])
        inner = list({id(n.representative): n.representative for n in inner}.values())
    successes = [node for node in inner if not node.failed]
    if len(inner) == 1:
        if not _are_distinct(outer, inner[0]):
            merge_wrapper(outer, inner[0])
    elif len(successes) == 1 and not outer.failed:
        merge_wrapper(outer, successes[0])
    else:
        _make_container(outer, inner)


def _follows(inner: Node, outer: Node) -> bool:
    """Whether *inner* began when *outer* had its answer, though it stands below it.

    Source: langfuse/langfuse#9411: tracers leave a call's context open, and the calls
    after it come as its children.
    """
    record = outer.record
    return record.start_ns < record.end_ns < inner.record.start_ns and _has_answer(
        outer
    )


def _make_container(outer: Node, inner: list[Node]) -> None:
    """Make *outer* a frame; what it reports belongs to the last call that wrote on it."""
    response_id = outer.span.response_id
    matching = [n for n in inner if response_id and n.span.response_id == response_id]
    if len(matching) == 1:
        matching[0].span = merge(matching[0].span, outer.span)
    for part in inner:
        _inherit_request(part, outer)
    outer.kind = "step"


_REQUEST = (
    "model",
    "model_requested",
    "provider",
    "temperature",
    "top_p",
    "max_tokens",
)


def _inherit_request(part: Node, whole: Node) -> None:
    """Copy model and parameters to a part of a call that reports no request of its own."""
    own = part.span
    if own.model_requested is None and own.model in (None, whole.span.model):
        missing = {
            name: getattr(whole.span, name)
            for name in _REQUEST
            if getattr(part.span, name) is None
            and getattr(whole.span, name) is not None
        }
        if missing:
            part.span = replace(part.span, **missing)


def _find_nearest_calls(node: Node, most: int) -> tuple[list[Node], int]:
    """Calls below *node* with no agent, tool or other call in between.

    A call below that is already part of *node* is none.

    Returns:
        The calls, and how many nodes were looked at, *most* at most.
    """
    found: list[Node] = []
    pending = deque(node.children)
    for looks in range(most):
        if not pending:
            return found, looks
        below = pending.popleft()
        if below.kind in CALLS:
            call = below.representative
            if call is not node:
                found.append(call)
        elif below.kind not in BARRIERS:
            pending.extend(below.children)
    return found, most


def _are_distinct(outer: Node, inner: Node) -> bool:
    """Whether *inner* is a failed attempt of *outer*, or has a response of its own."""
    if inner.failed and not outer.failed:
        return _has_answer(outer)
    ids = outer.span.response_id, inner.span.response_id
    sums = sum_tokens(outer), sum_tokens(inner)
    if not all(sums) or sums[0] == sums[1]:
        return False
    return (all(ids) and ids[0] != ids[1]) or _is_continued(outer, inner)


def _is_continued(outer: Node, inner: Node) -> bool:
    """Whether *inner* goes on with the result of a tool that *outer* requested and ran."""
    request = content_texts.find_request(outer.output_content)
    if request is None or agree(read_answer(outer), read_answer(inner)):
        return False
    return any(
        node.kind == "tool" and node.record.end_ns <= inner.record.start_ns
        for node in outer.children
    )


def _has_answer(call: Node) -> bool:
    """Whether a call reports what a response has: text, tool requests or tokens."""
    usage = call.span.usage
    if usage is not None and usage.output:
        return True
    return bool(content_texts.find_answer(call.output_content))


def _unify_by_response(nodes: list[Node]) -> None:
    """Spans with one response id that overlap in time are one call."""
    by_response: dict[str, list[Node]] = defaultdict(list)
    for node in nodes:
        if node.span.response_id and is_call(node):
            by_response[node.span.response_id].append(node)
    for same in by_response.values():
        if len(same) > 1:
            _unify_same_response(same)


def _unify_same_response(calls: list[Node]) -> None:
    pending: deque[Node] = deque(maxlen=MAX_PENDING)
    for node in calls:
        kept = next((one for one in reversed(pending) if _is_one_call(one, node)), None)
        if kept is None:
            pending.append(node)
        elif get_richness(node) > get_richness(kept):
            merge_into(node, kept)
            pending.remove(kept)
            pending.append(node)
        else:
            merge_into(kept, node)


def _is_one_call(one: Node, other: Node) -> bool:
    """Whether two spans with one response id are one call.

    Small servers reuse ids: concurrent calls that one instrumentation reports are two if
    their tokens or their answers differ.
    """
    if not _overlap(one, other):
        return False
    if have_other_scopes(one, other):
        return True
    tokens = sum_tokens(one), sum_tokens(other)
    if None not in tokens and tokens[0] != tokens[1]:
        return False
    return agree(read_answer(one), read_answer(other))


def _overlap(one: Node, other: Node) -> bool:
    a, b = one.record, other.record
    if a.start_ns == a.end_ns or b.start_ns == b.end_ns:
        return True
    return a.start_ns <= b.end_ns and b.start_ns <= a.end_ns
