"""`infinium-otel runs` and `infinium-otel show`, of a real server and of files."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import threading
from contextlib import redirect_stdout
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from infinium_otel.apps import cli
from infinium_otel.apps.runs import listing
from infinium_otel.apps.runs.server import Server
from support.corpus import recording
from support.local_server import serving
from support.runs import research, run

SPANS = json.dumps(recording("genai-langchain/tool_loop").spans)


@pytest.fixture
def call(capsys, monkeypatch):
    """Run a command: (exit code, lines on stdout, stderr)."""
    monkeypatch.delenv("INFINIUM_OTEL_INCLUDE", raising=False)

    def call_cli(*arguments):
        code = cli.main([*map(str, arguments)])
        out, err = capsys.readouterr()
        return code, out.splitlines(), err

    return call_cli


@pytest.fixture
def recorded(tmp_path):
    """A file with one recorded run."""
    path = tmp_path / "spans.jsonl"
    path.write_text(SPANS, "utf-8")
    return path


@pytest.fixture
def served(tmp_path):
    pytest.importorskip("uvicorn")
    with serving(tmp_path / "tasks.db") as server:
        yield server


def make_run(name, **members):
    """A run of an agent with this name."""
    tags = {"gen_ai.agent.name": f"{name}-agent", "user.id": f"{name}-user"}
    return run(name, environment={"custom_tags": tags}, **members)


FATAL = [{"error_type": "E", "message": "m"}]


@pytest.mark.parametrize("place", ["server", "file"])
def test_the_same_from_server_and_file(place, call, served, recorded):
    """List, JSON and tree of a run do not depend on where it is."""
    served.http.post("/v1/traces", json=json.loads(SPANS))
    where = ["--url", served.url] if place == "server" else [recorded]
    code, [heading, line], err = call("runs", *where)
    assert (code, err) == (0, "")
    assert heading.split() == [*listing.HEADINGS]
    code, [text], _ = call("runs", *where, "--json")
    row = json.loads(text)
    assert row["trace_id"][:8] in line
    assert row["question"] in line
    code, [text], _ = call("show", row["trace_id"][:8], *where, "--json")
    assert json.loads(text)["name"] == row["name"]
    code, tree, _ = call("show", "last", *where)
    assert tree[0].startswith(row["name"])
    assert tree[-1].startswith("└─ total: ")
    _, with_ids, _ = call("show", row["name"], *where, "--ids", "--no-texts")
    assert row["otel_trace_id"] in with_ids[0]
    assert not [line for line in with_ids if "→ " in line and "tokens" not in line]


def test_filters_are_those_of_the_page(call, served):
    """Each filter selects as the page does, and the message names what is left out."""
    served.keep(make_run("cheap", duration=1, input_summary="Where is Paris?"))
    served.keep(make_run("failed", duration=9, errors=FATAL))
    served.keep(research())
    filters = {
        "failed": [
            ("--errors", "--agent", "failed-agent"),
            ("--fatal",),
            ("--user", "failed-user"),
            ("--tag", "user.id:failed-user"),
            ("--min-duration", "5", "--agent", "failed-agent"),
        ],
        "cheap": [("--search", "paris"), ("--sort", "oldest", "--limit", "1")],
        research()["name"]: [("--model", "gpt-4o"), ("--min-cost", "0.001")],
    }
    for name, all_arguments in filters.items():
        for arguments in all_arguments:
            _, lines, _ = call("runs", "--url", served.url, "--json", *arguments)
            assert [json.loads(line)["name"] for line in lines] == [name], arguments
    _, lines, err = call("runs", "--url", served.url, "--limit", "2")
    assert (len(lines), err) == (3, "2 of 3 runs; --limit 3 lists all\n")
    nothing = call("runs", "--url", served.url, "--session", "none", "--since", "1h")
    assert nothing == (0, [], "no runs match\n")


def test_more_runs_than_a_page(call, served, monkeypatch):
    """A list longer than a page is read page after page, each run once."""
    monkeypatch.setattr("infinium_otel.apps.runs.sources.MAX_PAGE", 3)
    for number in range(8):
        served.keep(make_run(f"r{number}"))
    _, lines, _ = call("runs", "--url", served.url, "--json", "--limit", "7")
    assert len({json.loads(line)["name"] for line in lines}) == 7


def test_a_run_is_found_by_what_names_it(call, served):
    """An id, its beginning, a name or an agent; a beginning of several is an error."""
    ids = [served.keep(make_run(name)) for name in ("one", "two", "two")]
    url = ("--url", served.url, "--json")
    for wanted, name in ((ids[0], "one"), (ids[0][:13], "one"), ("one-agent", "one")):
        assert json.loads(call("show", wanted, *url)[1][0])["name"] == name
    assert json.loads(call("show", "two", *url)[1][0])["name"] == "two"
    code, _, err = call("show", "three", *url)
    assert (code, "no run has the id or name 'three'" in err) == (2, True)
    traces = [f"ab{number:030x}" for number in range(2)]
    for trace in traces:
        tags = {"environment": {"custom_tags": {"otel.trace_id": trace}}}
        served.keep(run("other", **tags))
    code, _, err = call("show", "ab00", *url)
    assert (code, "is the beginning of 2 ids: " in err) == (2, True)
    assert call("show", traces[0], *url)[0] == 0


def test_a_file_in_place_of_a_run(call, recorded, tmp_path):
    """It means its last run; before other files, the message names what is missing."""
    assert call("show", recorded)[1] == call("show", "last", recorded)[1]
    code, _, err = call("show", recorded, recorded)
    assert code == 2
    assert f"for the last run of that file: show last {recorded}" in err
    (tmp_path / "empty").write_text("")
    code, _, err = call("show", "last", tmp_path / "empty")
    assert (code, "there is no run yet" in err) == (2, True)
    assert call("runs", tmp_path / "empty") == (0, [], "no runs yet\n")


def test_what_is_skipped_is_reported(call, tmp_path):
    """Traces that are no runs, and damaged lines, are counted on stderr."""
    spans = json.loads(SPANS.replace("gen_ai", "gen_xx").replace("invoke_", "do_"))
    file = tmp_path / "spans.jsonl"
    file.write_text(json.dumps(spans) + "\nnot JSON\n")
    _, lines, err = call("runs", file)
    assert "not readable: 1" in err
    assert len(lines) == len(call("runs", file, "--include", "all")[1]) or lines == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["runs", "--url", "ftp://x"], "--url must be like http://"),
        (["runs", "--url", "http://x:port"], "--url: "),
        (["runs", "--url", "http://u:secret@127.0.0.1:9"], "127.0.0.1:9: "),
        (["runs", "--follow", "x.json"], "--follow reads from a server"),
        (["show", "last", "x.json", "--url", "http://x"], "--url reads from a server"),
        (["runs", "--follow", "--sort", "cost"], "it has no --sort"),
        (["show", "abc", "--follow"], "it has no RUN"),
        (["show", "last", "missing.json"], "missing.json"),
    ],
)
def test_mistakes_are_one_line(arguments, message, call):
    """Each mistake is one line with the cure, without a secret, and the exit code 2."""
    code, lines, err = call(*arguments)
    assert (code, lines) == (2, [])
    assert message in err
    assert "secret" not in err
    assert err.count("\n") == 1


def test_invalid_filters_are_reported(call, served, recorded):
    """A value that the page would reject is an error, wherever the runs are."""
    for where in (["--url", served.url], [recorded]):
        code, _, err = call("runs", *where, "--since", "yesterday")
        assert (code, "since must be a time" in err) == (2, True)
        code, _, err = call("runs", *where, "--tag", "x")
        assert (code, "tag must be a name and a value" in err) == (2, True)


@pytest.mark.parametrize("limit", ["0", "-1", "x"])
def test_limits_that_are_none(limit, capsys):
    """A limit is a positive number."""
    with pytest.raises(SystemExit):
        cli.main(["runs", "--limit", limit])
    assert "invalid" in capsys.readouterr().err


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"error": 1}'])
def test_another_server_is_recognized(body, call):
    """What responds but is not `serve` is named, with its status."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(404)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        code, _, err = call("runs", "--url", f"http://127.0.0.1:{server.server_port}")
        thread.join()
    assert code == 2
    assert (
        "is not `infinium-otel serve`: it responds to /api/tasks with status 404" in err
    )


@pytest.mark.parametrize(
    ("command", "expected"),
    [(["runs", "-n", "9999"], ["before", "after"]), (["show"], ["after", "└─ total"])],
    ids=["runs", "show"],
)
@pytest.mark.parametrize("form", [[], ["--json"]], ids=["text", "json"])
def test_runs_are_followed_as_they_arrive(command, form, expected, served):
    """With --follow, each run that arrives is written at once, until Ctrl-C."""
    served.keep(run("before"))
    program = [sys.executable, "-u", "-m", "infinium_otel", *command]
    child = subprocess.Popen(
        [*program, "--follow", "--url", served.url, *form],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # As a terminal's: what starts the tests in the background ignores SIGINT.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - short
    )
    stop = threading.Event()

    def keep_sending():  # the child subscribes some time after its start
        while not stop.wait(0.1):
            served.keep(run("after"))

    sender = threading.Thread(target=keep_sending)
    sender.start()
    try:
        for text in expected[:1] if form else expected:
            assert any(text in line for line in child.stdout), child.stderr.read()
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=60)
    finally:
        stop.set()
        sender.join()
        child.kill()
    assert (child.returncode, err) == (0, "")


def test_a_terminal_gets_colours_and_whole_lines(served, call, monkeypatch):
    """On a terminal, lines are cut to its width and styled; NO_COLOR and pipes are plain."""
    pytest.importorskip("rich")
    served.keep(make_run("failed", errors=FATAL, input_summary="long " * 100))

    class Terminal(io.StringIO):
        encoding = "utf-8"

        def isatty(self):
            return True

    monkeypatch.setenv("COLUMNS", "90")
    monkeypatch.setenv("TERM", "xterm")
    texts = {}
    for no_color in ("", "1"):
        monkeypatch.setenv("NO_COLOR", no_color)
        with redirect_stdout(Terminal()) as out:
            assert cli.main(["show", "--url", served.url]) == 0
            assert cli.main(["runs", "--url", served.url]) == 0
        texts[no_color] = out.getvalue()
    assert "\x1b[31m" in texts[""]
    assert "\x1b" not in texts["1"]
    assert max(map(len, texts["1"].splitlines())) <= 90


def test_a_terminal_of_another_encoding(served, monkeypatch):
    """Where `rich` would fail at a character, the terminal gets plain text.

    Source: ffroliva/gflow-cli#82.
    """
    served.keep(run("one \u2603"))
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    raw = io.BytesIO()
    with redirect_stdout(io.TextIOWrapper(raw, "cp1252")) as out:
        out.isatty = lambda: True
        assert cli.main(["show", "--url", served.url]) == 0
    assert raw.getvalue().startswith(b"one ?  1.50 s")


def test_a_lost_connection_is_reported_once(monkeypatch, capsys):
    """While the server is gone, --follow tries again, and reports it once."""
    waits = []

    def wait(seconds):
        waits.append(seconds)
        if len(waits) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("infinium_otel.apps.runs.server.time.sleep", wait)
    server = Server("http://127.0.0.1:9")
    with pytest.raises(KeyboardInterrupt):
        next(server.follow({}, 0))
    server.close()
    assert capsys.readouterr().err.count("trying again") == 1
    assert len(waits) == 3


def test_plain_without_the_extra(served, monkeypatch):
    """Without `rich`, a terminal gets plain text."""
    served.keep(run("one"))
    monkeypatch.setitem(sys.modules, "rich.console", None)
    monkeypatch.delenv("NO_COLOR", raising=False)
    with redirect_stdout(io.StringIO()) as out:
        out.isatty = lambda: True
        assert cli.main(["show", "--url", served.url]) == 0
    assert out.getvalue().startswith("one  1.50 s")
    assert "\x1b" not in out.getvalue()


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0.25, "0.25 s"), (59.9, "59.90 s"), (725, "12:05 min")]
)
def test_durations(seconds, expected):
    """A duration is in seconds, or from a minute on in minutes and seconds."""
    assert listing.format_seconds(seconds) == expected


def test_times():
    """A time of today is a time of day, another one a date; an impossible one is "?"."""
    assert listing.format_time(0, date(2026, 1, 1)) in ("1970-01-01", "1969-12-31")
    today = date.fromtimestamp(0)  # noqa: DTZ012 - the local day
    assert listing.format_time(0, today).count(":") == 2
    assert listing.format_time(2**62, today) == "?"


def test_results():
    """A run failed, is incomplete, recovered or is ok, the worst first."""
    rows = [(1, True, 1), (0, True, 1), (0, False, 1), (0, False, 0)]
    assert [
        listing.describe_result({"fatal": f, "incomplete": i, "errors": e})[0]
        for f, i, e in rows
    ] == ["failed", "incomplete", "recovered", "ok"]
