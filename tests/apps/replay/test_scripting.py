"""What becomes of a recorded run: answers, statuses, requests that are not recorded."""

from __future__ import annotations

import json

import pytest

from infinium_otel.apps.replay import recorded_run
from infinium_otel.apps.replay.recorded_run import RecordedRun, read_from_files
from infinium_otel.apps.replay.scripting import make_script
from infinium_otel.apps.replay.writing import write_test
from infinium_otel.errors import InfiniumError
from infinium_otel.models.runs import find_runs
from infinium_otel.otlp import to_otlp
from support.records import agent, chat, tool

OUTPUT = "gen_ai.output.messages"


def script_of(*records, is_cut=False):
    [run] = find_runs(records, "")
    return make_script(RecordedRun(run, is_cut))


def answer(**message):
    return {OUTPUT: json.dumps([{"role": "assistant", **message}])}


@pytest.mark.parametrize(
    ("attributes", "status"),
    [
        pytest.param({"http.response.status_code": 429}, 429, id="recorded"),
        pytest.param({"http.response.status_code": 200}, 500, id="of-another-request"),
        pytest.param({"error.type": "503"}, 503, id="as-the-type"),
        pytest.param({"error.type": "Timeout"}, 500, id="unknown"),
    ],
)
def test_the_status_of_a_failure(attributes, status):
    """The status that is recorded, else the one in code or message, else 500."""
    call = chat("c", "agent", attributes=attributes, status="error")
    [found] = script_of(agent(), call).answers
    assert found.status == status
    assert found.error


def test_a_status_in_the_message():
    """Some libraries write the status into the message only."""
    failed = chat(
        "c",
        "agent",
        attributes={"error.type": "APIError"},
        status="error",
        status_message="Error code: 404 - no such model",
    )
    [found] = script_of(agent(), failed).answers
    assert found.status == 404
    assert "no such model" in found.error


def test_an_output_that_is_a_text():
    """An answer that is not recorded as messages is a text."""
    call = chat("c", "agent", attributes={OUTPUT: '{"unknown": {"shape": 1}}'})
    [found] = script_of(agent(), call).answers
    assert found.text


def test_tools_of_the_provider():
    """What the provider ran inside the call is not asked for again."""
    parts = [
        {"type": "server_tool_use", "id": "1", "name": "web_search", "input": {}},
        {"type": "text", "text": "Found."},
    ]
    call = chat("c", "agent", attributes=answer(content=parts))
    [found] = script_of(agent(), call).answers
    assert (found.text, found.tools) == ("Found.", [])


def test_requests_in_the_text_of_a_task():
    """Only of a task; lines that are requests are taken out of the text."""
    call = chat("c", "agent", attributes=answer(content="I look.\nf({})\nor g(x)"))
    records = (agent(), call, tool("t", "agent", start=3), chat("d", "agent", start=5))
    found = script_of(*records, is_cut=True).answers[0]
    assert found.text == "I look.\nor g(x)"
    assert found.tools == [("f", {}, None)]
    found = script_of(*records).answers[0]
    assert found.tools == []
    only = chat("c", "agent", attributes=answer(content="f({})"))
    found = script_of(agent(), only, *records[2:], is_cut=True).answers[0]
    assert (found.text, len(found.tools)) == (None, 1)


def test_results():
    """A result is the text or the JSON that was recorded."""
    results = [
        ("plain", "plain"),
        ('{"a": 1}', '{"a": 1}'),
        (("a", "b"), ["a", "b"]),
        (None, None),
    ]
    tools = [
        tool(f"t{n}", "agent", attributes={"gen_ai.tool.call.result": value}, start=n)
        for n, (value, _) in enumerate(results)
    ]
    script = script_of(agent(), *tools)
    assert [each.result for each in script.results] == [want for _, want in results]


def test_a_long_result_is_cut():
    """A result is bounded, as an answer is."""
    long = tool("t", "agent", attributes={"gen_ai.tool.call.result": "x" * 200_000})
    script = script_of(agent(), long)
    assert len(script.results[0].result) == 100_000
    assert script.notes[-1] == "1 texts are cut to 100,000 characters"


def test_only_tools():
    """A run without a model call is a test of its tools."""
    script = script_of(agent(), tool("t", "agent"))
    source = write_test(script, "x", 10**30, "a:run_agent", strict=False)
    compile(source, "test.py", "exec")
    assert "import Script, ToolResult" in source
    assert "from a import run_agent\n" in source
    assert "from a run." in source


def test_several_of_a_beginning(tmp_path):
    """The beginning of several ids is an error that names them."""
    path = tmp_path / "spans.json"
    traces = ["a" * 32, "a" * 31 + "b"]
    records = [chat(f"c{n}", trace=trace) for n, trace in enumerate(traces)]
    path.write_text(json.dumps(to_otlp(records)), "utf-8")
    with pytest.raises(InfiniumError, match="is the beginning of 2 ids: aaa"):
        read_from_files("aaaa", [str(path)], "auto")
    assert read_from_files("a" * 32, [str(path)], "auto").run.steps


def test_too_many_spans(tmp_path, monkeypatch):
    """What is read into memory is bounded."""
    monkeypatch.setattr(recorded_run, "MAX_RECORDS", 1)
    path = tmp_path / "spans.json"
    path.write_text(json.dumps(to_otlp([agent(), chat("c", "agent")])), "utf-8")
    with pytest.raises(InfiniumError, match="more than 1 spans"):
        read_from_files("last", [str(path)], "auto")


def test_notes_are_whole():
    """They are wrapped, not cut, so that what to do stands in the file."""
    script = script_of(agent(), chat("c", "agent"), is_cut=True)
    head = write_test(script, "a", 0, "a:run", strict=False).partition("YOURS")[0]
    words = " ".join(head.split())
    assert all(note in words for note in script.notes)
    notes = [line for line in head.splitlines() if line.startswith("Note")]
    assert max(map(len, notes)) <= 88


def test_files_without_a_run(tmp_path):
    """The reason is that there is none, not the name that was wanted."""
    path = tmp_path / "spans.json"
    path.write_text(json.dumps(to_otlp([])), "utf-8")
    with pytest.raises(InfiniumError, match=r"^the files contain no run$"):
        read_from_files("last", [str(path)], "auto")
