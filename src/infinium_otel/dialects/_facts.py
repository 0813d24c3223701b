"""What several dialects do to the facts they found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._attributes import Coercion, count

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


def put_members(
    facts: Facts, source: Any, members: Mapping[str, tuple[str, Coercion]]
) -> None:
    """Add members of an object, each as its coercion reads it."""
    for fact, (name, coerce) in members.items():
        put(facts, fact, coerce(dig(source, name)))
