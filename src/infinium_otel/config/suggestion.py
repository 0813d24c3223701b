"""What was probably meant by a name that is unknown."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def suggest(name: str, known: Iterable[str], prefix: str = "") -> str:
    """The most similar of *known*, to append to a message; "" if none is similar.

    Args:
        name: what is unknown.
        known: the valid names.
        prefix: that of all names, which would make them similar.
    """
    from difflib import get_close_matches  # noqa: PLC0415 - for mistakes only

    by_rest = {each.removeprefix(prefix).lower(): each for each in known}
    similar = get_close_matches(name.removeprefix(prefix).lower(), by_rest, n=1)
    return f" (did you mean {by_rest[similar[0]]}?)" if similar else ""
