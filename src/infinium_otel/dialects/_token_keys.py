"""Which token count a key of any vocabulary holds."""

from __future__ import annotations

from infinium_otel.dialects._words import MAX_CACHED_KEYS, split_words
from infinium_otel.records.caching import cache_names

_WRITES = frozenset("creation write written created create".split())
_CACHE = frozenset({"cache", "cached"})
_REASONING = frozenset("reasoning thinking thoughts thought".split())
_SIDES = {
    word: fact
    for fact, line in (
        ("input_tokens", "input prompt prompts in request"),
        (
            "output_tokens",
            "output completion completions out generated candidates response",
        ),
    )
    for word in line.split()
}
_LATE_SIDES = {
    word: fact
    for fact, line in (
        ("input_tokens", "sent read evaluated ingested"),
        ("output_tokens", "received written predicted produced"),
    )
    for word in line.split()
}
"""Words that are a side only where no other word is."""
_PROMPTS = frozenset("prompt prompts completion completions candidates".split())
"""Sides that nothing but a model call has."""
_DIRECTIONS = frozenset("in out request response".split())
"""Words that, beside "total", are only where the count stands."""
_TOTALS = frozenset({"tokens", "total", "count"})
_NO_COUNTS = frozenset(
    "max min limit budget per rate price cost remaining first latency time ttft use "
    "second seconds ms speed window context miss missed audio image video text tool "
    "accepted rejected prediction ephemeral estimated quota available overlap".split()
)
"""Last words of keys that hold limits, speeds, prices or parts that have no fact."""
_SUMS = frozenset({"aggregated", "cumulative"})
_OTHER_TOKENS = frozenset(
    "auth oauth oidc sso saml jwt csrf xsrf bearer access refresh login otp invite secret "
    "ratelimit limiter throttle throttling bucket lexer lexical lex parser parsing syntax "
    "ast compiler grammar tokenizer tokeniser tokenization tiktoken sentencepiece bpe push "
    "fcm apns device swap wallet coin ledger erc nft staking design css i18n".split()
)
"""Words of keys that count permits, secrets, words of a language or coins."""
_COUNTS_OF_OLLAMA = {
    ("prompt", "eval", "count"): "input_tokens",
    ("eval", "count"): "output_tokens",
}


@cache_names(maxsize=MAX_CACHED_KEYS)
def find_count(key: str) -> str | None:
    """The token count that *key* holds, in any spelling; None if it holds none.

    Without a word for tokens only below "usage": `usage.prompt`.
    """
    words = split_words(key)
    if not _OTHER_TOKENS.isdisjoint(words):
        return None
    for length in (3, 2):
        if words[-length:] in _COUNTS_OF_OLLAMA:
            return _COUNTS_OF_OLLAMA[words[-length:]]
    tail = words[_find_usage(words) :]
    if not _NO_COUNTS.isdisjoint(tail[-3:]) or not _SUMS.isdisjoint(words):
        return None
    if any(map(str.isdigit, tail)):
        return None
    if not names_tokens(words) and (
        len(tail) == len(words) or not all(map(_is_count_word, tail))
    ):
        return None
    return _find_count(tail)


def _find_count(tail: tuple[str, ...]) -> str | None:
    if not _CACHE.isdisjoint(tail):
        return "cache_read" if _WRITES.isdisjoint(tail) else "cache_write"
    if not _REASONING.isdisjoint(tail):
        return "reasoning"
    ambiguous = _DIRECTIONS if "total" in tail else frozenset()
    sides = [_SIDES[w] for w in tail if w in _SIDES and w not in ambiguous]
    sides = sides or [_LATE_SIDES[w] for w in tail if w in _LATE_SIDES]
    if sides:
        return sides[-1]
    return "total_tokens" if tail[-1:] and tail[-1] in _TOTALS else None


def names_tokens(words: tuple[str, ...]) -> bool:
    """Whether a key is about tokens that a model reads and writes, not a secret."""
    if "tokens" in words:
        return True
    return "token" in words and not _BESIDE_TOKEN.isdisjoint(words)


_BESIDE_TOKEN = frozenset("count counts usage prompt completion input output".split())


def names_prompt(key: str) -> bool:
    """Whether a key that holds a count has a word that only a model's tokens have."""
    return not _PROMPTS.isdisjoint(split_words(key))


def _is_count_word(word: str) -> bool:
    return (
        word in _SIDES
        or word in _CACHE
        or word in _REASONING
        or word in _WRITES
        or word in ("read", "total", "details")
    )


def _find_usage(words: tuple[str, ...]) -> int:
    """The index behind the last word "usage"; 0 if there is none."""
    for index in range(len(words) - 1, -1, -1):
        if words[index] == "usage":
            return index + 1
    return 0


_OF_USAGE = frozenset({("usage", "metadata"), ("usage", "raw"), ("usage", "details")})


@cache_names(maxsize=MAX_CACHED_KEYS)
def holds_counts(key: str) -> bool:
    """Whether a key is that of an object of token counts."""
    words = split_words(key)
    is_usage = words[-1:] == ("usage",) or words[-2:] in _OF_USAGE
    return is_usage or names_tokens(words)
