"""An agentix outcome to spans."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from infinium_otel.errors import InfiniumError
from infinium_otel.models import parts
from infinium_otel.models.agentix.calls import Naming, call_of, chat, tool, waiting
from infinium_otel.models.agentix.messages import to_messages
from infinium_otel.models.agentix.types import ENDED_WELL, outcome_of
from infinium_otel.models.documents import dump
from infinium_otel.models.facts import FACTS, adopted, restored
from infinium_otel.models.runs import DEEPEST
from infinium_otel.models.spans import (
    as_json,
    json_list,
    json_object,
    settled,
    signature,
    span_id_of,
    text,
    trace_id_of,
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


def outcome_to_spans(
    outcome: AgentOutcome, naming: Naming, start_ns: int
) -> list[SpanRecord]:
    """The spans of *outcome*: its root first, then what happened, in order.

    Args:
        outcome: the run.
        naming: names for the spans.
        start_ns: where the run begins; its messages follow a nanosecond apart, for an
            outcome has no times.
    """
    facts = json_object(outcome.other.get(FACTS)) or {}
    run_id = text(outcome.other.get("run_id"))
    own_id = text(facts.get("trace_id"))
    trace_id = trace_id_of(run_id or signature(dump(outcome)), NAMESPACE)
    trace_id = trace_id_of(own_id, NAMESPACE) if own_id else trace_id
    span_id = span_id_of(trace_id, "run")
    return _spans(outcome, naming, _Place(trace_id, span_id, start_ns))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a run's root stands: its ids, its start, its place among siblings."""

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
    placed, failure = restored(root, facts)
    told = _told(outcome, naming, placed, facts)
    deeper = place.depth + 1
    nested = _nested(outcome, naming, placed, told, deeper) if deeper <= DEEPEST else []
    every = [*told, *nested]
    if "start_ns" not in facts:
        placed = _spanning(placed, every)
    placed = settled(placed, failure or _failure(outcome))
    return [placed, *adopted(every, placed.span_id)]


def _spanning(root: SpanRecord, records: list[SpanRecord]) -> SpanRecord:
    return replace(
        root,
        start_ns=min((r.start_ns for r in records), default=root.start_ns),
        end_ns=max((r.end_ns for r in records), default=root.end_ns),
    )


def _nested(
    outcome: AgentOutcome,
    naming: Naming,
    root: SpanRecord,
    told: list[SpanRecord],
    depth: int,
) -> list[SpanRecord]:
    """The spans of the runs that this one's tools started."""
    start_ns = max((record.end_ns for record in told), default=root.end_ns) + 1
    found: list[SpanRecord] = []
    for order, value in enumerate(json_list(outcome.other.get(SUBAGENTS)) or []):
        try:
            nested = outcome_of(value)
        except InfiniumError:
            continue
        place = _Place(
            trace_id=root.trace_id,
            span_id=span_id_of(root.trace_id, root.span_id, SUBAGENTS, order),
            start_ns=start_ns,
            parent_id=root.span_id,
            order=len(told) + order,
            depth=depth,
        )
        found += _spans(nested, replace(naming, agent_name=None), place)
    return found


def _run_attributes(outcome: AgentOutcome, naming: Naming) -> dict[str, Any]:
    run_id = text(outcome.other.get("run_id"))
    other = {k: v for k, v in outcome.other.items() if k != SUBAGENTS}
    first, last = _bounds(outcome.transcript)
    tail = outcome.transcript[last + 1 :] if last >= 0 else ()
    return {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": naming.agent_name,
        "gen_ai.conversation.id": run_id,
        "gen_ai.input.messages": to_messages(outcome.transcript[:first]),
        "gen_ai.output.messages": parts.final_messages(outcome.answer),
        "agentix.run.id": run_id,
        "agentix.outcome.status": outcome.status,
        "agentix.outcome.reason": outcome.reason,
        "agentix.outcome.steps": outcome.steps,
        "agentix.outcome.tokens_used": outcome.tokens_used,
        "agentix.outcome.cost_usd": outcome.cost_usd,
        "agentix.outcome.parsed": None
        if outcome.parsed is None
        else as_json(outcome.parsed),
        "agentix.pending": as_json(dump(outcome.pending)) if outcome.pending else None,
        "agentix.transcript.tail": to_messages(tail),
        "agentix.other": as_json(dump(other)),
        **({} if FACTS in outcome.other else _synthetic(outcome)),
    }


def _synthetic(outcome: AgentOutcome) -> dict[str, Any]:
    """What stands on the root alone where no turn has times and tokens of its own."""
    return {
        "agentix.time_source": "synthetic",
        "gen_ai.usage.total_tokens": outcome.tokens_used or None,
        "gen_ai.usage.cost": outcome.cost_usd or None,
    }


def _bounds(transcript: tuple[Message, ...]) -> tuple[int, int]:
    """Where the model first and last speaks: the length and -1 if it never does."""
    spoken = [i for i, m in enumerate(transcript) if m.role == "assistant"]
    return (spoken[0], spoken[-1]) if spoken else (len(transcript), -1)


def _failure(outcome: AgentOutcome) -> Failure | None:
    """An aborted run failed; one that refused or waits did not."""
    if outcome.status != "aborted":
        return None
    return Failure(outcome.reason or "aborted", "")


# What happened in the run


@dataclass(frozen=True, slots=True)
class _Slot:
    """One thing that happened: a model's turn, a tool's answer, a waiting call.

    Facts alone are something a transcript has no word for.
    """

    message: int | None = None
    pending: PendingApproval | None = None
    facts: Mapping[str, Any] | None = None


def _told(
    outcome: AgentOutcome, naming: Naming, root: SpanRecord, facts: dict[str, Any]
) -> list[SpanRecord]:
    known = [json_object(item) or {} for item in json_list(facts.get("spans")) or []]
    slots = list(_known_slots(outcome, known) if known else _slots(outcome))
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


def _known_slots(outcome: AgentOutcome, known: list[dict[str, Any]]) -> Iterator[_Slot]:
    """The spans a run once had, each with the message that it brought about."""
    transcript = outcome.transcript
    spoken = [i for i, m in enumerate(transcript) if m.role == "assistant"]
    turns = [item for item in known if item.get("step") == "llm" and item.get("said")]
    of_turn = dict(zip(map(id, reversed(turns)), reversed(spoken), strict=False))
    answers = {i: m for i, m in enumerate(transcript) if m.role == "tool"}
    for item in known:
        index = of_turn.get(id(item))
        if item.get("step") == "tool":
            index = _answer_to(item, answers)
        yield _Slot(index, facts=item)


def _answer_to(item: dict[str, Any], answers: dict[int, Message]) -> int | None:
    """The tool message of a tool's span: by call id, else the next of that name."""
    said = json_object(item.get("attributes")) or {}
    call_id = said.get("gen_ai.tool.call.id")
    for index, message in answers.items():
        same = message.meta.get("call_id") == call_id
        if same if call_id else message.name == said.get("gen_ai.tool.name"):
            del answers[index]
            return index
    return None


def _span(  # noqa: PLR0913 - what happened, and in which run
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
        span_id=span_id_of(root.trace_id, root.span_id, order),
        parent_id=root.span_id,
        name="step",
        start_ns=at,
        end_ns=at,
        attributes={ORDER: order},
        scope_name=SCOPE,
    )
    failure = None
    if slot.pending is not None:
        draft = waiting(draft, slot.pending)
    elif slot.message is not None:
        before = outcome.transcript[: slot.message]
        message = outcome.transcript[slot.message]
        if message.role == "assistant":
            draft = chat(draft, message, before if is_last else (), naming)
        else:
            draft, failure = tool(draft, message, call_of(message, before))
    draft, known = restored(draft, slot.facts)
    return settled(draft, known or failure)
