"""Under which names a price list may have the model of a call."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from infinium_otel.dialects import find_provider_alias

if TYPE_CHECKING:
    from collections.abc import Iterator

_VERSION = re.compile(r"(?:turbo|vision|preview|latest|exp|\d{2,}k?)(?:$|-)")


def iter_models(model: str | None, requested: str | None) -> Iterator[str]:
    """The names to price: the answer's, but first a requested version of that family.

    Azure answers `gpt-4` for every version of it, which differ in price.
    """
    family, _, version = (requested or "").partition(f"{model}-")
    if requested and not family and _VERSION.match(version):
        yield requested
    name = model or requested
    if name:
        yield name


_GATEWAYS = re.compile(
    r"gateway|router|proxy|litellm|portkey|helicone|bifrost|requesty"
)
_ROUTES = frozenset("models model publishers converse invoke responses chat".split())
_REGION = re.compile(r"(?:us|eu|apac|global|[a-z]{2}(?:-[a-z]+){1,2}-?\d)")
"""Segments before a model's name that identify no provider."""
_AZURES = re.compile(r"gpt-35(?=-)")
"""Names of deployments have no dots."""
_RESOURCE = re.compile(r"^(?:arn:aws|projects/|publishers/).{0,300}/")
_OPEN_WEIGHTS = re.compile(
    r"(?:openai/gpt-oss|google/(?:gemma|t5)|mistralai?/(?:mixtral|mistral-(?:7b|8x|nemo|small)))",
    re.IGNORECASE,
)
"""Models that anybody can serve: the organization before their name is no provider."""
MAX_SEGMENTS = 8


def iter_spellings(
    provider: str | None, model: str
) -> Iterator[tuple[str | None, str]]:
    """Provider and model as genai-prices may list them, as reported first.

    What stands before a name is dropped if it is a route, a region or a provider:
    `azure_ai/claude-opus-4-5`, `publishers/google/models/gemini-2.5-flash`,
    `bedrock/converse/us.anthropic.claude-sonnet-4-5-20250929-v1:0`, `openai:gpt-4o`.
    Anything else (`ollama/`) may be a server with prices of its own.
    """
    for owner, spelling in _iter_places(provider, model):
        yield owner, spelling
        if _AZURES.match(spelling):
            yield owner, _AZURES.sub("gpt-3.5", spelling)


def _iter_places(provider: str | None, model: str) -> Iterator[tuple[str | None, str]]:
    yield provider, model
    if provider is not None and _GATEWAYS.search(provider):
        provider = None
        yield None, model
    rest = _RESOURCE.sub("", model)
    if rest != model:
        yield provider or ("aws.bedrock" if model.startswith("arn:") else None), rest
    for _ in range(MAX_SEGMENTS):
        head, separator, tail = rest.partition("/" if "/" in rest else ":")
        if not separator or not tail:
            return
        alias = find_provider_alias(head.lower())
        if alias is not None:
            if _OPEN_WEIGHTS.match(rest):
                return
            yield alias, tail
            provider = alias
        elif head.lower() in _ROUTES or _REGION.fullmatch(head.lower()):
            yield provider, tail
        else:
            return
        rest = tail
