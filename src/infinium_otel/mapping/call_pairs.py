"""Two spans as reports of one model call: compared, and one merged into the other."""

from __future__ import annotations

from dataclasses import fields, replace
from operator import attrgetter
from typing import TYPE_CHECKING

from infinium_otel.dialects import CALLS
from infinium_otel.mapping import content_texts
from infinium_otel.mapping.merging import merge
from infinium_otel.mapping.model_names import are_other_models
from infinium_otel.records import NormalizedSpan

if TYPE_CHECKING:
    from infinium_otel.mapping.tree import Node


def is_call(node: Node) -> bool:
    """Whether *node* represents one model call."""
    return node.kind in CALLS and not node.folded


def sum_tokens(call: Node) -> tuple[int | None, int | None] | None:
    """The input and output tokens of a call; None if it reports no usage."""
    usage = call.span.usage
    return (usage.input, usage.output) if usage is not None else None


def merge_wrapper(outer: Node, inner: Node) -> None:
    """Fold the wrapper into the inner call, with what only the wrapper reports."""
    span = merge(inner.span, outer.span)
    if outer.span.output is not None and _has_empty_output(inner):
        span = replace(span, output=outer.span.output)
    inner.span = span
    outer.fold_into(inner)


def _has_empty_output(call: Node) -> bool:
    """Whether the output has messages but no content in them."""
    messages = call.output_content.messages
    return bool(messages) and not any(message.text_and_calls for message in messages)


def have_other_models(one: Node, other: Node) -> bool:
    """Whether two calls were certainly made of different models."""
    first, second = one.span, other.span
    return are_other_models(
        first.model or first.model_requested, second.model or second.model_requested
    )


def agree(one: str | None, other: str | None) -> bool:
    """Whether one of two texts is in the other, as far as both are known."""
    if not one or not other:
        return True
    first, second = sorted(("".join(text.split()) for text in (one, other)), key=len)
    return first in second


def read_answer(call: Node) -> str | None:
    """The text of the answer and the requests for tools; None if there is none."""
    return content_texts.find_answer(call.output_content)


def merge_into(kept: Node, other: Node) -> None:
    """Fold *other* into *kept*, with what only *other* reports."""
    kept.span = merge(kept.span, other.span)
    other.fold_into(kept)


def get_richness(node: Node) -> tuple[bool, int]:
    """Sort key: a real duration counts first, then the number of known fields."""
    span = node.span
    known_fields = sum(value is not None for value in _get_all(span))
    return node.record.end_ns > node.record.start_ns, known_fields


_get_all = attrgetter(*(field.name for field in fields(NormalizedSpan)))
