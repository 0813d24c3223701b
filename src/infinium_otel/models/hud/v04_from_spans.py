"""Any spans to traces of HUD 0.4."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.errors import InfiniumError
from infinium_otel.models import parts
from infinium_otel.models.documents import nothing, texts_of
from infinium_otel.models.facts import FACTS, failure_facts
from infinium_otel.models.hud import v04
from infinium_otel.models.hud.attributes import reward_of, times_of
from infinium_otel.models.hud.own_spans import gathered
from infinium_otel.models.hud.v04_told import exchange
from infinium_otel.models.runs import output_text, runs_of
from infinium_otel.models.spans import (
    flag,
    from_json,
    json_list,
    json_object,
    plain,
    present,
    text,
    to_iso,
    uuid_of,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from infinium_otel.models.runs import Run, Told
    from infinium_otel.records import LogEvent, SpanEvent, SpanRecord

ORDER = "hud.step.order"

_SPOKEN = frozenset(
    {
        "hud.task_run_id",
        "hud.job_id",
        "span.kind",
        "mcp.method.name",
        "mcp.request.id",
        "traceloop.entity.input",
        "traceloop.entity.output",
        "mcp_request",
        "mcp_result",
        "request",
        "result",
        "category",
    }
)
"""Attributes of HUD's own spans that a step has fields for; all others are extras."""


def traces_from_spans(records: Iterable[SpanRecord | LogEvent]) -> list[v04.Trace]:
    """One trace for each agent run in *records*."""
    return [_trace(run) for run in runs_of(gathered(records), ORDER)]


def _trace(run: Run) -> v04.Trace:
    root = run.root.record
    said = root.attributes
    own = "hud.trace.done" in said
    reward = reward_of(root)
    return v04.Trace(
        reward=0.0 if reward is None else reward,
        done=_done(root),
        info=_info(run, reward),
        content=_content(run),
        isError=_failed(run),
        task=task_in(said.get("hud.task")),
        trace=tuple(_steps(run)),
        messages=tuple(json_list(said.get("hud.trace.messages")) or ()),
        other=(json_object(said.get("hud.trace.other")) if own else None) or nothing(),
    )


def _done(root: SpanRecord) -> bool:
    told = flag(root.attributes.get("hud.trace.done"))
    return root.end_ns > 0 if told is None else told


def _failed(run: Run) -> bool:
    told = flag(run.root.record.attributes.get("hud.trace.error"))
    return run.root.failure is not None if told is None else told


def _info(run: Run, reward: float | None) -> dict[str, Any]:
    said = run.root.record.attributes
    if "hud.trace.done" in said:
        return json_object(said.get("hud.trace.info")) or {}
    info: dict[str, Any] = {}
    if reward is None:
        info["reward_source"] = "default"
    if not run.is_step:
        attributes = plain(run.root.record.attributes)
        info[FACTS] = {**_raw_facts(run.root.record), "attributes": attributes}
    elif run.root.failure is not None:
        info[FACTS] = {"failure": failure_facts(run.root.failure)}
    return info


def _content(run: Run) -> str | None:
    said = run.root.record.attributes
    if "hud.trace.done" in said:
        return parts.final_text(said.get("gen_ai.output.messages"))
    answers = [output_text(told) for told in run.steps if told.kind == "llm"]
    return output_text(run.root) or next(filter(None, reversed(answers)), None)


def task_in(value: Any) -> v04.Task | None:
    """The task in an attribute; None where there is none: a task is never invented."""
    found = json_object(value)
    try:
        return None if found is None else v04.task_of(found)
    except InfiniumError:
        return None


def _steps(run: Run) -> list[v04.TraceStep]:
    told = list(run.spans)
    if run.is_step:
        told.insert(0, run.root)
    told.sort(key=_order)
    return [
        _own_step(t.record) if ORDER in t.record.attributes else _step(t) for t in told
    ]


def _order(told: Told) -> tuple[int, int]:
    order = whole(told.record.attributes.get(ORDER))
    return -1 if order is None else order, told.record.start_ns


def _own_step(record: SpanRecord) -> v04.TraceStep:
    """A step as `v04_to_spans` wrote it."""
    said = record.attributes
    keys = texts_of(json_list(said.get("hud.step.keys"))) or ()
    other = {key: plain(said[key]) for key in keys if key in said}
    start, end = times_of(record)
    return v04.TraceStep(
        task_run_id=text(said.get("hud.task_run_id")),
        job_id=text(said.get("hud.job_id")),
        category=text(said.get("category")) or "",
        request=from_json(said.get("request")),
        result=from_json(said.get("result")),
        type=text(said.get("span.kind")) or "",
        start_timestamp=start,
        end_timestamp=end,
        other={**other, **(json_object(said.get("hud.step.other")) or {})},
    )


def _step(told: Told) -> v04.TraceStep:
    """A step from a span of HUD's own, or of any other instrumentation."""
    record, said = told.record, told.record.attributes
    category = text(said.get("category"))
    native = category is not None or "hud.task_run_id" in said
    request, result = exchange(told)
    other = {
        str(k): plain(v) for k, v in said.items() if not native or k not in _SPOKEN
    }
    return v04.TraceStep(
        task_run_id=text(said.get("hud.task_run_id")) or uuid_of(record.trace_id),
        job_id=text(said.get("hud.job_id")),
        category=category or _category(told, native=native),
        request=request,
        result=result,
        type=text(said.get("span.kind"))
        or ("CLIENT" if native else record.kind.upper()),
        start_timestamp=to_iso(record.start_ns),
        end_timestamp=to_iso(record.end_ns),
        other={
            **other,
            **(_mcp_extras(said) if native else {}),
            FACTS: present({**_raw_facts(record), "native": native or None}),
        },
    )


def _mcp_extras(said: Mapping[str, Any]) -> dict[str, Any]:
    """What HUD's own exporter names anew."""
    return present(
        {
            "method_name": text(said.get("mcp.method.name")),
            "request_id": plain(said.get("mcp.request.id")),
        }
    )


def _category(told: Told, *, native: bool) -> str:
    if told.kind in {"llm", "agent"}:
        return "agent"
    return "mcp" if native or told.kind in {"tool", "mcp"} else "function"


def _raw_facts(record: SpanRecord) -> dict[str, Any]:
    return present(
        {
            "span_id": record.span_id,
            "parent_span_id": record.parent_id,
            "name": record.name,
            "kind": record.kind,
            "start_ns": record.start_ns,
            "end_ns": record.end_ns,
            "status": record.status,
            "status_message": record.status_message,
            "events": [_event(event) for event in _told_once(record.events)] or None,
            "scope_name": record.scope_name or None,
            "scope_version": record.scope_version or None,
        }
    )


def _told_once(events: Iterable[SpanEvent]) -> list[SpanEvent]:
    """HUD records an exception by hand and again as it leaves the span."""
    kept: list[SpanEvent] = []
    for event in events:
        if event.name != "exception" or not any(_is_same(event, e) for e in kept):
            kept.append(event)
    return kept


def _is_same(one: SpanEvent, other: SpanEvent) -> bool:
    keys = ("exception.type", "exception.message")
    return other.name == one.name and all(
        one.attributes.get(key) == other.attributes.get(key) for key in keys
    )


def _event(event: SpanEvent) -> dict[str, Any]:
    return {
        "name": event.name,
        "time_ns": event.time_ns,
        "attributes": plain(event.attributes),
    }
