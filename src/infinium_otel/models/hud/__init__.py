"""HUD's runs to spans and back, for both generations of its types.

`v04` holds the types of HUD's 0.4 releases (`Trace` with `TraceStep`s), `v06` those of
0.6 (`Run` with a `Trace` of typed steps and a `Grade`).

| what cannot be carried | to spans | from spans |
| --- | --- | --- |
| credentials in a task's `mcp_config` | removed | - |
| a `Task` | kept, without credentials | None unless a HUD run brought it: `mcp_config` is never invented |
| `messages` of 0.4 (in a provider's shape) | verbatim, in one attribute | as they were, else empty |
| `raw` and `sample` of 0.6 | only in a carrier (`carrier_bytes`) | only from a carrier |
| images and sounds over `media_bytes` | type and size | likewise |
| a robot's observations, actions, video | whole, as `hud.payload` | from `hud.payload` |
| times | to the microsecond; a missing one is marked synthetic | ISO, `Z` |
| keys HUD does not know | 0.4: yes; 0.6 refuses them, so no | - |
| `usage` of 0.6 that says nothing | - | None |
| events, links, texts of steps that are neither call nor tool | - | 0.4 keeps events; 0.6 neither |
| cost | `hud.usage.cost_usd`: no standard attribute | likewise |
| a reward nobody gave | none | 0.4: 0.0, with `info["reward_source"]` "default"; 0.6: no grade |
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from infinium_otel.errors import InfiniumError
from infinium_otel.models import documents
from infinium_otel.models.content import small_media, without_content
from infinium_otel.models.documents import dump
from infinium_otel.models.hud import v04, v06
from infinium_otel.models.hud.accepted import accepted_trace
from infinium_otel.models.hud.attributes import agent_type_of
from infinium_otel.models.hud.own_spans import folder_of, span_in, spans_in
from infinium_otel.models.hud.v04_from_spans import traces_from_spans
from infinium_otel.models.hud.v04_to_spans import trace_to_spans
from infinium_otel.models.hud.v06_from_spans import runs_from_spans
from infinium_otel.models.hud.v06_to_spans import run_to_spans

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infinium_otel.records import LogEvent, SpanRecord

__all__ = [
    "Document",
    "agent_type_of",
    "dump",
    "from_hud",
    "from_spans",
    "load",
    "spans_in",
    "to_hud_spans",
    "to_hud_trace",
    "to_spans",
    "v04",
    "v06",
]

Document = v04.Trace | v06.Run
"""One run in either generation's types."""


def to_spans(  # noqa: PLR0913 - every one is optional and given by name
    document: Document | v06.Trace,
    *,
    start_ns: int = 0,
    agent_type: str | None = None,
    carrier_bytes: int = 0,
    media_bytes: int = 1_000_000,
    capture_content: bool = True,
) -> list[SpanRecord]:
    """The spans of one run, its root first.

    Args:
        document: a trace of 0.4, a run of 0.6, or its trajectory alone.
        start_ns: where a run begins whose steps have no times, ns since the epoch.
        agent_type: HUD's word for the agent ("claude"); it tells the provider.
        carrier_bytes: 0.6 only: how long a step's JSON may be to ride along whole
            and keep what no attribute can hold (`raw`, `sample`); 0 is never.
        media_bytes: how long an image's or sound's base64 may be; a longer one is left
            out, and its block says how many bytes it had.
        capture_content: False leaves out prompts, answers, arguments and results;
            lengths, counts and ids stay.
    """
    if isinstance(document, v04.Trace):
        spans = trace_to_spans(document, start_ns=start_ns, agent_type=agent_type)
    else:
        run = v06.Run(document) if isinstance(document, v06.Trace) else document
        spans = run_to_spans(
            run, start_ns=start_ns, agent_type=agent_type, carrier_bytes=carrier_bytes
        )
    spans = [_with_small_media(record, media_bytes) for record in spans]
    return spans if capture_content else without_content(spans)


_MEDIA = (
    "gen_ai.tool.call.result",
    "request",
    "result",
    "hud.step.messages",
    "hud.trace.messages",
    "hud.payload",
)
"""Attributes that hold content blocks as JSON."""


def _with_small_media(record: SpanRecord, most: int) -> SpanRecord:
    said = record.attributes
    found = {
        k: small_media(said[k], most) for k in _MEDIA if isinstance(said.get(k), str)
    }
    if all(said[key] is value for key, value in found.items()):
        return record
    return replace(record, attributes={**said, **found})


def from_spans(
    records: Iterable[SpanRecord | LogEvent], *, model: str = "0.4"
) -> list[Document]:
    """One document for each agent run in *records*, of any instrumentation.

    Args:
        records: spans, and log events that belong to them.
        model: which generation's types: "0.4" or "0.6".
    """
    if model == "0.4":
        return list(traces_from_spans(records))
    if model == "0.6":
        return list(runs_from_spans(records))
    raise InfiniumError(f"HUD has no model {model!r}: 0.4 or 0.6", field="model")


def to_hud_trace(
    records: Iterable[SpanRecord | LogEvent], model: str = "0.4"
) -> v04.Trace | v06.Trace:
    """The HUD trace of the first run in *records*, as HUD's own class accepts it.

    Raises:
        InfiniumError: there is no run in them, or no such *model*.
    """
    found = from_spans(records, model=model)
    if not found:
        raise InfiniumError("no spans, so no HUD trace", field="records")
    first = found[0]
    return first if isinstance(first, v04.Trace) else accepted_trace(first.trace)


def to_hud_spans(records: Iterable[SpanRecord | LogEvent]) -> dict[str, str]:
    """The files by which `hud trace get` shows these runs without a network.

    Returns:
        Text by file name (`<32 hex>.jsonl`); write them into a folder and point
        `HUD_TELEMETRY_LOCAL_DIR` at it.
    """
    runs = runs_from_spans(records)
    return folder_of((run, run_to_spans(run)[0].trace_id) for run in runs)


def load(mapping: Any) -> Document:
    """A run from the JSON of either generation's classes.

    Args:
        mapping: a 0.4 `Trace`, a 0.6 `Trace`, or `{"trace", "grade", ...}` of 0.6.

    Raises:
        InfiniumError: it is no JSON object, or lacks what cannot be missing.
    """
    said = documents.mapping_of(mapping) or {}
    if "steps" in said or documents.mapping_of(said.get("trace")) is not None:
        return v06.run_of(said)
    return v04.trace_of(mapping)


def from_hud(values: Iterable[Any]) -> list[Document]:
    """Every run in what HUD wrote: traces, span lines and upload bodies, mixed.

    Args:
        values: JSON values: what `load` takes, a span as HUD exports it, or
            `{"telemetry": [span, ...]}`.

    Returns:
        Runs of the spans last, in 0.6's types.
    """
    documents_found: list[Document] = []
    spans: list[SpanRecord] = []
    for value in values:
        said = documents.mapping_of(value) or {}
        lines = documents.list_of(said.get("telemetry")) or (value,)
        read = [record for record in map(span_in, lines) if record is not None]
        if read:
            spans += read
        else:
            documents_found.append(load(value))
    return [*documents_found, *runs_from_spans(spans)]
