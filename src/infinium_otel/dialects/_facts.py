"""Operations on facts that several dialects share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._attributes import Coercion, count, structure, text
from infinium_otel.dialects.lenient_json import MAPPING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infinium_otel.dialects._dialect import Facts


def put(facts: Facts, fact: str, value: Any) -> None:
    """Add *fact*, unless it is present or *value* is None."""
    if value is not None:
        facts.setdefault(fact, value)


def as_tool(facts: Facts, name: str | None) -> None:
    """Make input and output the arguments and result; *name* is the default name."""
    put(facts, "weak_tool_name", name)
    for fact, side in (("arguments", "input"), ("result", "output")):
        put(facts, fact, facts.pop(side, None))


def dig(value: Any, *path: int | str) -> Any:
    """The value at *path* inside *value*; None if there is none."""
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def put_counts(facts: Facts, source: Any, names: Mapping[str, str]) -> None:
    """Add the token counts of a usage object, by the names of its members."""
    for fact, name in names.items():
        put(facts, fact, count(dig(source, name)))


_COUNTS = {
    "input_tokens": (("input_tokens",), ("prompt_tokens",)),
    "output_tokens": (("output_tokens",), ("completion_tokens",)),
    "cache_read": (("cache_read_input_tokens",),),
    "cache_write": (("cache_creation_input_tokens",),),
}
_DETAILS = {
    "cache_read": (
        ("input_tokens_details", "cached_tokens"),
        ("prompt_tokens_details", "cached_tokens"),
    ),
    "reasoning": (
        ("output_tokens_details", "reasoning_tokens"),
        ("completion_tokens_details", "reasoning_tokens"),
    ),
}
"""The places of each count in the usage objects of OpenAI and Anthropic."""


def put_usage(facts: Facts, usage: Any) -> None:
    """Add the counts of a provider's own usage object."""
    _put_first_count(facts, usage, _COUNTS)
    put_usage_details(facts, usage)


def put_usage_details(facts: Facts, usage: Any) -> None:
    """Add only those counts of it that are part of another count."""
    _put_first_count(facts, usage, _DETAILS)


def _put_first_count(
    facts: Facts, source: Any, places: Mapping[str, tuple[tuple[str, ...], ...]]
) -> None:
    for fact, paths in places.items():
        for path in paths:
            put(facts, fact, count(dig(source, *path)))


def put_provider_error(facts: Facts, response: Any) -> None:
    """Add the provider's error, which LangChain records as the response."""
    error = dig(response, "body", "error")
    put(facts, "error_type", text(dig(error, "code")) or text(dig(error, "type")))
    if error is not None:
        put(facts, "http_status", count(dig(response, "status_code")))


def put_members(
    facts: Facts, source: Any, members: Mapping[str, tuple[str, Coercion]]
) -> None:
    """Add members of an object, each through its coercion."""
    for fact, (name, coerce) in members.items():
        put(facts, fact, coerce(dig(source, name)))


def split_prompt(facts: Facts) -> None:
    """Split an input that holds a prompt or messages beside the system prompt."""
    found = facts.get("input")
    if isinstance(found, str) and found.lstrip()[:1] != "{":
        return
    prompt = structure(found)
    if isinstance(prompt, MAPPING) and "role" not in prompt:
        content = prompt.get("messages") or prompt.get("prompt")
        if content and prompt.keys() <= _PROMPT:
            put(facts, "system", text(prompt.get("system")))
            facts["input"] = content


_PROMPT = frozenset({"system", "prompt", "messages", "schema", "kwargs"})


def read_tool_request(value: Any) -> Mapping[str, Any]:
    """The request in a tool's input, with `name` and arguments as in MCP; else empty."""
    if value is None or (isinstance(value, str) and '"arg' not in value):
        return {}
    found = structure(value)
    is_request = (
        isinstance(found, MAPPING)
        and isinstance(found.get("name"), str)
        and isinstance(found.get("arguments", found.get("args")), (str, *MAPPING))
    )
    return found if is_request else {}
