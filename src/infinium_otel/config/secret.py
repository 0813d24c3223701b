"""A text that is never shown."""

from __future__ import annotations

from typing import Any

SECRETS = ("agent_secret", "gateway_token")
"""The settings that are never shown."""


class Secret:
    """A text that no repr, log or exception shows."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself; only the code that sends it calls this."""
        return self._text

    def __repr__(self) -> str:
        return "Secret('***')"

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> str:
        raise TypeError("a Secret is not pickled")


def hide_secrets(settings: Any) -> None:
    """Make each secret in the mapping *settings* a `Secret`, in place.

    To be called first where settings come in: error trackers record the variables of every
    frame that an exception has passed.
    """
    for name in SECRETS:
        if isinstance(settings.get(name), str):
            settings[name] = Secret(settings[name])
