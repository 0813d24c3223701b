"""Replaces binary content by its type and size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.dialects.lenient_json import MAPPING
from infinium_otel.redaction import find_cut

if TYPE_CHECKING:
    from collections.abc import Mapping

MIME_KEYS = (
    "mime_type",
    "mimeType",
    "media_type",
    "mediaType",
    "contentType",
    "format",
)
DATA_KEYS = ("data", "content", "url", "uri", "file_uri", "image", "bytes")
NESTS = (
    "source",
    "image_url",
    "inline_data",
    "inlineData",
    "image",
    "file",
    "input_audio",
    "audio_url",
    "blob",
)
MAX_ADDRESS = 200
ADDRESSES = ("http://", "https://", "gs://", "s3://", "file:")


def describe_media(part: Mapping[str, Any]) -> str:
    """A short text in place of binary content: `[image image/png 34 kB]`."""
    kind = str(part.get("modality") or part.get("type") or "file")
    kind = kind.removesuffix("_url").removesuffix("-url").removeprefix("input_")
    source = _find_source(part)
    mime = next(
        (source[key] for key in MIME_KEYS if isinstance(source.get(key), str)), ""
    )
    data = next((source[key] for key in DATA_KEYS if source.get(key) is not None), None)
    if isinstance(data, str) and data.startswith("data:"):
        head, _, data = data.partition(",")
        mime = mime or head[5:].partition(";")[0]
    size = _describe_size(data)
    return " ".join(filter(None, (f"[{kind}", mime, size))) + "]"


def _find_source(part: Mapping[str, Any]) -> Mapping[str, Any]:
    """The object with type and data, at the level where the dialect puts it."""
    for key in NESTS:
        inner = part.get(key)
        if isinstance(inner, MAPPING):
            nested = inner.get("source")
            outer = {key: part[key] for key in MIME_KEYS if key in part}
            return {**outer, **inner, **(nested if isinstance(nested, MAPPING) else {})}
        if isinstance(inner, str):
            return {**part, "url": inner}
    return part


def _describe_size(data: Any) -> str:
    """The size as text; of content by reference its address; "" if unknown."""
    if isinstance(data, str):
        if data.startswith(ADDRESSES):
            return data[: find_cut(data, MAX_ADDRESS)]
        count = len(data) * 3 // 4
    elif isinstance(data, (bytes, bytearray)):
        count = len(data)
    else:
        return ""
    return f"{count} B" if count < 1_000 else f"{count // 1_000} kB"
