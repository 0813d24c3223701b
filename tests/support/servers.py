"""Real web servers in processes of their own: start one, send requests, stop it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from support.programs import environment

APPS = Path(__file__).parents[1] / "servers" / "apps"
RUNS = 40
"""How many requests a test sends."""
START_S = 120.0
STOP_S = 60.0
TROUBLE = ("Traceback", "Logging error", "Exception ignored", "DeprecationWarning")
"""What no server may print because of us."""


@dataclass
class Server:
    """A running server.

    Args:
        process: its main process, the leader of a process group.
        url: where it listens.
        log: the file with all that it and its workers print.
        sent: the names of the runs it was to make.
        workers: the processes that responded, as far as they named themselves.
    """

    process: subprocess.Popen
    url: str
    log: Path
    sent: list[str] = field(default_factory=list)
    workers: set[int] = field(default_factory=set)

    @property
    def output(self) -> str:
        """What it has printed so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def send(self, count: int, *, at_once: int = 8, path: str = "/run") -> None:
        """Send *count* requests; each one makes a run, named `run-NUMBER`."""
        names = [f"run-{len(self.sent) + number}" for number in range(count)]
        self.sent += names
        with ThreadPoolExecutor(at_once) as threads:
            replies = list(threads.map(self._get, [f"{path}?name={n}" for n in names]))
        self.workers |= {int(reply) for reply in replies if reply.isdigit()}

    def _get(self, path: str) -> str:
        """One request over a connection of its own; fails if its status is an error."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(self.url + path, timeout=120) as reply:
            return reply.read().decode()

    def send_signal(self, number: int) -> None:
        """Send a signal to the main process, as a container's runtime does."""
        self.process.send_signal(number)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Stop it; returns its exit code."""
        self.send_signal(number)
        return self.process.wait(STOP_S)

    def wait_for_output(self, text: str, count: int = 1) -> None:
        """Wait until it has printed *text* *count* times."""
        wait_until(lambda: self.output.count(text) >= count, lambda: self.output)

    def wait_until_ready(self) -> None:
        """Wait until it accepts connections and responds."""
        with httpx.Client(base_url=self.url, timeout=5, trust_env=False) as http:
            wait_until(lambda: self._responds(http), lambda: self.output)

    def _responds(self, http: httpx.Client) -> bool:
        assert self.process.poll() is None, self.output
        try:
            return http.get("/ready").status_code < 500
        except httpx.TransportError:
            return False


def wait_until(holds, describe=lambda: "", timeout_s: float = START_S) -> None:
    """Wait until *holds()* is true; fails with *describe()* if it never is."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, describe()
        time.sleep(0.02)


def find_free_port() -> int:
    """A port on loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def serving(fake, folder: Path, *command: str, python=("-m",), **environ):
    """Run a server, `{port}` in *command* being where it listens.

    Args:
        fake: where its runs are sent.
        folder: its working directory, with the application.
        command: a module with a command line, and its arguments.
        python: options of the interpreter before *command*.
        environ: variables besides those that name *fake*.
    """
    port = find_free_port()
    words = [word.replace("{port}", str(port)) for word in command]
    log = folder / f"server-{port}.log"
    paths = [str(APPS), str(folder), *environ.pop("PYTHONPATH", "").split(os.pathsep)]
    inherited = environment(fake, PYTHONUNBUFFERED="1", PYTHONWARNINGS="", **environ)
    inherited["PYTHONPATH"] = os.pathsep.join([*paths, inherited["PYTHONPATH"]])
    with log.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, *python, *words],
            cwd=folder,
            env=inherited,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    server = Server(process, f"http://127.0.0.1:{port}", log)
    try:
        server.wait_until_ready()
        yield server
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def check_arrival(server: Server, fake) -> None:
    """Every run of *server* has arrived once, and nothing it printed is ours to fix."""
    names = sorted(task["name"] for task in fake.tasks)
    assert names == sorted(server.sent), server.output
    check_silence(server)


def check_silence(server: Server) -> None:
    """The server printed no traceback and no failure of logging."""
    found = [word for word in TROUBLE if word in server.output]
    assert found == [], server.output
