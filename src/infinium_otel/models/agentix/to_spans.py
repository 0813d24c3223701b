"""An agentix outcome to spans."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from infinium_otel.errors import InfiniumError
from infinium_otel.models import parts
from infinium_otel.models.agentix.messages import to_messages
from infinium_otel.models.agentix.types import outcome_of
from infinium_otel.models.documents import dump
from infinium_otel.models.runs import DEEPEST, FACTS, adopted, restored
from infinium_otel.models.spans import (
    as_json,
    flag,
    json_list,
    json_object,
    number,
    settled,
    signature,
    span_id_of,
    text,
    trace_id_of,
    whole,
)
from infinium_otel.records import Failure, SpanEvent, SpanRecord

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from infinium_otel.models.agentix.types import (
        AgentOutcome,
        Message,
        PendingApproval,
        ToolCall,
    )

SCOPE = "agentix"
NAMESPACE = "agentix.run:"
ORDER = "agentix.order"
SUBAGENTS = "subagents"

DENIED = "REFUSED: "
DECLINED = "User declined this action."
"""How agentix's loop words what a guard denied and what a human declined."""


@dataclass(frozen=True, slots=True)
class Naming:
    """What an outcome does not say about its run."""

    agent_name: str | None = None
    model: str | None = None
    provider: str | None = None


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
        draft = _waiting(draft, slot.pending)
    elif slot.message is not None:
        before = outcome.transcript[: slot.message]
        message = outcome.transcript[slot.message]
        if message.role == "assistant":
            draft = _chat(draft, message, before if is_last else (), naming)
        else:
            draft, failure = _tool(draft, message, _call_of(message, before))
    draft, known = restored(draft, slot.facts)
    return settled(draft, known or failure)


def _chat(
    draft: SpanRecord, message: Message, before: tuple[Message, ...], naming: Naming
) -> SpanRecord:
    """A model's turn; only the last one carries the conversation before it."""
    said = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": naming.provider,
        "gen_ai.request.model": naming.model,
        "gen_ai.input.messages": to_messages(before),
        "gen_ai.output.messages": to_messages([message]),
        "gen_ai.response.finish_reasons": [
            "tool_calls" if message.tool_calls else "stop"
        ],
    }
    name = f"chat {naming.model}" if naming.model else "chat"
    return replace(
        draft, name=name, kind="client", attributes={**draft.attributes, **said}
    )


def _call_of(message: Message, before: tuple[Message, ...]) -> ToolCall | None:
    """The call that a tool's message answers; None if nobody asked."""
    call_id = message.meta.get("call_id")
    for earlier in reversed(before):
        for call in earlier.tool_calls:
            if call.id == call_id and call.name == message.name:
                return call
    return None


def _tool(
    draft: SpanRecord, message: Message, call: ToolCall | None
) -> tuple[SpanRecord, Failure | None]:
    ok = flag(message.meta.get("ok"))
    said = {
        **_call_attributes(message.name, text(message.meta.get("call_id")), call),
        "gen_ai.tool.call.result": message.text,
        "agentix.tool.ok": ok,
        "agentix.message.trusted": message.trusted,
        "agentix.cost_usd": number(message.meta.get("cost_usd")),
        "agentix.tokens_used": whole(message.meta.get("tokens_used")),
    }
    name = f"execute_tool {message.name}" if message.name else "execute_tool"
    draft = replace(draft, name=name, attributes={**draft.attributes, **said})
    return (draft, None) if ok is not False else _not_ok(draft, message.text)


def _call_attributes(
    name: str | None, call_id: str | None, call: ToolCall | None
) -> dict[str, Any]:
    return {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": name,
        "gen_ai.tool.type": "function",
        "gen_ai.tool.call.id": call_id,
        "gen_ai.tool.call.arguments": as_json(dump(call.args)) if call else None,
    }


def _not_ok(draft: SpanRecord, said: str) -> tuple[SpanRecord, Failure]:
    """A call that failed, was denied by a guard, or declined by a human."""
    decided, failure = verdict(said, draft.start_ns)
    attributes, events = decided
    draft = replace(
        draft,
        attributes={**draft.attributes, **attributes},
        events=(*draft.events, *events),
    )
    return draft, failure


def verdict(
    said: str, time_ns: int
) -> tuple[tuple[dict[str, Any], tuple[SpanEvent, ...]], Failure]:
    """What agentix's loop says in the place of a tool that was not (well) run.

    Returns:
        Attributes and events (named as agentix names them) of the decision, and the
        failure it makes.
    """
    if said.startswith(DENIED):
        reason = said.removeprefix(DENIED)
        event = SpanEvent(
            "guard_decision", time_ns, {"decision": "deny", "reason": reason}
        )
        told = {"agentix.tool.decision": "deny"}
        return (told, (event,)), Failure("ToolDenied", reason)
    if said == DECLINED:
        event = SpanEvent("confirm", time_ns, {"approved": False})
        decided = {"agentix.tool.decision": "confirm", "agentix.tool.approved": False}
        return (decided, (event,)), Failure("ToolDeclined", said)
    return ({}, ()), Failure("tool_error", said)


def _waiting(draft: SpanRecord, pending: PendingApproval) -> SpanRecord:
    call = pending.call
    said = {
        **_call_attributes(call.name, call.id, call),
        "agentix.tool.decision": "confirm",
        "agentix.tool.pending": True,
        "infinium.step.action": "approval_pending",
        "agentix.tool.pending.reason": pending.reason,
    }
    name = f"execute_tool {call.name}"
    return replace(draft, name=name, attributes={**draft.attributes, **said})
