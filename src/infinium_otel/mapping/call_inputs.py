"""The inputs of model calls: each repeats the one before, some the call's own answer.

Programs append to one message list; an instrumentation that serializes it when the call
or the run has ended records what came after too.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infinium_otel.dialects.messages import Message
    from infinium_otel.mapping.decoded_content import DecodedContent
    from infinium_otel.mapping.tree import Node


def link_inputs(calls: list[Node]) -> None:
    """Link each call's input to the one it may continue: the last of the same agent."""
    last: dict[int, Node] = {}
    for node in calls:
        before = last.get(id(node.nearest_agent))
        if before is not None:
            node.input_content.continue_from(before.input_content)
        last[id(node.nearest_agent)] = node


MIN_HISTORY = 500
MAX_RECENT = 8


def link_histories(nodes: list[Node]) -> None:
    """Link each long list of messages to a recent one that it repeats or goes on.

    Agents repeat their inputs, and each turn of a conversation those before it: parsing
    all of every turn would take the square of the number of turns.
    """
    recent: deque[DecodedContent] = deque(maxlen=MAX_RECENT)
    for node in nodes:
        value = node.span.input
        if isinstance(value, str) and len(value) >= MIN_HISTORY and value[:2] == "[{":
            content = node.input_content
            any(map(content.continue_from, recent))
            recent.appendleft(content)


def cut_late_inputs(nodes: list[Node]) -> None:
    """Cut the input of each model call where its own answer begins."""
    known_ids: set[str] = set()
    for node in nodes:
        if node.kind != "llm" or node.folded or node.span.output is None:
            continue
        answer = node.output_content.find_last(_has_content)
        if answer is None or answer.role != "assistant":
            continue
        ids = {call.id for call in answer.tool_calls if call.id}
        if ids:
            if known_ids.isdisjoint(ids):  # small servers reuse ids
                _cut_before_request(node.input_content, ids)
            known_ids |= ids
        elif answer.text:
            _cut_last_text(node.input_content, answer.text)


def _is_any(_: Message) -> bool:
    return True


def _has_content(message: Message) -> bool:
    return bool(message.text_and_calls)


def _cut_before_request(content: DecodedContent, ids: set[str]) -> None:
    """Cut before the message that requests the tools with these ids."""
    value = content.value
    if isinstance(value, str) and not any(call_id in value for call_id in ids):
        return
    messages = content.messages
    for index in range(len(messages) - 1, -1, -1):
        if any(call.id in ids for call in messages[index].tool_calls):
            content.keep(index)
            return


def _cut_last_text(content: DecodedContent, text: str) -> None:
    """Cut the last message if it is the answer; earlier ones may be equal by chance."""
    if content.value is None:
        return
    last = content.find_last(_is_any)
    if last is not None and (last.role, last.text) == ("assistant", text):
        messages = content.messages
        if len(messages) > 1:
            content.keep(len(messages) - 1)
