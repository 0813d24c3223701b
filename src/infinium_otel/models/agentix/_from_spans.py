"""Any spans to agentix outcomes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects.lenient_json import loads, to_text
from infinium_otel.errors import InfiniumError
from infinium_otel.mapping.failure_reports import has_no_message
from infinium_otel.models import parts
from infinium_otel.models.agentix._to_spans import ORDER, SUBAGENTS
from infinium_otel.models.agentix.messages import from_messages
from infinium_otel.models.agentix.native_spans import translate
from infinium_otel.models.agentix.types import (
    AgentOutcome,
    Message,
    PendingApproval,
    ToolCall,
    pending_of,
)
from infinium_otel.models.documents import dump, empty_mapping, load_each
from infinium_otel.models.facts import FACTS, write_facts
from infinium_otel.models.runs import DEEPEST, find_runs, get_output_text
from infinium_otel.models.spans import (
    as_bool,
    as_int,
    as_number,
    as_text,
    from_json,
    json_list,
    json_object,
    to_plain,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from infinium_otel.models.runs import Run, RunSpan
    from infinium_otel.records import Attributes, LogEvent, SpanRecord


def from_spans(
    records: Iterable[SpanRecord | LogEvent],
) -> list[AgentOutcome]:
    """One outcome for each agent run in *records*, of any instrumentation.

    A subagent's outcome is in its parent's `other`.
    """
    return [_outcome(run, run.root, 0) for run in find_runs(translate(records), ORDER)]


def _outcome(run: Run, root: RunSpan, depth: int) -> AgentOutcome:
    attributes = root.record.attributes
    members = sorted(run.members(root, depth), key=_order)
    turns = [span for span in members if span.kind == "llm"]
    nested: list[AgentOutcome] = []
    spend: dict[str, tuple[int, float]] = {}
    if depth < DEEPEST:
        subagents = [span for span in members if span.kind == "agent"]
        nested = [_outcome(run, span, depth + 1) for span in subagents]
        members = [span for span in members if span.kind != "agent"]
        spend = _spend(members, subagents, nested)
    transcript = _transcript(root, turns, members)
    if "agentix.other" not in attributes:
        transcript = _with_tool_names(transcript, members)
        transcript = tuple(_with_spend(message, spend) for message in transcript)
    pending = _pending(attributes, members)
    status, reason = _ending(root, pending)
    return AgentOutcome(
        status=status,
        answer=_answer(root, turns, transcript),
        parsed=from_json(attributes.get("agentix.outcome.parsed")),
        reason=reason,
        steps=_first_known(as_int(attributes.get("agentix.outcome.steps")), len(turns)),
        tokens_used=_first_known(
            as_int(attributes.get("agentix.outcome.tokens_used")),
            _tokens(members, nested),
        ),
        cost_usd=_first_known(
            as_number(attributes.get("agentix.outcome.cost_usd")),
            _cost(members, nested),
        ),
        transcript=transcript,
        pending=pending,
        other=_other(run, root, members, nested),
    )


def _ending(
    root: RunSpan, pending: tuple[PendingApproval, ...]
) -> tuple[str, str | None]:
    """The status of a run and its reason: as reported, else derived from the span."""
    attributes, failure = root.record.attributes, root.failure
    status = as_text(attributes.get("agentix.outcome.status"))
    if status or failure is None:
        derived = "suspended" if pending else "completed"
        return status or derived, as_text(attributes.get("agentix.outcome.reason"))
    return "suspended" if pending else "aborted", failure.type


def _spend(
    members: list[RunSpan], subagents: list[RunSpan], nested: list[AgentOutcome]
) -> dict[str, tuple[int, float]]:
    """Tokens and cost of the agents that a tool call started, by the call's id."""
    calls = {t.record.span_id: t.normalized.tool_call_id for t in members}
    found: dict[str, tuple[int, float]] = {}
    for span, outcome in zip(subagents, nested, strict=True):
        call_id = calls.get(span.parent_id or "")
        if call_id is not None:
            tokens, cost = found.get(call_id, (0, 0.0))
            found[call_id] = tokens + outcome.tokens_used, cost + outcome.cost_usd
    return found


def _with_spend(message: Message, spend: dict[str, tuple[int, float]]) -> Message:
    """A tool's message with the tokens and cost of its subagents, if it has none."""
    spent = spend.get(as_text(message.meta.get("call_id")) or "")
    if spent is None or message.role != "tool" or message.meta.get("tokens_used"):
        return message
    tokens, cost = spent
    return replace(
        message, meta={**message.meta, "tokens_used": tokens, "cost_usd": cost}
    )


def _first_known(reported: Any, derived: Any) -> Any:
    return derived if reported is None else reported


def _order(span: RunSpan) -> tuple[int, int]:
    order = as_int(span.record.attributes.get(ORDER))
    return -1 if order is None else order, span.record.start_ns


def _answer(
    root: RunSpan, turns: list[RunSpan], transcript: tuple[Message, ...]
) -> str | None:
    attributes = root.record.attributes
    if "agentix.outcome.status" in attributes:
        return parts.read_final_text(attributes.get("gen_ai.output.messages"))
    last = transcript[-1] if transcript else None
    last_text = (
        last.text if last and last.role == "assistant" and not last.tool_calls else None
    )
    return (
        get_output_text(root)
        or last_text
        or (get_output_text(turns[-1]) if turns else None)
    )


# The conversation


def _transcript(
    root: RunSpan, turns: list[RunSpan], members: list[RunSpan]
) -> tuple[Message, ...]:
    """The last turn's input and output, and the messages after it.

    Each turn's input repeats all messages before it, so the last one is the whole
    conversation.
    """
    attributes = root.record.attributes
    with_output = [turn for turn in turns if _output(turn)]
    last = with_output[-1] if with_output else (turns[-1] if turns else None)
    if "agentix.other" in attributes:
        if not with_output or last is None:
            return from_messages(attributes.get("gen_ai.input.messages"))
        tail = from_messages(attributes.get("agentix.transcript.tail"))
        return (*_input(last), *_output(last), *tail)
    if last is None:
        return _with_instructions(root, from_messages(root.normalized.input))
    before = _input(last) or from_messages(root.normalized.input)
    found = _with_instructions(last, (*before, *_output(last)))
    if "agentix.transcript.tail" in attributes:
        return (*found, *from_messages(attributes.get("agentix.transcript.tail")))
    return (*found, *_find_later_answers(found, last, members))


def _with_instructions(
    span: RunSpan, found: tuple[Message, ...]
) -> tuple[Message, ...]:
    """The conversation, with the instructions in front if they are kept separately."""
    if span.normalized.system is None or any(m.role == "system" for m in found):
        return found
    texts = [m.text for m in from_messages(span.normalized.system) if m.text]
    instructions = "\n".join(texts) or to_text(span.normalized.system)
    return (Message("system", instructions, trusted=True), *found)


def _input(span: RunSpan) -> tuple[Message, ...]:
    return from_messages(span.normalized.input)


def _output(span: RunSpan) -> tuple[Message, ...]:
    """A turn's output: the model's own message only."""
    value = span.record.attributes.get("gen_ai.output.messages", span.normalized.output)
    found = from_messages(value)
    return tuple(_as_assistant(message) for message in found[:1])


def _as_assistant(message: Message) -> Message:
    if message.role == "assistant":
        return message
    return replace(message, role="assistant", trusted=message.role != "tool")


def _with_tool_names(
    transcript: tuple[Message, ...], members: list[RunSpan]
) -> tuple[Message, ...]:
    """The conversation with the tools' names on their messages.

    agentix requires the name; most dialects have only the call's id there. The name is
    that of the request with this id, else of the tool's span. Without an id, a message
    responds to the first open request.
    """
    names = {
        span.normalized.tool_call_id: span.normalized.tool_name
        for span in members
        if span.kind == "tool"
    }
    names |= {call.id: call.name for m in transcript for call in m.tool_calls}
    found: list[Message] = []
    unanswered: list[ToolCall] = []
    for message in transcript:
        unanswered += message.tool_calls
        if message.role != "tool":
            found.append(message)
            continue
        call_id = as_text(message.meta.get("call_id"))
        call = next((c for c in unanswered if call_id in (None, c.id)), None)
        if call is not None:
            unanswered.remove(call)
        name = call.name if call else names.get(call_id) if call_id else None
        found.append(replace(message, name=message.name or name))
    return tuple(found)


def _find_later_answers(
    found: tuple[Message, ...], last: RunSpan, members: list[RunSpan]
) -> Iterator[Message]:
    """Tool messages made from spans, for results that no later input contains."""
    replies = [m for m in found if m.role == "tool"]
    known = {m.meta.get("call_id") for m in replies} - {None}
    texts = {m.text for m in replies if m.meta.get("call_id") is None}
    for span in members:
        waits = as_bool(span.record.attributes.get("agentix.tool.pending"))
        is_later = span.record.start_ns >= last.record.start_ns
        is_new = span.normalized.tool_call_id not in known
        if span.kind == "tool" and is_later and is_new and not waits:
            message = _tool_message(span)
            # Without a call's id, the same text is the same result.
            if message.meta["call_id"] is not None or message.text not in texts:
                yield message


def _tool_message(span: RunSpan) -> Message:
    normalized, attributes = span.normalized, span.record.attributes
    ok = as_bool(attributes.get("agentix.tool.ok"))
    result = normalized.result
    failure = span.failure
    is_bare = failure is None or (failure.type == "error" and has_no_message(failure))
    if result is None and failure and not is_bare:
        result = failure.message
    return Message(
        role="tool",
        content="" if result is None else to_text(result),
        name=normalized.tool_name,
        meta={
            "call_id": normalized.tool_call_id,
            "ok": span.failure is None if ok is None else ok,
            "cost_usd": as_number(attributes.get("agentix.cost_usd")) or 0.0,
            "tokens_used": as_int(attributes.get("agentix.tokens_used")) or 0,
        },
    )


# Pending calls, costs, other keys


def _pending(
    attributes: Attributes, members: list[RunSpan]
) -> tuple[PendingApproval, ...]:
    listed = json_list(attributes.get("agentix.pending"))
    if listed is not None:
        return _read_pending(listed)
    return tuple(_to_pending(span) for span in members if _is_waiting(span))


def _read_pending(listed: list[Any]) -> tuple[PendingApproval, ...]:
    try:
        return load_each(pending_of)(listed) or ()
    except InfiniumError:
        return ()


def _is_waiting(span: RunSpan) -> bool:
    return as_bool(span.record.attributes.get("agentix.tool.pending")) or False


def _to_pending(span: RunSpan) -> PendingApproval:
    normalized = span.normalized
    call = ToolCall(
        name=normalized.tool_name or span.record.name,
        args=json_object(loads(normalized.arguments)) or empty_mapping(),
        id=normalized.tool_call_id,
    )
    reason = as_text(span.record.attributes.get("agentix.tool.pending.reason"))
    return PendingApproval(call, reason or "")


def _tokens(members: list[RunSpan], nested: list[AgentOutcome]) -> int:
    usages = [span.normalized.usage for span in members if span.normalized.usage]
    own = sum((usage.input or 0) + (usage.output or 0) for usage in usages)
    return own + sum(outcome.tokens_used for outcome in nested)


def _cost(members: list[RunSpan], nested: list[AgentOutcome]) -> float:
    own = sum(span.normalized.cost_usd or 0.0 for span in members)
    return float(own + sum(outcome.cost_usd for outcome in nested))


def _other(
    run: Run, root: RunSpan, members: list[RunSpan], nested: list[AgentOutcome]
) -> dict[str, Any]:
    attributes = root.record.attributes
    other = json_object(attributes.get("agentix.other"))
    if other is None:
        other = _derive_other(run, root, members)
    if nested:
        other[SUBAGENTS] = [dump(outcome) for outcome in nested]
    return other


def _derive_other(run: Run, root: RunSpan, members: list[RunSpan]) -> dict[str, Any]:
    """The spans' facts, and the run's id where there is one."""
    run_id = as_text(root.record.attributes.get("agentix.run.id"))
    is_call = root is run.root and run.is_step
    facts = {} if is_call else write_facts(root)
    spans = [_facts(span) for span in members if not _is_waiting(span)]
    facts |= {"trace_id": root.record.trace_id, "spans": to_plain(spans)}
    return {**({"run_id": run_id} if run_id else {}), FACTS: facts}


def _facts(span: RunSpan) -> dict[str, Any]:
    has_output = bool(_output(span)) if span.kind == "llm" else None
    return {
        **write_facts(span),
        "step": span.kind,
        **({"has_output": True} if has_output else {}),
    }
