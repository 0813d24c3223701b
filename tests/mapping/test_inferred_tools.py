"""Tool runs that only messages report."""

from __future__ import annotations

import json

import pytest

from infinium_otel import spans_to_tasks
from support.records import agent, chat, make_span, task_of, tool, tools_of

ASK = {"role": "user", "parts": [{"type": "text", "content": "Weather?"}]}


def request(call_id="c1", name="get_weather"):
    call = {"type": "tool_call", "name": name, "arguments": {"city": "Paris"}}
    return {"role": "assistant", "parts": [call | ({"id": call_id} if call_id else {})]}


def reply(call_id="c1", result="18C", **more):
    part = {"type": "tool_call_response", "response": result, **more}
    return {"role": "tool", "parts": [part | ({"id": call_id} if call_id else {})]}


def call(key, messages, output=(), **more):
    attributes = {
        "gen_ai.input.messages": json.dumps(messages),
        "gen_ai.output.messages": json.dumps(output),
    }
    return chat(key, attributes=attributes, **more)


def loop(first, then, *spans):
    """Two calls under an agent, with whatever else ran there."""
    return task_of(
        agent("root"),
        call("one", [ASK], first, parent="root", start=1),
        call("two", then, parent="root", start=4),
        *spans,
    )


def test_a_run_is_inferred_from_request_and_response():
    """A tool without a span is inferred from its request and its response."""
    task = loop([request()], [ASK, request(), reply()])
    (run,) = tools_of(task)
    assert (run.tool_name, run.input_summary, run.output_summary) == (
        "get_weather",
        '{"city":"Paris"}',
        "18C",
    )
    assert [s.action for s in task.steps] == [
        "llm_inference",
        "tool_use",
        "llm_inference",
    ]
    assert task.steps[1].metadata["source"] == "messages"


def test_what_ran_before_the_only_call():
    """A response in the first call's input was there before it."""
    task = task_of(call("one", [ASK, request(), reply()]))
    assert [s.action for s in task.steps] == ["tool_use", "llm_inference"]


@pytest.mark.parametrize("has_span", [True, False])
def test_a_handoff_is_one_step(has_span):
    """The tool of a handoff is not a step if a span reports the handoff."""
    handoff = request(name="transfer_to_expert")
    span = make_span(
        "handoff",
        "root",
        {"gen_ai.operation.name": "handoff", "gen_ai.handoff.to_agent": "expert"},
        start=3,
    )
    spans = [span] if has_span else []
    task = loop([handoff], [ASK, handoff, reply(result="expert")], *spans)
    assert [s.description for s in task.steps if not s.llm_call] == [
        "Handed off: expert" if has_span else "Called transfer_to_expert"
    ]


@pytest.mark.parametrize(
    ("first", "then", "count"),
    [
        pytest.param([request()], [ASK], 0, id="no-response"),
        pytest.param([request(), request("c2")],
                     [ASK, request(), request("c2"), reply("c2"), reply()], 2,
                     id="two-in-any-order"),
        pytest.param([request()], [ASK, reply()], 1, id="answer-without-request"),
        pytest.param([], [ASK, request(), reply()], 1, id="request-only-repeated"),
        pytest.param([request(None)], [ASK, request(None), reply(None)], 1, id="no-ids"),
        pytest.param([request(None)], [ASK, request(None), reply(None, name="other")], 0,
                     id="another-tools-answer"),
        pytest.param([request()], [ASK, reply("c9")], 0, id="unknown-answer"),
    ],
)  # fmt: skip
def test_what_ran(first, then, count):
    """A run needs both its request and its response, matched by id, else by name."""
    assert len(tools_of(loop(first, then))) == count


@pytest.mark.parametrize(
    ("span", "count"),
    [
        pytest.param(tool("t", "root", "get_weather", start=3), 1, id="by-name"),
        pytest.param(
            tool("t", "root", "weather", start=3,
                 attributes={"gen_ai.tool.call.id": "c1"}), 1, id="by-id"),
        pytest.param(tool("t", "root", "other", start=3), 2, id="another-tool"),
    ],
)  # fmt: skip
def test_a_run_with_a_span_is_not_repeated(span, count):
    """A tool run with a span is one step."""
    task = loop([request()], [ASK, request(), reply()], span)
    assert len(tools_of(task)) == count


def test_a_request_without_id_is_matched_by_name():
    """If messages have no ids, a span of the tool's name reports the run."""
    span = tool("t", "root", "get_weather", attributes={"gen_ai.tool.call.id": "x"})
    task = loop([request(None)], [ASK, request(None), reply(None)], span)
    assert len(tools_of(task)) == 1


def test_earlier_turns_are_not_this_run():
    """A tool that ran before the last question belongs to an earlier run."""
    history = [ASK, request(), reply(), {"role": "assistant", "content": "18C"}]
    messages = [*history, {"role": "user", "content": "And Rome?"}]
    task = task_of(agent("root"), call("one", messages, parent="root"))
    assert tools_of(task) == []


def test_a_history_may_spell_the_request_otherwise():
    """The model's own request counts, not how the next call repeats it."""
    garbled = request()
    garbled["parts"][0]["name"] = "'get_weather'"
    task = loop([request()], [ASK, garbled, reply()])
    assert [used.tool_name for used in tools_of(task)] == ["get_weather"]


def test_an_agent_that_takes_over_brings_no_new_runs():
    """A second agent's first call repeats what the first one did, once."""
    task = loop([request()], [ASK, request(), reply()])
    again = task_of(
        agent("root"),
        call("one", [ASK], [request()], parent="root", start=1),
        call("two", [ASK, request(), reply()], parent="root", start=4),
        call("three", [ASK, request(), reply()], parent="root", start=6),
    )
    assert len(tools_of(task)) == len(tools_of(again)) == 1


def test_another_conversations_history_is_not_this_run():
    """Responses before the last question count only in a conversation of this trace."""
    old = [{"role": "user", "content": "Else?"}, request("x"), reply("x")]
    messages = [*old, {"role": "user", "content": "Now this"}]
    task = loop([], messages)
    assert tools_of(task) == []


def test_a_call_alone_in_its_trace_reports_the_run_before_it():
    """Without a span around them, each call is a trace; the response's one has the run."""
    tasks = spans_to_tasks(
        [
            call("one", [ASK], [request()], trace="1" * 32),
            call("two", [ASK, request(), reply()], trace="2" * 32, start=4),
        ]
    )
    assert [len(tools_of(task)) for task in tasks] == [0, 1]


def test_an_answer_that_failed_is_a_failed_run():
    """A response marked as an error makes the run a failed, recovered one."""
    answer = {
        "role": "user",
        "content": [
            {
                "type": "tool_result",
                "tool_use_id": "c1",
                "is_error": True,
                "content": "no such city",
            }
        ],
    }
    task = loop([request()], [ASK, request(), answer])
    (used,) = tools_of(task)
    assert used.error.message == "no such city"
    assert task.errors[0].recoverable


def test_a_failed_answer_without_words():
    """A response marked as an error without a reason still fails the run."""
    answer = {"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": "c1", "is_error": True}]}  # fmt: skip
    (used,) = tools_of(loop([request()], [ASK, request(), answer]))
    assert used.error.message == "the tool reported an error"


def test_arguments_come_from_the_model_where_the_span_has_none():
    """A tool's span without arguments has those of the request."""
    span = tool("t", "root", "get_weather", start=3)
    (used,) = tools_of(loop([request()], [ASK], span))
    assert used.input_summary == '{"city":"Paris"}'


@pytest.mark.parametrize(
    ("call_id", "failed", "result"),
    [
        pytest.param("c1", False, "18C", id="by-id"),
        pytest.param("c2", False, None, id="another-call"),
        pytest.param("c1", True, None, id="a-failed-run-has-none"),
    ],
)
def test_results_come_from_the_next_request_where_the_span_has_none(
    call_id, failed, result
):
    """A tool's span may have no content, while the model's calls do."""
    used = tool("t", "root", "get_weather", start=3,
                status="error" if failed else "unset",
                attributes={"gen_ai.tool.call.id": call_id})  # fmt: skip
    (used,) = tools_of(loop([request(call_id)], [ASK, request(), reply()], used))
    assert used.output_summary == result


def test_an_answer_that_failed_fails_the_span_without_a_result():
    """The response reports a failure that the span does not."""
    span = tool("t", "root", "get_weather", start=3,
                attributes={"gen_ai.tool.call.id": "c1"})  # fmt: skip
    answer = reply(result="no city", status="error")
    (used,) = tools_of(loop([request()], [ASK, request(), answer], span))
    assert used.error.message == "no city"


def test_the_request_with_the_spans_id_is_its_own():
    """Among several requests the one with the span's id counts."""
    other = request("c2")
    other["parts"][0]["arguments"] = {"city": "Rome"}
    span = tool(
        "t", "root", "get_weather", start=3, attributes={"gen_ai.tool.call.id": "c1"}
    )
    (used,) = tools_of(loop([request(), other], [ASK], span))
    assert used.input_summary == '{"city":"Paris"}'


def _run_by_provider(*parts):
    content = [*parts, {"type": "text", "text": "Sunny."}]
    output = [{"role": "assistant", "content": content}]
    return task_of(agent("root"), call("c", [ASK], output, parent="root"))


@pytest.mark.parametrize(
    ("parts", "run"),
    [
        pytest.param(
            [{"type": "server_tool_use", "id": "s", "name": "web_search",
              "input": {"query": "Paris"}},
             {"type": "web_search_tool_result", "tool_use_id": "s",
              "content": [{"type": "text", "text": "18C"}]}],
            ("web_search", '{"query":"Paris"}', "18C", None),
            id="anthropic",
        ),
        pytest.param(
            [{"type": "web_search_call", "id": "s", "status": "completed",
              "action": {"query": "Paris"}}],
            ("web_search", '{"query":"Paris"}', None, None),
            id="openai",
        ),
        pytest.param(
            [{"type": "mcp_call", "id": "s", "name": "ask", "arguments": '{"q": 1}',
              "error": "no such tool"}],
            ("ask", '{"q":1}', "no such tool", "no such tool"),
            id="hosted-mcp-failed",
        ),
        pytest.param(
            [{"type": "code_interpreter_call", "id": "s", "code": "print(1)",
              "outputs": [{"type": "logs", "logs": "1"}]}],
            ("code_interpreter", '{"code":"print(1)"}', '[{"type":"logs","logs":"1"}]', None),
            id="code-interpreter",
        ),
        pytest.param(
            [{"type": "server_tool_call", "id": "s", "name": "search",
              "server_tool_call": {"type": "web_search", "query": "Paris"}},
             {"type": "server_tool_call_response", "id": "s",
              "server_tool_call_response": {"type": "web_search", "results": "18C"}}],
            ("search", '{"query":"Paris"}', "18C", None),
            id="conventions",
        ),
        pytest.param(
            [{"type": "server_tool_call", "id": "s", "server_tool_call": {"type": "x"}}],
            ("x", None, None, None),
            id="conventions-without-name",
        ),
        pytest.param(
            [{"part_kind": "builtin-tool-call", "tool_call_id": "s",
              "tool_name": "web_search", "args": {"query": "Paris"}},
             {"part_kind": "builtin-tool-return", "tool_call_id": "s", "content": "18C"}],
            ("web_search", '{"query":"Paris"}', "18C", None),
            id="pydantic-ai",
        ),
        pytest.param(
            [{"type": "tool-call", "toolCallId": "s", "toolName": "web_search",
              "input": {"query": "Paris"}, "providerExecuted": True}],
            ("web_search", '{"query":"Paris"}', None, None),
            id="vercel",
        ),
        pytest.param(
            [{"executableCode": {"language": "PYTHON", "code": "1/0"}},
             {"codeExecutionResult": {"outcome": "OUTCOME_FAILED", "output": "zero"}}],
            ("code_execution", '{"language":"PYTHON","code":"1/0"}', "zero", "zero"),
            id="gemini",
        ),
        pytest.param(
            [{"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
             {"type": "web_search_tool_result", "tool_use_id": "s", "content":
              {"type": "web_search_tool_result_error", "error_code": "too_many"}}],
            ("web_search", None,
             '{"type":"web_search_tool_result_error","error_code":"too_many"}',
             '{"type":"web_search_tool_result_error","error_code":"too_many"}'),
            id="anthropic-failed",
        ),
    ],
)  # fmt: skip
def test_a_tool_that_the_provider_ran(parts, run):
    """It is a tool step with its query and its result; the answer is the text."""
    task = _run_by_provider(*parts)
    (used,) = tools_of(task)
    reason = used.error and used.error.message
    assert (used.tool_name, used.input_summary, used.output_summary, reason) == run
    assert task.output_summary == "Sunny."
    assert [s.action for s in task.steps] == ["llm_inference", "tool_use"]


@pytest.mark.parametrize("kind", ["shell_call", "computer_call"])
def test_a_tool_that_the_provider_leaves_to_the_program(kind):
    """OpenAI's types for tools that the program runs are requests."""
    part = {"type": kind, "call_id": "s", "action": {"commands": ["ls"]}}
    assert tools_of(_run_by_provider(part)) == []


def test_a_loop_inside_one_call():
    """A client that runs tools within a call reports all turns as its output."""
    output = [request(), reply(), {"role": "assistant", "content": "Sunny."}]
    task = task_of(agent("root"), call("c", [ASK], output, parent="root"))
    (run,) = tools_of(task)
    assert (run.tool_name, run.output_summary) == ("get_weather", "18C")
    assert task.output_summary == "Sunny."
    span = tool("t", "root", "get_weather", start=0.2)
    task = task_of(agent("root"), call("c", [ASK], output, parent="root"), span)
    assert len(tools_of(task)) == 1


def test_a_provider_tool_in_the_history_is_one_run():
    """The next call repeats it in its input."""
    part = {"type": "mcp_call", "id": "s", "name": "ask", "output": "42"}
    said = {"role": "assistant", "content": [part]}
    task = loop([said], [ASK, said, {"role": "user", "content": "And?"}])
    assert [t.tool_name for t in tools_of(task)] == ["ask"]


@pytest.mark.parametrize("name", ["mcp__weather__get_weather", "api.get_weather"])
def test_a_span_with_another_namespace_covers_a_request(name):
    """A tool's span may have its name with or without the server's."""
    span = tool("t", "root", name, start=2)
    assert len(tools_of(loop([request()], [ASK, request(), reply()], span))) == 1


@pytest.mark.parametrize(
    ("result", "message"),
    [
        pytest.param({"success": False, "error": "no city"}, "no city", id="envelope"),
        pytest.param({"error": None, "temp": 18}, None, id="no-error"),
    ],
)
def test_a_failure_in_a_response(result, message):
    """A response that is an error's envelope is a failed run."""
    (run,) = tools_of(loop([request()], [ASK, request(), reply(result=result)]))
    assert (run.error and run.error.message) == message


def test_a_response_without_an_id_and_without_its_request():
    """It belongs to what the call before requested, in order."""
    asked = [request("c1"), request("c2", "other")]
    bare = {"role": "tool", "content": "18C"}
    then = [ASK, {"role": "assistant", "content": ""}, bare, bare, bare]
    runs = tools_of(loop(asked, then))
    assert [(t.tool_name, t.output_summary) for t in runs] == [
        ("get_weather", "18C"),
        ("other", "18C"),
    ]


def test_a_response_without_an_id_of_another_tool():
    """A name that was not requested is no request's."""
    bare = {"role": "tool", "name": "other", "content": "18C"}
    assert tools_of(loop([request("c1")], [ASK, bare])) == []


def test_a_response_only_in_the_agents_messages():
    """A request without a later call ran if the agent's messages have its response."""
    whole = [request("c1"), reply("c1"), reply("c0"), reply("c1")]
    attributes = {"gen_ai.output.messages": json.dumps(whole)}
    root = agent("root", attributes=attributes)
    task = task_of(root, call("one", [ASK], [request("c1")], parent="root", start=1))
    assert [(t.tool_name, t.output_summary) for t in tools_of(task)] == [
        ("get_weather", "18C")
    ]


def test_a_stray_response_inside_a_call():
    """A response in a call's output to what nothing requested is no run."""
    output = [reply("c9"), {"role": "assistant", "content": "Sunny."}]
    assert (
        tools_of(task_of(agent("root"), call("c", [ASK], output, parent="root"))) == []
    )


def test_a_provider_tool_among_the_tool_calls():
    """OpenLLMetry lists what the provider ran among the requests, with its type."""
    item = {"type": "web_search_call", "id": "s", "name": "web_search"}
    output = [{"role": "assistant", "content": "Sunny.", "tool_calls": [item]}]
    task = task_of(agent("root"), call("c", [ASK], output, parent="root"))
    assert [t.tool_name for t in tools_of(task)] == ["web_search"]
    assert task.output_summary == "Sunny."
