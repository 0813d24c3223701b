"""What on a span of unknown kind points to a model call: a model, counts, messages.

One sign is on many an ordinary span: an ORM has models, a lexer tokens, a forum messages
with roles. Two make a call. One alone makes a call only where the trace has no other, and
only if nothing but a language model has it: `gpt-4o`, `prompt_tokens`, a conversation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._attributes import count, text
from infinium_otel.dialects._conversations import (
    are_speakers,
    find_conversation,
    is_conversation,
)
from infinium_otel.dialects._generic_calls import CALL
from infinium_otel.dialects._generic_values import CONTENT, find_model_name, put_best
from infinium_otel.dialects._providers import is_model_name
from infinium_otel.dialects._words import split_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infinium_otel.dialects._dialect import Facts
    from infinium_otel.dialects._key_shapes import KeyShape
    from infinium_otel.records import SpanRecord

_SIDES = ("input_tokens", "output_tokens")
_CALLS = frozenset("llm chat completion generation inference".split())
_PARAMETERS = ("temperature", "top_p", "max_tokens", "provider")


class CallSigns:
    """The signs on a span, read before its kind is known.

    Args:
        named: whether nothing but a language model has the model's name.
        sides: which of input and output tokens are counted.
        idiom: whether the counts are in words that only a model's tokens have.
    """

    def __init__(self, record: SpanRecord, facts: Facts, shape: KeyShape) -> None:
        attributes = record.attributes
        own: Facts = {}
        put_best(own, attributes, shape.candidates, (*CALL[:2], *CONTENT))
        self.model = (
            _first(facts, own, "model")
            or _first(facts, own, "model_requested")
            or find_model_name(attributes, shape)
        )
        self.named = self.model is not None and is_model_name(self.model)
        self.sides = {side for side in _SIDES if facts.get(side)}
        self.counts = bool(self.sides)
        self.names_ai = shape.names_ai
        sides = [_first(facts, own, side) for side in ("input", "output")]
        flat = shape.messages if are_speakers(attributes, shape.roles) else {}
        talk = find_conversation(attributes, shape)
        self.input = sides[0] is not None or "input" in flat or bool(talk)
        self.output = sides[1] is not None or "output" in flat
        self.messages = bool(flat or talk) or any(map(is_conversation, sides))
        self.failed = record.status == "error" or bool(
            self.model and self.names_ai and _reports_failure(attributes, shape)
        )
        self.is_named_as_call = not _CALLS.isdisjoint(split_words(record.name))
        self.has_request = self.input or any(
            fact in shape.candidates or fact in facts for fact in _PARAMETERS
        )
        self.idiom = shape.prompts or shape.names_ai
        if self.named or self.messages or self.idiom or shape.tokens:
            self._add_counts(attributes, shape)

    def _add_counts(self, attributes: Mapping[str, Any], shape: KeyShape) -> None:
        """Add the tokens that are counted; a meter's `usage.in` alone is no token's."""
        for key, side in shape.sides:
            found = count(attributes[key])
            if found is not None:
                self.sides.add(side)
                self.counts = self.counts or found > 0

    def is_call(self) -> bool:
        """Whether two signs show a call; a failed one has only what was requested."""
        if self.model and (self.messages or self._is_metered()):
            return True
        if self.named and self.input and (self.output or self.failed):
            return True
        if self.fails() and (self.input or self.is_named_as_call):
            return True
        if self.counts and self.messages and self.output:
            return True
        return self._counts_both() and self.input and self.output

    def is_request(self) -> bool:
        """Whether a span of a protocol is a gateway's account of a call, not its transport."""
        if self.model and self._counts_both():
            return True
        if self._counts_both() and (self.messages or (self.input and self.output)):
            return True
        return self.named and self.messages and self.output

    def all(self) -> bool:
        """Whether a call shows even on a span that names an agent."""
        return bool(self.model and self.counts and self.messages)

    def any(self) -> bool:
        """Whether there is a sign at all: enough for a trace that has no other call."""
        if self.named or self.messages or self._counts_both():
            return True
        return self.counts and bool(self.idiom or self.model)

    def fails(self) -> bool:
        """Whether a failed span shows what was requested of a model."""
        if not (self.failed and self.model and self.names_ai):
            return False
        return self.has_request or self.is_named_as_call

    def is_embedding(self) -> bool:
        """Whether what was counted went into a model that has no answer."""
        is_embedder = self.model is not None and "embed" in self.model.lower()
        return is_embedder and (self.counts or self.input)

    def _counts_both(self) -> bool:
        return self.counts and len(self.sides) == 2

    def _is_metered(self) -> bool:
        """Whether the tokens are a call's: an answer has some too; a tokenizer has none."""
        has_answer = self.named and (self.output or "output_tokens" in self.sides)
        return self._counts_both() or (self.counts and has_answer)


def _reports_failure(attributes: Mapping[str, Any], shape: KeyShape) -> bool:
    """Whether an attribute of a call that has no status reports an error."""
    found = shape.candidates
    for fact in ("error_type", "error_message"):
        values = (text(attributes[key]) for _, key in found.get(fact, ()))
        if any(value and value.lower() not in _NO_ERRORS for value in values):
            return True
    statuses = (count(attributes[key]) for _, key in found.get("http_status", ()))
    return any(status is not None and status >= 400 for status in statuses)


_NO_ERRORS = frozenset("none null false true 0 no ok".split())
"""What an attribute for an error says that reports none."""


def _first(facts: Facts, own: Facts, fact: str) -> Any:
    value = facts.get(fact)
    return own.get(fact) if value is None else value
