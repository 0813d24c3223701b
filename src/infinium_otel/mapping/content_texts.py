"""The texts in a decoded input or output: the question, the answer, the reasoning."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from infinium_otel.dialects.callback_payloads import is_empty_object
from infinium_otel.dialects.lenient_json import MAPPING, to_text
from infinium_otel.mapping.previews import extract_text, join_responses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infinium_otel.dialects.messages import Message
    from infinium_otel.mapping.decoded_content import DecodedContent

MAX_PROSE_LENGTH = 1_000
"""A structure with a longer text is a dump of a program's state, not something to read."""


def find_question(content: DecodedContent) -> str | None:
    """The last user message: in the root's input, the run's question."""
    question = content.find_last(lambda m: m.role == "user" and bool(m.text))
    if question is None:
        question = content.find_last(lambda m: m.role != "system" and bool(m.text))
    if question is not None:
        return question.text
    messages = content.messages
    return (
        join_responses(messages) or _find_first_text(messages) or _read_other(content)
    )


def lacks_question(content: DecodedContent) -> bool:
    """Whether *content* is messages, of which none is a text of the user."""
    return (
        content.has_messages
        and content.find_last(lambda m: m.role == "user" and bool(m.text)) is None
    )


def find_newest(content: DecodedContent) -> str | None:
    """The newest message of a call's input: a question or a tool's response."""
    newest = content.find_last(
        lambda m: m.role in ("user", "tool") or bool(m.responses)
    )
    if newest is not None:
        return newest.text or join_responses([newest])
    return _find_first_text(content.messages) or _read_other(content)


def _read_other(content: DecodedContent) -> str | None:
    """The text of other data; None for messages without text and for empty objects."""
    is_hollow = content.messages and not any(map(_get_text, content.messages))
    return (
        None
        if is_hollow or is_empty_object(content.decoded)
        else extract_text(content.decoded)
    )


def find_answer(content: DecodedContent) -> str | None:
    """The model's text and the tools it requested."""
    answer = content.find_last(
        lambda m: m.role == "assistant" and bool(m.text_and_calls)
    )
    if answer is not None:
        return answer.text_and_calls
    messages = content.messages
    reasoning = [m.reasoning for m in messages if m.reasoning]
    text = _find_first_text(messages[-1:]) or (reasoning[-1] if reasoning else None)
    return text or _read_other(content)


def find_reasoning(content: DecodedContent) -> str | None:
    """The model's reasoning, unless nothing else was recorded of the answer."""
    messages = content.messages
    texts = [m.reasoning for m in messages if m.reasoning]
    if not texts:
        return None
    has_answer = any(m.text_and_calls for m in messages)
    return "\n".join(texts) if has_answer else None


def find_request(content: DecodedContent) -> Message | None:
    """The message that ends the output if it requests tools; None if it does not."""
    last = content.find_last(lambda m: bool(m.text or m.tool_calls or m.responses))
    return last if last is not None and last.requests_tools else None


def find_conclusion(content: DecodedContent) -> str | None:
    """The last text of the model; None for a dump and for mere tool requests."""
    if content.has_messages:
        answer = content.find_last(lambda m: m.role == "assistant" and bool(m.text))
        return answer.text if answer else None
    return None if is_dump(content) else extract_text(content.decoded)


def join_texts(content: DecodedContent) -> str | None:
    """All texts, one a line: the input of an embedding."""
    decoded = content.decoded
    for key in ("input", "texts") if isinstance(decoded, MAPPING) else ():
        if decoded.get(key):
            return extract_text(decoded[key])  # the request as it was sent
    return "\n".join(m.text for m in content.messages if m.text) or extract_text(
        decoded
    )


_REPR = re.compile(r"<?[A-Z]\w*\(\w+=|<[\w.]+ object at ")
_QUOTED_REPR = re.compile(rf'"(?:{_REPR.pattern})')


def is_dump(content: DecodedContent) -> bool:
    """Whether *content* is a dump of a program's state rather than something to read."""
    decoded = content.decoded
    if isinstance(decoded, str):
        return bool(_REPR.match(decoded))
    if not isinstance(decoded, (*MAPPING, list, tuple)) or content.has_messages:
        return False
    text = to_text(decoded)
    return len(text) > MAX_PROSE_LENGTH or bool(_QUOTED_REPR.search(text))


def _get_text(message: Message) -> str | None:
    """A message's text or tool responses, without the tools it requests."""
    return message.text or join_responses([message])


def _find_first_text(messages: Sequence[Message]) -> str | None:
    return next((m.text for m in messages if m.text), None)
