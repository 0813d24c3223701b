"""`infinium-otel gateway` as a separate process."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass

LAST_LINE = "Waiting"
COMMAND = ("-m", "infinium_otel", "gateway", "--port", "0")


@dataclass
class Gateway:
    """A gateway that runs.

    Args:
        url: where it listens.
        addresses: what it printed at its start, by name.
        process: ask it for its exit code.
        stderr: what it wrote to stderr; "" until it was stopped.
        stdout: the same, after what it printed at its start.
    """

    url: str
    addresses: dict[str, str]
    process: subprocess.Popen
    stderr: str = ""
    stdout: str = ""

    def stop(self, number=signal.SIGTERM):
        """Stop it and wait; returns its exit code."""
        self.process.send_signal(number)
        self.stdout, self.stderr = self.process.communicate(timeout=60)
        return self.process.returncode


@contextmanager
def running_gateway(fake, *arguments, launcher=(), **environ):
    """A gateway that delivers to *fake*; *environ* is added to its environment.

    *launcher* is a command that starts it.
    """
    settings = {
        f"INFINIUM_{name.upper()}": value for name, value in fake.settings.items()
    }
    process = subprocess.Popen(
        [*launcher, sys.executable, *COMMAND, *arguments],
        env=os.environ | settings | environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        addresses = read_addresses(process)
        url = re.search(r"http://\S+:\d+", addresses.get("OTLP", ""))
        assert url, str(addresses) + process.stderr.read()
        yield Gateway(url.group(), addresses, process)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def read_addresses(process):
    """The lines a gateway prints at its start, by what is before the colon."""
    addresses = {}
    for line in process.stdout:
        name, _, value = line.partition(":")
        addresses[name] = value.strip()
        if name == LAST_LINE:
            break
    return addresses
