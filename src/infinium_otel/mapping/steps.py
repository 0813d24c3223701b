"""One node to one `ExecutionStep`."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects import CALLS
from infinium_otel.jsontext import text_of
from infinium_otel.mapping import previews
from infinium_otel.mapping.usage import details
from infinium_otel.mapping.wording import action_of, description_of
from infinium_otel.pricing import cost_of
from infinium_otel.taskdata import ErrorDetail, ExecutionStep, LlmCall, ToolCall

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infinium_otel.mapping.content import Content
    from infinium_otel.mapping.told_tools import ToldTool
    from infinium_otel.mapping.tree import Node
    from infinium_otel.records import Reading, SpanRecord

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
MAX_NS = 253_402_300_799_000_000_000
MAX_ATTRIBUTES = 64
MAX_VALUE = 300
DOCUMENTS = "gen_ai.retrieval.documents"


def iso(ns: int) -> str:
    """Nanoseconds since the epoch as ISO 8601 with microseconds and `Z`."""
    if not 0 <= ns <= MAX_NS:
        ns = min(max(ns, 0), MAX_NS)
    second, rest = divmod(ns, 1_000_000_000)
    return f"{_second(second)}.{rest // 1_000:06d}Z"


@lru_cache(maxsize=256)
def _second(seconds: int) -> str:
    return (EPOCH + timedelta(seconds=seconds)).isoformat()[:19]


def answered_from(node: Node) -> int:
    """When the work began that *node* tells of, in ns.

    A call around attempts that failed (a model to fall back on) is the one after them.
    """
    failed = (
        below.record.end_ns
        for below in node.children
        if node.kind in CALLS and below.kind in CALLS and below.failed
    )
    return max(failed, default=node.record.start_ns)


def duration_ms(record: SpanRecord) -> int:
    """Milliseconds, rounded half up; a span that ends before it starts takes none."""
    return max(0, (record.end_ns - record.start_ns + 500_000) // 1_000_000)


def llm_call(node: Node, agent: str | None) -> LlmCall:
    """The call that *node* tells of."""
    reading = node.reading
    usage = reading.usage
    return LlmCall(
        model=reading.model or reading.model_requested or "unknown",
        provider=reading.provider,
        prompt_tokens=usage.input if usage else None,
        completion_tokens=usage.output if usage else None,
        latency_ms=_latency_ms(node),
        temperature=reading.temperature,
        purpose=reading.purpose or agent or reading.operation,
    )


def _latency_ms(node: Node) -> int:
    told = node.reading.latency_ms
    return duration_ms(node.record) if told is None else round(told)


def step_of(node: Node, error: ErrorDetail | None, content: Content) -> ExecutionStep:
    """*node* as a step, not yet numbered."""
    agent = node.agent_name
    is_tool = node.kind == "tool"
    asked, answered = _tool_texts(node.reading) if is_tool else _texts(node)
    return ExecutionStep(
        step_number=0,
        action=action_of(node),
        description=description_of(node, agent, error),
        duration_ms=_latency_ms(node),
        input_preview=_preview(content.text(asked)),
        output_preview=_preview(content.text(answered)),
        error=error,
        tool_call=_tool_call(node, asked, answered, error, content)
        if is_tool
        else None,
        llm_call=llm_call(node, agent) if node.kind in CALLS else None,
        metadata=_metadata(node, agent, asked, answered, content),
    )


def _preview(text: str | None) -> str | None:
    return previews.cut(text, previews.PREVIEW) if text else None


def _texts(node: Node) -> tuple[str | None, str | None]:
    reading = node.reading
    if node.kind == "embedding":
        return previews.everything(node.asked), None
    if node.kind == "llm":
        return previews.latest(node.asked), previews.answered(node.answered)
    if node.kind == "agent":
        return previews.asked(node.asked), previews.answered(node.answered)
    answered = reading.output if reading.output is not None else reading.result
    found = previews.documents(reading.extra.get(DOCUMENTS))
    if found is None and node.kind == "retrieval":
        found = previews.documents(answered)
    return previews.content(reading.input), found or previews.content(answered)


def _tool_texts(reading: Reading) -> tuple[str | None, str | None]:
    return previews.content(reading.arguments), previews.content(reading.result)


def _tool_call(
    node: Node,
    asked: str | None,
    answered: str | None,
    error: ErrorDetail | None,
    content: Content,
) -> ToolCall:
    return ToolCall(
        tool_name=node.reading.tool_name or node.record.name or "unknown",
        duration_ms=_worked_ms(node),
        input_summary=_preview(content.text(asked)),
        output_summary=_summary(content.text(answered)),
        error=error,
        http_status=node.reading.http_status,
    )


def _worked_ms(node: Node) -> int:
    """The tool's own time: less what it spent waiting for a person's leave."""
    waited = sum(duration_ms(c.record) for c in node.children if c.kind == "waiting")
    return max(0, duration_ms(node.record) - waited)


def _summary(text: str | None) -> str | None:
    return previews.cut(text, previews.TOOL_OUT) if text else None


_FACTS = {
    "operation": "gen_ai.operation.name",
    "top_p": "gen_ai.request.top_p",
    "max_tokens": "gen_ai.request.max_tokens",
    "streaming": "gen_ai.request.stream",
    "response_id": "gen_ai.response.id",
    "ttft_ms": "time_to_first_chunk_ms",
    "cost_usd": "cost_usd",
    "tool_call_id": "gen_ai.tool.call.id",
    "agent_id": "gen_ai.agent.id",
    "conversation_id": "gen_ai.conversation.id",
    "http_status": "http.response.status_code",
}
_facts_of = attrgetter(*_FACTS)


_UNREAD = frozenset({"", "step", "http", "db"})
"""Kinds of which no dialect read the content, so that their attributes are kept."""


def _metadata(
    node: Node,
    agent: str | None,
    asked: str | None,
    answered: str | None,
    content: Content,
) -> dict[str, Any]:
    """What has no field: ids and times for the way back, parameters, counts."""
    record, reading = node.record, node.reading
    facts = _span_facts(node, agent)
    facts.update(zip(_FACTS.values(), _facts_of(reading), strict=True))
    if reading.usage is not None:
        facts |= details(reading.usage)
    if node.kind in CALLS:
        facts["cost_usd"] = cost_of(reading, record.start_ns)
    if reading.extra:
        facts |= _plain_extra(reading.extra)
    if not content.captured:
        facts |= {"input_length": _length(asked), "output_length": _length(answered)}
    if node.kind in _UNREAD:
        facts["attributes"] = kept_attributes(record.attributes, content)
    return {name: value for name, value in facts.items() if value is not None}


def _span_facts(node: Node, agent: str | None) -> dict[str, Any]:
    record, reading = node.record, node.reading
    return {
        "otel.span_id": record.span_id,
        "otel.parent_span_id": record.parent_id,
        "start_time": iso(record.start_ns),
        "otel.span_name": record.name,
        "otel.scope": record.scope_name or None,
        "dialect": ", ".join(reading.dialects) or None,
        "gen_ai.agent.name": agent,
        "gen_ai.request.model": _other_model(reading),
        "gen_ai.response.finish_reasons": list(reading.finish_reasons) or None,
        "otel.folded_span_ids": [m.record.span_id for m in node.members] or None,
        "attributes_dropped": record.dropped_attributes or None,
        "hud.phase": _phase(record.attributes.get("hud.task.phase")),
        "problems": list(reading.problems) or None,
    }


def _phase(told: Any) -> str | None:
    """Which part of a HUD task's life called a tool: "setup" or "evaluate"."""
    return told if isinstance(told, str) else None


def _other_model(reading: Reading) -> str | None:
    return reading.model_requested if reading.model_requested != reading.model else None


def _plain_extra(extra: Mapping[str, Any]) -> dict[str, Any]:
    """Extra facts that are numbers, flags or short words; documents stay out."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in extra.items()
        if name != DOCUMENTS
    }


def _length(text: str | None) -> int | None:
    return len(text) if text else None


def kept_attributes(
    attributes: Mapping[str, Any], content: Content
) -> dict[str, Any] | None:
    """A span's own attributes, bounded; with content off only those that are no text."""
    kept: dict[str, Any] = {}
    for key in list(attributes)[:MAX_ATTRIBUTES]:
        value = attributes[key]
        if isinstance(value, (bool, int, float)):
            kept[previews.cut(str(key), MAX_VALUE)] = value
        elif content.captured and value is not None:
            text = text_of(previews.without_binary(value))
            kept[previews.cut(str(key), MAX_VALUE)] = previews.cut(text, MAX_VALUE)
    return kept or None


def told_step(told: ToldTool, content: Content) -> ExecutionStep:
    """A tool run that only messages tell of."""
    request, reply = told.request, told.reply
    asked = previews.content(request.arguments)
    answered = previews.content(reply.result) if reply else None
    error = _told_error(answered, content) if reply and reply.failed else None
    return ExecutionStep(
        step_number=0,
        action="tool_use",
        description=f"Called {request.name}",
        input_preview=_preview(content.text(asked)),
        output_preview=_preview(content.text(answered)),
        error=error,
        tool_call=ToolCall(
            tool_name=request.name,
            input_summary=_preview(content.text(asked)),
            output_summary=_summary(content.text(answered)),
            error=error,
        ),
        metadata=_told_metadata(told),
    )


def _told_error(answered: str | None, content: Content) -> ErrorDetail:
    message = answered or "the tool reported an error"
    return ErrorDetail("tool_error", content.error(message), recoverable=True)


def _told_metadata(told: ToldTool) -> dict[str, Any]:
    facts = {
        "source": "messages",
        "start_time": iso(told.start_ns),
        "otel.parent_span_id": told.after.record.parent_id,
        "gen_ai.tool.call.id": told.request.id,
    }
    return {name: value for name, value in facts.items() if value is not None}
