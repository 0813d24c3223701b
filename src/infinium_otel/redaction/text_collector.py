"""Collects the texts of a task that may hold a credential, to search them all at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from infinium_otel.records.caching import cache_names
from infinium_otel.redaction.credentials.search import (
    LONG_RUN_LENGTH,
    possible_finders,
)
from infinium_otel.redaction.secret_names import Claim, classify_name
from infinium_otel.taskdata.encoding import PROMPT_STUDIO
from infinium_otel.taskdata.shapes import get_shape
from infinium_otel.taskdata.values import plain

if TYPE_CHECKING:
    from collections.abc import Iterable

MIN_KEY_LENGTH = 20
"""A shorter key is no credential itself."""
MIN_LENGTH = 8
"""A shorter text has no room for a secret and its name."""

_SPAN_ID_LENGTH = 16
"""Shorter than any credential that has only lower-case letters and digits."""
_FIXED_LENGTHS = frozenset({_SPAN_ID_LENGTH, 27})
_EXACT_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z"
)


class TextCollector:
    """Every text of a task, each once."""

    def __init__(self) -> None:
        self.texts: set[str] = set()
        self.has_secret_name = False
        self._passed: dict[int, Any] = {}

    def add(self, value: Any) -> None:
        """Collect from a text, dataclass, list or mapping."""
        waiting: list[Iterable[Any]] = [(value,)]
        texts = self.texts
        while waiting:
            for part in waiting.pop():
                kind = type(part)
                if kind is str:
                    if part not in texts and _may_hold_secret(part):
                        texts.add(part)
                elif kind in _PLAIN:
                    continue
                elif kind is list:
                    waiting.append(part)
                elif kind is dict:
                    self._add_keys(part)
                    waiting.append(part.values())
                elif id(part) not in self._passed:
                    self._passed[id(part)] = part  # kept, so that its id stays its own
                    waiting.append(self._list_parts(part))

    def _list_parts(self, value: Any) -> Iterable[Any]:
        """The fields of a dataclass, or what any other object is sent as."""
        names, values_of = get_shape(type(value))
        if names:
            prompts = getattr(value, PROMPT_STUDIO, None)
            return values_of(value) if prompts is None else (*values_of(value), prompts)
        if isinstance(value, Mapping):
            self._add_keys(value)
            return value.values()
        if isinstance(value, (tuple, list)):
            return value
        sent = plain(value)
        return () if sent is value or type(sent) in _PLAIN else (sent,)

    def _add_keys(self, mapping: Mapping[Any, Any]) -> None:
        if mapping.keys() <= _HARMLESS:
            return
        for key in mapping:
            if type(key) is not str:
                continue
            if _is_worth_reading(key):
                self.texts.add(key)
                self.has_secret_name |= names_secret(key)
            elif len(_HARMLESS) < MAX_HARMLESS and len(key) <= MAX_HARMLESS_LENGTH:
                _HARMLESS.add(key)


_HARMLESS: set[str] = set()
"""Keys without a credential or its name; most mappings have no others."""
MAX_HARMLESS, MAX_HARMLESS_LENGTH = 4096, 100

_PLAIN = frozenset({int, float, bool, type(None)})


def _may_hold_secret(text: str) -> bool:
    """Whether *text* has room for a secret, and is not an id, a time or a short word."""
    length = len(text)
    if length < LONG_RUN_LENGTH:
        return length >= MIN_LENGTH and not text.isidentifier()
    return length not in _FIXED_LENGTHS or not _is_id_or_time(text)


def _is_id_or_time(text: str) -> bool:
    """Whether *text* is a span's id or a time, which are a fifth of a task's texts."""
    if len(text) == _SPAN_ID_LENGTH:
        return text.isalnum() and text.islower()
    return text[-1] == "Z" and _EXACT_TIME.fullmatch(text) is not None


QUERIES = frozenset({"url.query", "http.query", "query_string", "url.fragment"})
"""Attributes whose value is the part of an address behind its `?` or `#`."""


def names_secret(key: str) -> bool:
    """Whether the value of an attribute is searched because of the attribute's name."""
    return key in QUERIES or classify_name(key) is not Claim.NOTHING


@cache_names(maxsize=4096)
def _is_worth_reading(key: str) -> bool:
    """Whether a key has or names a credential; cached, because keys recur."""
    if names_secret(key):
        return True
    return len(key) >= MIN_KEY_LENGTH and bool(possible_finders(key))
