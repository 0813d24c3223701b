"""What else a price depends on, under any key: parts of the counts, tier, searches.

`llm.token_count.prompt_details.audio`, `anthropic.usage.cache_creation.ephemeral_1h`,
`{"openai": {"serviceTier": "flex"}}`: each library has its own spelling.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._attributes import LARGEST, MAX_CACHED, count, number, word
from infinium_otel.dialects._facts import put
from infinium_otel.dialects._token_keys import find_count
from infinium_otel.dialects._words import MAX_CACHED_KEYS, MAX_KEY, split_words
from infinium_otel.dialects.lenient_json import MAPPING, loads
from infinium_otel.records.caching import cache_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from infinium_otel.dialects._dialect import Facts
    from infinium_otel.dialects._shape import Shape
    from infinium_otel.records import Attributes

MAX_LEAVES = 200
MAX_LEVELS = 6

PARTS = frozenset(
    f"{side}_{what}_tokens"
    for side in ("input", "output")
    for what in ("audio", "image", "video")
) | frozenset(
    "cache_audio_read_tokens cache_image_read_tokens cache_video_read_tokens "
    "cache_write_5m_tokens cache_write_1h_tokens input_tool_tokens web_searches "
    "rerank_searches audio_seconds input_characters".split()
)
"""What `Usage.parts` can hold, by the names of genai-prices' usage keys."""

UNCACHED = "uncached_input"
"""The fact for the input tokens that were neither read from a cache nor written to it."""

_COUNTED = frozenset("token tokens usage".split())
_NOT_COUNTS = frozenset(
    "cost costs price prices usd max limit limits budget remaining aggregated "
    "accumulated cumulative session conversation thread run context window request "
    "percent percentage ratio rate rates ms latency saved accepted rejected "
    "prediction uncached miss missed no non per available estimated previous delta "
    "id ids".split()
)
"""Words of keys that hold limits, sums over several calls, or no tokens."""

_UNCACHED = frozenset({("no", "cache"), ("non", "cached"), ("not", "cached")})
_INPUT = frozenset("input inputs prompt prompts".split())
_OUTPUT = frozenset("output outputs completion completions candidates".split())
_MODALITIES = ("audio", "image", "video")
_CACHE = frozenset("cache cached ephemeral".split())
_WRITE = frozenset("creation create created write writes written ephemeral".split())
_LIFETIMES = {("5", "m"): "5m", ("1", "h"): "1h"}


def put_usage_parts(facts: Facts, attributes: Attributes, shape: Shape) -> None:
    """Add the parts and conditions of a price, and counts that only an object has."""
    places = shape.select(_find_form)
    _put_recorded_tier(facts, attributes, shape)
    leaves = list(_iter_leaves(attributes, places)) if places else ()
    if not leaves:
        return
    parts: dict[str, float] = {}
    for path, value, is_member in sorted(leaves, key=_get_rank):
        name = _classify(path)
        if name in PARTS:
            amount = number(value)
            if amount is not None and 0 < amount <= LARGEST:
                parts.setdefault(name, int(amount) if amount == int(amount) else amount)
        elif name == UNCACHED:
            put(facts, UNCACHED, count(value))
        elif name is not None:
            tier = word(value)
            if tier is not None:
                facts.setdefault(name, tier)
        elif is_member:
            _put_count(facts, path, value)
    _note_anthropic(facts, leaves)
    if parts:
        facts["usage_parts"] = {**parts, **facts.get("usage_parts", {})}


_RESPONSES = frozenset("output outputs response completion".split())
_TIERS = ("service_tier", "serviceTier")


def _is_of_response(key: str) -> bool | None:
    """Whether a whole response may stand under *key*; None if not."""
    if len(key) > MAX_KEY or _RESPONSES.isdisjoint(split_words(key)):
        return None
    return True


def _put_recorded_tier(facts: Facts, attributes: Attributes, shape: Shape) -> None:
    """Add the tier that a provider's response names, which was recorded whole."""
    for key, _ in shape.select(_is_of_response):
        response = attributes[key]
        if isinstance(response, str) and response[:1] == "{" and '"service' in response:
            found = loads(response)
            for name in _TIERS if isinstance(found, MAPPING) else ():
                put(facts, "service_tier", word(found.get(name)))


def _get_rank(leaf: tuple[str, Any, bool]) -> tuple[bool, int, str]:
    """What a response reports before what was requested; of these, the shortest key."""
    path = leaf[0]
    return _REQUESTED.search(path) is not None, len(path), path


_REQUESTED = re.compile("request|invocation|settings|param")
_DETAILS = frozenset({"cache_read", "cache_write", "reasoning"})


def _put_count(facts: Facts, path: str, value: Any) -> None:
    fact = find_count(path)
    if fact in _DETAILS and facts.get(fact) is None:
        found = count(value)
        if found is not None:
            facts[fact] = found


def _note_anthropic(facts: Facts, leaves: Sequence[tuple[str, Any, bool]]) -> None:
    """Note that the input lacks the cached tokens, where it is Anthropic's own count.

    Source: Anthropic's `usage` object, by the names of its members.
    """
    values = {path: value for path, value, _ in leaves}
    for path in values:
        if path.endswith(("cache_read_input_tokens", "cache_creation_input_tokens")):
            own = count(values.get(path.rpartition(".")[0] + ".input_tokens"))
            if own is not None and own == facts.get("input_tokens"):
                facts.setdefault("excludes_cache", True)
                return


_OBJECTS = frozenset("usage details metadata parameters params settings".split())
"""Last words of keys whose objects can hold parts of the usage or a service tier."""

_MARKS = ("oken", "sage", "ervice", "speed", "earch")
"""One of these is in each object that is worth parsing."""


def _iter_leaves(
    attributes: Attributes, places: tuple[tuple[str, bool], ...]
) -> Iterator[tuple[str, Any, bool]]:
    """Key and value of each attribute that matters, and of the members of objects."""
    for key, is_object in places:
        value = attributes[key]
        if not is_object:
            yield key, value, False
        elif isinstance(value, MAPPING):
            yield from _flatten(key, value)
        elif isinstance(value, str) and _may_describe_usage(value):
            yield from _flatten(key, loads(value))


def _find_form(key: str) -> bool | None:
    """Whether an object stands under *key*, rather than one value; None: neither."""
    if len(key) > MAX_KEY:
        return None
    words = split_words(key)
    if words and words[-1] in _OBJECTS:
        return True
    return None if _classify(key) is None else False


def _may_describe_usage(value: str) -> bool:
    """Whether a text is a short object with a word that makes it worth parsing."""
    if value[:1] == "{" and len(value) <= MAX_CACHED:
        for mark in _MARKS:  # a generator would take longer than the search
            if mark in value:
                return True
    return False


def _flatten(key: str, value: Any) -> Iterator[tuple[str, Any, bool]]:
    """The members of an object with their paths, at any depth.

    Google lists the counts of each modality: `[{"modality": "AUDIO", "tokenCount": 3}]`.
    """
    waiting = [(key, value, 0)]
    seen = 0
    while waiting and seen < MAX_LEAVES:
        path, found, level = waiting.pop()
        seen += 1
        if level < MAX_LEVELS and isinstance(found, MAPPING):
            modality = word(found.get("modality"))
            if modality:
                path = f"{path}.{modality.rpartition('.')[2]}"
                waiting.append((path, _get_modality_count(found), level + 1))
            else:
                waiting += [(f"{path}.{k}", v, level + 1) for k, v in found.items()]
        elif level < MAX_LEVELS and isinstance(found, (list, tuple)):
            waiting += [(path, each, level + 1) for each in found[:MAX_LEAVES]]
        elif isinstance(found, (str, int, float)) and len(path) <= MAX_KEY:
            yield path, found, True


def _get_modality_count(entry: Mapping[str, Any]) -> Any:
    return next((v for k, v in entry.items() if "count" in str(k).lower()), None)


@cache_names(maxsize=MAX_CACHED_KEYS)
def _classify(key: str) -> str | None:
    """The part or the condition of the price that a key holds; None for other keys."""
    ordered = split_words(key)
    words = frozenset(ordered)
    if words & _INPUT and words & _COUNTED and _is_uncached(ordered):
        return UNCACHED
    if ordered[-2:] == ("service", "tier"):
        return "service_tier"
    if ordered[-1:] == ("speed",) and words & {"usage", "request", "anthropic"}:
        return "speed"
    if words & _NOT_COUNTS or not words & _COUNTED:
        return None
    return _classify_part(ordered, words)


def _is_uncached(ordered: tuple[str, ...]) -> bool:
    """Whether a key is for the input that no cache had: `inputTokenDetails.noCacheTokens`."""
    return "uncached" in ordered or not _UNCACHED.isdisjoint(pairwise(ordered))


def _classify_part(ordered: tuple[str, ...], words: frozenset[str]) -> str | None:
    if words & {"search", "searches"}:
        return _classify_search(words)
    if words & _CACHE:
        return _classify_cached(ordered, words)
    for word_of, part in _UNITS.items():
        if word_of in words:
            return part
    if {"tool", "use", "prompt"} <= words:
        return "input_tool_tokens"
    return _classify_modality(words)


_UNITS = {"seconds": "audio_seconds", "characters": "input_characters"}


def _classify_search(words: frozenset[str]) -> str | None:
    if "usage" not in words or words & {"tokens", "token"}:
        return None
    return "rerank_searches" if "units" in words else "web_searches"


def _classify_cached(ordered: tuple[str, ...], words: frozenset[str]) -> str | None:
    if words & _WRITE:
        for pair in pairwise(ordered):
            if pair in _LIFETIMES:
                return f"cache_write_{_LIFETIMES[pair]}_tokens"
        return None
    modality = next((m for m in _MODALITIES if m in words), None)
    return modality and f"cache_{modality}_read_tokens"


def _classify_modality(words: frozenset[str]) -> str | None:
    modality = next((m for m in _MODALITIES if m in words), None)
    if modality is None:
        return None
    side = "input" if words & _INPUT else "output" if words & _OUTPUT else None
    return side and f"{side}_{modality}_tokens"
