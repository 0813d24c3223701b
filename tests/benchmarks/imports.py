"""What `import infinium_otel` and `register()` add to a program with the SDK and httpx.

Byte code is kept between the processes, as pip's installation and Python's first import do,
in a folder of its own: what the environment says about it does not matter. One more way is
that of a program for which none is kept: with PYTHONDONTWRITEBYTECODE, or in a container
that was installed by `uv` without `--compile-bytecode` and whose files are read-only.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from functools import partial

from measuring import Measured, interleave
from program import program

from infinium_otel.testing.fake import AGENT_ID, AGENT_SECRET

BEFORE = "import opentelemetry.sdk.trace, opentelemetry.sdk.trace.export, httpx"
CHILD = """
import time
{before}
began = time.process_time()
{ours}
print((time.process_time() - began) * 1000)
"""
WAYS = {
    "import infinium_otel": "import infinium_otel",
    "the processor": "from infinium_otel import InfiniumSpanProcessor",
    "register": "from infinium_otel import register",
    "register, and its call": (
        "from infinium_otel import register\n"
        f"register(agent_id={AGENT_ID!r}, agent_secret={AGENT_SECRET!r}, "
        'base_url="http://127.0.0.1:9")'
    ),
    "the mapping": "import infinium_otel.pipeline",
}
"""The call of `register` sends nothing: no span ends."""
NOT_KEPT = "register, without byte code"


def added_ms(statement: str, kept: str | None) -> float:
    """CPU time that a statement adds, in a new process.

    Args:
        kept: the folder that byte code is kept in; None for none.
    """
    program = CHILD.format(before=BEFORE, ours=statement)
    environ = {**os.environ, "PYTHONDONTWRITEBYTECODE": "" if kept else "1"}
    with tempfile.TemporaryDirectory() as empty:
        environ["PYTHONPYCACHEPREFIX"] = kept or empty
        output = subprocess.run(
            [sys.executable, "-c", program],
            check=True,
            capture_output=True,
            text=True,
            env=environ,
        ).stdout
    return float(output)


def measure(rounds: int) -> Measured:
    found = Measured("ms")
    with tempfile.TemporaryDirectory() as kept:
        ways = {name: partial(added_ms, way, kept) for name, way in WAYS.items()}
        for first in ways.values():
            first()
        ways[NOT_KEPT] = partial(added_ms, WAYS["register"], None)
        found.add(interleave(ways, rounds))
    return found


if __name__ == "__main__":
    sys.exit(program("imports", measure, rounds=7))
