"""Install the packages in `peers.txt`, each by itself, and report what cannot be.

    python tests/benchmarks/install.py

One that cannot be installed is left out of the comparison; the exit code is 0.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PEERS = Path(__file__).with_name("peers.txt")


def read_names() -> list[str]:
    """The requirements, without comments."""
    lines = PEERS.read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def install(requirement: str) -> str:
    """Install *requirement*; returns why that failed, or ""."""
    command = [sys.executable, "-m", "uv", "pip", "install", "--quiet"]
    command += ["--python", sys.executable, requirement]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    return "" if done.returncode == 0 else " ".join(lines[-3:]) or "no reason given"


def main() -> int:
    for requirement in read_names():
        reason = install(requirement)
        if reason:
            print(f"{requirement} cannot be installed, and is left out: {reason}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
