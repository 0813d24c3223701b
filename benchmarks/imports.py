"""What `import infinium_otel` adds to a program that has the SDK and httpx."""

from __future__ import annotations

import statistics
import subprocess
import sys

GOAL_MS = 30.0
BEFORE = "import opentelemetry.sdk.trace, opentelemetry.sdk.trace.export, httpx"
CHILD = """
import time
{before}
began = time.perf_counter()
{ours}
print((time.perf_counter() - began) * 1000)
"""
WAYS = {
    "import infinium_otel": "import infinium_otel",
    "the processor": "from infinium_otel import InfiniumSpanProcessor",
    "register": "from infinium_otel import register",
}


def added_ms(statement: str) -> float:
    program = CHILD.format(before=BEFORE, ours=statement)
    output = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout
    return float(output)


def main(rounds: int = 5) -> bool:
    met = True
    for name, statement in WAYS.items():
        cost = statistics.median(added_ms(statement) for _ in range(rounds))
        print(f"{name}: {cost:.1f} ms over the SDK and httpx, goal {GOAL_MS:.0f}")
        met = met and cost <= GOAL_MS
    return met


if __name__ == "__main__":
    main()
