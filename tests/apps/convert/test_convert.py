"""`infinium-otel convert`: recorded runs from one format into another."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
from contextlib import redirect_stderr
from pathlib import Path

import pytest

from infinium_otel import load_otlp, spans_to_tasks, task_to_dict
from infinium_otel.apps import cli
from infinium_otel.apps.convert import progress
from infinium_otel.apps.convert.formats import FORMATS, detect_format
from infinium_otel.errors import DecodingError
from infinium_otel.models import hud
from infinium_otel.otlp import from_json
from support.corpus import names, recording
from support.otlp_requests import protobuf, span, traces

RECORDED = recording("genai-langchain/tool_loop")
LINE = json.dumps(RECORDED.spans)
RECORDS = from_json(RECORDED.spans).records


@pytest.fixture
def convert(capsys, monkeypatch):
    """Run the command; gives the exit code, the documents on stdout, and stderr."""
    monkeypatch.delenv("INFINIUM_OTEL_INCLUDE", raising=False)

    def run(*arguments):
        code = cli.main(["convert", *map(str, arguments)])
        out, err = capsys.readouterr()
        return code, [json.loads(line) for line in out.splitlines()], err

    return run


@pytest.fixture
def file(tmp_path):
    """Write a file; gives its path."""

    def write(content, name="input"):
        path = tmp_path / name
        data = content if isinstance(content, bytes) else content.encode()
        path.write_bytes(data)
        return path

    return write


@pytest.mark.parametrize("name", names()[3::40])
def test_tasks_are_those_of_the_library(name, convert, tmp_path):
    """The command writes what `load_otlp` and `spans_to_tasks` return, a task per line."""
    paths = recording(name).write(tmp_path)
    code, tasks, _ = convert(*paths)
    assert code == 0
    expected = [task_to_dict(task) for task in spans_to_tasks(load_otlp(*paths))]
    assert sorted(tasks, key=str) == sorted(expected, key=str)


def test_protobuf_is_read(convert, file):
    """Input that is not JSON is read as protobuf."""
    _, expected, _ = convert(file(LINE))
    assert convert(file(protobuf(RECORDED.spans)))[1] == expected


def test_a_hud_run_may_be_several_lines(convert, file):
    """HUD's own files have a span per line; together they are one run."""
    records = load_otlp(file(LINE))
    (text,) = hud.to_hud_spans(records).values()
    code, (run,), stderr = convert(file(text, "hud.jsonl"), "--to", "hud")
    assert code == 0
    assert run["trace"]
    assert stderr.endswith(", written: 1\n")


STEP = {
    "id": "step-1",
    "trace_id": "1" * 32,
    "model": "m",
    "prompt_tokens": 3,
    "completion_tokens": 4,
    "total_tokens": 7,
    "status": "success",
}
METRICS = {"id": "step-1", "step_start_ns": 10**18, "step_ns": 2 * 10**9}
MESSAGE = {
    "id": "message-1",
    "role": "assistant",
    "content": [{"type": "text", "text": "Hallo!"}],
    "step_id": "step-1",
}
PROVIDER = {"id": "provider_trace-1", "step_id": "step-1", "request_json": {}}


def test_a_letta_run_may_be_several_lines(convert, file):
    """A step's times and texts are records of their own; together they are one run."""
    lines = map(json.dumps, (STEP, METRICS, MESSAGE, PROVIDER, 7))
    code, (task,), stderr = convert(file("\n".join(lines)))
    assert code == 1
    assert stderr.endswith(", not readable: 1\n")
    assert task["llm_usage"]["total_tokens"] == 7
    assert task["duration"] == 2.0
    assert "Hallo!" in json.dumps(task)


def test_an_xpander_run_may_be_several_lines(convert, file):
    """The events of each task are one run, in any order of tasks."""
    events = [
        {
            "type": kind,
            "task_id": task,
            "organization_id": "o",
            "time": f"2026-11-01T10:00:0{second}Z",
            "data": {
                "request_id": f"r-{task}",
                "operation_id": "search",
                "tool_name": "search",
                "payload": {"q": task},
                "result": "found",
            },
        }
        for second, kind in enumerate(("tool_call_request", "tool_call_result"))
        for task in ("one", "two")
    ]
    lines = map(json.dumps, (*events, 7))
    code, tasks, _ = convert(file("\n".join(lines)))
    assert code == 1
    assert len(tasks) == 2
    assert [[step["action"] for step in task["steps"]] for task in tasks] == [
        ["tool_use"],
        ["tool_use"],
    ]


def test_a_run_may_be_several_requests(convert, file):
    """Spans of one trace, one per line and in any order, are one task."""
    spans = [
        span_
        for group in RECORDED.spans["resourceSpans"]
        for scope in group["scopeSpans"]
        for span_ in scope["spans"]
    ]
    whole = convert(file(json.dumps(traces(*spans))))[1]
    lines = "\n".join(json.dumps(traces(each)) for each in reversed(spans))
    code, tasks, stderr = convert(file(lines))
    assert code == 0
    assert tasks == whole
    assert stderr == f"documents: {len(spans)}, records: {len(spans)}, written: 1\n"


def test_otlp_round_trips(convert, file):
    """`--to otlp` rewrites any input as equivalent JSON Lines."""
    _, requests, _ = convert(file(gzip.compress(LINE.encode())), "--to", "otlp")
    path = file("\n".join(map(json.dumps, requests)))
    assert load_otlp(path) == load_otlp(file(LINE))


def test_standard_input_is_the_default(convert, monkeypatch):
    """A pipe is input like any other."""
    stdin = io.TextIOWrapper(io.BytesIO(LINE.encode()))
    monkeypatch.setattr(sys, "stdin", stdin)
    code, tasks, _ = convert()
    assert (code, len(tasks)) == (0, 1)


def test_output_to_a_file(convert, file, tmp_path):
    """`-o` writes to the file, and nothing to stdout."""
    out = tmp_path / "tasks.jsonl"
    code, tasks, _ = convert(file(LINE), "-o", out)
    assert (code, tasks) == (0, [])
    assert len(out.read_text().splitlines()) == 1


def test_an_input_is_never_overwritten(convert, file):
    """An output that is also an input is rejected before anything is lost."""
    path = file(LINE)
    code, _, stderr = convert(path, "-o", path)
    assert code == 2
    assert "cannot be written to" in stderr
    assert path.read_text() == LINE


def test_unreadable_input_overwrites_nothing(convert, file, tmp_path):
    """The output of an earlier run is not changed."""
    out = tmp_path / "tasks.jsonl"
    out.write_text("earlier")
    assert convert(file("no OTLP"), "-o", out)[0] == 2
    assert out.read_text() == "earlier"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param([], 0, id="default"),
        pytest.param(["--include", "all"], 1, id="include-all"),
    ],
)
def test_runs_without_an_agent_are_skipped_and_counted(
    arguments, expected, convert, file
):
    """A trace without LLM, tool or agent span becomes a task only with `--include all`."""
    path = file(json.dumps(traces(span(name="GET /", startTimeUnixNano="1"))))
    code, tasks, stderr = convert(path, *arguments)
    assert (code, len(tasks)) == (0, expected)
    assert ("skipped (no LLM, tool or agent span): 1" in stderr) == (not expected)


def test_an_unreadable_line_is_a_partial_failure(convert, file):
    """The rest is converted; the exit code is 1 and the last line has the count."""
    code, tasks, stderr = convert(file(f"{LINE}\n{{ cut\n"))
    assert (code, len(tasks)) == (1, 1)
    assert stderr.endswith(", not readable: 1\n")


@pytest.mark.parametrize(
    ("content", "arguments", "message"),
    [
        pytest.param("hello", [], "invalid OTLP", id="text"),
        pytest.param('{"x": 1}', [], "set it with --from", id="unknown"),
        pytest.param("[1]", [], "set it with --from", id="no-object"),
        pytest.param(
            '{"x": 1}', ["--from", "otlp"], "invalid OTLP", id="another-format"
        ),
        pytest.param("\x0a\x01", ["--from", "hud"], "not hud", id="no-json"),
        pytest.param("[1]", ["--from", "hud"], "not hud", id="hud-no-object"),
        pytest.param('{"resourceSpans": [', [], "was cut", id="cut"),
    ],
)
def test_unreadable_input_is_one_line(content, arguments, message, convert, file):
    """The line has the file and the reason, and the exit code is 2."""
    path = file(content)
    code, documents, stderr = convert(path, *arguments)
    assert (code, documents) == (2, [])
    assert message in stderr
    assert str(path) in stderr
    assert stderr.count("\n") == 1


def test_a_missing_file_is_one_line(convert, tmp_path):
    """The line has the file, and the exit code is 2."""
    code, _, stderr = convert(tmp_path / "missing.json")
    assert code == 2
    assert "missing.json" in stderr


@pytest.mark.parametrize("form", ["hud", "infinium", "letta", "xpander", "agentix"])
def test_a_wrong_format_is_an_error(form, convert, file):
    """Spans that are read as another system's records do not become an invented run."""
    code, documents, stderr = convert("--from", form, file(LINE))
    assert (code, documents) == (2, [])
    assert f"not {form}: this is otlp; leave out --from" in stderr


@pytest.mark.parametrize("indent", [1, 4, "\t"])
def test_indented_documents_may_follow_one_another(indent, convert, file):
    """Documents as `jq` writes them are read like JSON Lines; a damaged one is counted."""
    text = json.dumps(RECORDED.spans, indent=indent) + "\n"
    _, once, _ = convert(file(text))
    code, documents, stderr = convert(file(text * 3))
    assert (code, documents) == (0, once)
    assert stderr.startswith("documents: 3")
    code, documents, stderr = convert(file(text * 2 + text[: len(text) // 2]))
    assert (code, documents) == (1, once)
    assert "not readable: 1" in stderr


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param({"resourceSpans": []}, "otlp", id="otlp"),
        pytest.param({"resource_logs": []}, "otlp", id="otlp-snake"),
        pytest.param(
            {"name": "n", "current_datetime": "", "duration": 0}, "infinium", id="task"
        ),
        pytest.param(
            {"status": "completed", "transcript": []}, "agentix", id="outcome"
        ),
        pytest.param(
            {"run_id": "r", "messages": [], "tokens_used": 0},
            "agentix",
            id="checkpoint",
        ),
        pytest.param({"id": "step-1", "messages": []}, "letta", id="step"),
        pytest.param({"id": "message-1", "role": "user"}, "letta", id="message"),
        pytest.param({"id": "m", "step_ns": 1}, "letta", id="metrics"),
        pytest.param({"id": "m", "llm_request_ns": 1}, "letta", id="only-the-call"),
        pytest.param({"request_json": {}}, "letta", id="provider-trace"),
        pytest.param({"steps": [], "provider_traces": []}, "letta", id="log"),
        pytest.param({"reward": 0.0, "trace": []}, "hud", id="hud-0.4"),
        pytest.param({"trace": {"steps": []}, "grade": {}}, "hud", id="hud-run"),
        pytest.param({"steps": [], "status": "completed"}, "hud", id="hud-0.6"),
        pytest.param(
            {"id": "t", "created_at": "", "messages": []}, "xpander", id="thread"
        ),
        pytest.param({"type": "task_created", "task_id": "t"}, "xpander", id="event"),
        pytest.param({"events": []}, "xpander", id="events"),
        pytest.param(
            {"id": "t", "agent_id": "a", "organization_id": "o"}, "xpander", id="xtask"
        ),
        pytest.param({"telemetry": []}, "hud", id="hud-upload"),
    ],
)
def test_a_format_is_detected_by_its_keys(document, expected):
    """`--from auto` detects what the systems write."""
    assert detect_format(document) == expected


@pytest.mark.parametrize("document", [{}, {"x": 1}, [], None, 7])
def test_an_unknown_format_is_an_error(document):
    """The format is not guessed; the error mentions `--from`."""
    with pytest.raises(DecodingError, match="--from"):
        detect_format(document)


@pytest.mark.parametrize("name", ["hud", "agentix", "letta", "xpander"])
def test_another_system_and_back(name, convert, file):
    """A run converted to a system's records and back is the same run."""
    path = file(LINE)
    _, (task,), _ = convert(path)
    code, documents, _ = convert(path, "--to", name)
    assert code == 0
    again = file("\n".join(map(json.dumps, documents)), "again")
    _, (back,), _ = convert(again)
    assert back["name"] == task["name"]
    assert back["llm_usage"] == task["llm_usage"]


@pytest.mark.parametrize("target", FORMATS)
def test_any_format_becomes_any_other(target, convert, file):
    """Every conversion goes through spans, and gives one document."""
    for source in FORMATS:
        _, written, _ = convert(file(LINE), "--to", source)
        path = file("\n".join(map(json.dumps, written)), source)
        code, documents, stderr = convert(path, "--to", target)
        assert (code, len(documents)) == (0, 1), (source, stderr)


def test_a_task_and_back(convert, file):
    """A task becomes the spans it was made of, and they become the same task."""
    _, (task,), _ = convert(file(LINE))
    code, (request,), _ = convert(file(json.dumps(task)), "--to", "otlp")
    assert code == 0
    (ids,) = {record.trace_id for record in RECORDS}
    assert {record.trace_id for record in from_json(request).records} == {ids}
    _, (back,), _ = convert(file(json.dumps(task)))
    assert back["name"] == task["name"]
    assert back["llm_usage"]["total_tokens"] == task["llm_usage"]["total_tokens"]
    assert len(back["steps"]) == len(task["steps"])


def test_an_unreadable_record_is_skipped(convert, file):
    """After a first good one, another system's bad records are only counted."""
    _, (document,), _ = convert(file(LINE), "--to", "hud")
    lines = "\n".join((json.dumps(document), "7", json.dumps(document)))
    code, tasks, stderr = convert(file(lines), "--from", "hud", "--to", "otlp")
    assert (code, len(tasks)) == (1, 2)
    assert stderr.endswith(", not readable: 1\n")


def test_nothing_is_read_from_a_terminal(convert, monkeypatch):
    """Without a file or a pipe it fails, and does not wait for input."""
    monkeypatch.setattr("sys.stdin", Terminal())
    assert convert() == (
        2,
        [],
        "infinium-otel convert: no input: name the files to read, or pipe one in\n",
    )


WRITER = """
import json, sys
text = "x" * 100_000
for number in range(3_000):
    ids = {"traceId": f"{number + 1:032x}", "spanId": f"{number + 1:016x}"}
    value = {"key": "gen_ai.prompt", "value": {"stringValue": text}}
    kind = {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}}
    span = {**ids, "name": "chat", "attributes": [value, kind]}
    print(json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}))
"""
READER = """
import re
from infinium_otel.apps.cli import main
code = main(["convert", "-o", "/dev/null"])
status = open("/proc/self/status").read()
print(code, re.search(r"VmHWM:\\s+(\\d+) kB", status).group(1))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux")
def test_input_may_be_larger_than_memory():
    """300 MB are converted in far less memory: nothing is held past its bound."""
    environ = {"INFINIUM_OTEL_MAX_OPEN_BYTES": "8000000"}
    with subprocess.Popen([sys.executable, "-c", WRITER], stdout=subprocess.PIPE) as w:
        done = subprocess.run(
            [sys.executable, "-c", READER],
            stdin=w.stdout,
            capture_output=True,
            text=True,
            check=True,
            env=environ,
        )
    code, peak_kib = map(int, done.stdout.split())
    assert code == 0
    assert "documents: 3000, records: 3000, written: 3000" in done.stderr
    assert peak_kib < 160_000


# -- progress --------------------------------------------------------------------------


class Terminal(io.StringIO):
    """A stream that looks like a terminal."""

    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    """A terminal of 60 columns, to redirect stderr to."""
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TERM", "xterm")
    return Terminal()


def test_a_bar_is_shown_on_a_terminal(terminal):
    """With the `cli` extra a bar shows how much of the input is read."""
    pytest.importorskip("rich")
    with redirect_stderr(terminal), progress.show_progress(1000) as advance:
        advance(500)
        advance.show_waiting(12)
    shown = terminal.getvalue().replace(" ", "")
    assert "0.5/1.0kB" in shown
    assert "todeliver:12" in shown


@pytest.mark.parametrize(
    ("total", "expected"),
    [
        pytest.param(100, "\r0 %\r50 %\r100 %\rto deliver: 12       \n", id="known"),
        pytest.param(None, "\r0 MiB\rto deliver: 12       \n", id="unknown"),
    ],
)
def test_a_number_is_shown_without_the_extra(total, expected, terminal, monkeypatch):
    """Without it a percentage is printed, each value once."""
    monkeypatch.setitem(sys.modules, "rich.progress", None)
    with redirect_stderr(terminal), progress.show_progress(total) as advance:
        for n_bytes in (0, 50, 0, 70):
            advance(n_bytes)
        advance.show_waiting(12)
    assert terminal.getvalue() == expected


def test_nothing_is_shown_without_a_terminal(capsys):
    """A log file gets no progress."""
    with progress.show_progress(100) as advance:
        advance(50)
        advance.show_waiting(12)
    assert capsys.readouterr() == ("", "")


def test_the_total_is_that_of_all_files(tmp_path):
    """A pipe has no size, so with one there is no total."""
    for name in "ab":
        (tmp_path / name).write_bytes(bytes(10))
    paths = [str(tmp_path / name) for name in "ab"]
    assert progress.total_bytes(paths) == 20
    assert progress.total_bytes([*paths, "-"]) is None
