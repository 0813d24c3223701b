"""When two spellings of a model's name can be of one model."""

from __future__ import annotations

import re

from infinium_otel.dialects import is_model_family
from infinium_otel.records.caching import cache_names


@cache_names(maxsize=4096)
def are_other_models(one: str | None, other: str | None) -> bool:
    """Whether two names are of two different known models.

    Prefixes, paths and dates do not tell models apart (`openai/gpt-4o`, `gpt-4o` and
    `gpt-4o-2024-08-06`), and a name of no known family can be a deployment of any.
    """
    if not one or not other or not (is_model_family(one) and is_model_family(other)):
        return False
    first, second = _simplify(one), _simplify(other)
    return first not in second and second not in first


def _simplify(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
