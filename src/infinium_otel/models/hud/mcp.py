"""What HUD takes from the Model Context Protocol: tool calls, results, content blocks.

The field names are the protocol's own, so that what is dumped is what HUD reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from infinium_otel.jsontext import text_of
from infinium_otel.models.documents import UNSAID, fill, list_of, other_keys


@dataclass(frozen=True, slots=True)
class TextContent:
    """A run of text."""

    text: str
    type: str = "text"
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class ImageContent:
    """An image.

    Args:
        data: base64; None where it was left out for its size.
        mimeType: "image/png".
    """

    data: str | None = None
    mimeType: str | None = None  # noqa: N815 - the protocol's own name
    type: str = "image"
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class AudioContent:
    """A sound, as `ImageContent`."""

    data: str | None = None
    mimeType: str | None = None  # noqa: N815 - the protocol's own name
    type: str = "audio"
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class ResourceLink:
    """The name and address of something the server can be asked for."""

    name: str
    uri: str
    type: str = "resource_link"
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class EmbeddedResource:
    """A resource with its content."""

    resource: Mapping[str, Any]
    type: str = "resource"
    other: Mapping[str, Any] = other_keys()


ContentBlock = (
    TextContent
    | ImageContent
    | AudioContent
    | ResourceLink
    | EmbeddedResource
    | Mapping[str, Any]
)
"""A block of a type this module does not know stays the mapping it is."""

_BLOCKS: dict[str, type[Any]] = {
    "text": TextContent,
    "image": ImageContent,
    "audio": AudioContent,
    "resource_link": ResourceLink,
    "resource": EmbeddedResource,
}


@dataclass(frozen=True, slots=True)
class MCPToolCall:
    """A tool call to be executed.

    Args:
        arguments: the arguments; the raw text where it did not parse (0.6).
        id: None where nobody gave one (HUD then makes a new one).
    """

    name: str
    arguments: Any = None
    id: str | None = field(default=None, metadata=UNSAID)
    meta: Any = field(default=None, metadata={"wire": "_meta"})
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class MCPToolResult:
    """The result of a tool call."""

    content: tuple[Any, ...] = ()
    structuredContent: Mapping[str, Any] | None = None  # noqa: N815 - the protocol's own
    isError: bool = False  # noqa: N815 - the protocol's own name
    meta: Any = field(default=None, metadata={"wire": "_meta"})
    other: Mapping[str, Any] = other_keys()


def block_of(value: Any) -> ContentBlock:
    """A content block from its JSON; one that is not understood stays as it is."""
    if not isinstance(value, Mapping):
        return TextContent(text_of(value))
    kind = value.get("type")
    cls = _BLOCKS.get(kind) if isinstance(kind, str) else None
    needed = {TextContent: ("text",), ResourceLink: ("name", "uri")}
    if cls is None or not all(
        isinstance(value.get(k), str) for k in needed.get(cls, ())
    ):
        return dict(value)
    if cls is EmbeddedResource and not isinstance(value.get("resource"), Mapping):
        return dict(value)
    return fill(cls, value)  # type: ignore[no-any-return]  # one of the classes above


def blocks_of(value: Any) -> tuple[ContentBlock, ...] | None:
    """A loader of a list of content blocks; a text is one block."""
    if isinstance(value, str):
        return (TextContent(value),)
    found = list_of(value)
    return None if found is None else tuple(block_of(item) for item in found)


def tool_call_of(value: Any) -> MCPToolCall:
    """A tool call from its JSON."""
    return fill(MCPToolCall, value)


def tool_result_of(value: Any) -> MCPToolResult:
    """A tool result from its JSON."""
    return fill(MCPToolResult, value, content=blocks_of)
