"""Which token counts make the totals of a run."""

from __future__ import annotations

import pytest

from support.records import agent, calls_of, chat, make_span, task_of, tokens_of, tool

SUM = {"gen_ai.usage.input_tokens": 396, "gen_ai.usage.output_tokens": 48}
OTHER = {"gen_ai.usage.input_tokens": 396, "gen_ai.usage.output_tokens": 52}


@pytest.mark.parametrize(
    ("calls_inside", "tokens"),
    [
        pytest.param(None, (792, 100), id="sums-on-both"),
        pytest.param((10, 5), (406, 53), id="calls-inside-report"),
    ],
)
def test_an_agent_that_a_tool_ran_has_sums_of_its_own(calls_inside, tokens):
    """A sum counts what is below it outside of agents that tools ran."""
    inner = {} if calls_inside else OTHER
    task = task_of(
        agent("root", name="boss", attributes=SUM),
        chat("a", "root", None, end=2),
        tool("t", "root", start=2, end=6),
        agent("sub", "t", name="expert", start=2, end=6, attributes=inner),
        chat("b", "sub", calls_inside, start=3, end=4),
    )
    assert tokens_of(task) == tokens


def test_an_agent_inside_an_agent_is_in_its_sum():
    """Sums of a workflow contain those of the agents that it runs itself."""
    task = task_of(
        make_span(
            "root", None, {"gen_ai.operation.name": "invoke_workflow", **SUM}, end=9
        ),
        agent("a", "root", name="a", attributes={"gen_ai.usage.input_tokens": 300}),
        chat("c", "a", None),
    )
    assert tokens_of(task) == (396, 48)


@pytest.mark.parametrize(
    ("models", "model"), [(["gpt-4o"], "gpt-4o"), (["gpt-4o", "o3"], None)]
)
def test_the_model_of_sums(models, model):
    """Where no call is known, the model is the one that all sums name."""
    usage = {"gen_ai.usage.input_tokens": 7}
    task = task_of(
        make_span("root", end=9),
        *(
            agent(
                name, "root", end=8, attributes={"gen_ai.request.model": name, **usage}
            )
            for name in models
        ),
    )
    assert task.llm_usage.model == model


def test_usage_inside_a_call_is_a_report_of_that_call():
    """A span below a call repeats the call's tokens, whatever it is."""
    task = task_of(
        chat("call", end=4),
        make_span("anything", "call", {"gen_ai.usage.input_tokens": 10}, end=3),
    )
    assert tokens_of(task) == (10, 5)
    assert len(calls_of(task)) == 1


def test_parts_are_summed_in_the_tags():
    """Audio tokens and the like are in the metadata of the step and in the tags."""
    audio = {"gen_ai.usage.audio.output_tokens": 3}
    task = task_of(
        agent("root"),
        chat("a", "root", attributes=audio),
        chat("b", "root", start=2, attributes=audio),
    )
    name = "gen_ai.usage.output_audio_tokens"
    assert [s.metadata[name] for s in task.steps] == [3, 3]
    assert task.environment.custom_tags[name] == "6"
