"""HUD's own spans: the wire form of 0.6 both ways, and runs out of flat spans.

Source: hud 0.6.21, hud/telemetry/span.py and exporter.py; what `hud trace get` reads
is hud/cli/trace.py.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from infinium_otel.models.documents import dump
from infinium_otel.models.hud.accepted import accepted_step
from infinium_otel.models.hud.attributes import NAMESPACE
from infinium_otel.models.spans import (
    as_json,
    json_list,
    json_object,
    kind_in,
    span_id_in,
    span_id_of,
    status_in,
    text,
    to_iso,
    to_ns,
    trace_id_of,
    uuid_of,
)
from infinium_otel.models.trees import distinct, tops_of
from infinium_otel.records import SpanEvent, SpanRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from infinium_otel.models.hud import v06
    from infinium_otel.records import LogEvent

RUN = "hud.task_run_id"


def step_spans(run: v06.Run, trace_id: str) -> Iterator[dict[str, Any]]:
    """The spans HUD's exporter would have written for *run*, as JSON objects.

    Args:
        run: the run; what HUD's classes refuse is left out or put plainly.
        trace_id: of the run, 32 hex digits; used where the trace has no id.
    """
    run_id = run.trace.trace_id or uuid_of(trace_id)
    start = ""
    for number, step in enumerate(run.trace.steps, 1):
        shown = accepted_step(replace(step, step_id=number))
        start = shown.started_at or shown.ended_at or start or to_iso(0)
        yield {
            "name": f"step.{shown.source}",
            "trace_id": trace_id_of(run_id, NAMESPACE),
            "span_id": span_id_of(run_id, number),
            "parent_span_id": None,
            "kind": "INTERNAL",
            "start_time": start,
            "end_time": shown.ended_at or start,
            "status_code": "ERROR" if shown.error else "OK",
            "status_message": shown.error,
            "attributes": {
                "hud.schema": shown.schema,
                RUN: run_id,
                "hud.payload": dump(shown, nulls=False),
            },
            "events": [],
        }


def folder_of(runs: Iterable[tuple[v06.Run, str]]) -> dict[str, str]:
    """File names and texts of the folder that `hud trace get` reads offline.

    Args:
        runs: each with its trace id, as for `step_spans`.

    Returns:
        `<32 hex>.jsonl` and its lines, for every run that has steps. Put it where
        `HUD_TELEMETRY_LOCAL_DIR` points.
    """
    files: dict[str, str] = {}
    for run, trace_id in runs:
        for span in step_spans(run, trace_id):
            name = f"{span['trace_id']}.jsonl"
            # What is half a character would not be written as UTF-8.
            line = as_json(span).encode(errors="replace").decode()
            files[name] = files.get(name, "") + line + "\n"
    return files


def spans_in(lines: str) -> list[SpanRecord]:
    """The spans of a file of that folder; a line cut short is passed over."""
    found = []
    for line in lines.split("\n"):  # a text may hold other ends of lines
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        record = span_in(value)
        if record is not None:
            found.append(record)
    return found


def span_in(value: Any) -> SpanRecord | None:
    """A span from HUD's JSON; None where it is none."""
    said = json_object(value) or {}
    ids = text(said.get("trace_id")), text(said.get("span_id"))
    if not ids[0] or not ids[1]:
        return None
    parent = text(said.get("parent_span_id"))
    start_ns = to_ns(said.get("start_time")) or 0
    return SpanRecord(
        trace_id=trace_id_of(ids[0], NAMESPACE),
        span_id=_span_id(ids[1]),
        parent_id=_span_id(parent) if parent else None,
        name=text(said.get("name")) or "",
        start_ns=start_ns,
        # HUD stamps a missing start with the time of recording: after the end.
        end_ns=max(start_ns, to_ns(said.get("end_time")) or 0),
        attributes=json_object(said.get("attributes")) or {},
        kind=kind_in(said.get("kind")) or "internal",
        status=status_in(said.get("status_code")) or "unset",
        status_message=text(said.get("status_message")),
        events=tuple(map(_event, json_list(said.get("events")) or [])),
        scope_name="hud",
    )


def _span_id(vendor_id: str) -> str:
    """A span id as it is, or the one that always stands for it."""
    return span_id_in(vendor_id) or span_id_of(vendor_id)


def _event(value: Any) -> SpanEvent:
    said = json_object(value) or {}
    return SpanEvent(
        text(said.get("name")) or "",
        to_ns(said.get("timestamp")) or 0,
        json_object(said.get("attributes")) or {},
    )


def gathered(
    records: Iterable[SpanRecord | LogEvent],
) -> list[SpanRecord | LogEvent]:
    """*records* with a root above HUD's own spans of each run, which have none.

    Spans of one run that lie in several traces come into the run's own.
    """
    given = distinct(records)
    spans = [each for each in given if isinstance(each, SpanRecord)]
    tops = tops_of(spans)
    runs: dict[str, list[SpanRecord]] = {}
    for top in {id(top): top for top in tops.values()}.values():
        run_id = text(top.attributes.get(RUN))
        if run_id and "hud.model" not in top.attributes:
            runs.setdefault(run_id, []).append(top)
    moved: dict[str, SpanRecord] = {}
    for run_id, found in runs.items():
        if len(found) > 1 or "hud.payload" in found[0].attributes:
            moved |= {top.span_id: _root(run_id, found) for top in found}
    if not moved:
        return given
    roots = {root.span_id: root for root in moved.values()}
    return [*roots.values(), *(_moved(each, tops, moved) for each in given)]


def _root(run_id: str, tops: list[SpanRecord]) -> SpanRecord:
    trace_id = trace_id_of(run_id, NAMESPACE)
    jobs = [text(top.attributes.get("hud.job_id")) for top in tops]
    job = next(filter(None, jobs), None)
    return SpanRecord(
        trace_id=trace_id,
        span_id=span_id_of(trace_id, "run"),
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


def _moved(
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
