"""The one form of a message."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects.lenient_json import to_text

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class ToolCallPart:
    """A call of a tool that the model requested.

    Args:
        name: the tool's.
        arguments: as recorded, decoded; None if they were not recorded.
        id: what ties the call to its response.
        by_provider: the provider runs the tool itself, inside the model call.
    """

    name: str
    arguments: Any = None
    id: str | None = None
    by_provider: bool = False


@dataclass(frozen=True, slots=True)
class ToolResponsePart:
    """What a tool returned, as it was passed to the model.

    Args:
        result: as recorded, decoded.
        id: the id of the call.
        name: the tool's.
        failed: whether the tool failed; None if the message does not contain it.
    """

    result: Any = None
    id: str | None = None
    name: str | None = None
    failed: bool | None = None


@dataclass(slots=True)
class Message:
    """One message in one form; not frozen for the reason of `NormalizedSpan`.

    Args:
        role: system, user, assistant or tool; any other role as recorded.
        text: the text parts, one a line.
        tool_calls: the tool calls the model requested.
        responses: the results of tools.
        reasoning: the model's reasoning, where the provider returns it.
        metadata: what a framework keeps of the response beside the message.
    """

    role: str
    text: str = ""
    tool_calls: tuple[ToolCallPart, ...] = ()
    responses: tuple[ToolResponsePart, ...] = ()
    reasoning: str = ""
    metadata: Mapping[str, Any] | None = field(default=None, compare=False, repr=False)

    @property
    def requests_tools(self) -> bool:
        """Whether it requests a tool that the provider does not run itself."""
        return any(not call.by_provider for call in self.tool_calls)

    @property
    def text_and_calls(self) -> str:
        """The text, then each tool call as `name(arguments)`."""
        if not self.tool_calls:
            return self.text
        calls = [f"{c.name}({_arguments_text(c.arguments)})" for c in self.tool_calls]
        return "\n".join([self.text, *calls] if self.text else calls)


def _arguments_text(arguments: Any) -> str:
    """Arguments as text; "..." if they were not recorded, which is not "none"."""
    return "..." if arguments is None else to_text(arguments or {})


class MessageBuilder:
    """Collects the parts of one message."""

    __slots__ = ("metadata", "reasoning", "responses", "role", "texts", "tool_calls")

    def __init__(self, role: str) -> None:
        self.role = role
        self.texts: list[str] = []
        self.tool_calls: list[ToolCallPart] = []
        self.responses: list[ToolResponsePart] = []
        self.reasoning: list[str] = []
        self.metadata: Mapping[str, Any] | None = None

    def build(self) -> Message:
        """The message of the parts collected so far."""
        return Message(
            self.role,
            "\n".join(self.texts),
            tuple(self.tool_calls),
            tuple(self.responses),
            "\n".join(self.reasoning),
            self.metadata,
        )

    def is_empty(self) -> bool:
        """Whether no part had any content."""
        return not (self.texts or self.tool_calls or self.responses or self.reasoning)
