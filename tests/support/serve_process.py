"""`infinium-otel serve` as a separate process."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

COMMAND = ("-m", "infinium_otel", "serve", "--port", "0", "--db")


@dataclass
class Serve:
    """A server that runs, and where it listens."""

    url: str
    process: subprocess.Popen


@contextmanager
def running_serve(db, **environ):
    """A server with its tasks in *db*; *environ* is added to its environment."""
    process = subprocess.Popen(
        [sys.executable, *COMMAND, str(db)],
        env=os.environ | environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        lines = []
        for line in process.stdout:
            lines.append(line)
            url = re.search(r"http://[\d.]+:\d+", line)
            if url:
                yield Serve(url.group(), process)
                break
        else:
            raise AssertionError("".join(lines))
    finally:
        process.kill()
        process.communicate()


def wait_for_run(url, wait_s=120):
    """The list of runs, once there is one."""
    deadline = time.monotonic() + wait_s
    while True:
        page = httpx.get(f"{url}/api/tasks", timeout=wait_s).json()
        if page["total"] or time.monotonic() > deadline:
            return page
        time.sleep(0.1)
