from __future__ import annotations

from dataclasses import replace

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from infinium_otel.records import SpanEvent, SpanLink
from infinium_otel.replay import readable_span, replay
from infinium_otel.sdkspans import span_record
from support.spans import span, tid

FULL = replace(
    span(
        "call",
        "run",
        kind="client",
        status="error",
        status_message="no",
        attributes={"a": 1, "list": ["x", "y"], "json": {"k": [1, "z"]}, "none": None},
        events=(SpanEvent("exception", 7, {"exception.type": "E"}),),
        parent_is_remote=True,
        scope_name="s",
        scope_version="1",
        resource={"service.name": "svc"},
    ),
    links=(SpanLink(tid(3), "0" * 15 + "4", {"l": True}),),
)


def test_a_record_is_the_span_it_describes():
    """What the SDK shows of a replayed span is what the record said; nested is JSON."""
    again = span_record(readable_span(FULL))
    attributes = {"a": 1, "list": ["x", "y"], "json": '{"k":[1,"z"]}'}
    assert again == replace(FULL, attributes=attributes)


def test_a_record_without_a_resource_takes_the_pipelines():
    """The pipeline's resource stands in where a record has none."""
    record = span("run")
    assert span_record(readable_span(record)).resource == {}
    shown = readable_span(record, Resource({"service.name": "mine"}))
    assert span_record(shown).resource == {"service.name": "mine"}


def test_records_go_through_a_running_pipeline():
    """Every processor sees the spans, ids and times and all, in the order of their ends."""
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    root, child = span("run", None, 0, 9), span("call", "run", 1, 2)
    assert replay([root, child], provider) == 2
    seen = [span_record(s) for s in kept.get_finished_spans()]
    assert [(r.name, r.span_id, r.end_ns) for r in seen] == [
        (r.name, r.span_id, r.end_ns) for r in (child, root)
    ]
