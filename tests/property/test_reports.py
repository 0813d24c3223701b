"""However many spans report a call or a tool, and wherever: it is counted once."""

from __future__ import annotations

import json
import random
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from infinium_otel import spans_to_tasks
from support.records import agent, calls_of, chat, make_span, tokens_of, tool, tools_of

SCOPES = ("framework", "handler", "client")
QUICK = settings(max_examples=200, deadline=None)


def say(text):
    parts = [{"type": "text", "content": text}]
    return json.dumps([{"role": "assistant", "parts": parts}])


@st.composite
def runs(draw):
    """An agent's run of calls and tools, each reported by one to three libraries.

    Returns:
        The spans, the tokens of each call, the names of the tools.
    """
    spans = [agent("root", end=1_000)]
    branches = ["root"]
    for number in range(draw(st.integers(0, 3))):
        branches.append(f"branch{number}")
        parent = draw(st.sampled_from(branches[:-1]))
        spans.append(make_span(branches[-1], parent, end=1_000))
    calls, tools = [], []
    for number in range(draw(st.integers(1, 4))):
        begin = 10.0 * number + 1
        reports = draw(st.integers(1, 3))
        tokens = (draw(st.integers(1, 9)) + 10 * number, draw(st.integers(1, 9)))
        calls.append(tokens)
        above = draw(st.sampled_from(branches))
        for report in range(reports):
            inside = 0.1 * report
            key = f"call{number}-{report}"
            spans.append(
                chat(
                    key, above, tokens, start=begin + inside, end=begin + 4 - inside,
                    scope=SCOPES[report],
                    attributes={"gen_ai.output.messages": say(f"answer {number}")}
                    if draw(st.booleans()) else {},
                )
            )  # fmt: skip
            # The next library's span is below this one, beside it or elsewhere.
            above = draw(st.sampled_from([key, above, *branches]))
        if draw(st.booleans()):
            spans.append(record_of_usage(number, tokens, begin + 4.5))
        if draw(st.booleans()):
            tools.append(f"f{number}")
            spans += tool_of(draw, number, begin + 5, branches)
    return spans, calls, tools


def record_of_usage(number, tokens, at):
    usage = dict(
        zip(
            ("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"),
            tokens,
            strict=True,
        )
    )
    return make_span(
        f"record{number}", "root", {"gen_ai.response.model": "gpt-4o", **usage},
        start=at, end=at, scope=SCOPES[0],
    )  # fmt: skip


def tool_of(draw, number, begin, branches):
    above = draw(st.sampled_from(branches))
    for report in range(draw(st.integers(1, 3))):
        key, inside = f"tool{number}-{report}", 0.1 * report
        yield tool(
            key, above, tool=draw(st.sampled_from(["", "mcp__s__"])) + f"f{number}",
            start=begin + inside, end=begin + 3 - inside, scope=SCOPES[report],
        )  # fmt: skip
        above = draw(st.sampled_from([key, above, *branches]))


@QUICK
@given(run=runs())
def test_each_call_and_tool_is_counted_once(run):
    """The totals are those of what happened, not of what was reported."""
    spans, calls, tools = run
    (task,) = spans_to_tasks(spans)
    assert len(calls_of(task)) == len(calls)
    assert tokens_of(task) == tuple(map(sum, zip(*calls, strict=True)))
    names = [each.tool_name.rpartition("__")[2] for each in tools_of(task)]
    assert sorted(names) == sorted(tools)


@QUICK
@given(run=runs(), seed=st.integers(0, 99))
def test_order_and_repetition_change_nothing(run, seed):
    """Shuffled and doubled, the spans make the same task."""
    spans, _, _ = run
    chance = random.Random(seed)
    other = spans + [replace(span) for span in chance.sample(spans, len(spans) // 2)]
    chance.shuffle(other)
    assert spans_to_tasks(other) == spans_to_tasks(spans)


@QUICK
@given(gap=st.integers(0, 5))
def test_calls_of_one_library_are_never_one(gap):
    """What a single library reports side by side happened as often as it reports it."""
    calls = [
        chat(f"c{n}", "root", (7, 3), start=n * gap, end=n * gap + 3, scope="client")
        for n in range(3)
    ]
    (task,) = spans_to_tasks([agent("root", end=1_000), *calls])
    assert tokens_of(task) == (21, 9)
