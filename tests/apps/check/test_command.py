"""How the command of `infinium-otel check` ends, and what ends it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from infinium_otel.apps.check.command import Ended, run_command
from infinium_otel.errors import InfiniumError
from support.programs import TESTS, WAIT_S
from support.waiting import wait_until

if not hasattr(os, "fork"):  # pragma: no cover - Windows
    pytest.skip("needs signals", allow_module_level=True)

WAITING = """
import signal, sys, time
from pathlib import Path
{handler}
Path(sys.argv[1]).write_text(str(__import__("os").getpid()), "utf-8")
time.sleep(600)
"""
GRACEFUL = "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))"
DEAF = """
signal.signal(signal.SIGTERM, lambda *_: Path(sys.argv[1] + ".deaf").touch())
"""


@pytest.fixture
def start_check(tmp_path):
    """`check` with a command that waits: the process, and the pid of its command."""
    started: list[subprocess.Popen[str]] = []
    note = tmp_path / "pid"

    def start(handler: str) -> tuple[subprocess.Popen[str], int]:
        source = WAITING.format(handler=handler)
        kept = {k: v for k, v in os.environ.items() if not k.startswith("INFINIUM_")}
        ignored = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup
        process = subprocess.Popen(
            [sys.executable, "-m", "infinium_otel", "check", "--allow-no-runs", "--",
             sys.executable, "-c", source, str(note)],
            env={**kept, "PYTHONPATH": str(TESTS)}, stderr=subprocess.PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip
        signal.signal(signal.SIGHUP, ignored)
        started.append(process)
        wait_until(lambda: note.exists() and note.read_text("utf-8"), WAIT_S)
        return process, int(note.read_text("utf-8"))

    yield start
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # with its command
        process.communicate()


def is_running(pid: int) -> bool:
    """Whether there is such a process, which is no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2]
    except OSError:
        return False
    return state.split()[0] != "Z"


@pytest.mark.parametrize(
    "number",
    [signal.SIGTERM, signal.SIGHUP, signal.SIGINT],
    ids=["SIGTERM", "SIGHUP", "SIGINT"],
)
def test_a_stop_reaches_the_command(number, start_check):
    """A cancelled job leaves no command behind; the exit code is that of the signal.

    Source: anomalyco/opencode#26259 (the wrapper died without passing the signal on, and
    the program went on as an orphan), assistant-ui/assistant-ui#6446 (and exited with 0).
    """
    process, pid = start_check("signal.signal(signal.SIGINT, signal.SIG_DFL)")
    process.send_signal(number)
    _, messages = process.communicate(timeout=WAIT_S)
    assert process.returncode == 128 + number
    assert messages.endswith(
        f"0 runs, 0 failed; the command itself was ended by {number.name}\n"
    )
    assert not is_running(pid)


def test_a_command_may_end_in_its_own_way(start_check):
    """It gets the signal, cleans up, and its exit code is passed on."""
    process, _ = start_check(GRACEFUL)
    process.terminate()
    _, messages = process.communicate(timeout=WAIT_S)
    assert process.returncode == 7
    assert "was stopped, and ended with exit code 7" in messages


def test_a_second_stop_kills(start_check, tmp_path):
    """A command that ignores the first signal does not outlive the second.

    Source: steipete/CodexBar#2789 (children that ignored SIGTERM stayed for good).
    """
    process, pid = start_check(DEAF)
    process.terminate()
    wait_until((tmp_path / "pid.deaf").exists, WAIT_S)
    assert is_running(pid)
    process.send_signal(signal.SIGINT)
    _, messages = process.communicate(timeout=WAIT_S)
    assert process.returncode == 137
    assert "was ended by SIGKILL" in messages
    assert not is_running(pid)


@pytest.mark.parametrize(
    ("name", "code"), [("KILL", 137), ("TERM", 143), ("SEGV", 139)]
)
def test_a_command_that_a_signal_ended(name, code):
    """It has failed, with the exit code of a shell, and the signal is named.

    Source: anomalyco/opencode#17978 (a child that a signal ended counted as a success),
    fdupoux/fsarchiver#127 (so did one of exec_command).
    """
    ended = run_command(["sh", "-c", f"kill -{name} $$"], os.environ)
    assert ended == Ended(code, f"SIG{name}")


def test_signals_are_ours_again_afterwards():
    """The handlers that were there before are there after it, also if it cannot start."""
    before = [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)]
    run_command(["true"], os.environ)
    with pytest.raises(InfiniumError, match="No such file"):
        run_command(["no-such-command"], os.environ)
    assert before == [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)]


def test_a_process_that_goes_on_in_the_background_is_not_awaited():
    """A command that leaves a daemon behind has ended, as in a shell."""
    source = "import subprocess, sys; subprocess.Popen(['sleep', '5'])"
    assert run_command([sys.executable, "-c", source], os.environ) == Ended(0)
