"""What was asked and answered on a span that nobody knows, by the last word of a key.

Only content: that a bare word like `model` stands for a model call would be a guess.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from infinium_otel.dialects._attributes import data

if TYPE_CHECKING:
    from infinium_otel.dialects._dialect import Facts
    from infinium_otel.records import SpanRecord

_FACTS = {
    word: fact
    for fact, words in (
        ("input", "input inputs prompt question query"),
        ("output", "output outputs completion answer reply response"),
    )
    for word in words.split()
}
_OTHERS = frozenset(
    "http url db rpc messaging net network server client aws gcp cloud code".split()
)
"""First words of keys whose last word means something else."""


def plain_content(record: SpanRecord) -> Facts:
    """The input and the output of *record*, where a key's last word names them."""
    facts: Facts = {}
    for key, value in record.attributes.items():
        fact = _told_by(key)
        if fact is not None and fact not in facts:
            found = data(value)
            if found is not None:
                facts[fact] = found
    return facts


@lru_cache(maxsize=1024)
def _told_by(key: str) -> str | None:
    """The fact that *key* tells; keys recur."""
    first, _, _ = key.partition(".")
    return None if first in _OTHERS else _FACTS.get(key.rpartition(".")[2])
