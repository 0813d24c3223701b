"""The checks of settings: each returns a complaint, or None if the value is valid."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from infinium_otel.config.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

MIN_SECRET_LENGTH = 8
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


QUOTED = "must not be in quotes: `docker run --env-file` keeps them in the value"


def _is_quoted(text: str) -> bool:
    return len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"


def agent_id(value: Any) -> str | None:
    """A UUID, or None."""
    if value is None or (isinstance(value, str) and UUID.fullmatch(value)):
        return None
    if isinstance(value, str) and _is_quoted(value):
        return QUOTED
    return "must be a UUID with hyphens"


def secret(value: Any) -> str | None:
    """A text that is valid in a header, or None."""
    if value is None:
        return None
    if not isinstance(value, Secret):
        return "must be a text"
    text = value.reveal()
    if len(text) < MIN_SECRET_LENGTH:
        return f"must have at least {MIN_SECRET_LENGTH} characters"
    if _is_quoted(text):
        return QUOTED
    if not text.isascii() or not text.isprintable() or text != text.strip():
        return "must be printable ASCII without surrounding spaces"
    return None


def url(value: Any) -> str | None:
    """The address of an API: without credentials, query or fragment."""
    complaint = "must be an http:// or https:// address"
    if isinstance(value, str) and _is_quoted(value):
        complaint = QUOTED
    if not isinstance(value, str) or not value.isprintable() or " " in value:
        return complaint
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        return complaint
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return complaint
    if parts.username or parts.password:
        return "must not hold a user name or password"
    if parts.query or parts.fragment:
        return "must not have a query or a fragment"
    return None


def flag(value: Any) -> str | None:
    """A bool."""
    return None if isinstance(value, bool) else "must be true or false"


def number(least: float, *, whole: bool = False) -> Callable[[Any], str | None]:
    """Make a check for a finite number of *least* or more."""
    kinds = (int,) if whole else (int, float)
    noun = "a whole number" if whole else "a number"
    wanted = f"must be {noun}, {least:g} or more"

    def check(value: Any) -> str | None:
        if isinstance(value, bool) or not isinstance(value, kinds):
            return wanted
        return None if math.isfinite(value) and value >= least else wanted

    return check


def positive(value: Any) -> str | None:
    """A finite number above 0."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return "must be a number above 0"
    return None if math.isfinite(value) and value > 0 else "must be a number above 0"


def one_of(*choices: str) -> Callable[[Any], str | None]:
    """Make a check for one of *choices*."""
    wanted = "must be one of " + ", ".join(choices)
    return lambda value: None if value in choices else wanted


def path(value: Any) -> str | None:
    """A path, or None."""
    if value is None or (isinstance(value, str) and value and "\0" not in value):
        return None
    return "must be a path"


def redaction(value: Any) -> str | None:
    """A bool or a function."""
    if isinstance(value, bool) or callable(value):
        return None
    return "must be true, false or a callable (key, text) -> text"


def hook(value: Any) -> str | None:
    """A function, or None."""
    return None if value is None or callable(value) else "must be callable"
