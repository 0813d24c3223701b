"""Evaluations: on the step that they judge, and in the task's tags."""

from __future__ import annotations

import json

import pytest

from infinium_otel import Config, spans_to_tasks
from infinium_otel.records import Evaluation
from support.records import (
    agent,
    chat,
    event,
    log_event,
    make_span,
    read_span,
    task_of,
    tool,
)

RESULT = {
    "gen_ai.evaluation.name": "Relevance",
    "gen_ai.evaluation.score.value": 0.25,
    "gen_ai.evaluation.score.label": "not_relevant",
    "gen_ai.evaluation.explanation": "Another question",
}
RELEVANCE = Evaluation("Relevance", 0.25, "not_relevant", "Another question")


@pytest.mark.parametrize(
    ("attributes", "more", "expected"),
    [
        pytest.param(
            {}, {"events": (event("gen_ai.evaluation.result", RESULT),)}, RELEVANCE,
            id="the-conventions-event",
        ),
        pytest.param(RESULT, {}, RELEVANCE, id="the-same-as-attributes"),
        pytest.param(
            {}, {"events": (event("gen_ai.evaluation.groundedness",
                                  {"gen_ai.evaluation.score": 4}),)},
            Evaluation("groundedness", 4.0), id="azures-event",
        ),
        pytest.param(
            {"eval.Relevance.score": 0.25, "eval.Relevance.label": "not_relevant",
             "eval.Relevance.explanation": "Another question"},
            {}, RELEVANCE, id="phoenixs-attributes",
        ),
        pytest.param(
            {"braintrust.scores": '{"Relevance": 0.5}'}, {},
            Evaluation("Relevance", 0.5), id="an-object-of-scores",
        ),
        pytest.param(
            {"assertions": '{"IsPolite": {"value": true, "reason": "thanks"}}'}, {},
            Evaluation("IsPolite", True, None, "thanks"), id="pydantic-evals",
        ),
        pytest.param(
            {"user.feedback.rating": 1, "user.feedback.comment": "good"}, {},
            Evaluation("evaluation", 1.0, None, "good"), id="feedback",
        ),
        pytest.param(
            {"openinference.span.kind": "EVALUATOR",
             "output.value": '{"score": 1, "label": "pass"}'},
            {"name": "judge"}, Evaluation("judge", 1.0, "pass"), id="an-evaluators-output",
        ),
        pytest.param({"retrieval.documents.0.document.score": 0.3}, {}, None,
                     id="a-documents-score"),
        pytest.param({"eval.status": "done", "evaluation.id": "7"}, {}, None, id="no-score"),
        pytest.param({"scores": "none", "eval.x.score": None}, {}, None, id="unreadable"),
    ],
)  # fmt: skip
def test_what_is_an_evaluation(attributes, more, expected):
    """A name with a score, a label or a reason, in any vocabulary."""
    found = read_span(attributes, **more).evaluations
    assert found == ((expected,) if expected else ())


def test_the_step_that_is_judged():
    """The response id decides, else the call around the evaluator, else the span."""
    named = {**RESULT, "gen_ai.response.id": "r1"}
    task = task_of(
        agent("root"),
        chat("c", "root", attributes={"gen_ai.response.id": "r1"}),
        tool("t", "root", start=2),
        make_span("e", "t", {"eval.safe.score": 1}, start=2),
        make_span(
            "mine", "root", start=4, events=(event("gen_ai.evaluation.result", named),)
        ),
    )
    judged = {
        s.action: [e["name"] for e in s.metadata["evaluations"]]
        for s in task.steps
        if "evaluations" in s.metadata
    }
    assert judged == {"llm_inference": ["Relevance"], "tool_use": ["safe"]}
    tags = task.environment.custom_tags
    assert tags["evaluation.Relevance"] == "0.25 (not_relevant)"
    assert tags["evaluation.safe"] == "1"


def test_a_logged_evaluation():
    """An evaluation that was logged belongs to the span of its ids."""
    records = [
        agent("root"),
        chat("c", "root"),
        log_event("gen_ai.evaluation.result", "c", RESULT),
    ]
    [task] = spans_to_tasks(records)
    assert task.steps[0].metadata["evaluations"] == [
        {
            "name": "Relevance",
            "score": 0.25,
            "label": "not_relevant",
            "explanation": "Another question",
        }
    ]


def test_an_evaluation_without_content():
    """An explanation is content; a score is not."""
    spans = [agent("root"), chat("c", "root", attributes=RESULT)]
    task = task_of(*spans, config=Config(capture_content=False))
    assert "Another question" not in json.dumps(task.steps[0].metadata)
    assert task.environment.custom_tags["evaluation.Relevance"].startswith("0.25")


def test_many_evaluations():
    """Their number is bounded, on a step and in the tags."""
    scores = json.dumps({f"s{n}": n for n in range(500)})
    task = task_of(chat(attributes={"scores": scores}))
    tags = [t for t in task.environment.custom_tags if t.startswith("evaluation.")]
    assert len(tags) == len(task.steps[0].metadata["evaluations"]) == 20
