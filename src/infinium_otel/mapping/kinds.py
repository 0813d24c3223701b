"""The kinds of spans that a span alone does not show, by what stands around it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from infinium_otel.dialects import CALLS
from infinium_otel.mapping.tree import AGENTIC, sort_top_down

if TYPE_CHECKING:
    from infinium_otel.mapping.tree import Node
    from infinium_otel.records import NormalizedSpan


def settle_kinds(nodes: list[Node]) -> None:
    """Decide the kinds that a span alone does not show.

    A span that looks like a call by its facts is a frame around the calls below it. In a
    trace without any agent, call or tool, the innermost spans with a sign of a model call
    are calls, so that the run is reported; if there is no such sign either, what only a
    word calls a tool or an agent is none.
    """
    if any(node.span.fallback_kind is not None for node in nodes):
        _demote_frames(sort_top_down(nodes))
    if not any(node.kind in AGENTIC and not node.span.unconfirmed for node in nodes):
        _promote_signs(sort_top_down(nodes))
        if not any(node.kind in CALLS for node in nodes):
            _demote_unconfirmed(nodes)
    _promote_failed(nodes)
    _demote_tool_frames(nodes)
    for node in nodes:
        span = node.span
        if span.maybe_call and node.kind not in CALLS and "usage" in span.weak:
            node.span = replace(span, usage=None)


def _demote_frames(ordered: list[Node]) -> None:
    """Make frames of inferred calls around calls; a gateway's report of one is one."""
    below: dict[int, Node | None] = {}
    for node in reversed(ordered):
        inner = below.get(id(node))
        is_frame = id(node) in below and not _is_report_of(inner, node)
        if is_frame and _is_inferred(node):
            node.kind = node.span.fallback_kind or "step"
        work = node if node.kind in CALLS else inner
        if node.parent is not None and (
            work or node.kind == "agent" or id(node) in below
        ):
            above = id(node.parent)
            below[above] = work if below.get(above, work) is work else None


def _is_inferred(node: Node) -> bool:
    return node.kind in CALLS and node.span.fallback_kind is not None


def _is_report_of(call: Node | None, frame: Node) -> bool:
    """Whether the request that *frame* serves is the only call below it, by its tokens."""
    if call is None or frame.span.fallback_kind not in ("http", "messaging"):
        return False
    own, other = frame.span.usage, call.span.usage
    if own is None or other is None or own.input is None or own.output is None:
        return False
    return (own.input, own.output) == (other.input, other.output)


def _demote_unconfirmed(nodes: list[Node]) -> None:
    for node in nodes:
        if node.span.unconfirmed:
            node.kind = ""
            node.span = replace(node.span, kind="")


def _promote_signs(ordered: list[Node]) -> None:
    above_calls: set[int] = set()
    for node in reversed(ordered):
        if node.span.maybe_call and id(node) not in above_calls:
            node.kind = "llm"
        if node.parent is not None and (node.kind == "llm" or id(node) in above_calls):
            above_calls.add(id(node.parent))


def _promote_failed(nodes: list[Node]) -> None:
    """Make calls of spans that failed, and are called like a call beside them."""
    calls = {
        _get_origin(node) for node in nodes if node.kind == "llm" and not node.children
    }
    for node in nodes if calls else ():
        span = node.span
        if node.kind or node.children or not node.failed:
            continue
        if (span.model or span.model_requested) and _get_origin(node) in calls:
            node.kind = "llm"


def _get_origin(node: Node) -> tuple[str, str]:
    return node.record.scope_name, node.record.name


def _demote_tool_frames(nodes: list[Node]) -> None:
    """Make steps of spans that run the tools below them and are none themselves."""
    for node in nodes:
        if (
            node.kind == "tool"
            and not _names_run(node.span)
            and any(child.kind == "tool" for child in node.children)
        ):
            node.kind = "step"


def _names_run(span: NormalizedSpan) -> bool:
    """Whether a tool has a name that is more than its span's, or anything of a run."""
    if span.tool_name is not None and "tool_name" not in span.weak:
        return True
    run = (span.tool_call_id, span.arguments, span.result, span.failure)
    return any(fact is not None for fact in run)
