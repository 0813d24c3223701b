"""HUD's runs to spans and back, for both generations of its types.

`v04` holds the types of HUD's 0.4 releases (`Trace` with `TraceStep`s), `v06` those of
0.6 (`Run` with a `Trace` of typed steps and a `Grade`).

| not converted | to spans | from spans |
| --- | --- | --- |
| credentials in a task's `mcp_config` | removed | - |
| a `Task` | kept, without credentials | None unless the spans were made from a HUD run: `mcp_config` is never invented |
| `messages` of 0.4 (in a provider's shape) | unchanged, in one attribute | restored, else empty |
| `raw` and `sample` of 0.6 | only in a carrier (`carrier_bytes`) | only from a carrier |
| images and sounds over `media_bytes` | type and size | the same |
| a robot's observations, actions, video | complete, as `hud.payload` | from `hud.payload` |
| times | to the microsecond; a missing one is marked synthetic | ISO, `Z` |
| keys unknown to HUD | 0.4: kept; 0.6 rejects them, so dropped | - |
| `usage` of 0.6 without values | - | None |
| events, links, texts of steps that are neither call nor tool | - | 0.4 keeps events; 0.6 nothing |
| cost | `hud.usage.cost_usd`: there is no standard attribute | the same |
| a missing reward | none | 0.4: 0.0, with `info["reward_source"]` "default"; 0.6: no grade |
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from infinium_otel.errors import InfiniumError
from infinium_otel.models import documents
from infinium_otel.models.content import remove_content, shrink_media
from infinium_otel.models.documents import dump, normalize_values
from infinium_otel.models.hud import mcp, v04, v06
from infinium_otel.models.hud.attributes import agent_type_of
from infinium_otel.models.hud.native_spans import read_span, spans_in, to_trace_files
from infinium_otel.models.hud.v04 import _from_spans as v04_reader
from infinium_otel.models.hud.v04 import _to_spans as v04_writer
from infinium_otel.models.hud.v06 import _from_spans as v06_reader
from infinium_otel.models.hud.v06 import _to_spans as v06_writer
from infinium_otel.models.hud.v06.conforming import conform_trace
from infinium_otel.models.spans import to_plain

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
    "mcp",
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
        start_ns: start of a run whose steps have no times, ns since the epoch.
        agent_type: HUD's agent type ("claude"); it determines the provider.
        carrier_bytes: 0.6 only: the largest JSON of a step that is attached complete,
            to keep what no attribute can hold (`raw`, `sample`); 0 attaches none.
        media_bytes: the longest base64 of an image or sound; a longer one is removed
            and its block gets its size in bytes.
        capture_content: False omits prompts, answers, arguments and results; lengths,
            counts and ids stay.
    """
    document = normalize_values(document)
    agent_type = to_plain(agent_type)
    if isinstance(document, v04.Trace):
        spans = v04_writer.to_spans(document, start_ns=start_ns, agent_type=agent_type)
    else:
        run = v06.Run(document) if isinstance(document, v06.Trace) else document
        spans = v06_writer.to_spans(
            run, start_ns=start_ns, agent_type=agent_type, carrier_bytes=carrier_bytes
        )
    spans = [_shrink_attributes(record, media_bytes) for record in spans]
    return spans if capture_content else remove_content(spans)


_MEDIA = (
    "gen_ai.tool.call.result",
    "request",
    "result",
    "hud.step.messages",
    "hud.trace.messages",
    "hud.payload",
)
"""Attributes that hold content blocks as JSON."""


def _shrink_attributes(record: SpanRecord, most: int) -> SpanRecord:
    attributes = record.attributes
    found = {
        k: shrink_media(attributes[k], most)
        for k in _MEDIA
        if isinstance(attributes.get(k), str)
    }
    if all(attributes[key] is value for key, value in found.items()):
        return record
    return replace(record, attributes={**attributes, **found})


def from_spans(
    records: Iterable[SpanRecord | LogEvent], *, model: str = "0.4"
) -> list[Document]:
    """One document for each agent run in *records*, of any instrumentation.

    Args:
        records: spans, and log events that belong to them.
        model: the generation of HUD's types: "0.4" or "0.6".
    """
    if model == "0.4":
        return list(v04_reader.from_spans(records))
    if model == "0.6":
        return list(v06_reader.from_spans(records))
    raise InfiniumError(f"unknown HUD model {model!r}: use 0.4 or 0.6", field="model")


def to_hud_trace(
    records: Iterable[SpanRecord | LogEvent], model: str = "0.4"
) -> v04.Trace | v06.Trace:
    """The HUD trace of the first run in *records*, as HUD's own class accepts it.

    Raises:
        InfiniumError: *records* contain no run, or *model* is unknown.
    """
    found = from_spans(records, model=model)
    if not found:
        raise InfiniumError("no spans, so no HUD trace", field="records")
    first = found[0]
    return first if isinstance(first, v04.Trace) else conform_trace(first.trace)


def to_hud_spans(records: Iterable[SpanRecord | LogEvent]) -> dict[str, str]:
    """The files from which `hud trace get` shows these runs offline.

    Returns:
        Text by file name (`<32 hex>.jsonl`). Write them into a folder and set
        `HUD_TELEMETRY_LOCAL_DIR` to it.
    """
    runs = v06_reader.from_spans(records)
    return to_trace_files((run, v06_writer.to_spans(run)[0].trace_id) for run in runs)


def load(mapping: Any) -> Document:
    """A run from the JSON of either generation's classes.

    Args:
        mapping: a 0.4 `Trace`, a 0.6 `Trace`, or `{"trace", "grade", ...}` of 0.6.

    Raises:
        InfiniumError: it is not a JSON object, or a required key is missing.
    """
    fields = documents.as_mapping(mapping) or {}
    if "steps" in fields or documents.as_mapping(fields.get("trace")) is not None:
        return v06.run_of(fields)
    return v04.trace_of(mapping)


def from_hud(values: Iterable[Any]) -> list[Document]:
    """Every run in HUD's own output: traces, span lines and upload bodies, mixed.

    Args:
        values: JSON values: documents as for `load`, spans as HUD exports them, or
            `{"telemetry": [span, ...]}`.

    Returns:
        The documents, then the runs made from spans, in the types of 0.6.
    """
    documents_found: list[Document] = []
    spans: list[SpanRecord] = []
    for value in values:
        fields = documents.as_mapping(value) or {}
        lines = documents.as_list(fields.get("telemetry")) or (value,)
        read = [record for record in map(read_span, lines) if record is not None]
        if read:
            spans += read
        else:
            documents_found.append(load(value))
    return [*documents_found, *v06_reader.from_spans(spans)]
