"""Complete tool spans: arguments, results and failures that other spans report."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from infinium_otel.dialects.lenient_json import to_text
from infinium_otel.mapping.call_inputs import link_inputs
from infinium_otel.mapping.decoded_content import DecodedContent
from infinium_otel.mapping.previews import extract_text
from infinium_otel.mapping.tool_failures import (
    DEFAULT_ERROR,
    contains_mark,
    describe_failure,
    find_failure,
)
from infinium_otel.mapping.tool_names import get_bare_name, is_class_name
from infinium_otel.records import Failure

if TYPE_CHECKING:
    from infinium_otel.dialects.messages import ToolCallPart, ToolResponsePart
    from infinium_otel.mapping.tree import Node
    from infinium_otel.records import NormalizedSpan

MAX_PARALLEL = 100
"""Requests for one tool that are looked at for one span, at most."""


def complete_tools(nodes: list[Node]) -> None:
    """Fill in arguments and results from the messages, and the reasons of failures."""
    tools = [node for node in nodes if node.kind == "tool" and not node.folded]
    calls = [node for node in nodes if node.kind == "llm" and not node.folded]
    for node in tools:
        _open_response(node)
    if any(_is_incomplete(node.span) for node in tools):
        link_inputs(calls)
        requested = _match_requests(tools, calls) or _match_requests(
            tools, _find_agents(nodes)
        )
        _fill_arguments(tools, requested)
        _fill_results(tools, calls, requested)
    for node in nodes:
        if node.kind in _WITH_RESULT and not node.folded:
            _complete_failure(node)


_WITH_RESULT = ("tool", "mcp")


_RESPONSE_MARKS = ("tool_call_id", "tool_use_id")


def _open_response(node: Node) -> None:
    """Take the result out of a whole message, which also names the tool and the call.

    LangChain's callbacks give a tool's output as the message that the model will get.
    """
    span = node.span
    result = span.result
    if result is None:
        return
    text = result if isinstance(result, str) else to_text(result)
    if not contains_mark(text, _RESPONSE_MARKS):
        return
    found = DecodedContent(result, "tool").messages
    responses = found[0].responses if len(found) == 1 else ()
    if len(responses) != 1 or found[0].text or responses[0].id is None:
        return
    (response,) = responses
    named = span.tool_name and not is_class_name(span.tool_name)
    node.span = replace(
        span,
        result=response.result,
        tool_call_id=span.tool_call_id or response.id,
        tool_name=span.tool_name if named else response.name or span.tool_name,
    )
    if response.failed and span.failure is None:
        reason = describe_failure(response.result)
        node.span = replace(node.span, failure=Failure("tool_error", reason))


def _find_agents(nodes: list[Node]) -> list[Node]:
    """Agents whose output lists what was requested; Claude Code logs it only there."""
    return [node for node in nodes if node.kind == "agent" and not node.folded]


def _is_incomplete(span: NormalizedSpan) -> bool:
    return (
        span.arguments is None
        or span.result is None
        or (span.tool_call_id is None and is_class_name(span.tool_name or ""))
    )


def _match_requests(tools: list[Node], calls: list[Node]) -> dict[int, ToolCallPart]:
    """The model's request for each tool that has one, by the tool's identity."""
    requests = _Requests(calls, {node.span.tool_call_id for node in tools})
    matched = ((node, requests.take(node)) for node in tools)
    return {id(node): request for node, request in matched if request is not None}


class _Requests:
    """The tool calls that models requested, each of which one tool span can take."""

    def __init__(self, calls: list[Node], known_ids: set[str | None]) -> None:
        self._by_id: dict[str, ToolCallPart] = {}
        self._by_name: dict[str, list[_Request]] = defaultdict(list)
        self._by_run: dict[tuple[str, str | None], list[_Request]] = defaultdict(list)
        for node in calls:
            for message in node.output_content.messages:
                for part in message.tool_calls:
                    self._add(_Request(node.record.start_ns, part), known_ids)

    def _add(self, request: _Request, known_ids: set[str | None]) -> None:
        part = request.part
        if part.id:
            self._by_id.setdefault(part.id, part)
        if part.id and part.id in known_ids:
            return
        name = get_bare_name(part.name)
        self._by_name[name].append(request)
        text = extract_text(part.arguments)
        self._by_run[name, text].append(request)
        if text and text != "{}":
            self._by_run["", text].append(request)

    def take(self, node: Node) -> ToolCallPart | None:
        """The request for *node*: by id, by name and arguments, by name alone.

        A span that has only the name of a framework's class takes one with its arguments.
        """
        span = node.span
        if span.tool_call_id in self._by_id:
            return self._by_id[span.tool_call_id]
        name = get_bare_name(span.tool_name or "")
        text = extract_text(span.arguments)
        found = None
        if text is not None:
            found = _take_oldest(self._by_run[name, text], node)
        if found is None and is_class_name(name) and name not in self._by_name:
            found = _take_oldest(self._by_run["", text], node)
        elif found is None:
            found = _take_newest(self._by_name[name], node)
        return found


@dataclass(slots=True, eq=False)
class _Request:
    """A tool call that a model requested.

    Args:
        start_ns: when the model was called.
        taken: a span reports this run.
    """

    start_ns: int
    part: ToolCallPart
    taken: bool = False


def _take_oldest(requests: list[_Request], node: Node) -> ToolCallPart | None:
    """The first of equal requests that no span has taken."""
    while requests and requests[0].taken:
        del requests[0]
    if not requests or requests[0].start_ns > node.record.start_ns:
        return None
    requests[0].taken = True
    return requests[0].part


def _take_newest(requests: list[_Request], node: Node) -> ToolCallPart | None:
    """The first request that no span has taken, of the newest call that has one."""
    end = bisect_right(requests, node.record.start_ns, key=lambda r: r.start_ns)
    found: _Request | None = None
    for request in reversed(requests[max(0, end - MAX_PARALLEL) : end]):
        if found is not None and request.start_ns != found.start_ns:
            break
        if not request.taken:
            found = request
    if found is None:
        return requests[end - 1].part if end else None
    found.taken = True
    return found.part


def _fill_arguments(tools: list[Node], requested: dict[int, ToolCallPart]) -> None:
    """Fill in the arguments; and name and id, where a class's name is all there is."""
    for node in tools:
        request = requested.get(id(node))
        if request is None:
            continue
        span = node.span
        if span.arguments is None and request.arguments is not None:
            node.span = span = replace(span, arguments=request.arguments)
        if span.tool_call_id is None and is_class_name(span.tool_name or ""):
            node.span = replace(span, tool_name=request.name, tool_call_id=request.id)


def _fill_results(
    tools: list[Node], calls: list[Node], requested: dict[int, ToolCallPart]
) -> None:
    """Fill in results by call id, from the responses in the inputs of later calls.

    And the reason of a failure for which its span has none.
    """
    incomplete: dict[str | None, Node] = {}
    for node in tools:
        failure = node.span.failure
        is_open = not node.failed or (failure and _has_no_message(failure))
        if node.span.result is None and is_open:
            request = requested.get(id(node))
            incomplete.setdefault(node.span.tool_call_id, node)
            incomplete.setdefault(request.id if request else None, node)
    incomplete.pop(None, None)
    for call in calls:
        if not incomplete:
            break
        for message in call.input_content.messages:
            for response in message.responses:
                tool = incomplete.pop(response.id, None)
                if tool is not None and tool.span.result is None:
                    _apply_response(tool, response)


def _apply_response(tool: Node, response: ToolResponsePart) -> None:
    failure = tool.span.failure
    if failure is not None and tool.failed:  # it has no result, but here is its reason
        reason = describe_failure(response.result)
        if reason != DEFAULT_ERROR:
            tool.span = replace(tool.span, failure=replace(failure, message=reason))
        return
    if response.failed:
        failure = Failure("tool_error", describe_failure(response.result))
    tool.span = replace(tool.span, result=response.result, failure=failure)


def _complete_failure(node: Node) -> None:
    """Find a failure in the result: it can be an error without the span being one."""
    span = node.span
    if span.failure is not None:
        if _has_no_message(span.failure) and span.result is not None:
            text = describe_failure(span.result)
            if text != DEFAULT_ERROR:
                cause = span.failure.message.partition(" (caused by ")
                failure = replace(span.failure, message=text + "".join(cause[1:]))
                node.span = replace(span, failure=failure)
        return
    if find_failure(span.result) is not None:
        message = describe_failure(span.result)
        node.span = replace(span, failure=Failure("tool_error", message))


def _has_no_message(failure: Failure) -> bool:
    """Whether the message only repeats the type."""
    reason = failure.message.partition(" (caused by ")[0]
    return (
        reason in (failure.type, DEFAULT_ERROR) or _NO_REASON.search(reason) is not None
    )


_NO_REASON = re.compile(
    r" failed(?: \([\w.-]*\))?$|^(?i:(?:MCP )?tool (?:execution |call )?(?:error|failure))$"
)
