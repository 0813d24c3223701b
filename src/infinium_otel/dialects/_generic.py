"""What spans of any vocabulary contain, by the last words of their keys.

Vocabularies are more than can be listed, and so are the attributes of each: whatever no
dialect of the span has a row for is read here, after all of them. Three things differ in
how sure a word must be:

- Ids, tags and metadata are read from every span.
- On a span of known kind, a key's last words are enough: `*.arguments` of a tool,
  `*.prompt_tokens` of a model call.
- A span of unknown kind becomes a model call only by two signs (`_call_signs`). Where a
  call lies below it, it is a frame after all (`fallback_kind`); a tool or an agent by a
  word alone is one only beside a model's work (`unconfirmed`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._attributes import Coercion, structure, texts
from infinium_otel.dialects._entities import put_entities
from infinium_otel.dialects._fact_table import CALLS
from infinium_otel.dialects._facts import dig, put, split_prompt
from infinium_otel.dialects._generic_calls import (
    CALL,
    put_call,
    put_cost,
    put_counts,
    put_from_objects,
)
from infinium_otel.dialects._generic_kinds import put_kind
from infinium_otel.dialects._generic_members import (
    list_dotted,
    list_event_attributes,
    list_members,
)
from infinium_otel.dialects._generic_tools import put_failure, put_guardrail, put_tool
from infinium_otel.dialects._generic_values import (
    CONTENT,
    name,
    put_best,
    put_unknown_values,
)
from infinium_otel.dialects._key_shapes import find_key_shape
from infinium_otel.dialects._metadata import put_metadata
from infinium_otel.dialects._shape import find_shape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infinium_otel.dialects._dialect import Facts
    from infinium_otel.dialects._key_shapes import Candidates, KeyShape
    from infinium_otel.dialects._shape import Shape
    from infinium_otel.records import SpanRecord

_ALWAYS: tuple[tuple[str, Coercion], ...] = (
    ("conversation_id", name),
    ("user_id", name),
    ("tags", texts),
)
_DOCUMENTS: tuple[tuple[str, Coercion], ...] = (("documents", structure),)
_AGENT: tuple[tuple[str, Coercion], ...] = (("agent_name", name), ("agent_id", name))
_FRAMES = frozenset({"agent", "workflow"})
_WITHOUT_CONTENT = frozenset("tool http db messaging mcp".split())


def put_generic_facts(
    record: SpanRecord, facts: Facts, known: frozenset[str], shape: Shape
) -> None:
    """Add what the attributes of *record* contain beyond its dialects' tables.

    Args:
        facts: the merged facts of its dialects, which win.
        known: the keys of those dialects, which are theirs alone.
        shape: the shape of its attributes.
    """
    if facts.get("kind") is None:
        whole = _add_inner_attributes(record, facts, known, shape)
        if whole is not record:
            record, shape = whole, find_shape(whole.attributes)
    put_entities(facts, record.attributes, shape)
    _put_by_keys(record, facts, find_key_shape(shape, known))


def _put_by_keys(record: SpanRecord, facts: Facts, shape: KeyShape) -> None:
    attributes, found = record.attributes, shape.candidates
    if found:
        put_best(facts, attributes, found, _ALWAYS)
    if shape.describes_run:
        put_metadata(facts, attributes, shape)
    if "task_name" in found:
        weak = {"weak_task_name": found["task_name"]}
        put_best(facts, attributes, weak, (("weak_task_name", name),))
    if attributes.get("gen_ai.transfer.mode") == "pass_control":
        target = name(attributes.get("gen_ai.transfer.target.name"))
        facts.update(kind="handoff", agent_name=target or facts.get("agent_name"))
    elif facts.get("kind") in _BEFORE_HANDOFF:
        _put_handoff(facts, attributes, found)
    put_kind(record, facts, shape)
    if found:
        put_best(facts, attributes, found, _AGENT)
    if facts.get("kind") == "agent" and facts.get("agent_name") is None:
        _put_components_name(facts, attributes)
    missing = [fact for fact in _WEAK if facts.get(fact) is None]
    _put_by_kind(facts, attributes, shape)
    if facts.get("kind") == "retrieval":
        put_best(facts, attributes, found, _DOCUMENTS)
    facts["weak_facts"] = tuple([f for f in missing if facts.get(f) is not None])


def _put_components_name(facts: Facts, attributes: Mapping[str, Any]) -> None:
    """Add the name of a component that is an agent: `acme.name` beside `acme.component`."""
    for key, value in attributes.items():
        if value == "Agent" and key.endswith(".component"):
            put(facts, "agent_name", name(attributes.get(f"{key[:-9]}name")))


_WEAK = ("input", "output", "input_tokens", "output_tokens")
"""Facts that another span of the same work may report more surely."""


def _add_inner_attributes(
    record: SpanRecord, facts: Facts, known: frozenset[str], shape: Shape
) -> SpanRecord:
    """*record* with what stands inside its events and its objects as attributes."""
    added = list_event_attributes(record) if record.events else {}
    if "weak_kind" not in facts:
        added |= list_members(record.attributes, known)
    for key, dotted in shape.derive(list_dotted):
        added[dotted] = record.attributes[key]
    if not added:
        return record
    return replace(record, attributes={**added, **record.attributes})


def _put_handoff(
    facts: Facts, attributes: Mapping[str, Any], found: Candidates
) -> None:
    """Add a handoff: a span that names the agent it hands over to, also as a tool."""
    own: Facts = {}
    if "handoff_to" in found:
        put_best(own, attributes, found, (("handoff_to", name),))
    agent, tool = own.get("handoff_to"), facts.get("tool_name")
    if agent is None and tool and str(tool).lower().startswith("handoff"):
        for side in ("result", "output"):
            agent = agent or name(dig(structure(facts.get(side)), "to_agent"))
    if agent is not None:
        facts["kind"] = "handoff"
        if facts.get("agent_name") is None or not own:
            facts["agent_name"] = agent


_BEFORE_HANDOFF = (None, "tool", "handoff")


def _put_frame(
    kind: str, facts: Facts, attributes: Mapping[str, Any], shape: KeyShape
) -> None:
    """Add the sums of an agent or a workflow, and the cost of a span of no known kind."""
    if kind in _FRAMES:
        put_counts(facts, attributes, shape)
    if kind in _FRAMES or not kind:
        put_cost(facts, attributes, shape)
    if kind == "agent":
        put_best(facts, attributes, shape.candidates, CALL[:2])


def _put_by_kind(facts: Facts, attributes: Mapping[str, Any], shape: KeyShape) -> None:
    kind, found = facts.get("kind") or facts.get("weak_kind", ""), shape.candidates
    is_call = kind in CALLS or bool(facts.get("maybe_call"))
    if is_call:
        put_call(facts, attributes, shape)
    elif kind == "tool":
        put_tool(facts, attributes, found)
    elif kind == "guardrail":
        put_guardrail(facts, attributes)
    else:
        _put_frame(kind, facts, attributes, shape)
    if kind in CALLS or kind == "tool":
        put_failure(facts, attributes, found)
    if found and kind not in _WITHOUT_CONTENT:
        put_best(facts, attributes, found, CONTENT)
    if is_call:
        put_from_objects(facts)
        if "fallback_kind" in facts or facts.get("maybe_call"):
            put_unknown_values(facts, attributes, shape)
    if kind in CALLS or kind in _FRAMES:
        split_prompt(facts)
