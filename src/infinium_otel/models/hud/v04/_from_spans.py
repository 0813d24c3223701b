"""Any spans to traces of HUD 0.4."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.errors import InfiniumError
from infinium_otel.models import parts
from infinium_otel.models.documents import as_texts, empty_mapping
from infinium_otel.models.facts import FACTS, write_failure
from infinium_otel.models.hud import v04
from infinium_otel.models.hud.attributes import read_reward, read_times
from infinium_otel.models.hud.native_spans import gather_runs
from infinium_otel.models.hud.v04.foreign_spans import get_exchange
from infinium_otel.models.runs import find_runs, get_output_text
from infinium_otel.models.spans import (
    as_bool,
    as_int,
    as_text,
    drop_nulls,
    from_json,
    json_list,
    json_object,
    to_iso,
    to_plain,
    to_uuid,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from infinium_otel.models.runs import Run, RunSpan
    from infinium_otel.records import LogEvent, SpanEvent, SpanRecord

ORDER = "hud.step.order"

_STEP_FIELD_KEYS = frozenset(
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
"""Attributes of HUD's own spans that a step has fields for; others go to `other`."""


def from_spans(records: Iterable[SpanRecord | LogEvent]) -> list[v04.Trace]:
    """One trace for each agent run in *records*."""
    return [_trace(run) for run in find_runs(gather_runs(records), ORDER)]


def _trace(run: Run) -> v04.Trace:
    root = run.root.record
    attributes = root.attributes
    is_native = "hud.trace.done" in attributes
    reward = read_reward(root)
    return v04.Trace(
        reward=0.0 if reward is None else reward,
        done=_is_done(root),
        info=_info(run, reward),
        content=_content(run),
        isError=_is_failed(run),
        task=read_task(attributes.get("hud.task")),
        trace=tuple(_steps(run)),
        messages=tuple(json_list(attributes.get("hud.trace.messages")) or ()),
        other=(json_object(attributes.get("hud.trace.other")) if is_native else None)
        or empty_mapping(),
    )


def _is_done(root: SpanRecord) -> bool:
    done = as_bool(root.attributes.get("hud.trace.done"))
    return root.end_ns > 0 if done is None else done


def _is_failed(run: Run) -> bool:
    is_error = as_bool(run.root.record.attributes.get("hud.trace.error"))
    return run.root.failure is not None if is_error is None else is_error


def _info(run: Run, reward: float | None) -> dict[str, Any]:
    attributes = run.root.record.attributes
    if "hud.trace.done" in attributes:
        return json_object(attributes.get("hud.trace.info")) or {}
    info: dict[str, Any] = {}
    if reward is None:
        info["reward_source"] = "default"
    if not run.is_step:
        root_attributes = to_plain(run.root.record.attributes)
        info[FACTS] = {**_raw_facts(run.root.record), "attributes": root_attributes}
    elif run.root.failure is not None:
        info[FACTS] = {"failure": write_failure(run.root.failure)}
    return info


def _content(run: Run) -> str | None:
    attributes = run.root.record.attributes
    if "hud.trace.done" in attributes:
        return parts.read_final_text(attributes.get("gen_ai.output.messages"))
    answers = [get_output_text(step) for step in run.steps if step.kind == "llm"]
    return get_output_text(run.root) or next(filter(None, reversed(answers)), None)


def read_task(value: Any) -> v04.Task | None:
    """The task in an attribute; None if there is none: a task is never invented."""
    found = json_object(value)
    try:
        return None if found is None else v04.task_of(found)
    except InfiniumError:
        return None


def _steps(run: Run) -> list[v04.TraceStep]:
    spans = list(run.spans)
    if run.is_step:
        spans.insert(0, run.root)
    spans.sort(key=_order)
    return [
        _read_step(t.record) if ORDER in t.record.attributes else _step(t)
        for t in spans
    ]


def _order(span: RunSpan) -> tuple[int, int]:
    order = as_int(span.record.attributes.get(ORDER))
    return -1 if order is None else order, span.record.start_ns


def _read_step(record: SpanRecord) -> v04.TraceStep:
    """A step that `to_spans` wrote."""
    attributes = record.attributes
    keys = as_texts(json_list(attributes.get("hud.step.keys"))) or ()
    other = {key: to_plain(attributes[key]) for key in keys if key in attributes}
    start, end = read_times(record)
    return v04.TraceStep(
        task_run_id=as_text(attributes.get("hud.task_run_id")),
        job_id=as_text(attributes.get("hud.job_id")),
        category=as_text(attributes.get("category")) or "",
        request=from_json(attributes.get("request")),
        result=from_json(attributes.get("result")),
        type=as_text(attributes.get("span.kind")) or "",
        start_timestamp=start,
        end_timestamp=end,
        other={**other, **(json_object(attributes.get("hud.step.other")) or {})},
    )


def _step(span: RunSpan) -> v04.TraceStep:
    """A step from a span of HUD's own, or of any other instrumentation."""
    record, attributes = span.record, span.record.attributes
    category = as_text(attributes.get("category"))
    is_native = category is not None or "hud.task_run_id" in attributes
    request, result = get_exchange(span)
    other = {
        str(k): to_plain(v)
        for k, v in attributes.items()
        if not is_native or k not in _STEP_FIELD_KEYS
    }
    return v04.TraceStep(
        task_run_id=as_text(attributes.get("hud.task_run_id"))
        or to_uuid(record.trace_id),
        job_id=as_text(attributes.get("hud.job_id")),
        category=category or _category(span, native=is_native),
        request=request,
        result=result,
        type=as_text(attributes.get("span.kind"))
        or ("CLIENT" if is_native else record.kind.upper()),
        start_timestamp=to_iso(record.start_ns),
        end_timestamp=to_iso(record.end_ns),
        other={
            **other,
            **(_mcp_extras(attributes) if is_native else {}),
            FACTS: drop_nulls({**_raw_facts(record), "native": is_native or None}),
        },
    )


def _mcp_extras(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Keys that HUD's own exporter renames."""
    return drop_nulls(
        {
            "method_name": as_text(attributes.get("mcp.method.name")),
            "request_id": to_plain(attributes.get("mcp.request.id")),
        }
    )


def _category(span: RunSpan, *, native: bool) -> str:
    if span.kind in {"llm", "agent"}:
        return "agent"
    return "mcp" if native or span.kind in {"tool", "mcp"} else "function"


def _raw_facts(record: SpanRecord) -> dict[str, Any]:
    return drop_nulls(
        {
            "span_id": record.span_id,
            "parent_span_id": record.parent_id,
            "name": record.name,
            "kind": record.kind,
            "start_ns": record.start_ns,
            "end_ns": record.end_ns,
            "status": record.status,
            "status_message": record.status_message,
            "events": [_event(event) for event in _drop_repeated(record.events)]
            or None,
            "scope_name": record.scope_name or None,
            "scope_version": record.scope_version or None,
        }
    )


def _drop_repeated(events: Iterable[SpanEvent]) -> list[SpanEvent]:
    """Remove repeated exceptions: HUD records one itself, and the SDK again."""
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
        "attributes": to_plain(event.attributes),
    }
