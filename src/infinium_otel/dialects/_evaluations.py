"""Evaluation results, scores and feedback that a span, its events or its logs contain.

The GenAI conventions record a result as an event; evaluation libraries write it as
attributes below a word such as `eval`, or as one object of scores.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._attributes import structure, text
from infinium_otel.dialects._evaluation_values import (
    FIELD_OF,
    MAX_EVALUATIONS,
    MAX_KEY,
    collect_fields,
    iter_list,
    iter_object,
    iter_output,
    make_evaluations,
)
from infinium_otel.dialects._words import split_words
from infinium_otel.dialects.lenient_json import MAPPING
from infinium_otel.records.caching import cache_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from infinium_otel.dialects._dialect import Facts
    from infinium_otel.dialects._shape import Shape
    from infinium_otel.records import Evaluation, SpanRecord

    _Place = tuple[str, ...]

MAX_CACHED_KEYS = 10_000
MAX_RESULT = 2_000
"""Characters of an output in which the result of an evaluator is recognized."""

_WORDS = frozenset("eval evals evaluation evaluations feedback score scores".split())
_REWARD = {"hud.trace.reward": ("hud.trace", "reward", "score")}
LOGFIRE_FEEDBACK = "logfire.feedback.name"
LOGFIRE_COMMENT = "logfire.feedback.comment"
_PLACE = re.compile(
    r"((?:.*\.)?(?:evals?|evaluations?|feedback|annotations?|langfuse\.score))\."
    r"(?:([^.]{1,80})\.)??(?:score\.)?(\w{1,40})"
)
_OBJECT = re.compile(r"(?:(?:.*\.)?(?:scores|evaluations)|assertions)")
_LIST = re.compile(r"(?:.*\.)?(?:scores|evaluations|annotations|assessments)")


def read_evaluations(
    record: SpanRecord, shape: Shape, kind: str, facts: Facts
) -> tuple[Evaluation, ...]:
    """The evaluations on *record*: of its events, of its attributes, of its output.

    Args:
        shape: the shape of its attributes.
        kind: the span's kind; the output of an evaluator is an evaluation.
        facts: the merged facts of its dialects.
    """
    places = shape.select(_find_place)
    is_judge = kind == "evaluator" or _is_langsmith_result(facts.get("output"))
    if not (places or record.events or is_judge):
        return ()
    found = [*_iter_events(record), *_iter_attributes(record.attributes, places)]
    if is_judge and not found:
        name = text(facts.get("label")) or record.name
        found = [*iter_output(facts.get("output"), name)]
    return tuple(dict.fromkeys(found[:MAX_EVALUATIONS]))


def _is_langsmith_result(output: Any) -> bool:
    """Whether *output* is what a LangSmith evaluator returns.

    Source: langsmith 0.4, evaluation/evaluator.py, EvaluationResult and EvaluationResults.
    """
    if not isinstance(output, str) or '"score"' not in output[:MAX_RESULT]:
        return False
    found = structure(output)
    results = found.get("results", [found]) if isinstance(found, MAPPING) else ()
    return isinstance(results, list) and any(
        isinstance(each, MAPPING) and {"key", "score"} <= each.keys()
        for each in results
    )


def _iter_events(record: SpanRecord) -> Iterator[Evaluation]:
    for event in record.events:
        words = split_words(event.name)
        if not _WORDS.isdisjoint(words):
            # Source: langwatch 0.2, `add_evaluation`: one JSON text per event.
            encoded = structure(event.attributes.get("json_encoded_event"))
            is_encoded = isinstance(encoded, MAPPING)
            values = collect_fields(encoded if is_encoded else event.attributes)
            if "result" not in words[-1:]:
                values.setdefault("name", event.name.rpartition(".")[2])
            response_id = text(event.attributes.get("gen_ai.response.id"))
            yield from make_evaluations({**values, "response_id": response_id})


def _iter_attributes(
    attributes: Mapping[str, Any], places: Sequence[tuple[str, _Place]]
) -> Iterator[Evaluation]:
    groups: dict[tuple[str, str], dict[str, Any]] = {}
    for key, place in places:
        value = attributes[key]
        if not place:
            yield from iter_list(value)
            if _OBJECT.fullmatch(key):
                yield from iter_object(value)
            continue
        if key == LOGFIRE_FEEDBACK:
            yield from _iter_logfire_feedback(attributes)
            continue
        prefix, name, field = place
        values = groups.setdefault((prefix, name), {"name": name} if name else {})
        if value is not None:
            values.setdefault(field, value)
    for values in groups.values():
        yield from make_evaluations(values)


def _iter_logfire_feedback(attributes: Mapping[str, Any]) -> Iterator[Evaluation]:
    """The feedback on a span, whose value is under its own name.

    Source: logfire 4, experimental/annotations.py, `record_feedback`.
    """
    name = text(attributes.get(LOGFIRE_FEEDBACK))
    if name:
        comment = attributes.get(LOGFIRE_COMMENT)
        values = {"name": name, "score": attributes.get(name), "explanation": comment}
        yield from make_evaluations(values)


@cache_names(maxsize=MAX_CACHED_KEYS)
def _find_place(key: str) -> _Place | None:
    """The group, the evaluation's name and the field that *key* holds.

    Returns:
        () for several evaluations in one value; None for other keys.
    """
    if len(key) > MAX_KEY or key == LOGFIRE_COMMENT:
        return None
    if _OBJECT.fullmatch(key) or _LIST.fullmatch(key):
        return ()
    if key in _REWARD:
        return _REWARD[key]
    match = _PLACE.fullmatch(key)
    field = FIELD_OF.get(match[3]) if match else None
    if match is None or field is None:
        return None
    name = match[2] or ""
    return match[1], "" if name == "score" else name, field
