"""The run's input and output, chosen among those of its spans."""

from __future__ import annotations

import json

import pytest

from support.records import agent, chat, exception_event, make_span, task_of, tool

WORKFLOW = {"openinference.span.kind": "CHAIN"}
AGENT = {"openinference.span.kind": "AGENT"}
CALL = {"type": "tool_call", "id": "c1", "name": "f", "arguments": {"a": 1}}
TEXT = {"type": "text", "content": "Let me see."}
RESPONSE = {"type": "tool_call_response", "id": "c1", "response": "18C"}


def _turn(*parts, role="assistant"):
    return json.dumps([{"role": role, "parts": parts}])


def _requesting(*parts, **more):
    attributes = {"gen_ai.output.messages": _turn(*parts)}
    return chat("c", "root", start=1, end=2, attributes=attributes, **more)


FAILED = {"status": "error", "events": (exception_event(),)}


@pytest.mark.parametrize(
    ("root", "others", "output"),
    [
        pytest.param({}, [], 'f({"a":1})', id="left-to-the-caller"),
        pytest.param(FAILED, [], None, id="the-run-failed"),
        pytest.param({}, [tool("t", "root", start=2, end=3)], None, id="the-tool-ran"),
        pytest.param({}, [tool("t", "root", "mcp", start=2, end=3)], None,
                     id="other-work-followed"),
        pytest.param({}, [tool("t", "root", "mcp", start=0, end=1)], 'f({"a":1})',
                     id="other-work-came-before"),
    ],
)  # fmt: skip
def test_a_request_for_a_tool_as_the_output(root, others, output):
    """It is the output only if nothing ran after it and the run did not fail."""
    task = task_of(agent("root", end=9, **root), _requesting(CALL), *others)
    assert task.output_summary == output


@pytest.mark.parametrize("content", [[TEXT, CALL], [CALL]], ids=["with-text", "alone"])
def test_a_text_beside_a_request_that_ran(content):
    """What the model wrote before it used a tool is not its answer, nor is any before."""
    earlier = {"gen_ai.output.messages": _turn({"type": "text", "content": "Earlier."})}
    task = task_of(
        agent("root", end=9),
        chat("b", "root", attributes=earlier),
        _requesting(*content),
        tool("t", "root", start=2, attributes={"gen_ai.tool.call.id": "c1"}),
    )
    assert task.output_summary is None


@pytest.mark.parametrize(
    ("content", "tool_end", "output"),
    [
        pytest.param([TEXT, CALL], 1.5, "Let me see.", id="it-ended-before"),
        pytest.param([TEXT, CALL], 3, None, id="it-ended-after"),
        pytest.param([CALL], 1.5, None, id="without-a-text"),
    ],
)
def test_a_turn_in_which_a_tool_ran(content, tool_end, output):
    """What an agent elsewhere wrote in a turn is its answer if its tools ran inside."""
    task = task_of(
        make_span("root", None, {"lmnr.span.type": "DEFAULT"}, end=9),
        _requesting(*content),
        tool("t", "root", start=1.2, end=tool_end,
             attributes={"gen_ai.tool.call.id": "c1"}),
    )  # fmt: skip
    assert task.output_summary == output


def test_a_request_of_an_agent_that_failed():
    """Nor is the request that ends the messages of a failed agent its output."""
    messages = json.dumps([
        {"role": "user", "parts": [{"type": "text", "content": "Weather?"}]},
        {"role": "assistant", "parts": [CALL]},
        {"role": "tool", "parts": [RESPONSE]},
        {"role": "assistant", "parts": [TEXT, {**CALL, "id": "c2"}]},
    ])  # fmt: skip
    attributes = {"gen_ai.output.messages": messages}
    assert task_of(agent("a", attributes=attributes)).output_summary == "Let me see."
    failed = agent("a", attributes=attributes, **FAILED)
    assert task_of(failed).output_summary is None


def test_a_call_that_the_provider_completed():
    """A tool that the provider ran inside the call leaves the text an answer."""
    search = {"type": "server_tool_call", "id": "s1", "name": "web_search",
              "server_tool_call": {"query": "weather"}}  # fmt: skip
    answer = {"type": "text", "content": "Sunny."}
    task = task_of(
        agent("root", end=9),
        _requesting(search, answer),
        tool("t", "root", "web_search", start=3),
    )
    assert task.output_summary == "Sunny."


@pytest.mark.parametrize(
    ("names", "output"),
    [
        (["loop", "loop", "loop"], "answer 2"),
        (["loop", "other", "more"], "answer 0"),
    ],
    ids=["one-function", "others"],
)
def test_turns_of_a_loop_below_one_another(names, output):
    """What a loop calls again after the root ended answers, though it stands below it."""
    above = [None, "0", "1"]
    turns = [
        make_span(str(n), above[n], {
            "traceloop.span.kind": "workflow", "traceloop.entity.name": name,
            "traceloop.entity.output": f'"answer {n}"',
        }, name=f"{name}.workflow", start=2 * n, end=2 * n + 2)
        for n, name in enumerate(names)
    ]  # fmt: skip
    assert task_of(*turns, chat("c", "2", start=4)).output_summary == output


def test_the_state_of_a_failed_run():
    """What a program held when it failed is not the run's output."""
    dump = json.dumps({"steps": ["x" * 2_000]})
    attributes = {"output.value": dump, "openinference.span.kind": "AGENT"}
    assert task_of(make_span("a", None, attributes)).output_summary is not None
    assert task_of(make_span("a", None, attributes, **FAILED)).output_summary is None


@pytest.mark.parametrize(
    ("pieces", "output"),
    [
        pytest.param(["It is", " sunny", "."], "It is sunny.", id="chunks"),
        pytest.param(["It is ", "sunny."], "It is sunny.", id="spaces-behind"),
        pytest.param(["It is sunny.", "Take a hat."], "It is sunny.\nTake a hat.",
                     id="paragraphs"),
    ],
)  # fmt: skip
def test_an_answer_in_pieces(pieces, output):
    """Neighbouring messages of one call's output are one answer, as it was streamed."""
    messages = [{"role": "model", "parts": [{"text": piece}]} for piece in pieces]
    attributes = {"gen_ai.output.messages": json.dumps(messages)}
    task = task_of(agent("root"), chat("c", "root", attributes=attributes))
    assert (task.output_summary, task.steps[0].output_preview) == (output, output)


def test_a_turn_after_a_request_is_no_piece_of_it():
    """Client libraries that run tools inside a call report all turns as its output."""
    turns = [
        {"role": "assistant", "parts": [CALL]},
        {"role": "assistant", "parts": [TEXT]},
    ]
    attributes = {"gen_ai.output.messages": json.dumps(turns)}
    task = task_of(agent("root"), chat("c", "root", attributes=attributes))
    assert task.output_summary == "Let me see."


def test_the_question_of_a_chain():
    """The outermost chain's input is the question, not a prompt full of documents."""
    chain = {"openinference.span.kind": "CHAIN", "input.value": '{"query": "Where?"}'}
    inner = {"openinference.span.kind": "CHAIN", "input.value": '{"context": "xyz"}'}
    beside = {"openinference.span.kind": "CHAIN", "input.value": "a template"}
    prompt = [{"role": "user", "content": "Answer Where? from: document, document"}]
    task = task_of(
        make_span("root", end=9),
        make_span("p", "root", beside, start=0, end=1),
        make_span("chain", "root", chain, start=1, end=9),
        make_span("inner", "chain", inner, start=2, end=8),
        chat("c", "inner", start=3,
             attributes={"gen_ai.input.messages": json.dumps(prompt)}),
    )  # fmt: skip
    assert task.input_summary == "Where?"


def test_of_several_thoughts_the_last():
    """Where no call has an answer, the last one's reasoning is in its place."""
    thoughts = [
        {"gen_ai.output.messages": _turn({"type": "reasoning", "content": text})}
        for text in ("first", "second")
    ]
    task = task_of(
        agent("root", end=9),
        chat("a", "root", start=1, attributes=thoughts[0]),
        chat("b", "root", start=3, attributes=thoughts[1]),
    )
    assert task.output_summary == "second"


@pytest.mark.parametrize(
    ("root", "attributes", "name"),
    [
        ("Agent workflow", AGENT, "helper"),
        ("Agent workflow", WORKFLOW, "helper"),
        ("enter_ai_application_system", {}, "helper"),
        ("POST /chat", {"http.request.method": "POST"}, "helper"),
        ("Invoice workflow", WORKFLOW, "Invoice workflow"),
        ("agents of change", {}, "agents of change"),
    ],
)
def test_a_name_of_words_that_every_framework_has(root, attributes, name):
    """A run whose name says nothing is named after the agent that did its work."""
    root_span = make_span("root", None, attributes, name=root, end=9)
    named = agent("a", "root", end=8)
    task = task_of(root_span, named, chat("c", "a"))
    assert task.name == name


def test_an_agent_with_calls_of_its_own_keeps_its_name():
    """What it delegated to another agent does not name the run."""
    root = make_span("root", None, AGENT, name="agent", end=9)
    task = task_of(root, agent("a", "root", end=8), chat("c", "a"), chat("d", "root"))
    assert task.name == "agent"


def said(question, answer):
    return {
        "gen_ai.input.messages": json.dumps([{"role": "user", "content": question}]),
        "gen_ai.output.messages": json.dumps(
            [{"role": "assistant", "content": answer}]
        ),
    }


@pytest.mark.parametrize("operation", ["upsert_memory", "guardrail_check", "evaluate"])
@pytest.mark.parametrize("start", [1, 5])
def test_a_call_for_side_work_is_neither_question_nor_answer(operation, start):
    """What is asked to remember, to guard or to judge comes after the run's own calls."""
    task = task_of(
        make_span("root", attributes={"app.name": "x"}, end=10),
        make_span("side", "root", {"gen_ai.operation.name": operation}, start=start, end=start + 2),
        chat("extract", "side", attributes=said("Extract facts", "[]"), start=start, end=start + 1),
        chat("main", "root", attributes=said("What is snow?", "Water."), start=3, end=4),
    )  # fmt: skip
    assert (task.input_summary, task.output_summary) == ("What is snow?", "Water.")


def test_a_run_of_nothing_but_side_work_has_its_texts():
    """The calls of an evaluation are all that a trace of its own has."""
    task = task_of(
        make_span("root", None, {"gen_ai.operation.name": "evaluate"}),
        chat("judge", "root", attributes=said("Is it good?", "Yes.")),
    )
    assert (task.input_summary, task.output_summary) == ("Is it good?", "Yes.")
