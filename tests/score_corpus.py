"""Scores the mapping against the recordings, where their scorer is at hand.

The scorer lives beside the recordings, outside this repository. The recordings
themselves are carried (`tests/data`), and `tests/mapping/test_recordings.py` checks them anywhere.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCORER = Path(__file__).resolve().parents[2] / "shared" / "corpus" / "score.py"

if __name__ == "__main__":
    if not SCORER.exists():
        sys.exit(print(f"no scorer at {SCORER}: nothing to score"))  # noqa: T201
    sys.exit(subprocess.call([sys.executable, SCORER, *sys.argv[1:]]))
