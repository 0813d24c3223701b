from __future__ import annotations

from infinium_otel.models.runs import find_runs, get_output_text
from infinium_otel.records import LogEvent
from support.records import chat, make_span
from support.spans import TRACE, sid

AGENT = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "a"}
SERVER = {"http.request.method": "POST", "url.full": "http://a/b"}


def test_a_servers_span_is_not_the_run():
    """The run is the outermost agent below frames that contain nothing else."""
    spans = [
        make_span("http", None, SERVER),
        make_span("agent", "http", AGENT),
        chat("c", "agent"),
    ]
    (run,) = find_runs(spans, "mark")
    assert run.root.record.name == "agent"
    assert [step.record.span_id for step in run.steps] == [sid("c")]
    assert [step.record.span_id for step in run.spans] == [sid("c")]


def test_a_frame_that_holds_more_is_the_run():
    """A root with more below it than one agent is the run itself."""
    spans = [
        make_span("job", None),
        make_span("one", "job", AGENT),
        make_span("two", "job", AGENT),
    ]
    (run,) = find_runs(spans, "mark")
    assert run.root.record.name == "job"
    assert len(run.below(sid("job"))) == 2


def test_a_repeated_span_counts_once():
    """A repeated batch adds nothing, whatever its parent links are."""
    spans = [
        make_span("agent", None, AGENT),
        chat("c", "agent"),
        make_span("x", "x", AGENT),
    ]
    assert find_runs([*spans, *spans], "mark") == find_runs(spans, "mark")


def test_a_call_alone_is_a_run():
    """A model call without anything above it is both root and step."""
    (run,) = find_runs([chat("c")], "mark")
    assert run.root in run.steps


def test_roots_of_one_trace_are_runs_of_their_own():
    """Each root is a run; a span whose parent is missing belongs to the first."""
    spans = [
        make_span("one", None, AGENT),
        make_span("two", None, AGENT, start=2),
        chat("c", "gone"),
    ]
    first, second = find_runs(spans, "mark")
    assert [step.record.span_id for step in first.steps] == [sid("c")]
    assert second.steps == ()


def test_a_cycle_of_spans_is_a_run():
    """Parent links that form a cycle end at the first span."""
    spans = [chat("a", "b"), chat("b", "a")]
    assert len(find_runs(spans, "mark")) == 1


def test_marked_spans_are_steps_in_any_case():
    """An agent without a name is a frame, unless it carries the mark."""
    nameless = {"gen_ai.operation.name": "invoke_agent"}
    spans = [make_span("run", None, AGENT), make_span("sub", "run", nameless)]
    assert find_runs(spans, "mark")[0].steps == ()
    spans[1] = make_span("sub", "run", {**nameless, "mark": 1})
    assert len(find_runs(spans, "mark")[0].steps) == 1


def test_placeholders_alone_are_an_empty_run():
    """A trace of nothing but placeholders is a run without steps."""
    placeholder = make_span("x", None, {"logfire.span_type": "pending_span"})
    (run,) = find_runs([placeholder], "mark")
    assert (run.root.record, run.steps) == (placeholder, ())


def test_log_events_belong_to_their_spans():
    """Messages in log events are read like those on the span."""
    event = LogEvent(
        TRACE, sid("c"), "gen_ai.choice", 1, {}, {"message": {"content": "hi"}}
    )
    other = LogEvent(TRACE, sid("elsewhere"), "gen_ai.choice", 1)
    (run,) = find_runs([chat("c"), event, other], "mark")
    assert get_output_text(run.root) == "hi"
