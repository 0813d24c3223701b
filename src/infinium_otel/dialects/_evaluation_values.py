"""One evaluation from its fields, and many from an object or a list of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._attributes import number, structure, text
from infinium_otel.dialects.lenient_json import MAPPING, loads
from infinium_otel.records import Evaluation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LIST = (list, tuple)
MAX_EVALUATIONS = 20
MAX_KEY = 200

_FIELDS = {
    "name": "name metric key evaluator",
    "score": "value score rating",
    "label": "label",
    "explanation": "explanation reason comment reasoning rationale",
}
FIELD_OF = {word: field for field, line in _FIELDS.items() for word in line.split()}
"""The field that the last word of a key names."""
_WHOLE_KEYS = {"error.type": "error", "passed": "passed", "details": "explanation"}
_INNER = ("result", "feedback")
"""Where Phoenix's annotations and MLflow's assessments have their values."""
_WORD = re.compile(r"[^\W_][\w.-]{0,39}")


def collect_fields(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of one evaluation, by the last words of the keys."""
    values: dict[str, Any] = {}
    for key, value in attributes.items():
        name = str(key)[:MAX_KEY]
        last = name.rpartition(".")[2].rpartition("_")[2]
        field = _WHOLE_KEYS.get(name) or FIELD_OF.get(last)
        if field and value is not None:
            values.setdefault(field, value)
    for name in _INNER:
        inner = attributes.get(name)
        if isinstance(inner, MAPPING):
            values = {**collect_fields(inner), **values}
    return values


def make_evaluations(values: Mapping[str, Any]) -> Iterator[Evaluation]:
    """The evaluation that *values* describe, if they hold a result, a reason or an error."""
    score, label = _read_score(values)
    explanation = text(values.get("explanation"))
    error = text(values.get("error"))
    if score is not None or label or explanation or error:
        name = text(values.get("name")) or "evaluation"
        response_id = values.get("response_id")
        yield Evaluation(name, score, label, explanation, response_id, error)


def _read_score(values: Mapping[str, Any]) -> tuple[float | bool | None, str | None]:
    """The score and its label; a score in words is a label."""
    score: Any = values.get("score")
    label = text(values.get("label"))
    if isinstance(score, str) and score.strip().lower() in ("true", "false"):
        score = score.strip().lower() == "true"
    if not isinstance(score, bool):
        label = label or (text(score) if number(score) is None else None)
        score = number(score)
    passed = values.get("passed")
    if isinstance(passed, bool) and score is None:
        score = passed
    elif isinstance(passed, bool) and not label:
        label = "passed" if passed else "failed"
    return score, label


def iter_object(value: Any) -> Iterator[Evaluation]:
    """The evaluations in an object from names to scores, or to objects of their fields."""
    found = structure(value)
    if not isinstance(found, MAPPING):
        return
    for name in list(found)[:MAX_EVALUATIONS]:
        member = found[name]
        values = (
            collect_fields(member) if isinstance(member, MAPPING) else {"score": member}
        )
        yield from make_evaluations({**values, "name": str(name)})


def iter_list(value: Any) -> Iterator[Evaluation]:
    """The evaluations in a list of objects that each have a name."""
    found = structure(value)
    if not isinstance(found, LIST):
        return
    for member in found[:MAX_EVALUATIONS]:
        values = collect_fields(member) if isinstance(member, MAPPING) else {}
        if text(values.get("name")):
            yield from make_evaluations(values)


def iter_output(value: Any, name: str) -> Iterator[Evaluation]:
    """The evaluations in what an evaluator returned.

    Args:
        value: an object of one evaluation, one of many below `results`, a list of them,
            a number, whether it passed, or a label of one word.
        name: of an evaluation without a name of its own.
    """
    found = loads(value)
    if isinstance(found, MAPPING) and isinstance(found.get("results"), LIST):
        found = found["results"]
    if isinstance(found, LIST):
        members = found[:MAX_EVALUATIONS]
    else:
        members = [found if isinstance(found, MAPPING) else _to_fields(found)]
    for member in members:
        if isinstance(member, MAPPING):
            yield from make_evaluations({"name": name, **collect_fields(member)})


def _to_fields(value: Any) -> dict[str, Any]:
    is_prose = isinstance(value, str) and not _WORD.fullmatch(value.strip())
    return {} if is_prose else {"score": value}
