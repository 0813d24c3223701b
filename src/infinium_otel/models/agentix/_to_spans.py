"""An agentix outcome to spans."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from infinium_otel.errors import InfiniumError
from infinium_otel.models import parts
from infinium_otel.models.agentix.calls import (
    Naming,
    find_call,
    to_chat_span,
    to_pending_span,
    to_tool_span,
)
from infinium_otel.models.agentix.messages import to_messages
from infinium_otel.models.agentix.types import ENDED_WELL, outcome_of
from infinium_otel.models.documents import dump
from infinium_otel.models.facts import FACTS, attach_orphans, restore_span
from infinium_otel.models.runs import DEEPEST
from infinium_otel.models.spans import (
    as_text,
    canonical_json,
    finalize,
    json_list,
    json_object,
    make_span_id,
    to_json,
    to_trace_id,
)
from infinium_otel.records import Failure, SpanRecord

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from infinium_otel.models.agentix.types import (
        AgentOutcome,
        Message,
        PendingApproval,
    )

SCOPE = "agentix"
NAMESPACE = "agentix.run:"
ORDER = "agentix.order"
SUBAGENTS = "subagents"


def to_spans(outcome: AgentOutcome, naming: Naming, start_ns: int) -> list[SpanRecord]:
    """The spans of *outcome*: its root first, then its steps in order.

    Args:
        outcome: the run.
        naming: names for the spans.
        start_ns: start of the run; its messages are a nanosecond apart, because an
            outcome has no times.
    """
    facts = json_object(outcome.other.get(FACTS)) or {}
    run_id = as_text(outcome.other.get("run_id"))
    own_id = as_text(facts.get("trace_id"))
    trace_id = to_trace_id(run_id or canonical_json(dump(outcome)), NAMESPACE)
    trace_id = to_trace_id(own_id, NAMESPACE) if own_id else trace_id
    span_id = make_span_id(trace_id, "run")
    return _spans(outcome, naming, _Place(trace_id, span_id, start_ns))


@dataclass(frozen=True, slots=True)
class _Place:
    """The position of a run's root: its ids, its start, its order among siblings."""

    trace_id: str
    span_id: str
    start_ns: int
    parent_id: str | None = None
    order: int | None = None
    depth: int = 0


def _spans(outcome: AgentOutcome, naming: Naming, place: _Place) -> list[SpanRecord]:
    facts = json_object(outcome.other.get(FACTS)) or {}
    root = SpanRecord(
        trace_id=place.trace_id,
        span_id=place.span_id,
        parent_id=place.parent_id,
        name=f"invoke_agent {naming.agent_name}"
        if naming.agent_name
        else "invoke_agent",
        start_ns=place.start_ns,
        end_ns=place.start_ns,
        attributes={**_run_attributes(outcome, naming), ORDER: place.order},
        scope_name=SCOPE,
        status="ok" if outcome.status in ENDED_WELL else "unset",
    )
    placed, failure = restore_span(root, facts)
    members = _member_spans(outcome, naming, placed, facts)
    deeper = place.depth + 1
    nested = (
        _nested_spans(outcome, naming, placed, members, deeper)
        if deeper <= DEEPEST
        else []
    )
    spans = [*members, *nested]
    if "start_ns" not in facts:
        placed = _cover(placed, spans)
    placed = finalize(placed, failure or _failure(outcome))
    return [placed, *attach_orphans(spans, placed.span_id)]


def _cover(root: SpanRecord, records: list[SpanRecord]) -> SpanRecord:
    return replace(
        root,
        start_ns=min((r.start_ns for r in records), default=root.start_ns),
        end_ns=max((r.end_ns for r in records), default=root.end_ns),
    )


def _nested_spans(
    outcome: AgentOutcome,
    naming: Naming,
    root: SpanRecord,
    members: list[SpanRecord],
    depth: int,
) -> list[SpanRecord]:
    """The spans of subagents' runs."""
    start_ns = max((record.end_ns for record in members), default=root.end_ns) + 1
    found: list[SpanRecord] = []
    for order, value in enumerate(json_list(outcome.other.get(SUBAGENTS)) or []):
        try:
            nested = outcome_of(value)
        except InfiniumError:
            continue
        place = _Place(
            trace_id=root.trace_id,
            span_id=make_span_id(root.trace_id, root.span_id, SUBAGENTS, order),
            start_ns=start_ns,
            parent_id=root.span_id,
            order=len(members) + order,
            depth=depth,
        )
        found += _spans(nested, replace(naming, agent_name=None), place)
    return found


def _run_attributes(outcome: AgentOutcome, naming: Naming) -> dict[str, Any]:
    run_id = as_text(outcome.other.get("run_id"))
    other = {k: v for k, v in outcome.other.items() if k != SUBAGENTS}
    first, last = _bounds(outcome.transcript)
    tail = outcome.transcript[last + 1 :] if last >= 0 else ()
    return {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": naming.agent_name,
        "gen_ai.conversation.id": run_id,
        "gen_ai.input.messages": to_messages(outcome.transcript[:first]),
        "gen_ai.output.messages": parts.write_final_message(outcome.answer),
        "agentix.run.id": run_id,
        "agentix.outcome.status": outcome.status,
        "agentix.outcome.reason": outcome.reason,
        "agentix.outcome.steps": outcome.steps,
        "agentix.outcome.tokens_used": outcome.tokens_used,
        "agentix.outcome.cost_usd": outcome.cost_usd,
        "agentix.outcome.parsed": None
        if outcome.parsed is None
        else to_json(outcome.parsed),
        "agentix.pending": to_json(dump(outcome.pending)) if outcome.pending else None,
        "agentix.transcript.tail": to_messages(tail),
        "agentix.other": to_json(dump(other)),
        **({} if FACTS in outcome.other else _synthetic(outcome)),
    }


def _synthetic(outcome: AgentOutcome) -> dict[str, Any]:
    """Attributes of the root where turns have no times and tokens of their own."""
    return {
        "agentix.time_source": "synthetic",
        "gen_ai.usage.total_tokens": outcome.tokens_used or None,
        "gen_ai.usage.cost": outcome.cost_usd or None,
    }


def _bounds(transcript: tuple[Message, ...]) -> tuple[int, int]:
    """Indexes of the model's first and last message; the length and -1 without any."""
    turns = [i for i, m in enumerate(transcript) if m.role == "assistant"]
    return (turns[0], turns[-1]) if turns else (len(transcript), -1)


def _failure(outcome: AgentOutcome) -> Failure | None:
    """The failure of an aborted run; refused and suspended runs did not fail."""
    if outcome.status != "aborted":
        return None
    return Failure(outcome.reason or "aborted", "")


# The steps


@dataclass(frozen=True, slots=True)
class _Slot:
    """One span to write: a model's turn, a tool's result, a waiting call.

    A slot with facts only is a span that a transcript cannot hold.
    """

    message: int | None = None
    pending: PendingApproval | None = None
    facts: Mapping[str, Any] | None = None


def _member_spans(
    outcome: AgentOutcome, naming: Naming, root: SpanRecord, facts: dict[str, Any]
) -> list[SpanRecord]:
    known = [json_object(item) or {} for item in json_list(facts.get("spans")) or []]
    slots = list(_restore_slots(outcome, known) if known else _slots(outcome))
    slots += [_Slot(pending=waiting) for waiting in outcome.pending]
    _, last = _bounds(outcome.transcript)
    return [
        _span(slot, order, outcome, naming, root, is_last=slot.message == last)
        for order, slot in enumerate(slots)
    ]


def _slots(outcome: AgentOutcome) -> Iterator[_Slot]:
    for index, message in enumerate(outcome.transcript):
        if message.role in {"assistant", "tool"}:
            yield _Slot(index)


def _restore_slots(
    outcome: AgentOutcome, known: list[dict[str, Any]]
) -> Iterator[_Slot]:
    """The run's original spans, each with the message that it produced."""
    transcript = outcome.transcript
    turns = [i for i, m in enumerate(transcript) if m.role == "assistant"]
    turn_facts = [
        item for item in known if item.get("step") == "llm" and item.get("has_output")
    ]
    turn_of = dict(zip(map(id, reversed(turn_facts)), reversed(turns), strict=False))
    answers = {i: m for i, m in enumerate(transcript) if m.role == "tool"}
    for item in known:
        index = turn_of.get(id(item))
        if item.get("step") == "tool":
            index = _take_answer(item, answers)
        yield _Slot(index, facts=item)


def _take_answer(item: dict[str, Any], answers: dict[int, Message]) -> int | None:
    """Take the message of a tool's span: by call id, else the next of that name."""
    attributes = json_object(item.get("attributes")) or {}
    call_id = attributes.get("gen_ai.tool.call.id")
    for index, message in answers.items():
        same = message.meta.get("call_id") == call_id
        if same if call_id else message.name == attributes.get("gen_ai.tool.name"):
            del answers[index]
            return index
    return None


def _span(  # noqa: PLR0913 - the slot, and the run it belongs to
    slot: _Slot,
    order: int,
    outcome: AgentOutcome,
    naming: Naming,
    root: SpanRecord,
    *,
    is_last: bool,
) -> SpanRecord:
    at = root.start_ns + order
    draft = SpanRecord(
        trace_id=root.trace_id,
        span_id=make_span_id(root.trace_id, root.span_id, order),
        parent_id=root.span_id,
        name="step",
        start_ns=at,
        end_ns=at,
        attributes={ORDER: order},
        scope_name=SCOPE,
    )
    failure = None
    if slot.pending is not None:
        draft = to_pending_span(draft, slot.pending)
    elif slot.message is not None:
        before = outcome.transcript[: slot.message]
        message = outcome.transcript[slot.message]
        if message.role == "assistant":
            draft = to_chat_span(draft, message, before if is_last else (), naming)
        else:
            draft, failure = to_tool_span(draft, message, find_call(message, before))
    draft, known = restore_span(draft, slot.facts)
    return finalize(draft, known or failure)
