"""annotate(): the attributes it sets, and the task they become."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from infinium_otel.config import Config
from infinium_otel.errors import ValidationError
from infinium_otel.exporter import annotation
from infinium_otel.exporter.annotation import annotate
from infinium_otel.otlp import from_json, to_otlp
from infinium_otel.pipeline import spans_to_tasks
from infinium_otel.records.from_sdk import ANNOTATED, ANNOTATION_MARK, to_span_record
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
    """A provider's tracer, and its ended spans."""
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
    """Annotations of the current run are in its task."""
    outcome = ExpectedOutcome("Book a table", acceptance_criteria=["for two", "at 8"])
    customer = Customer(customer_name="Ada", customer_email="ada@example.com")
    task = annotated(spans, expected_outcome=outcome, customer=customer)
    assert task.expected_outcome == outcome
    assert task.customer == customer


def test_mappings_are_accepted(spans):
    """A section may be a mapping of its fields."""
    task = annotated(spans, sales={"deal_value": 12.5, "sales_stage": "won"})
    assert task.sales == Sales(deal_value=12.5, sales_stage="won")


def test_name_and_description(spans):
    """The task's name and description can be set."""
    task = annotated(spans, name="Booking", description="A table for two")
    assert (task.name, task.description) == ("Booking", "A table for two")


def test_nested_values(spans):
    """Values that an attribute cannot hold are sent as JSON."""
    general = General(errors_encountered=[ErrorDetail("E", "boom")], tags=["a", "b"])
    development = Development(performance_metrics={"p99": 3}, tests_run=7)
    task = annotated(spans, general=general, development=development)
    assert task.general.tags == ["a", "b"]
    assert task.development == development


@pytest.mark.parametrize("name", list(SECTIONS))
def test_sections_become_attributes(spans, name):
    """Each field of each section has its own attribute."""
    tracer, ended = spans
    kind = SECTIONS[name]
    values = {f.name: "x" for f in fields(kind) if str(f.type).startswith("str")}
    with tracer.start_as_current_span("run"):
        annotate(**{name: values})
    assert ended()[0].attributes == {
        ANNOTATED: ANNOTATION_MARK,
        **{f"infinium.{name}.{field}": "x" for field in values},
    }


def test_step_and_skip(spans):
    """A step's action and purpose, and `skip`, are attributes."""
    tracer, ended = spans
    with tracer.start_as_current_span("run"):
        annotate(step_action="search", step_purpose="find it", skip=True)
    assert ended()[0].attributes == {
        ANNOTATED: ANNOTATION_MARK,
        "infinium.step.action": "search",
        "infinium.step.purpose": "find it",
        "infinium.skip": True,
    }
    assert spans_to_tasks(ended()) == []


def test_another_span(spans):
    """The span can be passed."""
    tracer, ended = spans
    with (
        tracer.start_as_current_span("root") as root,
        tracer.start_as_current_span("child"),
    ):
        annotate(name="From below", span=root)
    assert [s.name for s in ended() if s.attributes] == ["root"]


def test_json_is_readable(spans):
    """JSON attributes are not escaped to ASCII."""
    tracer, ended = spans
    with tracer.start_as_current_span("run"):
        annotate(development={"performance_metrics": {"größe": 1}})
    text = ended()[0].attributes["infinium.development.performance_metrics"]
    assert json.loads(text) == {"größe": 1}
    assert "größe" in text


def test_without_a_span(caplog, monkeypatch):
    """If no span is recording nothing happens, except for one warning."""
    monkeypatch.setattr(annotation, "_warnings", set())
    annotate(name="x")
    annotate(name="y")
    assert len(caplog.records) == 1


def test_an_invalid_section():
    """A section without a required field is an error that names the field."""
    with pytest.raises(ValidationError, match="expected_outcome"):
        annotate(expected_outcome={})


HIDING = {
    "infinium.skip": True,
    "infinium.task.name": "Nothing to see",
    "infinium.customer.customer_name": "nobody",
    "infinium.expected_outcome.task_objective": "fail",
}


def run_with(tracer, attributes, annotations=None):
    """A run whose tool puts *attributes* on its own span."""
    kind = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "a"}
    with (
        tracer.start_as_current_span("root", attributes=kind),
        tracer.start_as_current_span("tool", attributes=attributes),
    ):
        if annotations:
            annotate(**annotations)


@pytest.mark.parametrize("mark", [{}, {ANNOTATED: "0" * 32}, {ANNOTATED: True}])
def test_a_tool_cannot_hide_or_rename_the_run(spans, mark):
    """Only the root, or code that calls `annotate()` in this process, may."""
    tracer, ended = spans
    run_with(tracer, {"gen_ai.operation.name": "execute_tool", **HIDING, **mark})
    (task,) = spans_to_tasks(ended())
    assert task.name != "Nothing to see"
    assert (task.customer, task.expected_outcome) == (None, None)


def test_annotate_works_on_any_span(spans):
    """Code of this process may annotate below the root; the mark is not sent."""
    tracer, ended = spans
    run_with(tracer, {}, {"name": "Renamed", "customer": {"customer_name": "Ada"}})
    (task,) = spans_to_tasks(ended())
    assert (task.name, task.customer.customer_name) == ("Renamed", "Ada")
    assert ANNOTATION_MARK not in json.dumps(task, default=vars)


def test_skip_by_annotate_works_on_any_span(spans):
    """Also below the root."""
    tracer, ended = spans
    run_with(tracer, {}, {"skip": True})
    assert spans_to_tasks(ended()) == []


@pytest.mark.parametrize("skip", [True, False])
def test_all_spans_may_be_trusted(spans, skip):
    """`trust="all"` is for spans that are all one's own, in languages without annotate."""
    tracer, ended = spans
    run_with(tracer, {**HIDING, "infinium.skip": skip})
    tasks = spans_to_tasks(ended(), config=Config(trust="all"))
    assert [task.name for task in tasks] == ([] if skip else ["Nothing to see"])


def test_a_foreign_span_cannot_pass_as_annotated(spans):
    """The mark is read from this process's spans alone, not from telemetry."""
    tracer, ended = spans
    run_with(tracer, HIDING, {"description": "ours"})
    records = from_json(to_otlp(to_span_record(span) for span in ended())).records
    (task,) = spans_to_tasks(records)
    assert task.name != "Nothing to see"
