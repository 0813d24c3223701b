"""The command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from infinium_otel.apps import cli
from infinium_otel.errors import InfiniumError
from support.otlp_requests import agent_span, span, traces

VERSION = f"infinium-otel {metadata.version('infinium-otel')}\n"


def test_the_version_is_that_of_the_distribution(capsys):
    """`infinium-otel --version` prints name and version."""
    with pytest.raises(SystemExit) as exit_:
        cli.main(["--version"])
    assert exit_.value.code == 0
    assert capsys.readouterr().out == VERSION


def test_the_package_can_be_run():
    """`python -m infinium_otel` is the command line."""
    command = [sys.executable, "-m", "infinium_otel", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == VERSION


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_has_help(name, capsys):
    """`--help` of each command names its arguments."""
    with pytest.raises(SystemExit) as exit_:
        cli.main([name, "--help"])
    assert exit_.value.code == 0
    assert f"usage: infinium-otel {name}" in capsys.readouterr().out


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_the_help_of_a_command_names_its_page(name, capsys):
    """The page exists, and shows the command."""
    with pytest.raises(SystemExit):
        cli.main(["help", name])
    address = capsys.readouterr().out.split()[-1]
    page = Path(__file__).parents[2] / "docs" / address.removeprefix(f"{cli.DOCS}/")
    assert f"infinium-otel {name}" in page.read_text("utf-8")


def test_without_a_command_there_is_the_help(capsys):
    """What `infinium-otel` can do, and exit code 2: nothing was done."""
    assert cli.main([]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert all(name in captured.err for name in cli.COMMANDS)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        pytest.param(["--url"], "required: COMMAND", id="no-command"),
        pytest.param(["fly"], "invalid choice: 'fly' (choose", id="unknown-command"),
        pytest.param(
            ["serv"],
            "invalid choice: 'serv' (did you mean serve?); see",
            id="misspelled",
        ),
        pytest.param(
            ["completion", "zhs"],
            "invalid choice: 'zhs' (did you mean zsh?); see",
            id="misspelled-choice",
        ),
        pytest.param(
            ["convert", "--to", "xml"], "invalid choice: 'xml'", id="unknown-choice"
        ),
        pytest.param(
            ["completion", "bash", "--jsn"],
            "infinium-otel completion: unrecognized arguments: --jsn; "
            "see infinium-otel completion --help",
            id="unknown-option",
        ),
    ],
)
def test_wrong_arguments_are_one_line_and_exit_2(argv, message, capsys):
    """The line has the error and the command for help."""
    with pytest.raises(SystemExit) as exit_:
        cli.main(argv)
    assert exit_.value.code == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.endswith("--help\n")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        pytest.param(InfiniumError("no\nluck"), 2, "no luck", id="ours"),
        pytest.param(FileNotFoundError(2, "No such", "x"), 2, "x: No such", id="file"),
        pytest.param(TimeoutError("too late"), 2, "too late", id="os"),
        pytest.param(KeyboardInterrupt(), 130, "interrupted", id="interrupt"),
    ],
)
def test_a_failure_is_one_line_on_stderr(error, code, line, monkeypatch, capsys):
    """A command that fails reports why, and exits with 2."""

    class Failing:
        def add_arguments(self, _parser):
            pass

        def run(self, _args):
            raise error

    monkeypatch.setattr(cli, "import_command", lambda _name: Failing())
    assert cli.main(["doctor"]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("infinium-otel doctor: ")
    assert line in captured.err
    assert captured.err.count("\n") == 1


def test_a_closed_pipe_is_not_a_failure(tmp_path):
    """`convert ... | head` ends without a traceback."""
    program = "import sys; from infinium_otel.apps.cli import main; sys.exit(main())"
    spans = tmp_path / "spans.jsonl"
    command = [sys.executable, "-c", program, "convert", "--to", "infinium"]
    reading, writing = os.pipe()
    os.close(reading)
    spans.write_text(json.dumps(traces(span(startTimeUnixNano="1"))))
    done = subprocess.run(
        [*command, "--include", "all", str(spans)],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_a_command_imports_only_itself():
    """Starting `convert` imports nothing of the servers."""
    program = (
        "import sys; from infinium_otel.apps.cli import build_parser; build_parser('convert');"
        "found = {'starlette', 'uvicorn', 'rich', 'google.protobuf', 'httpx'};"
        "sys.exit(' '.join(found & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], check=False)
    assert done.returncode == 0


def test_an_error_cannot_command_a_terminal(capsys):
    """A file's name or a text in it may hold escape sequences."""
    assert cli.report_error("convert", "\x1b[2J\x1b]0;owned\x07 no such file", 2) == 2
    assert capsys.readouterr().err == (
        "infinium-otel convert: [2J ]0;owned no such file\n"
    )


def test_an_interrupt_while_a_command_is_imported(monkeypatch, capsys):
    """Ctrl-C has one line also before the command has begun."""

    def interrupt(_name):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "import_command", interrupt)
    assert cli.main(["check", "--", "true"]) == 130
    assert capsys.readouterr().err == "infinium-otel check: interrupted\n"


def run_in_shell(command, **environ):
    """Run `infinium-otel` as *command* of a shell has it, which is `$*` there."""
    return subprocess.run(
        ["sh", "-c", command, "sh", sys.executable, "-m", "infinium_otel"],
        capture_output=True,
        env={**os.environ, **environ},
        check=False,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
class TestStandardStreams:
    """What a command was started with."""

    @pytest.mark.parametrize("closed", [">&-", "<&-", "<&- >&- 2>&-"])
    @pytest.mark.parametrize("command", ["completion bash", "runs FILE", "--version"])
    def test_closed_ones(self, command, closed, tmp_path):
        """A service has none, and nothing fails for that.

        pixelb/crudini#82, bottlepy/bottle#1244, joblib/joblib#856
        """
        path = tmp_path / "spans.json"
        path.write_text(json.dumps(traces(agent_span(1))))
        argv = command.replace("FILE", str(path))
        done = run_in_shell(f'"$@" {argv} {closed}')
        assert (done.returncode, done.stderr) == (0, b"")

    def test_no_file_gets_the_number_of_a_closed_one(self, tmp_path):
        """What is printed by whoever else is in the process goes into no file of ours."""
        out = tmp_path / "out.json"
        program = (
            "import os; from infinium_otel.apps import standard_streams as s; "
            f"s.prepare(); f = open({str(out)!r}, 'w'); os.write(1, b'x'); f.write('y')"
        )
        command = f'"$1" -c "{program}" >&-'
        assert run_in_shell(command).returncode == 0
        assert out.read_text() == "y"

    @pytest.mark.parametrize(
        "environ",
        [
            pytest.param({"PYTHONIOENCODING": "ascii"}, id="ascii"),
            pytest.param(
                {
                    "LC_ALL": "C",
                    "PYTHONUTF8": "0",
                    "PYTHONCOERCECLOCALE": "0",
                    "PYTHONIOENCODING": "",  # tox sets it
                },
                id="locale-c",
            ),
        ],
    )
    def test_a_character_that_the_output_lacks(self, environ):
        """It is a question mark, not the end of the command."""
        done = run_in_shell(
            '"$@" size --runs-per-second 1 --spans 5 --seconds 3', **environ
        )
        assert done.returncode == 0, done.stderr
        assert b" ?s of CPU a span" in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="its arguments are Unicode")
@pytest.mark.parametrize("command", ["runs --user", "show", "replay"])
def test_an_argument_that_is_no_text(command, capsys, monkeypatch, tmp_path):
    """Arguments may be any bytes; a server of runs has none of that name."""
    monkeypatch.chdir(tmp_path)
    assert cli.main([*command.split(), "\udcff"]) == 2
    assert capsys.readouterr().err == (
        f"infinium-otel {command.split()[0]}: an argument is not UTF-8: no run has it\n"
    )


def test_a_password_in_an_address_is_not_shown(capsys):
    """A mistake in an address names it without."""
    assert cli.main(["runs", "--url", "ftp://ada:hunter2@example.com"]) == 2
    error = capsys.readouterr().err
    assert "hunter2" not in error
    assert "not 'ftp://example.com'" in error
