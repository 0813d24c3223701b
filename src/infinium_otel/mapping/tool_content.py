"""What tool spans leave out: arguments, results and failures that stand elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from infinium_otel.jsontext import decode
from infinium_otel.mapping.previews import content
from infinium_otel.records import Failure

if TYPE_CHECKING:
    from infinium_otel.mapping.tree import Node
    from infinium_otel.messages import ToolReply, ToolRequest

WORDLESS = "the tool reported an error"
FAILURE_MARKS = ("error", "Error", "ERROR")


def complete_tools(nodes: list[Node]) -> None:
    """Give tools what the model asked and was answered, and failures their reasons."""
    tools = [node for node in nodes if node.kind == "tool" and not node.folded]
    calls = [node for node in nodes if node.kind == "llm" and not node.folded]
    bare = [node for node in tools if node.reading.arguments is None]
    if bare:
        _fill_arguments(bare, calls)
    _fill_results(tools, calls)
    for node in tools:
        _find_failure(node)


def _fill_arguments(bare: list[Node], calls: list[Node]) -> None:
    """By call id; without one, the newest request for the tool before it ran."""
    asked = [
        (node.record.start_ns, request)
        for node in calls
        for message in node.answered.messages
        for request in message.requests
    ]
    for tool in bare:
        found = _request_for(tool, asked)
        if found is not None and found.arguments is not None:
            tool.reading = replace(tool.reading, arguments=found.arguments)


def _request_for(
    tool: Node, asked: list[tuple[int, ToolRequest]]
) -> ToolRequest | None:
    reading = tool.reading
    if reading.tool_call_id:
        by_id = [r for _, r in asked if r.id == reading.tool_call_id]
        if by_id:
            return by_id[0]
    named = [
        request
        for start_ns, request in asked
        if request.name == reading.tool_name and start_ns <= tool.record.start_ns
    ]
    return named[-1] if named else None


def _fill_results(tools: list[Node], calls: list[Node]) -> None:
    """By call id, from the answers that later requests carry."""
    bare = {
        node.reading.tool_call_id: node
        for node in tools
        if node.reading.result is None and not node.failed
    }
    bare.pop(None, None)
    for call in calls if bare else ():
        for message in call.asked.messages:
            for reply in message.replies:
                tool = bare.pop(reply.id, None)
                if tool is not None:
                    _take_reply(tool, reply)


def _take_reply(tool: Node, reply: ToolReply) -> None:
    told = content(reply.result) or WORDLESS
    failure = Failure("tool_error", told) if reply.failed else tool.reading.failure
    tool.reading = replace(tool.reading, result=reply.result, failure=failure)


def _find_failure(node: Node) -> None:
    """An answer can be an error without the span being one."""
    reading = node.reading
    if reading.failure is not None:
        if _is_wordless(reading.failure) and reading.result is not None:
            said = content(reading.result)
            if said:
                cause = reading.failure.message.partition(" (caused by ")
                failure = replace(reading.failure, message=said + "".join(cause[1:]))
                node.reading = replace(reading, failure=failure)
        return
    message = failure_in(reading.result)
    if message is not None:
        node.reading = replace(reading, failure=Failure("tool_error", message))


def _is_wordless(failure: Failure) -> bool:
    """Whether the message only repeats the type."""
    bare = failure.message.partition(" (caused by ")[0]
    return bare == failure.type or bare.endswith(" failed")


def failure_in(result: Any) -> str | None:
    """The error an answer tells of: a status, an error flag, nothing but an error.

    Returns:
        None for an answer that is no error.
    """
    if isinstance(result, str) and not any(mark in result for mark in FAILURE_MARKS):
        return None
    found = decode(result)
    for _ in range(3):
        if not isinstance(found, Mapping):
            return None
        message = _told_error(found)
        if message is not None:
            return message
        found = next((found[key] for key in _INSIDE if key in found), None)
    return None


_INSIDE = ("output", "outputs", "tool_output", "toolResult", "data", "kwargs")
_REASONS = ("error_message", "error", "content", "raw_output", "message", "text")


def _told_error(answer: Mapping[str, Any]) -> str | None:
    flagged = (
        answer.get("status") == "error"
        or answer.get("is_error") is True
        or answer.get("isError") is True
    )
    if not flagged and not (len(answer) == 1 and isinstance(answer.get("error"), str)):
        return None
    reasons = (content(answer[key]) for key in _REASONS if key in answer)
    return next(filter(None, reasons), WORDLESS)
