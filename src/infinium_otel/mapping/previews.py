"""Texts for a reader: decoded first, truncated last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.dialects.callback_payloads import (
    is_empty,
    is_empty_object,
    unwrap,
    unwrap_arguments,
)
from infinium_otel.dialects.lenient_json import (
    MAPPING,
    count_walk,
    loads,
    may_walk,
    to_text,
)
from infinium_otel.dialects.messages import (
    Message,
    decode_messages,
    describe_media,
    has_messages,
    has_roles,
    unwrap_content,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_DEPTH = 20
MAX_VECTOR = 50
"""A longer list of floats is an embedding, not something to read."""
MIN_BASE64 = 400
"""Base64 of at least this length is binary, not text."""
_PLAIN = frozenset({int, float, bool, type(None)})
"""Values that are shown as they are: most of those in large data."""


def extract_text(value: Any) -> str | None:
    """*value* as text, without callback wrappers and content blocks; None if empty."""
    decoded = unwrap_content(unwrap(loads(value)))
    if has_roles(decoded) or (isinstance(decoded, MAPPING) and has_messages(decoded)):
        texts = [
            m.text_and_calls or join_responses([m]) for m in decode_messages(decoded)
        ]
        if any(texts):
            return "\n".join(filter(None, texts))
        if is_hollow(decoded):
            return None
    if is_empty(decoded):
        return None
    if not isinstance(decoded, (*MAPPING, list, tuple)):
        return to_text(replace_binary(decoded)) or None
    return _write(decoded)


def _write(decoded: Any) -> str | None:
    """An object or a list as text, as far as the limit of work allows."""
    if not may_walk(decoded):
        return f"[{len(decoded)} items]"
    text = to_text(replace_binary(decoded))
    count_walk(text)
    return text or None


_LABELS = frozenset("role type id name index finish_reason annotations".split())


def is_hollow(value: Any, depth: int = 8) -> bool:
    """Whether messages have no content: nothing but roles, types and ids is in them."""
    if not depth or not isinstance(value, (*MAPPING, list, tuple)):
        return is_empty(value)
    if isinstance(value, MAPPING):
        value = [member for key, member in value.items() if key not in _LABELS]
    return all(is_hollow(member, depth - 1) for member in value)


def extract_arguments(value: Any) -> str | None:
    """The arguments of a tool as text: an object whole, as its names are arguments'."""
    decoded = unwrap_arguments(loads(value))
    if (
        not isinstance(decoded, MAPPING)
        or is_empty_object(decoded)
        or "role" in decoded
        or "messages" in decoded
    ):
        return extract_text(decoded)
    return _write(decoded)


def join_responses(messages: Sequence[Message]) -> str | None:
    """The tool responses in the last of *messages*."""
    replies = [extract_text(r.result) for m in messages[-1:] for r in m.responses]
    return "\n".join(filter(None, replies)) or None


def join_documents(found: Any) -> str | None:
    """The texts of retrieved documents, one after the other; None if there are none."""
    found = loads(found)
    if isinstance(found, MAPPING):
        found = found.get("documents")
    listed = found if isinstance(found, (list, tuple)) else ()
    if all(isinstance(document, str) for document in listed):
        return "\n".join(filter(None, listed)) or None
    inner = (d.get("document", d) for d in listed if isinstance(d, MAPPING))
    texts = (
        extract_text(d.get("content", d.get("page_content")))
        for d in inner
        if isinstance(d, MAPPING)
    )
    return "\n".join(filter(None, texts)) or _describe_documents(listed)


def _describe_documents(listed: Sequence[Any]) -> str | None:
    """Which documents they are, where nobody recorded what they say."""
    inner = (
        d.get("document", d) for d in listed[:MAX_SCORES] if isinstance(d, MAPPING)
    )
    shown = [
        {key: d[key] for key in _IDENTITIES if not is_empty(d.get(key))}
        for d in inner
        if isinstance(d, MAPPING)
    ]
    return to_text(replace_binary(shown)) if any(shown) else None


_IDENTITIES = ("id", "title", "name", "source", "url", "metadata")


MAX_SCORES = 50


def list_scores(found: Any) -> list[float] | None:
    """The scores of retrieved documents, in their order; None if one has none."""
    found = loads(found)
    if isinstance(found, MAPPING):
        found = found.get("documents")
    listed = found[:MAX_SCORES] if isinstance(found, (list, tuple)) else ()
    documents = [d.get("document", d) for d in listed if isinstance(d, MAPPING)]
    found = [d.get("score") for d in documents if isinstance(d, MAPPING)]
    scores = [score for score in found if isinstance(score, (int, float))]
    return scores if scores and len(scores) == len(found) else None


def replace_binary(value: Any, depth: int = 0) -> Any:
    """*value* with images, audio and bytes replaced by their type and size."""
    if isinstance(value, str):
        return _replace_in_text(value)
    if isinstance(value, (bytes, bytearray)):
        return f"[bytes {len(value)}]"
    if depth > MAX_DEPTH or not isinstance(value, (*MAPPING, list, tuple)):
        return value
    if isinstance(value, MAPPING):
        return _replace_in_mapping(value, depth + 1)
    if is_vector(value):  # not a mapping any more
        return f"[vector {len(value)}]"
    return _replace_in_items(value, depth + 1)


def is_vector(value: Any) -> bool:
    """Whether *value* is an embedding, or an object with nothing but one."""
    if isinstance(value, MAPPING):
        filled = [member for member in value.values() if not is_empty(member)]
        value = filled[0] if len(filled) == 1 else None
    return (
        isinstance(value, (list, tuple))
        and len(value) > MAX_VECTOR
        and all(isinstance(v, float) for v in value[:MAX_VECTOR])
    )


def _replace_in_items(value: Sequence[Any], depth: int) -> list[Any]:
    return [v if type(v) in _PLAIN else replace_binary(v, depth) for v in value]


def _replace_in_mapping(value: Mapping[Any, Any], depth: int) -> Any:
    if _is_media(value):
        return describe_media(value)
    return {
        str(k): v if type(v) in _PLAIN else replace_binary(v, depth)
        for k, v in value.items()
    }


_MEDIA = frozenset(
    "blob image image_url input_image audio input_audio video document file "
    "input_file binary media".split()
)


def _is_media(value: Mapping[str, Any]) -> bool:
    kind = value.get("type")
    return (isinstance(kind, str) and kind in _MEDIA) or "inline_data" in value


def _replace_in_text(text: str) -> str:
    if text.startswith("data:") and "," in text[:200]:
        return describe_media({"type": "file", "data": text})
    if len(text) >= MIN_BASE64 and _is_base64(text):
        return f"[base64 {len(text) * 3 // 4000} kB]"
    return text


def _is_base64(text: str) -> bool:
    head = text[:MIN_BASE64]
    return head.isascii() and all(c.isalnum() or c in "+/=-_\n" for c in head)
