"""annotate(): what it writes, and what becomes of it."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from infinium_otel import annotation
from infinium_otel.annotation import annotate
from infinium_otel.errors import ValidationError
from infinium_otel.pipeline import spans_to_tasks
from infinium_otel.taskdata import (
    SECTIONS,
    Customer,
    Development,
    ErrorDetail,
    ExpectedOutcome,
    General,
    Sales,
)

AGENT = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "helper"}


@pytest.fixture
def spans():
    """A provider's tracer, and what has ended."""
    memory = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    return provider.get_tracer("t"), memory.get_finished_spans


def annotated(spans, **words):
    tracer, ended = spans
    with tracer.start_as_current_span("run", attributes=AGENT):
        annotate(**words)
    [task] = spans_to_tasks(ended())
    return task


def test_expected_outcome_and_customer(spans):
    """What is said of the current run stands in its task."""
    outcome = ExpectedOutcome("Book a table", acceptance_criteria=["for two", "at 8"])
    customer = Customer(customer_name="Ada", customer_email="ada@example.com")
    task = annotated(spans, expected_outcome=outcome, customer=customer)
    assert task.expected_outcome == outcome
    assert task.customer == customer


def test_mappings_will_do(spans):
    """A section may be a mapping of its fields."""
    task = annotated(spans, sales={"deal_value": 12.5, "sales_stage": "won"})
    assert task.sales == Sales(deal_value=12.5, sales_stage="won")


def test_name_and_description(spans):
    """The task's name and description can be chosen."""
    task = annotated(spans, name="Booking", description="A table for two")
    assert (task.name, task.description) == ("Booking", "A table for two")


def test_nested_values(spans):
    """What an attribute cannot hold travels as JSON and arrives whole."""
    general = General(errors_encountered=[ErrorDetail("E", "boom")], tags=["a", "b"])
    development = Development(performance_metrics={"p99": 3}, tests_run=7)
    task = annotated(spans, general=general, development=development)
    assert task.general.tags == ["a", "b"]
    assert task.development == development


@pytest.mark.parametrize("name", list(SECTIONS))
def test_sections_become_attributes(spans, name):
    """Each field of each section stands under its own key."""
    tracer, ended = spans
    kind = SECTIONS[name]
    values = {f.name: "x" for f in fields(kind) if str(f.type).startswith("str")}
    with tracer.start_as_current_span("run"):
        annotate(**{name: values})
    assert ended()[0].attributes == {
        f"infinium.{name}.{field}": "x" for field in values
    }


def test_step_words_and_skip(spans):
    """A step's action and purpose, and the wish not to send the run, are attributes."""
    tracer, ended = spans
    with tracer.start_as_current_span("run"):
        annotate(step_action="search", step_purpose="find it", skip=True)
    assert ended()[0].attributes == {
        "infinium.step.action": "search",
        "infinium.step.purpose": "find it",
        "infinium.skip": True,
    }
    assert spans_to_tasks(ended()) == []


def test_another_span(spans):
    """The span to write on can be named."""
    tracer, ended = spans
    with (
        tracer.start_as_current_span("root") as root,
        tracer.start_as_current_span("child"),
    ):
        annotate(name="From below", span=root)
    assert [s.name for s in ended() if s.attributes] == ["root"]


def test_json_is_readable(spans):
    """What travels as JSON is JSON, in its own letters."""
    tracer, ended = spans
    with tracer.start_as_current_span("run"):
        annotate(development={"performance_metrics": {"größe": 1}})
    text = ended()[0].attributes["infinium.development.performance_metrics"]
    assert json.loads(text) == {"größe": 1}
    assert "größe" in text


def test_without_a_span(caplog, monkeypatch):
    """Where no span is recording nothing happens, and the log says so once."""
    monkeypatch.setattr(annotation, "_unheard", set())
    annotate(name="x")
    annotate(name="y")
    assert len(caplog.records) == 1


def test_a_section_that_is_none():
    """A section that lacks what it requires is an error that names it."""
    with pytest.raises(ValidationError, match="expected_outcome"):
        annotate(expected_outcome={})
