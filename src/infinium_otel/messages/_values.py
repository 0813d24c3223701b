"""The one form of a message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from infinium_otel.jsontext import text_of


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """A tool the model asked for; `arguments` as given, decoded."""

    name: str
    arguments: Any = None
    id: str | None = None
    by_provider: bool = False


@dataclass(frozen=True, slots=True)
class ToolReply:
    """What a tool answered; `failed` is None where nobody said."""

    result: Any = None
    id: str | None = None
    name: str | None = None
    failed: bool | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One message in one form; `role` is system, user, assistant, tool or as given."""

    role: str
    text: str = ""
    requests: tuple[ToolRequest, ...] = ()
    replies: tuple[ToolReply, ...] = ()
    thought: str = ""

    @property
    def said(self) -> str:
        """The text and the tools asked for, by name with arguments."""
        if not self.requests:
            return self.text
        calls = [f"{r.name}({_passed(r.arguments)})" for r in self.requests]
        return "\n".join([self.text, *calls] if self.text else calls)


def _passed(arguments: Any) -> str:
    """Arguments as text; those that nobody recorded are not none."""
    return "..." if arguments is None else text_of(arguments or {})


class Draft:
    """A message while its parts are read."""

    __slots__ = ("replies", "requests", "role", "texts", "thoughts")

    def __init__(self, role: str) -> None:
        self.role = role
        self.texts: list[str] = []
        self.requests: list[ToolRequest] = []
        self.replies: list[ToolReply] = []
        self.thoughts: list[str] = []

    def message(self) -> Message:
        """The message that the parts make."""
        return Message(
            self.role,
            "\n".join(self.texts),
            tuple(self.requests),
            tuple(self.replies),
            "\n".join(self.thoughts),
        )

    def is_empty(self) -> bool:
        """Whether no part said anything."""
        return not (self.texts or self.requests or self.replies or self.thoughts)
