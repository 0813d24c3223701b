"""A span's input and output, decoded into messages."""

# ruff: noqa: SLF001 - contents of one conversation use each other's parts

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects.callback_payloads import (
    find_answer_text,
    find_question_text,
    unwrap,
)
from infinium_otel.dialects.lenient_json import MAPPING, loads, parse_list
from infinium_otel.dialects.messages import (
    MAX_MESSAGES,
    Message,
    decode_messages,
    has_messages,
    has_roles,
    parse_printed,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MAX_MARK_LENGTH = 40
"""The longest text that is searched for in a conversation."""


class DecodedContent:
    """The input or output of a span: as recorded, and decoded once when needed."""

    __slots__ = (
        "_decoded_value",
        "_earlier",
        "_end",
        "_has_roles",
        "_holds_messages",
        "_items",
        "_joins_pieces",
        "_lacked",
        "_messages",
        "_role",
        "_tail",
        "value",
    )

    def __init__(self, value: Any, role: str, *, joins_pieces: bool = False) -> None:
        self.value = value
        self._joins_pieces = joins_pieces
        self._role = role
        self._decoded_value: Any = None
        self._messages: Sequence[Message] | None = None
        self._earlier: DecodedContent | None = None
        self._holds_messages: bool | None = None
        self._has_roles: bool | None = None
        self._items: list[Any] | None = None
        self._lacked: tuple[str, ...] | None = None
        self._tail: list[Sequence[Message]] = []
        self._end: int | None = None

    @property
    def decoded(self) -> Any:
        """The value without JSON quoting and callback wrappers."""
        if self._decoded_value is None and self.value is not None:
            undecoded = (self,) if self._earlier is None else self._list_undecoded()
            for content in undecoded:
                content._decoded_value = _unwrap(content._parse(), self._role)
        return self._decoded_value

    def _list_undecoded(self) -> list[DecodedContent]:
        """This and what it continues, the first one first, as far as it is undecoded."""
        found = [self]
        while (earlier := found[-1]._earlier) and earlier._decoded_value is None:
            found.append(earlier)
        return found[::-1]

    def _parse(self) -> Any:
        """The value as data; of a continued list, only what was added is parsed."""
        if not isinstance(self.value, str):
            return self.value
        earlier = self._earlier
        if earlier is not None and earlier._items is not None:
            rest = self.value[len(earlier.value) :]
            added = parse_list("[" + rest) if rest else []
            if added is not None:
                self._items = [*earlier._items, *added]
        if self._items is None:
            self._items = parse_list(self.value)
        return loads(self.value) if self._items is None else self._items

    def find_last(self, matches: Callable[[Message], bool]) -> Message | None:
        """The last message that *matches*, decoding no more than necessary."""
        if self._messages is None:
            if not self.has_messages:
                return None
            if not self._joins_pieces and self._end is None and self.has_roles:
                return self._find_from_end(matches)
        for message in reversed(self.messages):
            if matches(message):
                return message
        return None

    def _find_from_end(self, matches: Callable[[Message], bool]) -> Message | None:
        """As `find_last`, of a list whose items are decoded one by one, each once."""
        items, tail = self.decoded, self._tail
        for number in range(len(items)):
            if number == len(tail):
                tail.append(decode_messages(items[-1 - number], self._role))
            for message in reversed(tail[number]):
                if matches(message):
                    return message
        return None

    def may_contain(self, marks: tuple[str, ...]) -> bool:
        """Whether one of *marks* is in the text; true of data that is not a text.

        Of a text that continues another only what was added is searched.
        """
        if not isinstance(self.value, str):
            return self.value is not None
        text, earlier = self.value, self._earlier
        if earlier is not None and earlier._lacked is marks:
            text = text[max(0, len(earlier.value) - MAX_MARK_LENGTH) :]
        for mark in marks:  # a generator would take longer than the search
            if mark in text:
                return True
        self._lacked = marks
        return False

    @property
    def has_messages(self) -> bool:
        """Whether the value is messages rather than other data."""
        if self._holds_messages is None:
            self._holds_messages = has_messages(self.decoded)
        return self._holds_messages

    @property
    def has_roles(self) -> bool:
        """Whether the value is a list in which every item is a message with a role."""
        if self._has_roles is None:
            decoded, earlier = self.decoded, self._earlier
            if earlier is None or not self._extends(earlier):
                self._has_roles = has_roles(decoded)
            else:
                added = decoded[len(earlier.decoded) :]
                if earlier._has_roles is None:
                    earlier._has_roles = has_roles(earlier.decoded)
                self._has_roles = earlier._has_roles and (not added or has_roles(added))
        return self._has_roles

    def _extends(self, earlier: DecodedContent) -> bool:
        """Whether the decoded value is a list that begins with that of *earlier*."""
        return (
            self._items is not None
            and self.decoded is self._items
            and earlier.decoded is earlier._items
            and len(self._items) >= len(earlier._items)
        )

    @property
    def messages(self) -> Sequence[Message]:
        """The messages in the value; empty if it is other data."""
        found = self._read_all() if self._messages is None else self._messages
        return found if self._end is None else found[: self._end]

    def keep(self, count: int) -> None:
        """Keep only the first *count* messages."""
        self._end = count

    def _read_all(self) -> Sequence[Message]:
        unread = [self]
        while (earlier := unread[-1]._earlier) and earlier._messages is None:
            unread.append(earlier)
        for content in reversed(unread):
            content._messages = content._decode() if content.has_messages else ()
        return self._messages or ()

    def continue_from(self, earlier: DecodedContent) -> bool:
        """Decode only what was added if this conversation begins with *earlier*.

        Each request contains all messages of the requests before it; without this, the
        first turn of a long run would be decoded once per turn.

        Returns:
            Whether it does.
        """
        if self._earlier is None and _is_prefix(earlier.value, self.value):
            self._earlier = earlier
            return True
        return False

    def _decode(self) -> Sequence[Message]:
        earlier = self._earlier
        if earlier is None or not (self.has_roles and self._extends(earlier)):
            if self._tail:  # a list that `find_last` has decoded from its end
                return self._decode_before_tail()
            messages = decode_messages(self.decoded, self._role)
            return _join_pieces(messages) if self._joins_pieces else messages
        added = self.decoded[len(earlier.decoded) :]
        read = earlier._messages or ()
        return (*read, *decode_messages(added, self._role))[:MAX_MESSAGES]

    def _decode_before_tail(self) -> Sequence[Message]:
        tail = [message for item in reversed(self._tail) for message in item]
        rest = self.decoded[: -len(self._tail)]
        read = decode_messages(rest, self._role) if rest else ()
        return (*read, *tail)[:MAX_MESSAGES]


def _unwrap(value: Any, role: str) -> Any:
    """Decoded *value* without wrappers, and without what is beside its text."""
    decoded = unwrap(value)
    if isinstance(decoded, str):
        return _decode_printed(decoded, role)
    return _find_text(decoded, role)


def _decode_printed(text: str, role: str) -> Any:
    """A printed object's text or messages; *text* itself if it has neither."""
    parsed = parse_printed(text)
    if parsed is text or has_messages(parsed):
        return parsed
    inner = _find_text(unwrap(parsed), role)
    return inner if isinstance(inner, str) or has_messages(inner) else text


def _find_text(value: Any, role: str) -> Any:
    """The question or the answer in an object; *value* itself if it has none."""
    if not isinstance(value, MAPPING):
        return value
    find = find_question_text if role == "user" else find_answer_text
    found = find(value)
    return value if found is None else found


def _is_prefix(earlier: Any, later: Any) -> bool:
    """Whether the JSON list *later* begins with all of *earlier*."""
    if not (isinstance(earlier, str) and isinstance(later, str)):
        return False
    if earlier[-2:] != "}]" or len(later) < len(earlier):
        return False
    if later[len(earlier) - 1] == ",":
        return later.startswith(earlier[:-1])
    return later == earlier


def _join_pieces(messages: Sequence[Message]) -> Sequence[Message]:
    """*messages* with the pieces at their end, in which an answer was streamed, as one."""
    start = len(messages)
    while start and messages[start - 1].role == "assistant":
        start -= 1
    pieces = messages[start:]
    requested = [bool(m.tool_calls) for m in pieces]
    if len(pieces) < 2 or sorted(requested) != requested:
        return messages  # what follows a request for a tool is another turn
    texts = [m.text for m in pieces if m.text]
    are_chunks = any(
        before[-1:] == " " or after[:1].isspace() for before, after in pairwise(texts)
    )
    joined = replace(
        pieces[-1],
        text=("" if are_chunks else "\n").join(texts),
        tool_calls=tuple(call for m in pieces for call in m.tool_calls),
        reasoning="\n".join(m.reasoning for m in pieces if m.reasoning),
    )
    return (*messages[:start], joined)
