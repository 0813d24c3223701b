"""HUD's types from the Model Context Protocol: tool calls, results, content blocks.

Field names are the protocol's own, so that HUD can read the dumped JSON.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from infinium_otel.dialects.lenient_json import to_text
from infinium_otel.models.documents import OMIT_NULL, as_list, fill, other_keys
from infinium_otel.models.spans import as_text

Call = TypeVar("Call", bound="MCPToolCall")


@dataclass(frozen=True, slots=True)
class TextContent:
    """A block of text."""

    text: str
    type: str = "text"
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class ImageContent:
    """An image.

    Args:
        data: base64; None where it was removed because of its size.
        mimeType: "image/png".
    """

    data: str | None = None
    mimeType: str | None = None  # noqa: N815 - the protocol's own name
    type: str = "image"
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class AudioContent:
    """A sound; fields as in `ImageContent`."""

    data: str | None = None
    mimeType: str | None = None  # noqa: N815 - the protocol's own name
    type: str = "audio"
    other: Mapping[str, Any] = other_keys()


@dataclass(frozen=True, slots=True)
class ResourceLink:
    """The name and address of a resource that the server offers."""

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
"""A block of an unknown type stays a mapping."""

_BLOCKS: dict[str, type[Any]] = {
    "text": TextContent,
    "image": ImageContent,
    "audio": AudioContent,
    "resource_link": ResourceLink,
    "resource": EmbeddedResource,
}


def _make_call_id() -> str:
    return str(uuid.uuid4())


@dataclass(frozen=True, slots=True)
class MCPToolCall:
    """A tool call to be executed.

    Args:
        arguments: the arguments; the raw text where it did not parse (0.6).
        id: a new UUID by default, as in HUD; None in a call that was read without an id.
    """

    name: str
    arguments: Any = None
    id: str | None = field(default_factory=_make_call_id, metadata=OMIT_NULL)
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
    """A content block from its JSON; one of unknown form stays a mapping."""
    if not isinstance(value, Mapping):
        return TextContent(to_text(value))
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
    found = as_list(value)
    return None if found is None else tuple(block_of(item) for item in found)


def tool_call_of(value: Any) -> MCPToolCall:
    """A tool call from its JSON."""
    return fill_call(MCPToolCall, value)


def fill_call(cls: type[Call], value: Any) -> Call:
    """A tool call of either generation from its JSON.

    One without an id gets None instead of a new one, so that reading the same JSON twice
    gives the same record.
    """
    call = fill(cls, value)
    return replace(call, id=as_text(value.get("id")))


def tool_result_of(value: Any) -> MCPToolResult:
    """A tool result from its JSON."""
    return fill(MCPToolResult, value, content=blocks_of)
