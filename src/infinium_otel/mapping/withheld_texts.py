"""Removes from the spans what people, models or tools wrote: `capture_content=False`.

Messages, arguments and results are withheld where a task is built, by their length.
Here are the facts that are names or words in nearly all spans, but may be any text.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from infinium_otel.mapping.step_metadata import DOCUMENTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infinium_otel.mapping.tree import Node
    from infinium_otel.records import Evaluation, Failure, NormalizedSpan

WORD = re.compile(r"[\w.:/$<>*#+\[\]-]{1,200}")
"""A type, a code, a status or a label of one word."""

FORMATTED_MESSAGE = "logfire.msg"
"""A log message with its values, which is the name of a step; the span's own name is the
template. Source: logfire 4, `logfire._internal.main.Logfire._span`."""


def withhold_texts(nodes: Iterable[Node]) -> None:
    """Keep only words of types, statuses and labels, and no description or tag."""
    for node in nodes:
        node.span = _withhold(node.span)
        if FORMATTED_MESSAGE in node.record.attributes:
            node.span = replace(node.span, label=None)


def _withhold(span: NormalizedSpan) -> NormalizedSpan:
    metadata = {
        name: value
        for name, value in span.metadata.items()
        if is_word(name) and (not isinstance(value, str) or is_word(value))
    }
    return replace(
        span,
        tags=(),
        metadata=metadata,
        agent_description=None,
        expected={},
        failure=_withhold_failure(span.failure),
        evaluations=tuple(map(_withhold_evaluation, span.evaluations)),
        finish_reasons=tuple(filter(is_word, span.finish_reasons)),
        purpose=span.purpose if span.purpose and is_word(span.purpose) else None,
        extra={k: v for k, v in span.extra.items() if k == DOCUMENTS or _is_plain(v)},
    )


def _is_plain(value: object) -> bool:
    """Whether a value has no text, or only words."""
    if isinstance(value, (list, tuple)):
        return all(map(_is_plain, value))
    return is_word(value) if isinstance(value, str) else not isinstance(value, dict)


def is_word(text: str) -> bool:
    """Whether *text* is one word, as types and codes are; a sentence is not."""
    return WORD.fullmatch(text) is not None


def _withhold_failure(failure: Failure | None) -> Failure | None:
    if failure is None:
        return None
    code, wrapper = failure.code, failure.wrapper
    return replace(
        failure,
        type=failure.type if is_word(failure.type) else "error",
        code=code if code and is_word(code) else None,
        wrapper=wrapper if wrapper and is_word(wrapper) else None,
    )


def _withhold_evaluation(evaluation: Evaluation) -> Evaluation:
    label = evaluation.label
    kept = label if label and is_word(label) else None
    return replace(evaluation, label=kept, explanation=None)
