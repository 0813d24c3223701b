"""`infinium-otel replay`: a recorded run becomes a test, which is run against an agent."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from infinium_otel import Config, spans_to_tasks, task_to_dict
from infinium_otel.apps import cli
from infinium_otel.otlp import to_otlp
from support.corpus import recording
from support.programs import TESTS, WAIT_S
from support.records import agent, chat, make_span, tool

GOLDEN = Path(__file__).parent / "golden"
AGENT = "support.weather_agent:run"
KEY = "sk-proj-" + "A1b2C3d4" * 6


def write(folder, *records):
    path = folder / "spans.json"
    path.write_text(json.dumps(to_otlp(records)), "utf-8")
    return str(path)


def replay(capsys, *arguments, code=0):
    """What the command writes: its output and its messages."""
    assert cli.main(["replay", *arguments]) == code
    found = capsys.readouterr()
    return found.out, found.err


def message(role, *parts):
    return json.dumps([{"role": role, "parts": list(parts)}])


def text(content):
    return {"type": "text", "content": content}


def request(name, arguments, call_id=None):
    return {"type": "tool_call", "id": call_id, "name": name, "arguments": arguments}


def said(question, *answer):
    return {
        "gen_ai.input.messages": message("user", text(question)),
        "gen_ai.output.messages": message("assistant", *answer),
    }


def run_pytest(folder, sources):
    """Run test files, by their names, in one process: (exit code, output)."""
    for name, source in sources.items():
        (folder / f"test_{name}.py").write_text(source, "utf-8")
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith(("INFINIUM", "OTEL"))
    }
    options = "-q -rA -p no:cacheprovider -p no:xdist -W error --tb=short --continue-on-collection-errors".split()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(folder)],
        cwd=folder,
        env={**kept, "PYTHONPATH": f"{TESTS}{os.pathsep}{TESTS.parent / 'src'}"},
        capture_output=True,
        text=True,
        timeout=WAIT_S * 3,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def write_strict(capsys, folder, name):
    paths = [str(path) for path in recording(name).write(folder)]
    return replay(capsys, "last", *paths, "--agent", AGENT, "--strict")[0]


RECORDINGS = [
    "genai-openai/tool_loop",
    "traceloop-openai/tool_loop",
    "openinference-openai/tool_loop",
    "pydantic-ai/tool_loop",
    "openinference-langchain/tool_loop",
    "langfuse/tool_loop",
]


def test_replayed_runs_pass(capsys, tmp_path):
    """Whatever dialect it was recorded in, the same agent passes the test of the run."""
    pytest.importorskip("openai")
    pytest.importorskip("opentelemetry.instrumentation.genai.openai")
    sources = {
        re.sub(r"\W", "_", name): write_strict(capsys, tmp_path, name)
        for name in RECORDINGS
    }
    code, output = run_pytest(tmp_path, sources)
    assert code == 0, output
    assert f"{len(RECORDINGS)} passed" in output


CHANGES = {
    "a_tool_not_called": (
        "    results=[\n        ToolResult(",
        '    results=[\n        ToolResult("get_weather", result="x"),\n        ToolResult(',
        "a result of get_weather was not used",
    ),
    "other_arguments": (
        '"city": "Paris"}, "call_000")]',
        '"city": "Rome"}, "call_000")]',
        "did not call get_weather(city='Paris')",
    ),
    "an_answer_too_many": (
        "    answers=[\n",
        '    answers=[\n        Answer("At once."),\n',
        "not as recorded: answer 1 was not requested",
    ),
    # Source: BerriAI/litellm#37525, where a changed request got the recorded response.
    "another_question": (
        'result="18C and sunny"',
        'result="rain"',
        "the model's input is 'rain', but the recorded one '18C and sunny'",
    ),
    "a_tool_elsewhere": (
        '"support.weather_agent.get_weather"',
        '"support.weather_agent.get_wether"',
        "there is no function at 'support.weather_agent.get_wether'",
    ),
    "without_an_agent": (
        "support.weather_agent import run",
        "your_agent import run",
        "No module named 'your_agent'",
    ),
}


def test_what_is_not_as_recorded_fails(capsys, tmp_path):
    """An agent that does something else fails the test, and the failure says what."""
    pytest.importorskip("openai")
    pytest.importorskip("opentelemetry.instrumentation.genai.openai")
    source = write_strict(capsys, tmp_path, "genai-openai/tool_loop")
    for old, _, _ in CHANGES.values():
        assert old in source
    changed = {k: source.replace(old, new) for k, (old, new, _) in CHANGES.items()}
    code, output = run_pytest(tmp_path, changed)
    assert code != 0
    assert " passed" not in output
    for _, _, reason in CHANGES.values():
        assert reason in output


@pytest.mark.parametrize(
    "name",
    [
        "genai-openai/tool_loop",
        "genai-openai/nocontent_tool_loop",
        "pydantic-ai/tool_error_recovered",
        "anthropic-sdk/parallel_tools",
    ],
)
def test_golden(golden, capsys, tmp_path, name):
    """What is written, and what is said to be missing."""
    paths = [str(path) for path in recording(name).write(tmp_path)]
    source, messages = replay(capsys, "last", *paths)
    lines = [*source.splitlines(), "--", *messages.splitlines()]
    golden.check(lines, GOLDEN / f"{name.replace('/', '-')}.json")


HOSTILE = [
    "\"\"\"'''",
    "\\",
    "\\N{DIGIT ONE} \\x41",
    "a\nb\r\nc\td\x00\x1b[31m\x7f",
    "\u2028\u2029\x85\x0c",
    "\ud800 \udfff",
    "\U0001f600 \u202e reversed",
    "{x} {{y}} %s $z",
    '"); import os; os.abort() #',
    "# YOURS\n@pytest.fixture",
]


def make_hostile_run(name):
    """A run in which every text is hostile."""
    asked = said(
        "?", request(name, {name: name, "class": name, "a b": 1}, name), text(name)
    )
    return [
        agent(
            name=name, attributes={"gen_ai.input.messages": message("user", text(name))}
        ),
        chat("one", "agent", attributes=asked, start=1),
        tool(
            "t",
            "agent",
            tool=name,
            attributes={
                "gen_ai.tool.call.arguments": json.dumps({name: name, "class": name}),
                "gen_ai.tool.call.result": json.dumps({name: [name, 1.5, None, True]}),
            },
            start=3,
        ),
        chat("two", "agent", attributes=said(name, text(f"{name} end")), start=5),
    ]


def check_source(source):
    """It is ASCII, compiles, and ruff has nothing to format."""
    assert source.isascii()
    compile(source, "test.py", "exec")
    ruff = Path(sys.executable).with_name("ruff")
    if ruff.exists():
        done = subprocess.run(
            [ruff, "format", "--isolated", "--diff", "-"],
            input=source,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts(capsys, tmp_path, name):
    """Whatever a run contains, the file is valid, and holds the texts as they were.

    Source: kevin1024/vcrpy#893, pydantic/pydantic-ai#5539: recordings that could be
    written and not be read again.
    """
    source, _ = replay(capsys, "last", write(tmp_path, *make_hostile_run(name)))
    check_source(source)
    found = {}
    head, _, rest = source.partition("# YOURS: the function")
    body = rest.partition("\n\n\n@pytest.mark")[0].partition("SCRIPT = ")[2]
    imports = [line for line in head.splitlines() if line.startswith("from infinium")]
    exec("\n".join([*imports, f"SCRIPT = {body}"]), found)
    script = found["SCRIPT"]
    clean = name.encode("utf-8", "replace").decode()
    assert script.answers[1].text.replace("\ufffd", "?") in (
        f"{name} end",
        f"{clean} end",
        f"{name.strip()} end",
    )


def test_no_secrets(capsys, tmp_path, monkeypatch):
    """Credentials are not written, even where sending them is allowed.

    Source: kevin1024/vcrpy#961, Kludex/cassetter#29: keys in recordings.
    """
    monkeypatch.setenv("INFINIUM_OTEL_REDACT", "false")
    records = [
        agent(
            attributes={"gen_ai.input.messages": message("user", text(f"use {KEY}"))}
        ),
        chat(
            "one",
            "agent",
            attributes=said(f"use {KEY}", request("f", {"api_key": KEY, "x": KEY})),
            start=1,
        ),
        tool(
            "t",
            "agent",
            attributes={
                "gen_ai.tool.call.arguments": json.dumps({"api_key": KEY}),
                "gen_ai.tool.call.result": f"the key is {KEY}",
            },
            start=3,
        ),
    ]
    source, messages = replay(capsys, "last", write(tmp_path, *records))
    assert KEY not in source + messages
    assert "sk-proj-" not in source
    check_source(source)


def test_from_a_task(capsys, tmp_path):
    """A task has previews only: the requests in its texts become requests again."""
    records = [
        agent(attributes={"gen_ai.input.messages": message("user", text("Weather?"))}),
        chat(
            "one",
            "agent",
            attributes=said(
                "Weather?", text("I look."), request("f", {"city": "Paris"})
            ),
            start=1,
        ),
        tool(
            "t",
            "agent",
            attributes={
                "gen_ai.tool.call.arguments": '{"city": "Paris"}',
                "gen_ai.tool.call.result": "sunny",
            },
            start=3,
        ),
        chat("two", "agent", attributes=said("sunny", text("It is sunny.")), start=5),
    ]
    [task] = spans_to_tasks(records)
    path = tmp_path / "tasks.jsonl"
    path.write_text(json.dumps(task_to_dict(task)) + "\n", "utf-8")
    source, messages = replay(capsys, str(path))
    check_source(source)
    assert 'Answer(\n            "I look.",\n' in source
    assert 'tools=[ToolRequest("f", {"city": "Paris"})],' in source
    assert 'Answer("It is sunny.", input="sunny"' in source
    assert "written from a task" in source
    assert "written from a task" in messages


def test_content_off(capsys, tmp_path):
    """What was not captured is said, and the tools that ran are asked for all the same."""
    records = [
        agent(),
        chat("one", "agent", start=1),
        tool("t", "agent", start=3),
        chat("two", "agent", start=5),
    ]
    source, messages = replay(capsys, "last", write(tmp_path, *records))
    check_source(source)
    assert 'tools=[ToolRequest("f")]' in source
    for note in (
        "the question was not recorded",
        "1 of 2 answers were not recorded: fill them in",
        "1 of 1 results of tools were not recorded: fill them in",
        "the arguments of 1 of 1 tool calls are not known",
        "capture content in the instrumentation to have them",
    ):
        assert note in messages
        assert note in re.sub(r"\s+", " ", source)


def test_failures(capsys, tmp_path):
    """A failed call fails again with its status, a failed tool with its error."""
    failed = {"error.type": "RateLimitError", "http.response.status_code": 429}
    records = [
        agent(
            status="error", status_message="gave up", attributes={"error.type": "Oops"}
        ),
        chat("one", "agent", attributes=failed, start=1, status="error"),
        tool(
            "t",
            "agent",
            attributes={"error.type": "ValueError"},
            status="error",
            status_message="no city",
            start=3,
        ),
    ]
    source, _ = replay(capsys, "last", write(tmp_path, *records))
    check_source(source)
    assert "status=429" in source
    assert 'error=("ValueError", "no city")' in source
    assert "with pytest.raises(Exception):" in source
    assert "succeeded" not in source


def test_a_run_by_name(capsys, tmp_path):
    """An agent, a root or the beginning of an id; the newest of several is taken."""
    records = []
    for number, name in enumerate(("one", "two", "two")):
        key, start = f"r{number}", 20 * number
        records += [
            agent(
                key, name=name, trace=f"{number + 1}" * 32, start=start, end=start + 9
            ),
            chat(
                f"c{number}",
                key,
                trace=f"{number + 1}" * 32,
                attributes=said("?", text(f"Answer {number}")),
                start=start + 1,
            ),
        ]
    path = write(tmp_path, *records)
    for wanted, number in (("one", 0), ("two", 2), ("2222", 1), ("last", 2)):
        source, _ = replay(capsys, wanted, path)
        assert f'"Answer {number}"' in source
    _, messages = replay(capsys, "three", path, code=2)
    assert "no run 'three'; there are: one, " in messages


def test_the_file(capsys, tmp_path):
    """It is written where -o says, and never over a file that may have been changed."""
    records = (agent(), chat("c", "agent", attributes=said("?", text("Yes"))))
    path, out = write(tmp_path, *records), tmp_path / "test_it.py"
    output, messages = replay(capsys, "last", path, "-o", str(out))
    assert output == ""
    assert messages == "1 answer, 0 tool results\n"
    check_source(out.read_text("utf-8"))
    out.write_text("mine", "utf-8")
    _, messages = replay(capsys, "last", path, "-o", str(out), code=2)
    assert "--force overwrites it" in messages
    assert out.read_text("utf-8") == "mine"
    replay(capsys, "last", path, "-o", str(out), "--force")
    assert out.read_text("utf-8") != "mine"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        pytest.param(["--agent", "my agent"], "--agent must be", id="agent"),
        pytest.param(["--url", "http://127.0.0.1:1"], "goes with no files", id="url"),
    ],
)
def test_arguments_that_contradict(capsys, tmp_path, arguments, reason):
    """One line names what is wrong; nothing is written."""
    path = write(tmp_path, agent(), chat("c", "agent"))
    output, messages = replay(capsys, "last", path, *arguments, code=2)
    assert output == ""
    assert reason in messages


def test_nothing_to_replay(capsys, tmp_path):
    """A run without calls is no test."""
    path = write(tmp_path, make_span("root"))
    _, messages = replay(capsys, "last", path, code=2)
    assert "no model call and no tool call" in messages


def test_calls_that_overlap(capsys, tmp_path):
    """Of tools that ran at the same time no order is expected."""
    tools = [tool(f"t{n}", "agent", tool=f"f{n}", start=1, end=3) for n in (1, 2)]
    path = write(tmp_path, agent(), chat("c", "agent"), *tools)
    source, _ = replay(capsys, "last", path)
    assert "called_in_order" not in source
    tools = [tool(f"t{n}", "agent", tool=f"f{n}", start=2 * n) for n in (1, 2)]
    path = write(tmp_path, agent(), chat("c", "agent"), *tools)
    source, _ = replay(capsys, "last", path)
    assert 'recorded.called_in_order("f1", "f2")' in source


def test_long_runs(capsys, tmp_path):
    """The number and the length of what is written are bounded, and what is cut is said."""
    calls = [
        chat(f"c{n}", "agent", attributes=said("?", text("x")), start=n, end=n + 0.5)
        for n in range(502)
    ]
    tools = [tool(f"t{n}", "agent", start=600 + n, end=600.5 + n) for n in range(501)]
    long = chat("l", "agent", attributes=said("?", text("y" * 200_000)), start=0)
    path = write(tmp_path, agent(end=2_000), long, *calls[1:], *tools)
    _, messages = replay(capsys, "last", path)
    assert "of 502 model calls only the first 500 are here" in messages
    assert "of 501 tool calls only the first 500 are here" in messages
    assert "1 texts are cut to 100,000 characters" in messages


def test_config_is_not_needed():
    """The command needs no credentials."""
    assert Config.from_env({}).agent_id is None
