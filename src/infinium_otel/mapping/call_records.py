"""Spans that only record a call made before them: its end, its usage, its answer."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import replace
from typing import TYPE_CHECKING

from infinium_otel.dialects import CALLS
from infinium_otel.dialects._attributes import structure, text
from infinium_otel.dialects.lenient_json import MAPPING
from infinium_otel.mapping.call_pairs import (
    have_other_models,
    merge_into,
    sum_tokens,
)
from infinium_otel.mapping.domains import MAX_PENDING, SLACK_NS, have_other_scopes

if TYPE_CHECKING:
    from collections.abc import Callable

    from infinium_otel.mapping.domains import Domains
    from infinium_otel.mapping.tree import Node
    from infinium_otel.records import NormalizedSpan

RECORD_NS = 1_000_000
"""How long a span takes, at most, that only records what a call before it used."""


def unify_streams(nodes: list[Node]) -> None:
    """Merge each stream's log span into the call before it.

    Logfire writes an instant span with the stream's duration when the stream is drained,
    beside the call's own span.
    """
    pending_streams: dict[int, deque[Node]] = defaultdict(
        lambda: deque(maxlen=MAX_PENDING)
    )
    for node in nodes:
        if node.kind not in CALLS or node.folded:
            continue
        pending = pending_streams[id(node.parent)]
        if node.span.latency_ms is not None:
            _merge_stream(node, pending)
        elif node.span.usage is None and node.span.input is not None:
            pending.append(node)


def _merge_stream(stream: Node, pending: deque[Node]) -> None:
    """Merge *stream* into the pending call that has the same input."""
    for call in pending:
        if call.span.input == stream.span.input:
            own_ms = (call.record.end_ns - call.record.start_ns) / 1e6
            whole_ms = own_ms + (stream.span.latency_ms or 0)
            merge_into(call, stream)
            call.span = replace(call.span, latency_ms=whole_ms)
            pending.remove(call)
            return


def unify_fetches(nodes: list[Node]) -> None:
    """Merge what fetched a response into the call that it is the response of.

    A call in the background has its answer, and by some libraries its usage, only where
    it was fetched. Source: `fetch_response` of the conventions; Langfuse's `retrieve`.
    """
    calls: dict[str, Node] = {}
    for node in nodes:
        span = node.span
        if node.folded or (node.kind not in CALLS and span.operation != _FETCH):
            continue
        fetched = calls.get(_find_fetched(span) or "")
        if fetched is not None:
            merge_into(fetched, node)
            if span.output is not None:
                fetched.span = replace(fetched.span, output=span.output)
        elif node.kind in CALLS and span.response_id:
            calls.setdefault(span.response_id, node)


_FETCH = "fetch_response"


def _find_fetched(span: NormalizedSpan) -> str | None:
    """The id of the response that a span fetched; None for any other span."""
    if span.operation == _FETCH:
        return span.response_id
    request = structure(span.input)
    if not isinstance(request, MAPPING) or len(request) != 1:
        return None
    return text(request.get("response_id"))


def unify_accounts(nodes: list[Node], domains: Domains) -> None:
    """Merge spans that only record a call's usage into the call before them.

    They have neither content nor an operation. A framework's takes no time (AG2's
    `record_usage`); an application's own, in a vocabulary of its own, may write to a
    database.
    """
    pending_calls: dict[int, deque[Node]] = defaultdict(
        lambda: deque(maxlen=MAX_PENDING)
    )
    for node in nodes:
        if node.kind not in CALLS or node.folded:
            continue
        pending = pending_calls[domains[id(node)]]
        find = _find_account_rule(node)
        if find is _is_no_account:
            pending.append(node)
            continue
        call = next((c for c in reversed(pending) if find(c, node)), None)
        if call is not None:
            merge_into(call, node)
            pending.remove(call)
        elif find is not _may_account:
            pending.append(node)


def _find_account_rule(node: Node) -> Callable[[Node, Node], bool]:
    """The rule by which *node* can be the record of a call before it."""
    span = node.span
    if (
        span.usage is None
        or span.operation is not None
        or span.input is not None
        or span.output is not None
        or span.response_id is not None
        or span.failure is not None
    ):
        return _is_no_account
    is_instant = node.end_ns - node.start_ns <= RECORD_NS
    if is_instant and span.model_requested is None and span.latency_ms is None:
        return _may_account
    return _is_no_account if span.dialects else _is_applications_account


def _is_no_account(_: Node, __: Node) -> bool:
    return False


def _is_applications_account(call: Node, account: Node) -> bool:
    """Whether the application reports the tokens of *call* once more, after it."""
    tokens = sum_tokens(account)
    return (
        account.start_ns >= call.end_ns - SLACK_NS
        and tokens is not None
        and None not in tokens
        and tokens == sum_tokens(call)
        and have_other_scopes(call, account)
        and not have_other_models(call, account)
    )


def _may_account(call: Node, account: Node) -> bool:
    """Whether *account* can be the usage of *call*: of the same tokens, or the only one."""
    if call.start_ns > account.start_ns or call.end_ns > account.end_ns + RECORD_NS:
        return False
    return call.span.usage is None or sum_tokens(call) == sum_tokens(account)
