"""Facts by the last words of keys: the best key that has a value of the right type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._attributes import Coercion, data, flag, text
from infinium_otel.dialects._conversations import find_conversation, split_answer
from infinium_otel.dialects._providers import is_model_name
from infinium_otel.dialects.lenient_json import MAPPING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infinium_otel.dialects._dialect import Facts
    from infinium_otel.dialects._key_shapes import Candidates, KeyShape

MAX_NAME = 200


def name(value: Any) -> str | None:
    """A short text that names something."""
    found = text(value)
    is_name = found and len(found) <= MAX_NAME and found[0] not in "{["
    return found if is_name else None


def content(value: Any) -> Any:
    """A text or a structure; numbers and flags are no content of a message."""
    found = data(value)
    if isinstance(found, str) and flag(found) is not None:
        return None
    return found if isinstance(found, (str, list, tuple, *MAPPING)) else None


CONTENT: tuple[tuple[str, Coercion], ...] = (("input", content), ("output", content))


def put_best(
    facts: Facts,
    attributes: Mapping[str, Any],
    found: Candidates,
    wanted: tuple[tuple[str, Coercion], ...],
) -> None:
    """Add each of *wanted* that is missing, from its best key with a value.

    Args:
        found: the keys that may hold each fact, the best first.
    """
    for fact, coerce in wanted:
        if fact in found and facts.get(fact) is None:
            for _, key in found[fact]:
                value = coerce(attributes[key])
                if value is not None:
                    facts[fact] = value
                    break


def find_model_name(attributes: Mapping[str, Any], shape: KeyShape) -> str | None:
    """A model's name under a key of no known meaning; None if there are several."""
    found = {
        value
        for key in shape.unknown
        if isinstance(value := attributes[key], str)
        and len(value) >= MIN_MODEL_NAME
        and " " not in value
        and is_model_name(value)
    }
    return found.pop() if len(found) == 1 else None


MIN_MODEL_NAME = 4
"""Shorter names (`o3`) are any value."""


def put_unknown_values(
    facts: Facts, attributes: Mapping[str, Any], shape: KeyShape
) -> None:
    """Add to a call what has the shape of a model's name, a question, an answer.

    Only what is missing, and only if there is no choice: as many texts under unknown
    keys as are missing. An application writes the question first.
    """
    if facts.get("model") is None and facts.get("model_requested") is None:
        model = find_model_name(attributes, shape)
        if model is not None:
            facts["model_requested"] = model
    if facts.get("input") is None:
        _put_conversation(facts, attributes, shape)
    missing = [side for side in ("input", "output") if facts.get(side) is None]
    if not missing:
        return
    texts = [
        value
        for key in shape.unknown
        if isinstance(value := attributes[key], str) and _is_prose(value)
    ]
    if len(texts) == len(missing):
        facts.update(zip(missing, texts, strict=True))


def _put_conversation(
    facts: Facts, attributes: Mapping[str, Any], shape: KeyShape
) -> None:
    before, answer = split_answer(find_conversation(attributes, shape) or [])
    if not before:
        return
    if answer and facts.get("output") is None:
        facts["input"], facts["output"] = before, answer
    else:
        facts["input"] = before + answer


def _is_prose(value: str) -> bool:
    """Whether a text is of several words, or of a script that has no spaces."""
    found = value.strip()
    if found[:1] in "{[<" or found[:4].lower() == "http":
        return False
    return " " in found or (len(found) > 1 and not found.isascii())
