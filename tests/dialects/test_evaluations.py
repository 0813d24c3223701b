"""What vendors' SDKs write as an evaluation, beyond the conventions' event."""

from __future__ import annotations

import json

import pytest

from infinium_otel.records import Evaluation
from support.records import chat, event, make_span, read_span, task_of

EVALUATOR = {"openinference.span.kind": "EVALUATOR"}
RESULT = "gen_ai.evaluation.result"


def output_of(value):
    return {**EVALUATOR, "output.value": json.dumps(value)}


@pytest.mark.parametrize(
    ("attributes", "more", "expected"),
    [
        pytest.param(
            {},
            {"events": (event(RESULT, {"gen_ai.evaluation.name": "Relevance",
                                       "error.type": "timeout"}),)},
            [Evaluation("Relevance", error="timeout")],
            id="an-evaluation-that-failed",
        ),
        pytest.param(
            {},
            {"events": (event("langwatch.evaluation.custom", {
                "json_encoded_event": '{"name": "toxicity", "score": 0.7, '
                                      '"passed": false, "details": "rude"}'}),)},
            [Evaluation("toxicity", 0.7, "failed", "rude")],
            id="langwatch-add-evaluation",
        ),
        pytest.param(
            {"logfire.span_type": "annotation", "logfire.feedback.name": "factuality",
             "factuality": 0.1, "logfire.feedback.comment": "made up"},
            {}, [Evaluation("factuality", 0.1, None, "made up")],
            id="logfire-record-feedback",
        ),
        pytest.param(
            {"logfire.feedback.name": "mood", "mood": "friendly"},
            {}, [Evaluation("mood", None, "friendly")], id="logfire-label",
        ),
        pytest.param({"logfire.feedback.name": 7, "mood": 1}, {}, [], id="logfire-no-name"),
        pytest.param(
            {"langfuse.score.name": "hallucination", "langfuse.score.value": "false"},
            {}, [Evaluation("hallucination", False)], id="a-langfuse-score",
        ),
        pytest.param(
            {"langfuse.trace.scores": json.dumps(
                [{"name": "q", "value": 0.4, "comment": "short"}, {"value": 1}, 3])},
            {}, [Evaluation("q", 0.4, None, "short")], id="a-list-of-scores",
        ),
        pytest.param(
            {"annotations": json.dumps([{"name": "quality", "annotator_kind": "HUMAN",
                                         "result": {"label": "good", "score": 1,
                                                    "explanation": "clear"}}])},
            {}, [Evaluation("quality", 1.0, "good", "clear")], id="phoenix-annotations",
        ),
        pytest.param(
            {"mlflow.assessments": json.dumps([{"assessment_name": "safe",
                                                "feedback": {"value": True},
                                                "rationale": "harmless"}])},
            {}, [Evaluation("safe", True, None, "harmless")], id="mlflow-assessments",
        ),
        pytest.param(
            {"mcp.tool.annotations": '{"readOnlyHint": true, "title": "Search"}'},
            {}, [], id="a-tools-annotations",
        ),
        pytest.param(
            {"annotations": '[{"type": "url_citation", "name": "A page", "url": "x"}]'},
            {}, [], id="citations-of-an-answer",
        ),
        pytest.param({"hud.trace.reward": 0.5}, {}, [Evaluation("reward", 0.5)],
                     id="huds-reward"),
    ],
)  # fmt: skip
def test_vendors_scores(attributes, more, expected):
    """Each vendor's way to attach a score to a span is an evaluation."""
    assert list(read_span(attributes, **more).evaluations) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param([{"name": "a", "score": 1}, {"label": "good"}, 3],
                     [Evaluation("a", 1.0), Evaluation("judge", None, "good")], id="list"),
        pytest.param({"results": [{"key": "a", "score": 1}, {"key": "b", "score": False}]},
                     [Evaluation("a", 1.0), Evaluation("b", False)], id="results"),
        pytest.param(0.75, [Evaluation("judge", 0.75)], id="number"),
        pytest.param(True, [Evaluation("judge", True)], id="boolean"),
        pytest.param("correct", [Evaluation("judge", None, "correct")], id="one-word"),
        pytest.param("It is a good answer.", [], id="prose"),
        pytest.param({"passed": True}, [Evaluation("judge", True)], id="passed"),
        pytest.param(None, [], id="nothing"),
    ],
)  # fmt: skip
def test_an_evaluators_output(value, expected):
    """A result, a list of results, or only the score or label itself."""
    found = read_span(output_of(value), name="judge").evaluations
    assert list(found) == expected


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        pytest.param('{"key": "correct", "score": 1, "comment": "ok"}',
                     [Evaluation("correct", 1.0, None, "ok")], id="one"),
        pytest.param('{"results": [{"key": "a", "score": 0.5}]}',
                     [Evaluation("a", 0.5)], id="many"),
        pytest.param('{"name": "match", "score": "2:1"}', [], id="another-score"),
        pytest.param('[{"score": 1}]', [], id="a-list"),
        pytest.param('{"results": "score", "score": 1}', [], id="other-results"),
    ],
)  # fmt: skip
def test_langsmiths_evaluators(output, expected):
    """They are chains; what they return is recognized by its two keys."""
    attributes = {"langsmith.span.kind": "chain", "gen_ai.completion": output}
    assert list(read_span(attributes, name="correctness").evaluations) == expected


def test_the_operation_of_an_evaluation():
    """The conventions' operation for it makes a span an evaluator's.

    Source: open-telemetry/semantic-conventions-genai#185.
    """
    span = read_span({"gen_ai.operation.name": "evaluation"})
    assert span.kind == "evaluator"


REPORTED = [
    pytest.param(
        {},
        {"events": (event(RESULT, {"gen_ai.evaluation.name": "polite",
                                   "gen_ai.evaluation.score.value": 1.0,
                                   "gen_ai.evaluation.score.label": "pass"}),
                    event(RESULT, {"gen_ai.evaluation.name": "facts",
                                   "gen_ai.evaluation.explanation": "no reference",
                                   "error.type": "ValueError"}))},
        [Evaluation("polite", 1.0, "pass"),
         Evaluation("facts", None, None, "no reference", None, "ValueError")],
        id="pydantic/pydantic-ai#5125",
    ),
    pytest.param(
        {"eval.score.name": "exact", "eval.score.value": True}, {},
        [Evaluation("exact", True)], id="axiomhq/ai#253",
    ),
    pytest.param(
        {"eval.case.scores": '{"exact": {"name": "exact", "score": false}}'}, {},
        [Evaluation("exact", False)], id="axiomhq/ai#263",
    ),
    pytest.param(
        {"annotation.name": "quality", "annotation.score": 0}, {},
        [Evaluation("quality", 0.0)], id="Arize-ai/phoenix#7367",
    ),
    pytest.param(
        {"annotation.name": "quality", "annotation.label": "good",
         "annotation.score": None}, {},
        [Evaluation("quality", None, "good")], id="Arize-ai/phoenix#9169",
    ),
    pytest.param(
        {"langwatch.span.type": "evaluation",
         "langwatch.output": '{"type": "json", "value": {"score": false}}'},
        {"name": "workflow"}, [Evaluation("workflow", False)],
        id="langwatch/langwatch#2709",
    ),
    pytest.param(
        {},
        {"events": (event(RESULT, {"gen_ai.evaluation.name": "quality",
                                   "gen_ai.evaluation.score.value": 0.0,
                                   "gen_ai.evaluation.score.label": "false"}),)},
        [Evaluation("quality", 0.0, "false")], id="openlit/openlit#1268",
    ),
    pytest.param(
        {"gen_ai.evaluation.exact_match.score": 0,
         "gen_ai.evaluation.exact_match.label": "miss"}, {},
        [Evaluation("exact_match", 0.0, "miss")], id="anolilab/lunora#208",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("attributes", "more", "expected"), REPORTED)
def test_reports_from_elsewhere(attributes, more, expected):
    """Scores that other tools lost, showed wrongly or took for none."""
    assert list(read_span(attributes, **more).evaluations) == expected


def test_a_score_on_a_root_of_no_kind():
    """It is in the run's tags although the root is no step.

    Source: wso2/agent-manager#512.
    """
    score = {"gen_ai.evaluation.name": "goal", "gen_ai.evaluation.score.value": 0}
    root = make_span("root", attributes={}, events=(event(RESULT, score),), end=9)
    task = task_of(root, chat("c", "root"))
    assert task.environment.custom_tags["evaluation.goal"] == "0"
