"""The text in content blocks: `[{"type": "text", "text": ...}]` and the like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.dialects.callback_payloads import is_typed_value
from infinium_otel.dialects.lenient_json import MAPPING, loads, to_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def unwrap_content(value: Any) -> Any:
    """*value* without the wrapping of content blocks: the text of `[{"text": ...}]`."""
    value = loads(value, 1)
    if isinstance(value, str):
        return value
    if isinstance(value, (list, tuple)):
        return unwrap_blocks(value)
    if isinstance(value, MAPPING):
        if value.keys() <= _TEXT_KEYS:
            return value.get("text", value)
        if is_typed_value(value):
            return unwrap_content(value["value"])
    return value


def unwrap_blocks(blocks: Sequence[Any]) -> Any:
    """The texts of *blocks*, one a line; *blocks* itself if they are not texts."""
    texts = []
    for block in blocks:
        text = _block_text(block)
        if text is None:  # the others may be many
            return blocks
        texts.append(text)
    return "\n".join(texts) if texts else blocks


def _is_data(block: Mapping[str, Any]) -> bool:
    """Whether the text is one of several: that of a search's result, beside its title."""
    if "type" in block:
        return False
    return any(
        isinstance(member, str) and member and key not in _BESIDE_TEXT
        for key, member in block.items()
    )


_BESIDE_TEXT = frozenset("text content id role name format mimeType".split())
"""Members of blocks of text that are no content."""

_TEXT_KEYS = frozenset({"type", "text", "annotations"})

_TEXT_TYPES = ("text", "summary_text", "reasoning_text")


def _block_text(block: Any) -> str | None:
    if not isinstance(block, MAPPING):
        return None
    for key in ("text", "content"):
        if isinstance(block.get(key), str) and block.get("type", "text") in _TEXT_TYPES:
            return None if _is_data(block) else str(block[key])
    return to_text(block["json"]) if "json" in block else None
