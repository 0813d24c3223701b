"""Programs with real workers, each in files and processes of its own."""

from __future__ import annotations

import socket
import subprocess
import sys
import textwrap
import time

from support.programs import environment

WAIT_S = 90.0
"""Long enough for a machine on which much else runs."""

HEAD = """
import os, sys, time, warnings
warnings.simplefilter("ignore")
from opentelemetry import trace
from infinium_otel import register
from support.programs import run_agent
"""

QUIET = {"PYTHONWARNINGS": "ignore", "PYTHONUNBUFFERED": "1"}


class Programs:
    """Files in one folder, run with an environment that sends to *fake*."""

    def __init__(self, fake, folder):
        self.fake = fake
        self.folder = folder

    def write(self, name, text, head=HEAD):
        path = self.folder / name
        path.write_text(head + textwrap.dedent(text))
        return path

    def start(self, *command, **more):
        """Start a Python command in the folder."""
        names = {**QUIET, **more}
        variables = environment(self.fake, **names)
        variables["PYTHONPATH"] = f"{self.folder}:{variables['PYTHONPATH']}"
        return subprocess.Popen(
            [sys.executable, *map(str, command)],
            cwd=self.folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *command, **more):
        """Run a Python command to its end: (exit code, output)."""
        with self.start(*command, **more) as child:
            try:
                output, _ = child.communicate(timeout=WAIT_S)
            finally:
                child.kill()
        return child.returncode, output

    def run_text(self, text, **more):
        """Run a program from a file, which children can import again."""
        return self.run(self.write("program.py", text), **more)


def wait_for_port(port):
    """Wait until something listens on *port*."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        with socket.socket() as connection:
            if connection.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens on {port}")


def names(fake):
    """The names of the delivered runs."""
    return sorted(run_name(task) for task in fake.tasks)


def run_name(task):
    """The name of a run's root span, which `run_agent` was called with."""
    return task["environment"]["custom_tags"]["otel.root_span_name"]
