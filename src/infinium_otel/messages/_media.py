"""Binary content, named by type and size instead of shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.jsontext import MAPPING

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


def media_label(part: Mapping[str, Any]) -> str:
    """What stands for binary content: `[image image/png 34 kB]`."""
    kind = str(part.get("modality") or part.get("type") or "file")
    kind = kind.removesuffix("_url").removesuffix("-url").removeprefix("input_")
    source = _source(part)
    mime = next(
        (source[key] for key in MIME_KEYS if isinstance(source.get(key), str)), ""
    )
    data = next((source[key] for key in DATA_KEYS if source.get(key) is not None), None)
    if isinstance(data, str) and data.startswith("data:"):
        head, _, data = data.partition(",")
        mime = mime or head[5:].partition(";")[0]
    size = _size(data)
    return " ".join(filter(None, (f"[{kind}", mime, size))) + "]"


def _source(part: Mapping[str, Any]) -> Mapping[str, Any]:
    """The object that holds type and data, wherever the dialect nests it."""
    for key in NESTS:
        inner = part.get(key)
        if isinstance(inner, MAPPING):
            nested = inner.get("source")
            told = {key: part[key] for key in MIME_KEYS if key in part}
            return {**told, **inner, **(nested if isinstance(nested, MAPPING) else {})}
        if isinstance(inner, str):
            return {**part, "url": inner}
    return part


def _size(data: Any) -> str:
    """How large the content is; an address is shown instead."""
    if isinstance(data, str):
        if data.startswith(ADDRESSES):
            return data[:MAX_ADDRESS]
        count = len(data) * 3 // 4
    elif isinstance(data, (bytes, bytearray)):
        count = len(data)
    else:
        return ""
    return f"{count} B" if count < 1_000 else f"{count // 1_000} kB"
