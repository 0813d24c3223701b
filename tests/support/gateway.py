"""`infinium-otel gateway` as a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Gateway:
    """A gateway that runs.

    Args:
        url: where it listens.
        process: ask it for its exit code.
        said: what it wrote to stderr; "" until it was stopped.
    """

    url: str
    process: subprocess.Popen
    said: str = ""

    def stop(self, number=signal.SIGTERM):
        """Ask it to stop and wait until it has; gives its exit code."""
        self.process.send_signal(number)
        _, self.said = self.process.communicate(timeout=30)
        return self.process.returncode


@contextmanager
def running_gateway(fake, *arguments, **environ):
    """A gateway that delivers to *fake*; *environ* is added to its environment."""
    settings = {
        f"INFINIUM_{name.upper()}": value for name, value in fake.settings.items()
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "infinium_otel", "gateway", "--port", "0", *arguments],
        env=os.environ | settings | environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stdout.readline()
        url = re.search(r"http://\S+:\d+", line)
        assert url, line + process.stderr.read()
        yield Gateway(url.group(), process)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()
