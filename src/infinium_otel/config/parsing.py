"""The texts of environment variables, as the values of settings."""

from __future__ import annotations

from dataclasses import MISSING
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_FLAGS = {
    **dict.fromkeys(("true", "1", "yes", "on"), True),
    **dict.fromkeys(("false", "0", "no", "off"), False),
}


def parse_text(text: str, default: Any) -> Any:
    """Convert a variable's *text* to the type of the setting's *default*.

    Raises:
        ValueError: it is not of that type; the message has what it must be.
    """
    if default is MISSING or default is None or isinstance(default, str):
        return text
    if isinstance(default, bool):
        if text.lower() not in _FLAGS:
            raise ValueError("must be true or false")
        return _FLAGS[text.lower()]
    try:
        return int(text) if isinstance(default, int) else float(text)
    except ValueError:
        noun = "a whole number" if isinstance(default, int) else "a number"
        raise ValueError(f"must be {noun}") from None


def expand_home(path: str, environ: Mapping[str, str]) -> str:
    """*path* with the user's folder for `~`, which only a shell replaces.

    Unless it is quoted, or in a file of variables: then a folder named `~` would be made.
    """
    home = environ.get("HOME") or environ.get("USERPROFILE")
    return f"{home}{path[1:]}" if home and path[:2] in ("~/", "~\\") else path
