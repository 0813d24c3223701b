"""Model calls without content, completed from the messages of the span around them.

Some instrumentations record of a call only that it was made, but all messages of the
graph's node, the pipeline or the agent around it: its answers, in order.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects.message_metadata import read_message_usage, read_model
from infinium_otel.mapping.call_pairs import is_call

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infinium_otel.dialects.messages import Message
    from infinium_otel.mapping.tree import Node
    from infinium_otel.records import NormalizedSpan

FRAMES = frozenset({"agent", "workflow", "step", ""})
_NO_ANSWERS = ("", "replies")
"""The second is OpenLLMetry's answer of Haystack's generators: the member with the answer.

Source: opentelemetry-instrumentation-haystack 0.62.4.
"""
MAX_CALLS = 200
"""Calls of one frame that are compared with its messages, at most."""


def complete_calls(nodes: list[Node]) -> None:
    """Give calls without an answer those of the innermost frame that lists as many."""
    calls = [node for node in nodes if node.kind == "llm" and not node.folded]
    if not any(map(_is_incomplete, calls)):
        return
    for frame in reversed(nodes):
        if frame.kind in FRAMES and frame.span.output is not None:
            _complete_from(frame)


def _complete_from(frame: Node) -> None:
    calls = _find_calls(frame)
    if not any(map(_is_incomplete, calls)):
        return
    answers = _find_answers(frame.output_content.messages)
    if len(answers) != len(calls):
        return
    for node, answer in zip(calls, answers, strict=True):
        if _is_without_answer(node):
            node.span = replace(node.span, output=[_to_parts(answer)])
            node.span = _add_metadata(node.span, answer)
        elif _is_incomplete(node) and _is_answer(node, answer):
            node.span = _add_metadata(node.span, answer)


def _is_incomplete(node: Node) -> bool:
    """Whether a call that succeeded lacks its answer, its usage or its model."""
    span = node.span
    if node.kind != "llm" or node.failed:
        return False
    return (
        span.usage is None
        or span.model in (None, span.model_requested)
        or _is_without_answer(node)
    )


def _is_answer(node: Node, answer: Message) -> bool:
    """Whether the call's own output is *answer*."""
    messages = node.output_content.messages
    return bool(answer.text) and any(m.text == answer.text for m in messages)


def _is_without_answer(node: Node) -> bool:
    """Whether a call has no output, or messages without content."""
    if node.span.output is None:
        return True
    messages = node.output_content.messages
    for message in messages:
        if message.text_and_calls not in _NO_ANSWERS:
            return False
    return bool(messages)


def _find_calls(frame: Node) -> list[Node]:
    """The calls that succeeded inside *frame*, but in no tool and no agent with content."""
    found: list[Node] = []
    pending = deque(frame.children)
    while pending and len(found) <= MAX_CALLS:
        node = pending.popleft()
        if node.kind == "llm" and is_call(node) and not node.failed:
            found.append(node)
        elif node.kind != "tool" and (node.kind != "agent" or not node.span.output):
            pending.extend(node.children)
    found = found if len(found) <= MAX_CALLS else []
    return sorted(found, key=lambda n: n.record.start_ns)


def _find_answers(messages: Sequence[Message]) -> list[Message]:
    """The model's messages since the last question, which began the run."""
    start = 0
    for index, message in enumerate(messages):
        if message.role == "user" and message.text:
            start = index
    answers = messages[start:]
    return [m for m in answers if m.role == "assistant" and m.text_and_calls]


def _add_metadata(span: NormalizedSpan, answer: Message) -> NormalizedSpan:
    """*span* with the model and the usage that are recorded beside its answer."""
    if not answer.metadata:
        return span
    changes: dict[str, Any] = {}
    model = read_model(answer.metadata)
    family = (span.model or span.model_requested or "").rpartition("/")[2]
    if model and (span.model is None or model.startswith(f"{family}-")):
        changes["model"] = model
        changes["model_requested"] = span.model_requested or span.model
    if span.usage is None:
        changes["usage"] = read_message_usage(answer.metadata)
    return replace(span, **changes)


def _to_parts(message: Message) -> dict[str, Any]:
    """*message* in the form of the conventions."""
    parts: list[dict[str, Any]] = []
    if message.text:
        parts.append({"type": "text", "content": message.text})
    for call in message.tool_calls:
        part = {"id": call.id, "name": call.name, "arguments": call.arguments}
        parts.append({"type": "tool_call", **part})
    return {"role": "assistant", "parts": parts}
