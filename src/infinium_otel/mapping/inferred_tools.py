"""Tool runs that no span reports, found in the messages around them.

A client library has spans for model calls only. That a tool ran is inferred from the
model's request and the response in the next call's input (docs/reference/traps.md T12).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects.lenient_json import loads, to_text
from infinium_otel.mapping.call_inputs import link_inputs
from infinium_otel.mapping.tool_names import ToolNames

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from infinium_otel.dialects.messages import Message, ToolCallPart, ToolResponsePart
    from infinium_otel.mapping.tree import Node


@dataclass(frozen=True, slots=True)
class InferredTool:
    """A tool run as the messages report it.

    Args:
        request: the model's request.
        response: the tool's response; None if the messages contain none.
        after: the model call that requested it, or the one before its response.
        before: the model call whose input contains the response.
        start_ns: when the request was made.
        end_ns: when the response was passed on.
        is_inside_call: it ran within the call, whose output has request and response.
    """

    request: ToolCallPart
    response: ToolResponsePart | None
    after: Node
    before: Node
    start_ns: int
    end_ns: int
    is_inside_call: bool = False


def infer_tools(nodes: list[Node]) -> list[InferredTool]:
    """The tool runs of a trace that have no span of their own, in order."""
    calls = [node for node in nodes if node.kind == "llm" and not node.folded]
    if not calls:  # a service that runs the agent reports what its model requested
        calls = [n for n in nodes if n.kind == "agent" and not n.folded]
    if not any(map(_may_have_tools, [n for n in nodes if n.kind in _REPORTING])):
        return []
    link_inputs(calls)
    spans, requested = ToolSpans(nodes), _find_requests(calls)
    seen: set[str] = set()
    inferred = list(_iter_inferred(calls, requested, spans, seen))
    missing = {
        call_id
        for call_id, (request, _) in requested.items()
        if call_id not in seen and not spans.cover(request)
    }
    if missing:
        inferred += _iter_inferred_from_frames(nodes, requested, missing)
    return inferred


def _find_requests(calls: list[Node]) -> dict[str, tuple[ToolCallPart, Node]]:
    """The tool requests in all outputs, with their model call, by call id."""
    found: dict[str, tuple[ToolCallPart, Node]] = {}
    for node in calls:
        for request in _list_requests(node.output_content.messages):
            if request.id:
                found.setdefault(request.id, (request, node))
    return found


def _list_requests(messages: Iterable[Message]) -> list[ToolCallPart]:
    return [request for message in messages for request in message.tool_calls]


_RESPONSE_MARKS = (
    '"tool"',
    "tool_call_id",
    "tool_call_response",
    "tool_result",
    "tool-result",
    "tool-error",
    "toolResult",
    "function_response",
    "functionResponse",
    "function_call_output",
    "ToolMessage",
    '"function"',
    "tool_use_id",
    "_call",
    "role='tool'",
    "TOOL: ",
)
_PROVIDER_MARKS = ("_call", "tool_use", "builtin-tool-call", "xecutable", "roviderExec")


def _may_have_tools(node: Node) -> bool:
    """Whether a call's messages may report a tool that ran: a cheap check."""
    return node.input_content.may_contain(
        _RESPONSE_MARKS
    ) or node.output_content.may_contain(_PROVIDER_MARKS)


HANDOFF = "transfer_to_"
"""Prefix of the tools with which frameworks let a model hand over to another agent."""


class ToolSpans:
    """The tool spans of a trace."""

    def __init__(self, nodes: list[Node]) -> None:
        tools = [n.span for n in nodes if n.kind in ("tool", "refused")]
        self.ids = {tool.tool_call_id for tool in tools if tool.tool_call_id}
        self.names = ToolNames(tool.tool_name for tool in tools)
        self.without_id = ToolNames(t.tool_name for t in tools if not t.tool_call_id)
        self._tools = tools
        self.has_handoffs = any(node.kind == "handoff" for node in nodes)

    @cached_property
    def _run_keys(self) -> ToolNames:
        return ToolNames(
            _make_run_key(t.tool_name, loads(t.arguments)) for t in self._tools
        )

    def cover(self, request: ToolCallPart) -> bool:
        """Whether a span reports the run that *request* started."""
        if self.has_handoffs and request.name.startswith(HANDOFF):
            return True
        if request.id is None:
            return request.name in self.names
        # A framework may give a request an id of its own (ADK, from 2.0).
        return (
            request.id in self.ids
            or request.name in self.without_id
            or _make_run_key(request.name, request.arguments) in self._run_keys
        )


def _make_run_key(name: str | None, arguments: Any) -> str:
    """The arguments, by a digest, and the name, which may have a namespace."""
    return f"{name} {hash(to_text(arguments))}"


def _iter_inferred(
    calls: list[Node],
    requested: dict[str, tuple[ToolCallPart, Node]],
    spans: ToolSpans,
    seen: set[str],
) -> Iterator[InferredTool]:
    for index, node in enumerate(calls):
        messages = node.input_content.messages
        before = calls[index - 1].output_content.messages if index else ()
        unanswered = [
            request
            for request in _list_requests(before)
            if request.id and request.id not in seen
        ]
        for repeated, response in _pair_responses(messages, requested, unanswered):
            key = _make_key(repeated)
            if key in seen:
                continue
            seen.add(key)
            known = requested.get(repeated.id or "")
            request = known[0] if known else repeated  # as the model wrote it
            if spans.cover(request):
                continue
            if known is None and _is_older(index, response, calls):
                continue
            after = known[1] if known else calls[max(index - 1, 0)]
            start_ns = min(after.record.end_ns, node.record.start_ns)
            yield InferredTool(
                request, response, after, node, start_ns, node.record.start_ns
            )
        for request, inner in _find_inner_runs(node.output_content.messages):
            key = _make_key(request)
            if key not in seen and not spans.cover(request):
                record = node.record
                yield InferredTool(
                    request,
                    inner,
                    node,
                    node,
                    record.start_ns,
                    record.end_ns,
                    is_inside_call=True,
                )
            seen.add(key)


MAX_FRAMES = 20
_FRAMES = frozenset({"agent", "workflow", "step", ""})
_REPORTING = _FRAMES | {"llm"}


def _iter_inferred_from_frames(
    nodes: list[Node],
    requested: dict[str, tuple[ToolCallPart, Node]],
    missing: set[str],
) -> Iterator[InferredTool]:
    """Runs whose response is only in the messages of an agent, a graph or a pipeline.

    Args:
        missing: ids of the calls that were requested and have no run yet.
    """
    frames = [n for n in nodes if n.kind in _FRAMES and n.span.output is not None]
    for frame in frames[:MAX_FRAMES]:
        for message in frame.output_content.messages:
            for response in message.responses:
                if response.id in missing:
                    missing.remove(response.id)
                    request, call = requested[response.id]
                    end_ns = call.record.end_ns
                    yield InferredTool(
                        request,
                        response,
                        call,
                        call,
                        end_ns,
                        end_ns,
                        is_inside_call=True,
                    )


def _find_inner_runs(
    messages: Iterable[Message],
) -> Iterator[tuple[ToolCallPart, ToolResponsePart | None]]:
    """The tools that ran within one call: by its provider, or by a client's own loop."""
    waiting: list[ToolCallPart] = []
    for message in messages:
        waiting += message.tool_calls
        for response in message.responses:
            request = _find_request(waiting, response)
            if request is not None:
                waiting.remove(request)
                yield request, response
    for request in waiting:
        if request.by_provider:
            yield request, None


def _make_key(request: ToolCallPart) -> str:
    return request.id or f"{request.name}:{request.arguments}"


def _pair_responses(
    messages: Iterable[Message],
    requested: dict[str, tuple[ToolCallPart, Node]],
    unanswered: list[ToolCallPart],
) -> Iterator[tuple[ToolCallPart, ToolResponsePart]]:
    """Each response in *messages* with its request, there or in an earlier output.

    Args:
        unanswered: what the call before requested; a response without an id is one's, in
            order, if the messages contain no request.
    """
    waiting: list[ToolCallPart] = []
    for message in messages:
        if not (message.tool_calls or message.responses):
            continue
        waiting.extend(c for c in message.tool_calls if c.by_provider)
        for response in message.responses:
            request = _find_request(waiting, response)
            if request is not None:
                waiting.remove(request)
                yield request, response
            elif response.id in requested:
                yield requested[response.id][0], response
            elif response.id is None and unanswered:
                request = _find_request(unanswered, response)
                if request is not None:
                    unanswered.remove(request)
                    yield request, response
        waiting.extend(c for c in message.tool_calls if not c.by_provider)


def _find_request(
    waiting: list[ToolCallPart], response: ToolResponsePart
) -> ToolCallPart | None:
    for request in waiting:
        if response.id is not None and request.id is not None:
            if response.id == request.id:
                return request
        elif response.name is None or response.name == request.name:
            return request
    return None


def _is_older(index: int, response: ToolResponsePart, calls: list[Node]) -> bool:
    """Whether a response belongs to a turn before this trace rather than to a run in it.

    What came after the last question belongs to the current turn. For anything before
    it, only an earlier call with the same first question shows that the conversation
    happened in this trace.
    """
    messages = calls[index].input_content.messages
    in_agent = calls[index].nearest_agent is not None
    if _is_in_turn(response, messages, in_agent=in_agent):
        return False
    opening = next((m.text for m in messages if m.role == "user"), None)
    return not any(
        message.role == "user" and message.text == opening
        for earlier in calls[:index]
        for message in earlier.input_content.messages[:4]
    )


def _is_in_turn(
    response: ToolResponsePart, messages: Sequence[Message], *, in_agent: bool
) -> bool:
    """Whether *response* came with or after the last question of *messages*.

    An agent runs its tools itself: a response that came with its question is of the turn
    before, as Pydantic AI ends a turn with a response of its output tool.
    """
    questions = [n for n, m in enumerate(messages) if m.role == "user" and m.text]
    turn = messages[questions[-1] + in_agent :] if questions else messages
    return any(response in message.responses for message in turn)
