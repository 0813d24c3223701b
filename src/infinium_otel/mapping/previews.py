"""Texts for a reader: decoded first, cut last."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from infinium_otel.jsontext import MAPPING, decode, text_of
from infinium_otel.messages import (
    MAX_MESSAGES,
    Message,
    decode_messages,
    holds_messages,
    latest_message,
    media_label,
    names_roles,
    plain,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

PREVIEW = 500
"""Characters of a step's preview. Source: the seed's `ExecutionStep`."""

SUMMARY_IN, SUMMARY_OUT = 3_000, 8_000
"""What the service's judge reads of a task's input and output (seed-models 1.4)."""

TOOL_OUT = 1_500
STACK = 4_000
MAX_TEXT = 200_000
MAX_DEPTH = 20
DUMP = 1_000
VECTOR = 50
"""More numbers in a row than this are an embedding, not something to read."""
BLOB = 400
"""A run of base64 at least this long is binary, not text."""


def cut(text: str, limit: int) -> str:
    """*text* in at most *limit* characters, with its end marked where it was cut."""
    return text if len(text) <= limit else text[: limit - 3] + "..."


class Said:
    """The input or output of a span: as it stands, and decoded once when asked for."""

    __slots__ = ("_bare", "_before", "_holds", "_messages", "_role", "value")

    def __init__(self, value: Any, role: str) -> None:
        self.value = value
        self._role = role
        self._bare: Any = None
        self._messages: Sequence[Message] | None = None
        self._before: Said | None = None
        self._holds: bool | None = None

    @property
    def bare(self) -> Any:
        """The value without JSON quoting and callbacks' wrappings."""
        if self._bare is None:
            self._bare = unwrapped(decode(self.value))
        return self._bare

    def latest(self, wanted: Callable[[Message], bool]) -> Message | None:
        """The last message that is *wanted*, decoding no more than it must."""
        if self._messages is None:
            if not self.holds_messages:
                return None
            return latest_message(self.bare, self._role, wanted)
        return next((m for m in reversed(self._messages) if wanted(m)), None)

    @property
    def holds_messages(self) -> bool:
        """Whether it is messages rather than other data."""
        if self._holds is None:
            self._holds = holds_messages(self.bare)
        return self._holds

    @property
    def messages(self) -> Sequence[Message]:
        """The messages in it; none where it is other data."""
        if self._messages is None:
            self._messages = self._decoded() if self.holds_messages else ()
        return self._messages

    def follow(self, before: Said) -> None:
        """Decode only what was added where *before* is how this conversation began.

        Each request carries all the messages of those before it: else a run of many
        turns would be decoded as often as it has turns.
        """
        if self.value is not before.value and _begins(before.value, self.value):
            self._before = before

    def _decoded(self) -> Sequence[Message]:
        before, self._before = self._before, None
        if before is None or not (names_roles(before.bare) and names_roles(self.bare)):
            return decode_messages(self.bare, self._role)
        added = self.bare[len(before.bare) :]
        return (*before.messages, *decode_messages(added, self._role))[:MAX_MESSAGES]


def _begins(earlier: Any, later: Any) -> bool:
    """Whether the JSON list *later* is *earlier* with more behind."""
    return (
        isinstance(earlier, str)
        and isinstance(later, str)
        and earlier[-2:] == "}]"
        and later.startswith(earlier[:-1])
        and later[len(earlier) - 1 : len(earlier)] in (",", "]")
    )


def asked(said: Said) -> str | None:
    """The last thing that was asked: of the run, in its root's input."""
    question = said.latest(lambda m: m.role == "user" and bool(m.text))
    if question is None:
        question = said.latest(lambda m: m.role != "system" and bool(m.text))
    if question is not None:
        return question.text
    messages = said.messages
    return _replies(messages) or _first_text(messages) or _other(said)


def latest(said: Said) -> str | None:
    """The newest message of a call's input: a question or a tool's answer."""
    newest = said.latest(lambda m: m.role in ("user", "tool") or bool(m.replies))
    if newest is not None:
        return newest.text or _replies([newest])
    return _first_text(said.messages) or _other(said)


def _other(said: Said) -> str | None:
    """What is no message; a shell around nothing is nothing to read."""
    silent = said.messages and not any(map(_words, said.messages))
    return None if silent or _is_hollow(said.bare) else content(said.bare)


def _is_hollow(value: Any) -> bool:
    """Whether an object has nothing inside: a function's call without arguments."""
    if not isinstance(value, MAPPING):
        return False
    return all(inner in _NOTHING for inner in value.values())


def answered(said: Said) -> str | None:
    """What the model said, and the tools it asked for."""
    answer = said.latest(lambda m: m.role == "assistant" and bool(m.said))
    if answer is not None:
        return answer.said
    messages = said.messages
    thoughts = [m.thought for m in messages if m.thought]
    text = _first_text(messages[-1:]) or (thoughts[-1] if thoughts else None)
    return text or _other(said)


def concluded(said: Said) -> str | None:
    """The last thing said, if it was said in words and is no dump."""
    if said.holds_messages:
        spoken = said.latest(lambda m: m.role == "assistant" and bool(m.text))
        return spoken.text if spoken else None
    return None if is_dump(said) else content(said.bare)


def everything(said: Said) -> str | None:
    """All texts: what was embedded, one a line."""
    bare = said.bare
    for key in ("input", "texts") if isinstance(bare, MAPPING) else ():
        if bare.get(key):
            return content(bare[key])  # of the request as it was sent
    return "\n".join(m.text for m in said.messages if m.text) or content(bare)


def documents(found: Any) -> str | None:
    """The texts of retrieved documents, one after the other."""
    found = decode(found)
    if isinstance(found, MAPPING):
        found = found.get("documents")
    listed = found if isinstance(found, (list, tuple)) else ()
    inner = (d.get("document", d) for d in listed if isinstance(d, MAPPING))
    texts = (
        content(d.get("content", d.get("page_content")))
        for d in inner
        if isinstance(d, MAPPING)
    )
    return "\n".join(filter(None, texts)) or None


_REPR = re.compile(r"<?[A-Z]\w*\(\w+=|<[\w.]+ object at ")
_QUOTED_REPR = re.compile(rf'"(?:{_REPR.pattern})')


def is_dump(said: Said) -> bool:
    """Whether it is a large structure rather than something someone said."""
    bare = said.bare
    if isinstance(bare, str):
        return bool(_REPR.match(bare))
    if not isinstance(bare, (*MAPPING, list, tuple)) or said.holds_messages:
        return False
    text = text_of(bare)
    return len(text) > DUMP or bool(_QUOTED_REPR.search(text))


def content(value: Any) -> str | None:
    """*value* as text, without the wrappings of callbacks and content blocks."""
    bare = plain(unwrapped(decode(value)))
    if names_roles(bare) or (isinstance(bare, MAPPING) and holds_messages(bare)):
        said = [m.said or _replies([m]) for m in decode_messages(bare)]
        if any(said):
            return "\n".join(filter(None, said))
    if bare in _NOTHING:
        return None
    return text_of(without_binary(bare)) or None


_NOTHING: tuple[Any, ...] = (None, "", (), [], {})


def _words(message: Message) -> str | None:
    """What somebody said, or a tool answered, rather than what was asked of tools."""
    return message.text or _replies([message])


def _replies(messages: Sequence[Message]) -> str | None:
    replies = [content(r.result) for m in messages[-1:] for r in m.replies]
    return "\n".join(filter(None, replies)) or None


def _first_text(messages: Sequence[Message]) -> str | None:
    return next((m.text for m in messages if m.text), None)


_WRAPPERS = frozenset(
    "raw_output input_str inputs outputs input output kwargs args return_values result response answer "
    "text content message value query question prompt final_output input_args task "
    "user_msg".split()
)
_MESSAGE_MARKS = frozenset(("role", "type", "parts", "messages", "lc"))
_BESIDE = frozenset(
    "tags metadata kwargs run_id config name options current_agent_name "
    "structured_response tool_calls retry_messages".split()
)
"""Members that may stand beside the one that matters."""
_AGAIN = {"input_str": "inputs"}
"""What LangChain's callbacks give as text, and again as data."""
MAX_UNWRAPPINGS = 6


def _is_empty(member: Any) -> bool:
    """Whether it says nothing beside a text: an option left alone, a switch."""
    return isinstance(member, bool) or member in _NOTHING


def unwrapped(value: Any) -> Any:
    """What stands inside `{"inputs": {...}, "kwargs": {}}` and the like."""
    for _ in range(MAX_UNWRAPPINGS):
        inner = _inner(value)
        if inner is None:
            return value
        value = decode(inner)
    return value


def _inner(value: Any) -> Any:
    """The one member of *value* that says something, if its name is a wrapper's."""
    if isinstance(value, (list, tuple)) and len(value) == 1:
        return value[0] if isinstance(value[0], str) else None
    if not isinstance(value, MAPPING):
        return None
    if not _MESSAGE_MARKS.isdisjoint(value) or _WRAPPERS.isdisjoint(value):
        return None
    if value.keys() <= _WRAPPERS and _is_hollow(value):
        return ""
    telling = [k for k, v in value.items() if not _is_empty(v)]
    named = [k for k in telling if k in _WRAPPERS]
    if not named:
        return None
    first = named[0]
    rest = set(telling) - {first, _AGAIN.get(first)}
    return value[first] if rest <= _BESIDE or first == "raw_output" else None


def without_binary(value: Any, depth: int = 0) -> Any:
    """*value* with images, audio and bytes named by type and size."""
    if isinstance(value, str):
        return _text_without_binary(value)
    if isinstance(value, (bytes, bytearray)):
        return f"[bytes {len(value)}]"
    if depth > MAX_DEPTH or not isinstance(value, (*MAPPING, list, tuple)):
        return value
    if isinstance(value, MAPPING):
        return _mapping_without_binary(value, depth + 1)
    if len(value) > VECTOR and all(isinstance(v, float) for v in value[:VECTOR]):
        return f"[vector {len(value)}]"
    return [without_binary(item, depth + 1) for item in value]


def _mapping_without_binary(value: Mapping[Any, Any], depth: int) -> Any:
    if _is_media(value):
        return media_label(value)
    return {str(k): without_binary(v, depth) for k, v in value.items()}


_MEDIA = frozenset(
    "blob image image_url input_image audio input_audio video document file "
    "input_file binary media".split()
)


def _is_media(value: Mapping[str, Any]) -> bool:
    kind = value.get("type")
    return (isinstance(kind, str) and kind in _MEDIA) or "inline_data" in value


def _text_without_binary(text: str) -> str:
    if text.startswith("data:") and "," in text[:200]:
        return media_label({"type": "file", "data": text})
    if len(text) >= BLOB and _is_base64(text):
        return f"[base64 {len(text) * 3 // 4000} kB]"
    return text


def _is_base64(text: str) -> bool:
    head = text[:BLOB]
    return head.isascii() and all(c.isalnum() or c in "+/=-_\n" for c in head)
