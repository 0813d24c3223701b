"""What `import infinium_otel` and `register()` add to a program with the SDK and httpx."""

from __future__ import annotations

import subprocess
import sys
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
}
"""The last one sends nothing: no span ends."""


def added_ms(statement: str) -> float:
    """CPU time that a statement adds, in a new process."""
    program = CHILD.format(before=BEFORE, ours=statement)
    output = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout
    return float(output)


def measure(rounds: int) -> Measured:
    found = Measured("ms")
    ways = {name: partial(added_ms, statement) for name, statement in WAYS.items()}
    found.add(interleave(ways, rounds))
    return found


if __name__ == "__main__":
    sys.exit(program("imports", measure, rounds=7))
