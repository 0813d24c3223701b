"""An interpreted result as evaluations, whatever its shape.

The service documents only that a result is in `interpretedTraceResult`. So nothing is
known of it, and nothing is invented: a number, a boolean or a short text is an evaluation
named by its path, and the longer texts beside it are its explanation.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

from infinium_otel.records import Evaluation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

LOCAL = "infinium-otel serve"
"""The source of what the local server computes: it counts, and judges nothing."""
WHOLE = "interpretation"
"""The name of what a result states as a whole, so without a path."""
MAX_EVALUATIONS = 50
MAX_DEPTH = 8
MAX_MEMBERS = 200
"""Members of one object or list that are read."""
MAX_NAME_LENGTH = 120
MAX_LABEL_LENGTH = 40
MAX_LABEL_WORDS = 3
MAX_TEXT_LENGTH = 1_000

_SCORES = ("score", "value", "rating", "grade")
_LABELS = ("label", "verdict", "status", "result")
_NAMES = ("name", "criterion", "metric", "key", "title")
_TEXTS = frozenset(
    "summary explanation reason reasoning rationale comment feedback description note"
    " notes details message".split()
)
"""Keys of texts that explain, however short."""
_ID = re.compile(
    r"[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|[0-9a-fA-F]{16,}|\d{4}-\d\d-\d\d([T ].*)?"
)
"""An id or a time: neither a label nor a reason."""


def read_verdict(result: Any) -> tuple[Evaluation, ...]:
    """The evaluations in *result*, the `interpretedTraceResult` of a run.

    Args:
        result: any JSON value, also as its text. An object with a score or a label under
            one of the usual names is one evaluation, named by the path of the object.

    Returns:
        At most 50, in the order of the result; a result of texts only is one evaluation
        without a score, and an empty one is none.
    """
    value = _parse(result)
    if isinstance(value, dict) and value.get("source") == LOCAL:
        value = value.get("rules")
    found = list(_take(_iter_value(value, (), 0), MAX_EVALUATIONS))
    return tuple(dict.fromkeys(found))


def _parse(result: Any) -> Any:
    if isinstance(result, str) and result.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(result)
        except (ValueError, RecursionError):
            return result
    return result


def _take(found: Iterator[Evaluation], most: int) -> Iterator[Evaluation]:
    for _, each in zip(range(most), found, strict=False):
        yield each


def _iter_value(value: Any, path: tuple[str, ...], depth: int) -> Iterator[Evaluation]:
    if isinstance(value, dict):
        yield from _iter_object(value, path, depth)
    elif isinstance(value, list):
        yield from _iter_list(value, path, depth)
    elif isinstance(value, str):
        text = value.strip()
        if is_label(text):
            yield Evaluation(_to_name(path), None, text)
        elif text and not _ID.fullmatch(text):
            yield Evaluation(_to_name(path), explanation=_cut(text))
    elif (score := to_score(value)) is not None:
        yield Evaluation(_to_name(path), score)


def _iter_object(
    value: Mapping[str, Any], path: tuple[str, ...], depth: int
) -> Iterator[Evaluation]:
    members = list(value.items())[:MAX_MEMBERS]
    scores = {k: s for k, v in members if (s := to_score(v)) is not None}
    labels = {
        key: text.strip()
        for key, text in members
        if isinstance(text, str) and is_label(text.strip()) and key not in _TEXTS
    }
    name = next((k for k in _NAMES if k in labels), "") if path else ""
    labels.pop(name, None)
    explanation = _join_texts(members, labels, name)
    own_score = next((k for k in _SCORES if k in scores), None)
    own_label = next((k for k in _LABELS if k in labels), None)
    if own_score or own_label:
        yield Evaluation(
            _to_name(path),
            scores.pop(own_score or "", None),
            labels.pop(own_label or "", None),
            explanation,
        )
        explanation = None
    for key, _ in members:
        if key in scores or key in labels:
            at = _to_name((*path, key))
            yield Evaluation(at, scores.get(key), labels.get(key), explanation)
            explanation = None
    if explanation:
        yield Evaluation(_to_name(path), explanation=explanation)
    if depth < MAX_DEPTH:
        for key, member in members:
            if isinstance(member, (dict, list)):
                yield from _iter_value(member, (*path, key), depth + 1)


def _iter_list(
    value: Sequence[Any], path: tuple[str, ...], depth: int
) -> Iterator[Evaluation]:
    members = value[:MAX_MEMBERS]
    texts = [v.strip() for v in members if isinstance(v, str) and v.strip()]
    if texts:
        yield Evaluation(_to_name(path), explanation=_cut("\n".join(texts)))
    for number, member in enumerate(members, 1):
        if not isinstance(member, str) and depth < MAX_DEPTH:
            step = _find_name(member) or str(number)
            yield from _iter_value(member, (*path, step), depth + 1)


def _find_name(member: Any) -> str | None:
    """The name that an object in a list has: what is judged."""
    if not isinstance(member, dict):
        return None
    names = (member.get(key) for key in _NAMES)
    found = (n.strip() for n in names if isinstance(n, str) and n.strip())
    return next((name for name in found if len(name) <= MAX_NAME_LENGTH), None)


def to_score(value: Any) -> float | bool | None:
    """A finite number or a boolean; None for anything else."""
    if isinstance(value, bool):
        return value
    if not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def is_label(text: str) -> bool:
    """Whether *text* is a word or three, which names a result rather than explains it."""
    return (
        0 < len(text) <= MAX_LABEL_LENGTH
        and len(text.split()) <= MAX_LABEL_WORDS
        and text.isprintable()
        and not _ID.fullmatch(text)
    )


def _join_texts(
    members: Sequence[tuple[str, Any]], labels: Mapping[str, str], name: str
) -> str | None:
    texts = [
        (key, value.strip())
        for key, value in members
        if isinstance(value, str) and key not in labels and key != name
    ]
    texts = [(key, text) for key, text in texts if text and not _ID.fullmatch(text)]
    if len(texts) == 1:
        return _cut(texts[0][1])
    return _cut("\n".join(f"{key}: {text}" for key, text in texts)) if texts else None


def _to_name(path: tuple[str, ...]) -> str:
    return _cut(".".join(path), MAX_NAME_LENGTH) or WHOLE


def _cut(text: str, limit: int = MAX_TEXT_LENGTH) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
