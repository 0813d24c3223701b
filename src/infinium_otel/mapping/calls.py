"""One model call told by several spans becomes one; two real calls stay two.

Frameworks and clients instrument the same call: nested spans, siblings with one
response id, a wrapper around retries. Rules: dialects.md 2.6.
"""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import fields, replace
from typing import TYPE_CHECKING

from infinium_otel.dialects import CALLS
from infinium_otel.mapping.uniting import united
from infinium_otel.records import Reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infinium_otel.mapping.tree import Node

MAX_WAITING = 50
"""Requests beside each other that may wait for the account of their stream."""

BARRIERS = frozenset({"agent", "tool"})
"""Below one of these a model call is another one, not a retelling."""


def unify_calls(nodes: list[Node]) -> None:
    """Fold every span that retells a model call into the one that is kept."""
    for node in reversed(nodes):
        if node.kind in CALLS:
            _unify_nested(node)
    _unify_by_response(nodes)
    _unify_beside(nodes)
    _unify_streams(nodes)


_PARAMETERS = ("temperature", "top_p", "max_tokens")


def inherit_parameters(nodes: list[Node]) -> None:
    """Some frameworks write a call's parameters on the agent that makes it."""
    for node in nodes:
        if is_call(node) and node.agent_above is not None:
            _take_parameters(node, node.agent_above)


def _take_parameters(node: Node, agent: Node) -> None:
    told = {
        name: value
        for name in _PARAMETERS
        if getattr(node.reading, name) is None
        and (value := getattr(agent.reading, name)) is not None
    }
    if told:
        node.reading = replace(node.reading, **told)


def is_call(node: Node) -> bool:
    """Whether *node* stands for one model call."""
    return node.kind in CALLS and not node.folded


def _unify_nested(outer: Node) -> None:
    """A call around one call is its wrapper; around several, their container."""
    inner = [node for node in _nearest_calls(outer) if node.kind == outer.kind]
    if not inner:
        return
    successes = [node for node in inner if not node.failed]
    if len(inner) == 1:
        if not _are_two(outer, inner[0]):
            _wrap(outer, inner[0])
    elif len(successes) == 1 and not outer.failed:
        _wrap(outer, successes[0])
    else:
        _contain(outer, inner)


def _contain(outer: Node, inner: list[Node]) -> None:
    """A span that several calls wrote on tells only of the last of them."""
    answer = outer.reading.response_id
    told = [node for node in inner if answer and node.reading.response_id == answer]
    if len(told) == 1:
        told[0].reading = united(told[0].reading, outer.reading)
    outer.kind = "step"


def _nearest_calls(node: Node) -> Iterator[Node]:
    """Calls below *node* with no agent, tool or other call in between."""
    waiting = deque(node.children)
    while waiting:
        below = waiting.popleft()
        if below.kind in CALLS:
            yield below.told_by
        elif below.kind not in BARRIERS:
            waiting.extend(below.children)


def _are_two(outer: Node, inner: Node) -> bool:
    """A failed attempt inside a call that succeeded, or an answer of its own."""
    if inner.failed and not outer.failed:
        return True
    ids = outer.reading.response_id, inner.reading.response_id
    usages = outer.reading.usage, inner.reading.usage
    return all(ids) and ids[0] != ids[1] and all(usages) and usages[0] != usages[1]


def _wrap(outer: Node, inner: Node) -> None:
    """Keep the inner span; what only the wrapper knows is added to it."""
    reading = united(inner.reading, outer.reading)
    if outer.reading.output is not None and _is_silent(inner):
        reading = replace(reading, output=outer.reading.output)
    inner.reading = reading
    outer.fold_into(inner)


def _is_silent(call: Node) -> bool:
    """Whether the answer on a span is only the shell of one."""
    messages = call.answered.messages
    return bool(messages) and not any(message.said for message in messages)


def _unify_by_response(nodes: list[Node]) -> None:
    """Spans with one response id that overlap in time are one call."""
    by_response: dict[str, list[Node]] = defaultdict(list)
    for node in nodes:
        if is_call(node) and node.reading.response_id:
            by_response[node.reading.response_id].append(node)
    for same in by_response.values():
        kept = same[0]
        for node in same[1:]:
            if not _same_time(kept, node):
                kept = node
            elif _richness(node) > _richness(kept):
                _retell(node, kept)
                kept = node
            else:
                _retell(kept, node)


def _unify_beside(nodes: list[Node]) -> None:
    """A framework that does not make its spans current has the client's beside them.

    They are one call if the client's lies within the framework's and gives the same
    account of it: the same tokens, or the same failure.
    """
    open_calls: dict[tuple[int, str, object], deque[Node]] = defaultdict(
        lambda: deque(maxlen=MAX_WAITING)
    )
    for node in nodes:
        account = _account(node)
        if account is None or not is_call(node):
            continue
        waiting = open_calls[id(node.parent), node.kind, account]
        outer = next((other for other in waiting if _holds(other, node)), None)
        if outer is None:
            waiting.append(node)
        else:
            waiting.remove(outer)
            _wrap(outer, node)


def _account(node: Node) -> object:
    """What two tellings of a call must have in common; None where there is nothing."""
    usage = node.reading.usage
    if usage is not None and usage.input and usage.output:
        return usage.input, usage.output
    return "failed" if node.failed else None


def _holds(outer: Node, inner: Node) -> bool:
    """Whether *outer*, of another instrumentation, may be the frame of *inner*."""
    a, b = outer.record, inner.record
    if (
        a.scope_name == b.scope_name
        or not a.start_ns <= b.start_ns <= b.end_ns <= a.end_ns
    ):
        return False
    one, other = outer.reading, inner.reading
    if one.response_id and other.response_id:
        return False
    if one.failure is None or other.failure is None:
        return True
    said = one.failure.message, other.failure.message
    return said[0] in said[1] or said[1] in said[0]


def _unify_streams(nodes: list[Node]) -> None:
    """An instant span that knows how long a stream took retells the call before it.

    Logfire writes one when the stream is drained, beside the call's own span.
    """
    uncounted: dict[int, deque[Node]] = defaultdict(lambda: deque(maxlen=MAX_WAITING))
    for node in nodes:
        if not is_call(node):
            continue
        waiting = uncounted[id(node.parent)]
        if node.reading.latency_ms is not None:
            _drain(node, waiting)
        elif node.reading.usage is None and node.reading.input is not None:
            waiting.append(node)


def _drain(stream: Node, waiting: deque[Node]) -> None:
    """Fold *stream* into the request with the same input that it drained."""
    for call in waiting:
        if call.reading.input == stream.reading.input:
            own_ms = (call.record.end_ns - call.record.start_ns) / 1e6
            whole_ms = own_ms + (stream.reading.latency_ms or 0)
            _retell(call, stream)
            call.reading = replace(call.reading, latency_ms=whole_ms)
            waiting.remove(call)
            return


def _retell(kept: Node, other: Node) -> None:
    kept.reading = united(kept.reading, other.reading)
    other.fold_into(kept)


def _same_time(one: Node, other: Node) -> bool:
    a, b = one.record, other.record
    if a.start_ns == a.end_ns or b.start_ns == b.end_ns:
        return True
    return a.start_ns <= b.end_ns and b.start_ns <= a.end_ns


def _richness(node: Node) -> tuple[bool, int]:
    """Who knows more: real time first, then facts."""
    reading = node.reading
    known = sum(getattr(reading, f.name) is not None for f in fields(Reading))
    return node.record.end_ns > node.record.start_ns, known
