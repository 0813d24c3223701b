"""Finds the images, sounds and files inside messages, with a preview of small images."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects.lenient_json import loads

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_MEDIA = 20
"""Media of one step that are listed, at most."""
MAX_VISITED = 20_000
"""Values that are visited to find them."""
MAX_PREVIEW = 2_000_000
"""Base64 characters of an image that is shown."""
SHOWN = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""Types that a browser decodes without running anything in them."""

_DATA_URL = re.compile(r"data:([\w.+-]{1,40}/[\w.+-]{1,80});base64,")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
_MIME_KEYS = ("mime_type", "mimeType", "media_type", "mediaType", "contentType")
_DATA_KEYS = ("data", "content", "blob", "bytes", "image")


def find_media(values: Iterable[Any]) -> list[dict[str, Any]]:
    """Find embedded media in *values*: messages in any dialect's shape.

    Returns:
        At most `MAX_MEDIA` objects: `type` (MIME), `bytes`, and for an image in one of
        the `SHOWN` types that is not too large, `url`, a `data:` URL. Each once.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    waiting = deque(values)
    for _ in range(MAX_VISITED):
        if not waiting or len(found) >= MAX_MEDIA:
            break
        value = waiting.popleft()
        value = loads(value) if isinstance(value, str) else value
        for mime, data in _find_here(value):
            found.setdefault((mime, data[:200]), _describe(mime, data))
        if isinstance(value, Mapping):
            waiting.extend(value.values())
        elif isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
            waiting.extend(value)
    return list(found.values())


def _find_here(value: Any) -> list[tuple[str, str]]:
    if isinstance(value, str):
        match = _DATA_URL.match(value)
        return [(match[1].lower(), value[match.end() :])] if match else []
    if not isinstance(value, Mapping):
        return []
    mime = next((v for k in _MIME_KEYS if isinstance(v := value.get(k), str)), "")
    data = next((v for k in _DATA_KEYS if isinstance(v := value.get(k), str)), "")
    is_data = "/" in mime and bool(_BASE64.match(data)) and "://" not in data[:20]
    return [(mime.lower(), data)] if is_data else []


def _describe(mime: str, data: str) -> dict[str, Any]:
    described: dict[str, Any] = {"type": mime[:120], "bytes": len(data) * 3 // 4}
    if mime in SHOWN and len(data) <= MAX_PREVIEW and _BASE64.fullmatch(data):
        standard = data.replace("-", "+").replace("_", "/")
        described["url"] = f"data:{mime};base64,{standard}"
    return described
