"""What several dialects do to the facts they found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._attributes import Coercion, count, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infinium_otel.dialects._dialect import Facts


def put(facts: Facts, fact: str, value: Any) -> None:
    """Add *fact*, unless it is known already or there is nothing to add."""
    if value is not None:
        facts.setdefault(fact, value)


def as_tool(facts: Facts, name: str | None) -> None:
    """A tool's content is its arguments and its result; *name* is its name at worst."""
    put(facts, "tool_name", name)
    for fact, side in (("arguments", "input"), ("result", "output")):
        put(facts, fact, facts.pop(side, None))


def dig(value: Any, *path: int | str) -> Any:
    """What stands at *path* inside *value*; None where the path leads nowhere."""
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
"""Where a provider's own usage object has each count: OpenAI's words and Anthropic's."""


def put_usage(facts: Facts, usage: Any) -> None:
    """Add the counts of a provider's own usage object."""
    _put_found(facts, usage, _COUNTS)
    put_usage_details(facts, usage)


def put_usage_details(facts: Facts, usage: Any) -> None:
    """Add only those counts of it that are parts of others."""
    _put_found(facts, usage, _DETAILS)


def _put_found(
    facts: Facts, source: Any, places: Mapping[str, tuple[tuple[str, ...], ...]]
) -> None:
    for fact, paths in places.items():
        for path in paths:
            put(facts, fact, count(dig(source, *path)))


def put_refusal(facts: Facts, answer: Any) -> None:
    """Add the provider's own word on a failure, which LangChain keeps as the answer."""
    error = dig(answer, "body", "error")
    put(facts, "error_type", text(dig(error, "code")) or text(dig(error, "type")))
    if error is not None:
        put(facts, "http_status", count(dig(answer, "status_code")))


def put_members(
    facts: Facts, source: Any, members: Mapping[str, tuple[str, Coercion]]
) -> None:
    """Add members of an object, each as its coercion reads it."""
    for fact, (name, coerce) in members.items():
        put(facts, fact, coerce(dig(source, name)))
