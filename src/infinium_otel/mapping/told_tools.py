"""Tool runs that no span tells of, found in the messages around them.

A client library has spans for model calls only. That a tool ran is seen from the call
the model asked for and the answer that the next request carries (dialects trap T12).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infinium_otel.jsontext import decode, text_of
from infinium_otel.mapping.calls import is_call

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from infinium_otel.mapping.tree import Node
    from infinium_otel.messages import Message, ToolReply, ToolRequest


@dataclass(frozen=True, slots=True)
class ToldTool:
    """A tool run as messages tell it.

    Args:
        after: the model call that asked for it, or the one before its answer.
        before: the one that its answer was passed on to.
        start_ns: when the model had asked; `end_ns` when the answer was passed on.
    """

    request: ToolRequest
    reply: ToolReply | None
    after: Node
    before: Node
    start_ns: int
    end_ns: int


def told_tools(nodes: list[Node]) -> list[ToldTool]:
    """The tool runs of a trace that have no span of their own, in order."""
    calls = [node for node in nodes if is_call(node) and node.kind == "llm"]
    if not any(map(_has_answers, calls)):
        return []
    _follow(calls)
    return list(_runs(calls, _asked(calls), _Spans(nodes)))


def _follow(calls: list[Node]) -> None:
    """Tell each call's input which one it may go on from: the last of the same agent."""
    last: dict[int, Node] = {}
    for node in calls:
        before = last.get(id(node.agent_above))
        if before is not None:
            node.asked.follow(before.asked)
        last[id(node.agent_above)] = node


def _asked(calls: list[Node]) -> dict[str, tuple[ToolRequest, Node]]:
    """The tools each answer asked for, by call id."""
    found: dict[str, tuple[ToolRequest, Node]] = {}
    for node in calls:
        for request in _requests(node.answered.messages):
            if request.id:
                found.setdefault(request.id, (request, node))
    return found


def _requests(messages: Iterable[Message]) -> Iterator[ToolRequest]:
    return (request for message in messages for request in message.requests)


_ANSWER_MARKS = (
    '"tool"',
    "tool_call_id",
    "tool_call_response",
    "tool_result",
    "tool-result",
    "toolResult",
    "function_response",
    "functionResponse",
    "function_call_output",
    "ToolMessage",
    '"function"',
)


def _has_answers(node: Node) -> bool:
    """Whether a call's input may carry tools' answers at all; cheap to ask."""
    value = node.reading.input
    if isinstance(value, str):
        return any(mark in value for mark in _ANSWER_MARKS)
    return value is not None


HANDOFF = "transfer_to_"
"""How the tools begin by which frameworks let a model hand over to another agent."""


class _Spans:
    """The tools that do have spans."""

    def __init__(self, nodes: list[Node]) -> None:
        tools = [n.reading for n in nodes if n.kind in ("tool", "refused")]
        self.ids = {tool.tool_call_id for tool in tools if tool.tool_call_id}
        self.names = {tool.tool_name for tool in tools}
        self.without_id = {t.tool_name for t in tools if not t.tool_call_id}
        self.runs = {_run(t.tool_name, decode(t.arguments)) for t in tools}
        self.has_handoffs = any(node.kind == "handoff" for node in nodes)

    def tell(self, request: ToolRequest) -> bool:
        """Whether a span tells of the run that *request* asked for."""
        if self.has_handoffs and request.name.startswith(HANDOFF):
            return True
        if request.id is None:
            return request.name in self.names
        # A framework may give a request an id of its own (ADK, from 2.0).
        return (
            request.id in self.ids
            or request.name in self.without_id
            or _run(request.name, request.arguments) in self.runs
        )


def _run(name: str | None, arguments: Any) -> str:
    return f"{name}({text_of(arguments)})"


def _runs(
    calls: list[Node], asked: dict[str, tuple[ToolRequest, Node]], spans: _Spans
) -> Iterator[ToldTool]:
    told: set[str] = set()
    for index, node in enumerate(calls):
        messages = node.asked.messages
        for repeated, reply in _pairs(messages, asked):
            key = repeated.id or f"{repeated.name}:{repeated.arguments}"
            if key in told:
                continue
            told.add(key)
            known = asked.get(repeated.id or "")
            request = known[0] if known else repeated  # as the model asked it
            if spans.tell(request):
                continue
            if known is None and _is_older(index, reply, messages, calls):
                continue
            after = known[1] if known else calls[max(index - 1, 0)]
            start_ns = min(after.record.end_ns, node.record.start_ns)
            yield ToldTool(request, reply, after, node, start_ns, node.record.start_ns)


def _pairs(
    messages: Iterable[Message], asked: dict[str, tuple[ToolRequest, Node]]
) -> Iterator[tuple[ToolRequest, ToolReply]]:
    """Each answer in *messages* with its request, there or in an earlier answer."""
    waiting: list[ToolRequest] = []
    for message in messages:
        for reply in message.replies:
            request = _match(waiting, reply)
            if request is not None:
                waiting.remove(request)
                yield request, reply
            elif reply.id in asked:
                yield asked[reply.id][0], reply
        waiting.extend(message.requests)


def _match(waiting: list[ToolRequest], reply: ToolReply) -> ToolRequest | None:
    for request in waiting:
        if reply.id is not None and request.id is not None:
            if reply.id == request.id:
                return request
        elif reply.name is None or reply.name == request.name:
            return request
    return None


def _is_older(
    index: int, reply: ToolReply, messages: Sequence[Message], calls: list[Node]
) -> bool:
    """Whether an answer is history from before this trace rather than a run in it.

    What came after the last question belongs to the turn under way. Of anything before
    it, only a call with the same opening shows that the conversation is this trace's.
    """
    if _is_in_turn(reply, messages):
        return False
    opening = next((m.text for m in messages if m.role == "user"), None)
    return not any(
        message.role == "user" and message.text == opening
        for earlier in calls[:index]
        for message in earlier.asked.messages[:4]
    )


def _is_in_turn(reply: ToolReply, messages: Sequence[Message]) -> bool:
    """Whether *reply* came with, or after, the last question of *messages*."""
    asked = [n for n, m in enumerate(messages) if m.role == "user" and m.text]
    turn = messages[asked[-1] :] if asked else messages
    return any(reply in message.replies for message in turn)
