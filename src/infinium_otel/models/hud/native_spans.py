"""HUD's own spans: the wire format of 0.6, both ways, and runs from flat spans.

Source: hud 0.6.21, hud/telemetry/span.py and exporter.py; what `hud trace get` reads
is hud/cli/trace.py.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from infinium_otel.models.documents import dump
from infinium_otel.models.hud.attributes import NAMESPACE
from infinium_otel.models.hud.v06.conforming import conform_step
from infinium_otel.models.spans import (
    as_kind,
    as_span_id,
    as_status,
    as_text,
    json_list,
    json_object,
    make_span_id,
    to_iso,
    to_json,
    to_ns,
    to_trace_id,
    to_uuid,
)
from infinium_otel.models.trees import drop_repeated, find_root_spans
from infinium_otel.records import SpanEvent, SpanRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from infinium_otel.models.hud import v06
    from infinium_otel.records import LogEvent

RUN = "hud.task_run_id"


def to_native_spans(run: v06.Run, trace_id: str) -> Iterator[dict[str, Any]]:
    """The spans that HUD's exporter would write for *run*, as JSON objects.

    Args:
        run: the run; values that HUD's classes reject are dropped or simplified.
        trace_id: the run's, 32 hex digits; used where the trace has no id.
    """
    run_id = run.trace.trace_id or to_uuid(trace_id)
    start = ""
    for number, step in enumerate(run.trace.steps, 1):
        conformed = conform_step(replace(step, step_id=number))
        start = conformed.started_at or conformed.ended_at or start or to_iso(0)
        yield {
            "name": f"step.{conformed.source}",
            "trace_id": to_trace_id(run_id, NAMESPACE),
            "span_id": make_span_id(run_id, number),
            "parent_span_id": None,
            "kind": "INTERNAL",
            "start_time": start,
            "end_time": conformed.ended_at or start,
            "status_code": "ERROR" if conformed.error else "OK",
            "status_message": conformed.error,
            "attributes": {
                "hud.schema": conformed.schema,
                RUN: run_id,
                "hud.payload": dump(conformed, nulls=False),
            },
            "events": [],
        }


def to_trace_files(runs: Iterable[tuple[v06.Run, str]]) -> dict[str, str]:
    """File names and texts of the folder that `hud trace get` reads offline.

    Args:
        runs: each with its trace id, as for `to_native_spans`.

    Returns:
        `<32 hex>.jsonl` and its lines, for each run that has steps; to be written to
        `HUD_TELEMETRY_LOCAL_DIR`.
    """
    files: dict[str, str] = {}
    for run, trace_id in runs:
        for span in to_native_spans(run, trace_id):
            name = f"{span['trace_id']}.jsonl"
            # A lone surrogate cannot be encoded as UTF-8.
            line = to_json(span).encode(errors="replace").decode()
            files[name] = files.get(name, "") + line + "\n"
    return files


def spans_in(lines: str) -> list[SpanRecord]:
    """The spans in a file of that folder; truncated lines are skipped."""
    found = []
    for line in lines.split(
        "\n"
    ):  # not splitlines: texts may contain other line breaks
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        record = read_span(value)
        if record is not None:
            found.append(record)
    return found


def read_span(value: Any) -> SpanRecord | None:
    """A span from HUD's JSON; None if it is not a span."""
    fields = json_object(value) or {}
    ids = as_text(fields.get("trace_id")), as_text(fields.get("span_id"))
    if not ids[0] or not ids[1]:
        return None
    parent = as_text(fields.get("parent_span_id"))
    start_ns = to_ns(fields.get("start_time")) or 0
    return SpanRecord(
        trace_id=to_trace_id(ids[0], NAMESPACE),
        span_id=_span_id(ids[1]),
        parent_id=_span_id(parent) if parent else None,
        name=as_text(fields.get("name")) or "",
        start_ns=start_ns,
        # HUD 0.6 sets a missing start to the time of recording, which is after the end.
        end_ns=max(start_ns, to_ns(fields.get("end_time")) or 0),
        attributes=json_object(fields.get("attributes")) or {},
        kind=as_kind(fields.get("kind")) or "internal",
        status=as_status(fields.get("status_code")) or "unset",
        status_message=as_text(fields.get("status_message")),
        events=tuple(map(_event, json_list(fields.get("events")) or [])),
        scope_name="hud",
    )


def _span_id(vendor_id: str) -> str:
    """A valid span id unchanged; any other id hashed into one."""
    return as_span_id(vendor_id) or make_span_id(vendor_id)


def _event(value: Any) -> SpanEvent:
    fields = json_object(value) or {}
    return SpanEvent(
        as_text(fields.get("name")) or "",
        to_ns(fields.get("timestamp")) or 0,
        json_object(fields.get("attributes")) or {},
    )


def gather_runs(
    records: Iterable[SpanRecord | LogEvent],
) -> list[SpanRecord | LogEvent]:
    """*records* with a root added for HUD's own spans of each run, which have none.

    Spans of one run in several traces are moved into the run's own trace.
    """
    given = drop_repeated(records)
    spans = [each for each in given if isinstance(each, SpanRecord)]
    tops = find_root_spans(spans)
    runs: dict[str, list[SpanRecord]] = {}
    for top in {id(top): top for top in tops.values()}.values():
        run_id = as_text(top.attributes.get(RUN))
        if run_id and "hud.model" not in top.attributes:
            runs.setdefault(run_id, []).append(top)
    moved: dict[str, SpanRecord] = {}
    for run_id, found in runs.items():
        if len(found) > 1 or "hud.payload" in found[0].attributes:
            moved |= {top.span_id: _make_root(run_id, found) for top in found}
    if not moved:
        return given
    roots = {root.span_id: root for root in moved.values()}
    return [*roots.values(), *(_move(each, tops, moved) for each in given)]


def _make_root(run_id: str, tops: list[SpanRecord]) -> SpanRecord:
    trace_id = to_trace_id(run_id, NAMESPACE)
    jobs = [as_text(top.attributes.get("hud.job_id")) for top in tops]
    job = next(filter(None, jobs), None)
    return SpanRecord(
        trace_id=trace_id,
        span_id=make_span_id(trace_id, "run"),
        parent_id=None,
        name="invoke_agent",
        start_ns=min(top.start_ns for top in tops),
        end_ns=max(top.end_ns for top in tops),
        attributes={
            "gen_ai.operation.name": "invoke_agent",
            RUN: run_id,
            **({"hud.job_id": job} if job else {}),
        },
        scope_name="hud",
    )


def _move(
    each: SpanRecord | LogEvent,
    tops: Mapping[tuple[str, str], SpanRecord],
    moved: Mapping[str, SpanRecord],
) -> SpanRecord | LogEvent:
    top = tops.get((each.trace_id, each.span_id))
    root = moved.get(top.span_id) if top else None
    if root is None or top is None:
        return each
    if isinstance(each, SpanRecord) and each is top:
        return replace(each, trace_id=root.trace_id, parent_id=root.span_id)
    return replace(each, trace_id=root.trace_id)
