"""Who took part in a span, where numbered entities name it: `entity.1.type`, `.name`.

Source: Monocle's span format (monocle2ai/monocle, `docs`), whose types are `tool.adk`,
`agent.langgraph`, `model.llm.gpt-4o`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from infinium_otel.dialects._attributes import word
from infinium_otel.dialects._generic_values import name

if TYPE_CHECKING:
    from infinium_otel.dialects._dialect import Facts
    from infinium_otel.dialects._shape import Shape
    from infinium_otel.records import Attributes

_TYPE = re.compile(r"(?:.{1,100}[._])?entit(?:y|ies)\.\d{1,3}\.type")
_FACTS = {"tool": "tool_name", "agent": "agent_name", "model": "model_requested"}
"""The fact that an entity's name is, by the first word of its type."""


def put_entities(facts: Facts, attributes: Attributes, shape: Shape) -> None:
    """Add the names of a span's tool, agent and model; of several, the first's."""
    for key, _ in shape.select(_is_type):
        fact = _FACTS.get((word(attributes[key]) or "").partition(".")[0])
        named = name(attributes.get(key.removesuffix("type") + "name"))
        if fact is not None and named is not None:
            facts.setdefault(fact, named)


def _is_type(key: str) -> bool | None:
    return _TYPE.fullmatch(key) is not None or None
