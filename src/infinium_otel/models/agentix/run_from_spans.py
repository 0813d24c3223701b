"""Any spans to agentix outcomes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from infinium_otel.errors import InfiniumError
from infinium_otel.jsontext import decode, text_of
from infinium_otel.models import parts
from infinium_otel.models.agentix.messages import from_messages
from infinium_otel.models.agentix.own_spans import translated
from infinium_otel.models.agentix.run_to_spans import ORDER, SUBAGENTS
from infinium_otel.models.agentix.types import (
    AgentOutcome,
    Message,
    PendingApproval,
    ToolCall,
    pending_of,
)
from infinium_otel.models.documents import dump, many, nothing
from infinium_otel.models.facts import FACTS, facts_of
from infinium_otel.models.runs import DEEPEST, output_text, runs_of
from infinium_otel.models.spans import (
    flag,
    from_json,
    json_list,
    json_object,
    number,
    plain,
    text,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from infinium_otel.models.runs import Run, Told
    from infinium_otel.records import Attributes, LogEvent, SpanRecord


def outcomes_from_spans(
    records: Iterable[SpanRecord | LogEvent],
) -> list[AgentOutcome]:
    """One outcome for each agent run in *records*, of any instrumentation.

    Subagents' stand in their parents'.
    """
    return [_outcome(run, run.root, 0) for run in runs_of(translated(records), ORDER)]


def _outcome(run: Run, root: Told, depth: int) -> AgentOutcome:
    said = root.record.attributes
    members = sorted(run.members(root, depth), key=_order)
    turns = [told for told in members if told.kind == "llm"]
    nested: list[AgentOutcome] = []
    spend: dict[str, tuple[int, float]] = {}
    if depth < DEEPEST:
        subagents = [told for told in members if told.kind == "agent"]
        nested = [_outcome(run, told, depth + 1) for told in subagents]
        members = [told for told in members if told.kind != "agent"]
        spend = _spend(members, subagents, nested)
    transcript = _transcript(root, turns, members)
    if "agentix.other" not in said:
        transcript = tuple(_with_spend(message, spend) for message in transcript)
    pending = _pending(said, members)
    status, reason = _ending(root, pending)
    return AgentOutcome(
        status=status,
        answer=_answer(root, turns, transcript),
        parsed=from_json(said.get("agentix.outcome.parsed")),
        reason=reason,
        steps=_or(whole(said.get("agentix.outcome.steps")), len(turns)),
        tokens_used=_or(
            whole(said.get("agentix.outcome.tokens_used")), _tokens(members, nested)
        ),
        cost_usd=_or(
            number(said.get("agentix.outcome.cost_usd")), _cost(members, nested)
        ),
        transcript=transcript,
        pending=pending,
        other=_other(run, root, members, nested),
    )


def _ending(root: Told, pending: tuple[PendingApproval, ...]) -> tuple[str, str | None]:
    """The status of a run and its reason, as they were told or as the span shows."""
    said, failure = root.record.attributes, root.failure
    status = text(said.get("agentix.outcome.status"))
    if status or failure is None:
        derived = "suspended" if pending else "completed"
        return status or derived, text(said.get("agentix.outcome.reason"))
    return "suspended" if pending else "aborted", failure.type


def _spend(
    members: list[Told], subagents: list[Told], nested: list[AgentOutcome]
) -> dict[str, tuple[int, float]]:
    """Tokens and cost of the agents that a tool call started, by the call's id."""
    calls = {t.record.span_id: t.reading.tool_call_id for t in members}
    found: dict[str, tuple[int, float]] = {}
    for told, outcome in zip(subagents, nested, strict=True):
        call_id = calls.get(told.parent_id or "")
        if call_id is not None:
            tokens, cost = found.get(call_id, (0, 0.0))
            found[call_id] = tokens + outcome.tokens_used, cost + outcome.cost_usd
    return found


def _with_spend(message: Message, spend: dict[str, tuple[int, float]]) -> Message:
    """A tool's message with what the agents below it spent, where it does not say."""
    spent = spend.get(text(message.meta.get("call_id")) or "")
    if spent is None or message.role != "tool" or message.meta.get("tokens_used"):
        return message
    tokens, cost = spent
    return replace(
        message, meta={**message.meta, "tokens_used": tokens, "cost_usd": cost}
    )


def _or(told: Any, derived: Any) -> Any:
    return derived if told is None else told


def _order(told: Told) -> tuple[int, int]:
    order = whole(told.record.attributes.get(ORDER))
    return -1 if order is None else order, told.record.start_ns


def _answer(
    root: Told, turns: list[Told], transcript: tuple[Message, ...]
) -> str | None:
    said = root.record.attributes
    if "agentix.outcome.status" in said:
        return parts.final_text(said.get("gen_ai.output.messages"))
    last = transcript[-1] if transcript else None
    spoken = (
        last.text if last and last.role == "assistant" and not last.tool_calls else None
    )
    return output_text(root) or spoken or (output_text(turns[-1]) if turns else None)


# The conversation


def _transcript(
    root: Told, turns: list[Told], members: list[Told]
) -> tuple[Message, ...]:
    """The last turn's question and answer, and what came after.

    Each turn's question repeats all before it, so the last one is the whole
    conversation.
    """
    said = root.record.attributes
    spoke = [told for told in turns if _output(told)]
    last = spoke[-1] if spoke else (turns[-1] if turns else None)
    if "agentix.other" in said:
        if not spoke or last is None:
            return from_messages(said.get("gen_ai.input.messages"))
        tail = from_messages(said.get("agentix.transcript.tail"))
        return (*_input(last), *_output(last), *tail)
    if last is None:
        return _prompted(root, from_messages(root.reading.input))
    before = _input(last) or from_messages(root.reading.input)
    found = _prompted(last, (*before, *_output(last)))
    if "agentix.transcript.tail" in said:
        return (*found, *from_messages(said.get("agentix.transcript.tail")))
    return (*found, *_later_answers(found, last, members))


def _prompted(told: Told, found: tuple[Message, ...]) -> tuple[Message, ...]:
    """The conversation, led by the instructions where these stand apart."""
    if told.reading.system is None or any(m.role == "system" for m in found):
        return found
    texts = [m.text for m in from_messages(told.reading.system) if m.text]
    said = "\n".join(texts) or text_of(told.reading.system)
    return (Message("system", said, trusted=True), *found)


def _input(told: Told) -> tuple[Message, ...]:
    return from_messages(told.reading.input)


def _output(told: Told) -> tuple[Message, ...]:
    """A turn's answer; only what the model itself said."""
    value = told.record.attributes.get("gen_ai.output.messages", told.reading.output)
    found = from_messages(value)
    return tuple(_spoken(message) for message in found[:1])


def _spoken(message: Message) -> Message:
    if message.role == "assistant":
        return message
    return replace(message, role="assistant", trusted=message.role != "tool")


def _later_answers(
    found: tuple[Message, ...], last: Told, members: list[Told]
) -> Iterator[Message]:
    """Tools' answers that no later question repeats, by their spans."""
    known = {m.meta.get("call_id") for m in found if m.role == "tool"} - {None}
    for told in members:
        waits = flag(told.record.attributes.get("agentix.tool.pending"))
        is_later = told.record.start_ns >= last.record.start_ns
        is_new = told.reading.tool_call_id not in known
        if told.kind == "tool" and is_later and is_new and not waits:
            yield _tool_message(told)


def _tool_message(told: Told) -> Message:
    reading, said = told.reading, told.record.attributes
    ok = flag(said.get("agentix.tool.ok"))
    shown = reading.result
    if shown is None and told.failure:
        shown = told.failure.message
    return Message(
        role="tool",
        content="" if shown is None else text_of(shown),
        name=reading.tool_name,
        meta={
            "call_id": reading.tool_call_id,
            "ok": told.failure is None if ok is None else ok,
            "cost_usd": number(said.get("agentix.cost_usd")) or 0.0,
            "tokens_used": whole(said.get("agentix.tokens_used")) or 0,
        },
    )


# What waits, what it cost, and what has no field


def _pending(said: Attributes, members: list[Told]) -> tuple[PendingApproval, ...]:
    listed = json_list(said.get("agentix.pending"))
    if listed is not None:
        return _readable(listed)
    return tuple(_waiting(told) for told in members if _waits(told))


def _readable(listed: list[Any]) -> tuple[PendingApproval, ...]:
    try:
        return many(pending_of)(listed) or ()
    except InfiniumError:
        return ()


def _waits(told: Told) -> bool:
    return flag(told.record.attributes.get("agentix.tool.pending")) or False


def _waiting(told: Told) -> PendingApproval:
    reading = told.reading
    call = ToolCall(
        name=reading.tool_name or told.record.name,
        args=json_object(decode(reading.arguments)) or nothing(),
        id=reading.tool_call_id,
    )
    reason = text(told.record.attributes.get("agentix.tool.pending.reason"))
    return PendingApproval(call, reason or "")


def _tokens(members: list[Told], nested: list[AgentOutcome]) -> int:
    usages = [told.reading.usage for told in members if told.reading.usage]
    own = sum((usage.input or 0) + (usage.output or 0) for usage in usages)
    return own + sum(outcome.tokens_used for outcome in nested)


def _cost(members: list[Told], nested: list[AgentOutcome]) -> float:
    own = sum(told.reading.cost_usd or 0.0 for told in members)
    return float(own + sum(outcome.cost_usd for outcome in nested))


def _other(
    run: Run, root: Told, members: list[Told], nested: list[AgentOutcome]
) -> dict[str, Any]:
    said = root.record.attributes
    other = json_object(said.get("agentix.other"))
    if other is None:
        other = _told_other(run, root, members)
    if nested:
        other[SUBAGENTS] = [dump(outcome) for outcome in nested]
    return other


def _told_other(run: Run, root: Told, members: list[Told]) -> dict[str, Any]:
    """The spans' own facts, and the run's id where one was given."""
    run_id = text(root.record.attributes.get("agentix.run.id"))
    is_call = root is run.root and run.is_step
    facts = {} if is_call else facts_of(root)
    spans = [_facts(told) for told in members if not _waits(told)]
    facts |= {"trace_id": root.record.trace_id, "spans": plain(spans)}
    return {**({"run_id": run_id} if run_id else {}), FACTS: facts}


def _facts(told: Told) -> dict[str, Any]:
    said = bool(_output(told)) if told.kind == "llm" else None
    return {**facts_of(told), "step": told.kind, **({"said": True} if said else {})}
