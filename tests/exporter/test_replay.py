from __future__ import annotations

from dataclasses import replace

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from infinium_otel.errors import InfiniumError
from infinium_otel.exporter.replay import replay, to_readable_span
from infinium_otel.records import SpanEvent, SpanLink
from infinium_otel.records.from_sdk import to_span_record
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
    """The SDK's span has the values of the record; nested ones are JSON."""
    again = to_span_record(to_readable_span(FULL))
    attributes = {"a": 1, "list": ["x", "y"], "json": '{"k":[1,"z"]}'}
    assert again == replace(FULL, attributes=attributes)


def test_a_record_without_a_resource():
    """The provider's resource is used if a record has none."""
    record = span("run")
    assert to_span_record(to_readable_span(record)).resource == {}
    shown = to_readable_span(record, Resource({"service.name": "mine"}))
    assert to_span_record(shown).resource == {"service.name": "mine"}


def test_records_go_through_a_running_pipeline():
    """Every processor gets the spans unchanged, in the order of their ends."""
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    root, child = span("run", None, 0, 9), span("call", "run", 1, 2)
    assert replay([root, child], provider) == 2
    seen = [to_span_record(s) for s in kept.get_finished_spans()]
    assert [(r.name, r.span_id, r.end_ns) for r in seen] == [
        (r.name, r.span_id, r.end_ns) for r in (child, root)
    ]


def test_a_provider_without_a_processor():
    """Spans that nothing would receive are an error, not a silent loss."""
    with pytest.raises(InfiniumError, match="no span processor"):
        replay([FULL], TracerProvider(shutdown_on_exit=False))
