"""What spans report of failures, settled before the spans are merged.

Instrumentations repeat a failure where there was none, record one as handled that ended
the run, and write one failure as a span of its own.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects import CALLS
from infinium_otel.mapping.inferred_tools import ToolSpans
from infinium_otel.mapping.merging import merge_failures
from infinium_otel.mapping.previews import extract_text
from infinium_otel.mapping.tree import AGENTIC, sort_top_down

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infinium_otel.dialects.messages import ToolCallPart
    from infinium_otel.mapping.tree import Node
    from infinium_otel.records import Failure

PLAIN = frozenset({"", "step"})
"""Kinds of spans that show no work of a kind we know."""

MAX_ABOVE = 8
"""Failures of the spans above that one is compared with, at most."""


def settle_failures(nodes: list[Node], root_id: str) -> None:
    """Remove echoes, find failures that only seem handled, fold events into their span."""
    if not any(node.span.failure for node in nodes):
        return
    _clear_echoes(nodes)
    _settle_handled(nodes, root_id)
    _fold_events(nodes)


def is_same_failure(upper: Failure, lower: Failure) -> bool:
    """Whether *upper* repeats *lower*: by its message, stack trace or type."""
    if upper.message == lower.message:
        return True
    if lower.message and lower.message in upper.message:
        return True
    if upper.message and upper.message in lower.message:
        return True
    status = _STATUS.fullmatch(upper.message) if lower.code else None
    if status and status[1] == lower.code:
        return True
    if upper.stack_trace and lower.stack_trace:
        return _get_last_line(upper.stack_trace) == _get_last_line(lower.stack_trace)
    return upper.type == lower.type and has_no_message(upper)


_STATUS = re.compile(
    r"(?:HTTP|status(?: code)?)[ :/=]{0,3}(\d{3})(?: [A-Za-z -]{1,40})?", re.IGNORECASE
)
"""A failure with nothing but its status: `HTTP 401`, `status code 429`."""


def remove_error_prefix(message: str) -> str:
    """*message* without `Error: `, which tools put before what went wrong."""
    shorter = message.removeprefix("Error: ").strip()
    return shorter or message


def _get_last_line(stack: str) -> str:
    return stack.rstrip().rpartition("\n")[2]


def has_no_message(failure: Failure) -> bool:
    """Whether it is a bare status: `error.type`, or nothing at all, without a message."""
    if failure.type == "error":
        return bool(_NO_MESSAGE.search(failure.message))
    # With its code or cause in parentheses; "400 INVALID_ARGUMENT" is a message.
    rest = failure.message.removeprefix(failure.type)
    return rest != failure.message and (not rest or rest.startswith(" ("))


_NO_MESSAGE = re.compile(
    r"^error$| failed(?: \(\S{1,80}\))?$|^the model's response ended with "
)
"""What a failure without type and message is called: `chat failed`."""


def _clear_echoes(nodes: list[Node]) -> None:
    """Remove failures that later spans with a whole answer only repeat.

    Source: @arizeai/openinference-vercel 2.8 sets the first error's status on all spans
    that end later in the trace.
    """
    recorded: dict[str, int] = {}
    repeating = []
    for node in nodes:
        failure = node.span.failure
        if failure is None:
            continue
        if _has_own_error(node):
            end_ns = recorded.get(failure.message, node.record.end_ns)
            recorded[failure.message] = min(end_ns, node.record.end_ns)
        elif _has_answer(node, failure):
            repeating.append((node, failure.message))
    echoes = [
        (node, recorded[message])
        for node, message in repeating
        if recorded.get(message, node.record.end_ns + 1) <= node.record.end_ns
    ]
    if not echoes:
        return
    latest_ns = max((_find_start_of_answer(node) for node in nodes), default=0)
    for node, failed_ns in echoes:
        if node.kind in CALLS or node.kind == "tool" or latest_ns >= failed_ns:
            node.span = replace(node.span, failure=None)


def _has_own_error(node: Node) -> bool:
    """Whether the span itself records an error, rather than only a status."""
    record = node.record
    return any("exception" in event.name for event in record.events) or any(
        key in record.attributes for key in ("error.type", "error.message")
    )


def _has_answer(node: Node, failure: Failure) -> bool:
    """Whether the span has an output that is not about its failure."""
    span = node.span
    output = span.result if node.kind == "tool" else span.output
    if output is None or "error" in span.finish_reasons:
        return False
    return failure.message not in (extract_text(output) or "")


def _find_start_of_answer(node: Node) -> int:
    """When a call with a complete response began; 0 if it is none."""
    span = node.span
    if node.kind not in CALLS or span.output is None or not span.finish_reasons:
        return 0
    return 0 if _has_own_error(node) else node.record.start_ns


def _settle_handled(nodes: list[Node], root_id: str) -> None:
    """Find exceptions recorded on spans that look fine, which ended the run.

    An exception that an ancestor failed with was not handled; nor was one with which
    the root ended without an output.
    """
    handled = [n for n in nodes if n.span.failure and n.span.failure.handled]
    if not handled:
        return
    for node in handled:
        if node.record.span_id == root_id and _ended_by_exception(node, nodes):
            _mark_failed(node)
    above: dict[int, tuple[Failure, ...]] = {}
    for node in sort_top_down(nodes):
        failures = above[id(node.parent)] if node.parent is not None else ()
        failure = node.span.failure
        if failure is not None:
            if failure.handled and any(is_same_failure(f, failure) for f in failures):
                _mark_failed(node)
            elif not failure.handled:
                failures = (*failures[-MAX_ABOVE + 1 :], failure)
        above[id(node)] = failures


def _mark_failed(node: Node) -> None:
    failure = node.span.failure
    if failure is not None:
        node.span = replace(node.span, failure=replace(failure, handled=False))


def _ended_by_exception(root: Node, nodes: list[Node]) -> bool:
    """Whether nothing came after the exception on *root*: no output, no other work."""
    if root.span.output is not None or root.span.result is not None:
        return False
    times = (e.time_ns for e in root.record.events if "exception" in e.name)
    raised_ns = max(times, default=0)
    return not any(
        node.kind in AGENTIC and not node.failed and node.record.start_ns > raised_ns
        for node in nodes
    )


_ERROR_NAME = re.compile(r"(?i)(?:^|[\W_])(?:error|exception|failed|failure)$")


def _fold_events(nodes: list[Node]) -> None:
    """Fold spans without duration that only record the failure of the one above.

    Source: BeeAI's instrumentation makes a span of each of its events, `error` too.
    """
    for node in nodes:
        above = node.parent
        if above is None or not above.failed or above.folded or not _is_event(node):
            continue
        if node.kind != above.kind and node.kind not in PLAIN:
            continue
        own = node.span.failure
        if own is None or (
            above.span.failure is not None and is_same_failure(above.span.failure, own)
        ):
            failure = merge_failures(above.span.failure, own)
            above.span = replace(above.span, failure=failure)
            node.fold_into(above)


def _is_event(node: Node) -> bool:
    record = node.record
    is_instant = record.end_ns <= record.start_ns and not node.children
    return is_instant and bool(_ERROR_NAME.search(record.name))


def adopt_failures(nodes: list[Node]) -> None:
    """Fail the tools whose innermost layer failed last, though the outer one is fine.

    Frameworks catch what a tool raises: the failure is only on the span of its function.
    """
    for node in nodes:
        if node.kind != "tool" or node.folded or node.span.failure is not None:
            continue
        if not node.members:
            continue
        layers = [n for n in node.members if n.kind in ("tool", "mcp")]
        last = max(layers, key=lambda n: n.record.end_ns, default=None)
        failure = last.span.failure if last is not None and last.failed else None
        if failure is not None and _may_result_from(node.span.result, failure):
            node.span = replace(node.span, failure=failure)


def _may_result_from(result: Any, failure: Failure) -> bool:
    """Whether a tool's result is that of a failure: none, or what went wrong."""
    text = extract_text(result)
    return not text or failure.message in text or "error" in text[:MAX_PREFIX].lower()


MAX_PREFIX = 200


def claim_failed_tools(nodes: list[Node]) -> None:
    """Find the spans of tools among the plain ones, by requests in messages.

    A span of one's own around a tool (`running tool get_weather`) has the exception; the
    request and the response are in the calls before and after it. A traced function
    (`app.get_weather`) is the tool if its name is the requested one.
    """
    plain = [n for n in nodes if n.kind in PLAIN and not n.folded and n.parent]
    if not plain:
        return
    requests = list(_iter_requests(nodes))
    names = {request.name for _, request in requests}
    plain = [n for n in plain if _is_failed_leaf(n) or _get_last_name(n) in names]
    if not plain:
        return
    spans = ToolSpans(nodes)
    requests = [pair for pair in requests if not spans.cover(pair[1])]
    for node in plain[:MAX_CLAIMS]:
        found = next((pair for pair in requests if _is_run_of(node, *pair)), None)
        if found is not None:
            requests.remove(found)
            _make_tool(node, found[1])


MAX_CLAIMS = 50
"""Plain failed spans that are compared with requests, at most."""
MAX_REQUESTS = 200


_SEPARATORS = re.compile(r"[.:/\s]")


def _get_last_name(node: Node) -> str:
    """The last part of a span's name: a function's own, without its module."""
    return _SEPARATORS.split(node.record.name[-MAX_NAME:])[-1]


MAX_NAME = 200


def _is_failed_leaf(node: Node) -> bool:
    return node.failed and not node.folded and not node.children


def _iter_requests(nodes: list[Node]) -> Iterator[tuple[int, ToolCallPart]]:
    """Requests for tools, each with the time at which its call ended."""
    count = 0
    for node in nodes:
        if node.kind == "llm" and not node.folded:
            for message in node.output_content.messages:
                for request in message.tool_calls:
                    count += 1
                    if count > MAX_REQUESTS:
                        return
                    yield node.record.end_ns, request


def _is_run_of(node: Node, requested_ns: int, request: ToolCallPart) -> bool:
    if node.record.start_ns < requested_ns or not request.name:
        return False
    if _get_last_name(node) == request.name:
        return True
    if not _is_failed_leaf(node):
        return False
    name = re.escape(request.name)
    return bool(re.search(rf"(?<!\w){name}(?!\w)", node.record.name)) or any(
        value == request.name
        for value in node.record.attributes.values()
        if isinstance(value, str)
    )


def _make_tool(node: Node, request: ToolCallPart) -> None:
    span = node.span
    more: dict[str, Any] = {"tool_name": request.name, "tool_call_id": request.id}
    if span.arguments is None:
        more["arguments"] = request.arguments if span.input is None else span.input
    if span.result is None:
        more["result"] = span.output
    node.kind = "tool"
    node.span = replace(span, kind="tool", **more)
