"""What a dialect is: a table of where facts stand, and what a table cannot say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._attributes import PLACEHOLDERS, TYPED, Coercion, Row

if TYPE_CHECKING:
    from infinium_otel.records import SpanRecord

Facts = dict[str, Any]
"""What has been found of a span so far, by fact; see `FACTS` for the names."""

Refinement = Callable[["SpanRecord", Facts], None]
"""Adds to the facts, or mends them, what the table could not say."""

FACTS = frozenset(
    "kind weak_kind operation model model_requested provider "
    "input_tokens output_tokens total_tokens cache_read cache_write reasoning "
    "excludes_cache excludes_reasoning "
    "aggregate_input aggregate_output aggregate_cache_read aggregate_cache_write "
    "aggregate_reasoning "
    "temperature top_p max_tokens seed reasoning_effort response_id finish_reasons "
    "streaming ttft_ms latency_ms cost_usd purpose tool_name tool_call_id arguments "
    "result agent_name agent_id agent_description agent_version task_name label input output system "
    "conversation_id user_id http_status retry_count error_type error_message "
    "error_code stack_trace failed failure_type failure_message tags dropped replayed utility "
    "objective deliverables server query documents".split()
)
"""Every fact a dialect can tell. `weak_kind` gives way to any dialect's `kind`;
`failure_type` and `failure_message` stand even against a recorded exception."""


@dataclass(frozen=True, eq=False)
class Dialect:
    """One vocabulary of spans.

    Args:
        name: what it is called in docs and in a step's metadata.
        speaks: first segments of attribute keys ("gen_ai" of "gen_ai.system") that
            show that a span may speak it; a bare key stands for itself.
        scopes: instrumentation scopes, or their beginnings up to a dot, likewise.
        fields: where each fact stands; the names are those of `FACTS`.
        refine: adds what the table cannot say.
        source: which packages and versions the table was read from.
        common: anyone's words, which do not tell who instrumented the work.
    """

    name: str
    fields: Mapping[str, Row]
    speaks: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    refine: Refinement | None = None
    source: str = ""
    common: bool = False
    _places: dict[str, tuple[tuple[str, int, Coercion], ...]] = field(
        init=False, repr=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        unknown = set(self.fields) - FACTS
        if unknown:
            raise ValueError(f"dialect {self.name}: no such fact: {sorted(unknown)}")
        for fact, row in self.fields.items():
            for rank, (key, coerce) in enumerate(row.places):
                self._places[key] = (
                    *self._places.get(key, ()),
                    (fact, rank, coerce),
                )

    def facts(self, record: SpanRecord, problems: list[str]) -> Facts:
        """What *record* says in this dialect; what could not be read is a problem."""
        facts: Facts = {}
        ranks: dict[str, int] = {}
        places = self._places
        for key, value in record.attributes.items():
            if key not in places:
                continue
            for fact, rank, coerce in places[key]:
                if fact in ranks and ranks[fact] <= rank:
                    continue
                coerced = coerce(value)
                if coerced is not None:
                    facts[fact], ranks[fact] = coerced, rank
                elif coerce in TYPED and not _says_nothing(value):
                    problems.append(f"{key}: not understood")
        if self.refine:
            self.refine(record, facts)
        return facts


def _says_nothing(value: Any) -> bool:
    if isinstance(value, str):
        return value.strip() in PLACEHOLDERS
    return value in (None, (), [], {})
