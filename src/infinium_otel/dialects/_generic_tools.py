"""What tools and failures of any vocabulary report, by the last words of keys."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._attributes import (
    Coercion,
    count,
    data,
    flag,
    structure,
    text,
    word,
)
from infinium_otel.dialects._facts import put
from infinium_otel.dialects._generic_values import content, name, put_best
from infinium_otel.dialects._words import MAX_KEY, split_words
from infinium_otel.dialects.lenient_json import MAPPING, loads

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infinium_otel.dialects._dialect import Facts
    from infinium_otel.dialects._key_shapes import Candidates

_TOOL: tuple[tuple[str, Coercion], ...] = (
    ("tool_name", name),
    ("tool_call_id", name),
    ("arguments", content),
    ("result", data),
)


def _code(value: Any) -> str | None:
    """A code as text; a number is one too."""
    number = count(value)
    return name(value) if number is None else str(number)


_ERROR: tuple[tuple[str, Coercion], ...] = (
    ("error_type", name),
    ("error_code", _code),
    ("http_status", count),
)


def put_tool(facts: Facts, attributes: Mapping[str, Any], found: Candidates) -> None:
    """Add name, id, arguments and result; a schema is not an argument."""
    if "arguments" in found and facts.get("arguments") is None:
        found = {
            **found,
            "arguments": tuple(
                (rank, key)
                for rank, key in found["arguments"]
                if not _is_schema(attributes[key])
            ),
        }
    wanted = _TOOL
    if facts.get("input") is not None:
        wanted = tuple(row for row in wanted if row[0] != "arguments")
    if facts.get("output") is not None:
        wanted = tuple(row for row in wanted if row[0] != "result")
    put_best(facts, attributes, found, wanted)
    if isinstance(facts.get("result"), str):
        _add_parts(facts, attributes, found)
    _put_function(facts, attributes)
    for side in ("arguments", "input"):
        if facts.get(side) is not None:
            facts[side] = _unwrap_arguments(facts[side])


_FIRST_PART = "content.0.text"
MAX_PARTS = 100


def _add_parts(facts: Facts, attributes: Mapping[str, Any], found: Candidates) -> None:
    """Add the other texts of a result that has a key for each: `result.content.1.text`."""
    for _, key in found.get("result", ()):
        if key.endswith(_FIRST_PART) and attributes[key] == facts["result"]:
            prefix = key.removesuffix("0.text")
            keys = [f"{prefix}{index}.text" for index in range(MAX_PARTS)]
            texts = [text(attributes.get(key)) for key in keys]
            facts["result"] = "\n".join([each for each in texts if each])


_PARAMETER = re.compile(
    r"(?:code\.function\.parameters?|(?:[\w-]{1,40}\.){0,3}tool\.(?:input|arguments|args))"
    r"\.(?!(?:size|bytes|length|hash|count|keys|type|value|schema|truncated|mime_type)$)"
    r"(.{1,100}?)(\.value|\.type)?"
)
_RETURNED = "code.function.return.value"


def _put_function(facts: Facts, attributes: Mapping[str, Any]) -> None:
    """Add the parameters and the value of a function that was traced as it ran.

    A tool may have an attribute for each argument too: `tool.input.command`.

    Source: opentelemetry-instrumentation-google-genai (`tool_call_wrapper.py`, a value
    and a type for each); azure-ai-projects (`trace_function`, a value for each).
    """
    if facts.get("arguments") is None and facts.get("input") is None:
        matches = ((key, _PARAMETER.fullmatch(key)) for key in attributes)
        given = {
            match[1]: loads(attributes[key])
            for key, match in matches
            if match and match[2] != ".type"
        }
        put(facts, "arguments", given or None)
    if facts.get("output") is None:
        put(facts, "result", attributes.get(_RETURNED))


def put_guardrail(facts: Facts, attributes: Mapping[str, Any]) -> None:
    """Add the name of what was checked: `rail.name`, `guardrail.name`."""
    for key in attributes:
        if len(key) <= MAX_KEY and split_words(key)[-2:] in _GUARDS:
            put(facts, "label", name(attributes[key]))


_GUARDS = frozenset(
    (what, "name") for what in ("rail", "guardrail", "validator", "guard", "rule")
)


def _unwrap_arguments(value: Any) -> Any:
    """The arguments in an object that holds nothing else: `{"ArgumentsInJSON": ...}`."""
    if isinstance(value, str) and not _may_name_arguments(value):
        return value
    found = structure(value)
    if isinstance(found, MAPPING):
        filled = [key for key, member in found.items() if member not in (None, "", {})]
        if len(filled) == 1 and "arguments" in split_words(str(filled[0])):
            return found[filled[0]]
    return value


def _may_name_arguments(text: str) -> bool:
    """Whether *text* may have that word as a name: one that is escaped or has accents too."""
    return "rgument" in text or "RGUMENT" in text or "\\" in text or not text.isascii()


def _is_schema(value: Any) -> bool:
    found = structure(value)
    return isinstance(found, MAPPING) and "properties" in found and "type" in found


_FAILURES = frozenset("error errored fail failed failure timeout exception".split())
_NEGATIONS = frozenset("no non not without".split())


def _is_failure(value: Any) -> bool:
    """Whether the last word of an outcome is a failure: `failed`, `request_error`."""
    found = word(value) or ""
    if found in _FAILURES:
        return True
    words = split_words(found) if len(found) <= MAX_OUTCOME else ()
    return words[-1:] != () and words[-1] in _FAILURES and _NEGATIONS.isdisjoint(words)


MAX_OUTCOME = 40


def _read_error(facts: Facts, body: Mapping[str, Any]) -> Any:
    """The message of an error object; its code is added, as a name says more than a number.

    Providers wrap it: `{"error": {"message": ..., "code": ...}}`.
    """
    inner = body.get("error")
    if body.get("message") is None and inner is not None:
        if not isinstance(inner, MAPPING):
            return inner
        body = inner
    put(facts, "error_type", name(body.get("type")))
    code = name(body.get("code"))
    if code is not None and count(facts.get("error_code", 0)) is not None:
        facts["error_code"] = code
    return body.get("message")


_SUCCESS = ("success", "ok")


def put_failure(facts: Facts, attributes: Mapping[str, Any], found: Candidates) -> None:
    """Add what a tool or a call reports of its outcome, in any namespace."""
    if found:
        put_best(facts, attributes, found, _ERROR)
    for _, key in found.get("error_message", ()):
        value = attributes[key]
        if value is True or value == "true":
            facts.setdefault("failed", True)
        elif isinstance(value, str) and flag(value) is None:
            body = structure(value)
            if isinstance(body, MAPPING):
                value = _read_error(facts, body)
            if facts.get("error_message") is None and name(value) != "none":
                facts["error_message"] = text(value)
    for _, key in found.get("outcome", ()):
        value = attributes[key]
        is_success = key.endswith(_SUCCESS) and flag(value) is False
        if is_success or _is_failure(value):
            facts.setdefault("failed", True)
    if facts.get("error_message") is None:
        facts.pop("error_message", None)
