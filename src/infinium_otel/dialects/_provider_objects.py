"""A provider's own request and response, which vocabularies record whole.

Source: the APIs of OpenAI (chat completions, responses), Anthropic, Google and Ollama.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._attributes import (
    MAX_TOKENS,
    Coercion,
    count,
    flag,
    number,
    structure,
    text,
    texts,
)
from infinium_otel.dialects._facts import dig, put
from infinium_otel.dialects._token_keys import find_count
from infinium_otel.dialects.lenient_json import MAPPING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from infinium_otel.dialects._dialect import Facts

_REQUEST: tuple[tuple[str, str, Coercion], ...] = (
    ("model_requested", "model model_name modelName model_id modelId", text),
    ("temperature", "temperature", number),
    ("top_p", "top_p topP", number),
    ("max_tokens", MAX_TOKENS, count),
    ("streaming", "stream", flag),
    ("seed", "seed", number),
)
_SETTINGS = (
    "config generation_config generationConfig inferenceConfig inference_config "
    "options parameters settings"
).split()
_USAGES = "usage usage_metadata usageMetadata token_usage tokenUsage".split()
_OLLAMAS = ("prompt_eval_count", "eval_count")
_MARKS = frozenset(
    ("choices", "candidates", "stop_reason", "object", "eval_count", *_USAGES)
)
"""Members that only a response has."""
MAX_MEMBERS = 50


def put_request(facts: Facts, request: Any) -> None:
    """Add the model and the parameters in a request, and in its settings."""
    found = structure(request)
    if not isinstance(found, MAPPING):
        return
    put_parameters(facts, found)
    for name in _SETTINGS:
        put_parameters(facts, found.get(name))


def put_parameters(facts: Facts, parameters: Any) -> None:
    """Add those parameters of a call that an object has as members."""
    if not isinstance(parameters, MAPPING):
        return
    for fact, names, coerce in _REQUEST:
        for name in names.split():
            put(facts, fact, coerce(parameters.get(name)))


def put_response(facts: Facts, response: Any) -> None:
    """Add the model, the id, the counts and the reason in a response or its chunks."""
    found = structure(response)
    parts = found if isinstance(found, (list, tuple)) else (found,)
    for part in reversed(parts[-MAX_MEMBERS:]):  # the last chunk has the usage
        if isinstance(part, MAPPING):
            if isinstance(part.get("raw"), MAPPING):
                part = part["raw"]  # noqa: PLW2901 - LlamaIndex's, around the provider's
            if not _MARKS.isdisjoint(part):
                _put_response_part(facts, part)


def _put_response_part(facts: Facts, part: Mapping[str, Any]) -> None:
    for name in _USAGES:
        put_counts_of(facts, part.get(name))
    put_counts_of(facts, {name: part.get(name) for name in _OLLAMAS})
    _note_anthropics(facts, part.get("usage"))
    for name in ("model", "model_name", "modelVersion"):
        put(facts, "model", text(part.get(name)))
    put(facts, "response_id", text(part.get("id")))
    put_finish_reason(facts, part)


def put_finish_reason(facts: Facts, response: Mapping[str, Any]) -> None:
    """Add why the output in a provider's response ended."""
    for holder in (
        dig(response, "choices", 0),
        dig(response, "candidates", 0),
        response,
    ):
        for name in _REASONS if isinstance(holder, MAPPING) else ():
            put(facts, "finish_reasons", texts(holder.get(name)))


_REASONS = "finish_reason finishReason stop_reason stopReason done_reason".split()


def has_no_answer(response: Mapping[str, Any]) -> bool:
    """Whether a provider's response ended without any content."""
    if _MARKS.isdisjoint(response):
        return False
    candidate = dig(response, "candidates", 0)
    holder = candidate if isinstance(candidate, MAPPING) else response
    return not any(holder.get(name) for name in _CONTENTS)


_CONTENTS = (
    "content choices output message text parts generations response completion".split()
)


def put_counts_of(facts: Facts, usage: Any) -> None:
    """Add the token counts in a usage object, whatever its members are called."""
    for fact, value in iter_counts("usage", structure(usage)):
        put(facts, fact, value)


def put_details_of(facts: Facts, response: Mapping[str, Any]) -> None:
    """Add only those counts of a response's usage that are part of another count.

    The whole counts are the instrumentation's, by whichever side it keeps the parts.
    """
    for name in _USAGES:
        usage = structure(response.get(name))
        for fact, value in iter_counts("usage", usage):
            if fact in _DETAILS:
                put(facts, fact, value)
        _note_anthropics(facts, usage)


def _note_anthropics(facts: Facts, usage: Any) -> None:
    """Note that the input lacks the cached tokens, where it is Anthropic's own count."""
    if not isinstance(usage, MAPPING) or "cache_read_input_tokens" not in usage:
        return
    own = count(usage.get("input_tokens"))
    if own is not None and own == facts.get("input_tokens"):
        facts.setdefault("excludes_cache", True)


_DETAILS = frozenset({"cache_read", "cache_write", "reasoning"})


def iter_counts(key: str, value: Any) -> Iterator[tuple[str, int]]:
    """The token counts in an object that stands under *key*, and in its members."""
    if not isinstance(value, MAPPING):
        return
    for name in list(value)[:MAX_MEMBERS]:
        path = f"{key}.{name}"
        inner = value[name]
        if isinstance(inner, MAPPING):
            yield from iter_counts(path, inner) if key.count(".") < 2 else ()
        else:
            fact, found = find_count(path), count(inner)
            if fact is not None and found is not None:
                yield fact, found
