"""What was probably meant by a name that is unknown."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


COMPANY = "INFINIUM_"
OURS = "INFINIUM_OTEL_"
OTHER_NAMES = {
    **dict.fromkeys(("host", "url", "endpoint", "api_url"), "base_url"),
    **dict.fromkeys(("api_key", "secret", "secret_key", "agent_key"), "agent_secret"),
}
"""What other tools call such a setting."""


def find_meant(variable: str, known: Iterable[str]) -> str | None:
    """The setting's variable that was probably meant by *variable*; None if there is none.

    One with our own prefix is always meant for us; of others, which may be another
    program's, only those that differ in a letter or two, or have another tool's name.
    """
    prefix, cutoff = (OURS, 0.6) if variable.startswith(OURS) else (COMPANY, 0.85)
    if not variable.startswith(prefix):
        return None
    from difflib import get_close_matches  # noqa: PLC0415 - for mistakes only

    by_rest = {
        each.removeprefix(prefix).lower(): each
        for each in known
        if each.startswith(OURS) == (prefix == OURS)
    }
    rest = variable.removeprefix(prefix).lower()
    similar = get_close_matches(rest, by_rest, n=1, cutoff=cutoff)
    return by_rest[similar[0]] if similar else by_rest.get(OTHER_NAMES.get(rest, ""))


def suggest(name: str, known: Iterable[str]) -> str:
    """The one of *known* that was meant, to append to a message; "" if none is similar.

    Args:
        name: what is unknown.
        known: the valid names.
    """
    from difflib import get_close_matches  # noqa: PLC0415 - for mistakes only

    by_lower = {each.lower(): each for each in known}
    similar = get_close_matches(name.lower(), by_lower, n=1)
    meant = by_lower.get(similar[0] if similar else OTHER_NAMES.get(name.lower(), ""))
    return f" (did you mean {meant}?)" if meant else ""
