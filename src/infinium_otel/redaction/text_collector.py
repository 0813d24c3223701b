"""The texts of a task or a span that must be searched for credentials, each once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from infinium_otel.records.caching import cache_names
from infinium_otel.redaction.credentials.search import LONG_RUN_LENGTH, possible_finders
from infinium_otel.redaction.secret_names import Claim, classify_name
from infinium_otel.taskdata.encoding import PROMPT_STUDIO
from infinium_otel.taskdata.shapes import get_shape
from infinium_otel.taskdata.values import plain

if TYPE_CHECKING:
    from collections.abc import Iterable

MIN_KEY_LENGTH = 20
MIN_LENGTH = 8
"""A shorter text has no room for a secret and its name."""
MAX_REMEMBERED, MAX_REMEMBERED_LENGTH = 4096, 100
"""How many keys, and how many texts, are remembered as clean, and how long each may be."""

_SPAN_ID_LENGTH = 16
"""Shorter than any credential that has only lower-case letters and digits."""
_FIXED_LENGTHS = frozenset({_SPAN_ID_LENGTH, 27})
_EXACT_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z"
)
_PLAIN = frozenset({int, float, bool, type(None)})

_HARMLESS: set[str] = set()
"""Keys without a credential or its name; most mappings have no others."""
_CLEAN: set[str] = set()
"""Short texts in which a search found nothing: the names of models, agents and tools recur
in nearly every task. None of them is a credential."""


class TextCollector:
    """Every text of a task in which a credential may be, each once.

    Attributes:
        texts: those texts.
        has_secret_name: whether a key names a secret, which its value need not show.
    """

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
                    if part not in _CLEAN and part not in texts:
                        self._add_text(part)
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

    def _add_text(self, text: str) -> None:
        if _may_hold_secret(text):
            self.texts.add(text)
        elif len(text) < LONG_RUN_LENGTH and len(_CLEAN) < MAX_REMEMBERED:
            _CLEAN.add(text)  # a word, which recurs as the longer ones do

    def _list_parts(self, value: Any) -> Iterable[Any]:
        """The fields of a dataclass, or what any other object is sent as."""
        names, values_of = get_shape(type(value))
        if names:
            parts = filter(None, values_of(value))  # most are None
            prompts = getattr(value, PROMPT_STUDIO, None)
            return parts if prompts is None else (*parts, prompts)
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
            elif len(_HARMLESS) < MAX_REMEMBERED and len(key) <= MAX_REMEMBERED_LENGTH:
                _HARMLESS.add(key)


def remember_clean(texts: Iterable[str]) -> None:
    """Remember the short ones of *texts*, in which a search found nothing.

    When there are too many, all are forgotten: those that recur are soon back.
    """
    short = [text for text in texts if len(text) <= MAX_REMEMBERED_LENGTH]
    if len(_CLEAN) + len(short) > MAX_REMEMBERED:
        _CLEAN.clear()
    _CLEAN.update(short[:MAX_REMEMBERED])


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
