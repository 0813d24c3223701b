from __future__ import annotations

from infinium_otel.models.runs import output_text, runs_of
from infinium_otel.records import LogEvent
from support.spans import TRACE, sid
from support.told import chat, told

AGENT = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "a"}
SERVER = {"http.request.method": "POST", "url.full": "http://a/b"}


def test_a_servers_span_is_not_the_run():
    """The run is the outermost agent below frames that hold nothing but it."""
    spans = [
        told("http", None, SERVER),
        told("agent", "http", AGENT),
        chat("c", "agent"),
    ]
    (run,) = runs_of(spans, "mark")
    assert run.root.record.name == "agent"
    assert [step.record.span_id for step in run.steps] == [sid("c")]
    assert [step.record.span_id for step in run.spans] == [sid("c")]


def test_a_frame_that_holds_more_is_the_run():
    """A root with more below it than one agent is the run itself."""
    spans = [
        told("job", None),
        told("one", "job", AGENT),
        told("two", "job", AGENT),
    ]
    (run,) = runs_of(spans, "mark")
    assert run.root.record.name == "job"
    assert len(run.below(sid("job"))) == 2


def test_a_repeated_span_counts_once():
    """A batch that was sent again tells nothing new, whatever its parents claim."""
    spans = [told("agent", None, AGENT), chat("c", "agent"), told("x", "x", AGENT)]
    assert runs_of([*spans, *spans], "mark") == runs_of(spans, "mark")


def test_a_call_alone_is_a_run():
    """A model call without anything above it is both root and step."""
    (run,) = runs_of([chat("c")], "mark")
    assert run.root in run.steps


def test_roots_of_one_trace_are_runs_of_their_own():
    """Each root is a run; a span whose parent is missing belongs to the first."""
    spans = [
        told("one", None, AGENT),
        told("two", None, AGENT, start=2),
        chat("c", "gone"),
    ]
    first, second = runs_of(spans, "mark")
    assert [step.record.span_id for step in first.steps] == [sid("c")]
    assert second.steps == ()


def test_spans_that_turn_in_a_circle_are_a_run():
    """Parents that lead back to themselves end at the first span."""
    spans = [chat("a", "b"), chat("b", "a")]
    assert len(runs_of(spans, "mark")) == 1


def test_marked_spans_are_steps_in_any_case():
    """An agent without a name is a frame, unless it carries the mark."""
    nameless = {"gen_ai.operation.name": "invoke_agent"}
    spans = [told("run", None, AGENT), told("sub", "run", nameless)]
    assert runs_of(spans, "mark")[0].steps == ()
    spans[1] = told("sub", "run", {**nameless, "mark": 1})
    assert len(runs_of(spans, "mark")[0].steps) == 1


def test_placeholders_alone_are_an_empty_run():
    """A trace of nothing but placeholders is a run without steps."""
    placeholder = told("x", None, {"logfire.span_type": "pending_span"})
    (run,) = runs_of([placeholder], "mark")
    assert (run.root.record, run.steps) == (placeholder, ())


def test_log_events_tell_of_their_spans():
    """Messages that stand in log events are read like those on the span."""
    event = LogEvent(
        TRACE, sid("c"), "gen_ai.choice", 1, {}, {"message": {"content": "hi"}}
    )
    other = LogEvent(TRACE, sid("elsewhere"), "gen_ai.choice", 1)
    (run,) = runs_of([chat("c"), event, other], "mark")
    assert output_text(run.root) == "hi"
