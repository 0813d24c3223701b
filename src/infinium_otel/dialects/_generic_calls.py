"""What model calls of any vocabulary report, by the last words of keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._attributes import (
    Coercion,
    count,
    flag,
    indexed,
    money,
    number,
    structure,
    texts,
    word,
)
from infinium_otel.dialects._generic_values import CONTENT, content, name, put_best
from infinium_otel.dialects._provider_objects import (
    iter_counts,
    put_parameters,
    put_request,
    put_response,
)
from infinium_otel.dialects._words import split_words
from infinium_otel.dialects.lenient_json import MAPPING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infinium_otel.dialects._dialect import Facts
    from infinium_otel.dialects._key_shapes import KeyShape

CALL: tuple[tuple[str, Coercion], ...] = (
    ("model", name),
    ("model_requested", name),
    ("provider", name),
    ("temperature", number),
    ("top_p", number),
    ("max_tokens", count),
    ("seed", number),
    ("streaming", flag),
    ("response_id", name),
    ("finish_reasons", texts),
    ("system", content),
)


def put_call(facts: Facts, attributes: Mapping[str, Any], shape: KeyShape) -> None:
    """Add model, parameters, counts, messages and requested tools of a call."""
    found = shape.candidates
    if facts.get("model") is not None and "model_requested" in found:
        requested = tuple(p for p in found["model_requested"] if p[0] <= 2)
        found = {**found, "model_requested": requested}  # the others name it again
    if found:
        put_best(facts, attributes, found, CALL)
        put_cost(facts, attributes, shape)
    put_counts(facts, attributes, shape)
    if facts.get("kind") == "embedding" and facts.get("total_tokens") is not None:
        facts.setdefault("input_tokens", facts["total_tokens"])
    if "replayed" in found and _is_uncounted(facts):
        put_best(facts, attributes, found, (("replayed", flag),))
    for key in shape.parameters:
        put_parameters(facts, structure(attributes[key]))
    for side, prefix in shape.messages.items():
        if facts.get(side) is None:
            facts[side] = indexed(attributes, prefix)
    _put_requested_tools(facts, attributes, shape)


def _is_uncounted(facts: Facts) -> bool:
    """Whether a call used no tokens; a cache hit that used some is of a prompt's cache."""
    return not any(facts.get(name) for name in _COUNTS)


_COUNTS = ("input_tokens", "output_tokens", "total_tokens")


def put_cost(facts: Facts, attributes: Mapping[str, Any], shape: KeyShape) -> None:
    """Add the cost, unless an attribute beside it names another currency.

    A cost of zero gives way to one that is not: who knows no price writes it too.
    """
    if "cost_usd" in shape.candidates and not any(
        split_words(key)[-1:] == ("currency",) and word(value) != "usd"
        for key, value in attributes.items()
    ):
        own: Facts = {}
        put_best(own, attributes, shape.candidates, (("cost_usd", money),))
        facts["cost_usd"] = facts.get("cost_usd") or own.get("cost_usd")


def put_counts(facts: Facts, attributes: Mapping[str, Any], shape: KeyShape) -> None:
    """Add the token counts in any spelling, and those inside usage objects."""
    for key, fact in shape.counts:
        value = attributes[key]
        counted = count(value)
        if fact is not None and counted is not None:
            facts.setdefault(fact, counted)
        elif not isinstance(value, (int, float)):
            for inner, number_of in iter_counts(key, structure(value)):
                facts.setdefault(inner, number_of)


def _put_requested_tools(
    facts: Facts, attributes: Mapping[str, Any], shape: KeyShape
) -> None:
    """Add the tools a model requested where they stand beside its text."""
    if "tool_calls" not in shape.candidates:
        return
    own: Facts = {}
    put_best(own, attributes, shape.candidates, (("tool_calls", structure),))
    if "tool_calls" not in own:
        return
    output: Facts = dict(facts)
    put_best(output, attributes, shape.candidates, CONTENT[1:])
    answer = output.get("output")
    if answer is None or isinstance(answer, str):
        message = {"role": "assistant", "content": answer or ""}
        facts["output"] = [{**message, "tool_calls": own["tool_calls"]}]


_MEMBERS = ('"usage', '"choices"', '"stop_reason"', '"candidates"', '"token', '"eval_c')


def put_from_objects(facts: Facts) -> None:
    """Add what only the provider's own request and response contain."""
    request, response = facts.get("input"), facts.get("output")
    if isinstance(request, MAPPING) or (
        isinstance(request, str) and request.lstrip()[:1] == "{"
    ):
        put_request(facts, request)
    if not isinstance(response, str) or _may_be_response(response):
        put_response(facts, response)


def _may_be_response(text: str) -> bool:
    for mark in _MEMBERS:  # noqa: SIM110 - a generator takes longer than the search
        if mark in text:
            return True
    return False
