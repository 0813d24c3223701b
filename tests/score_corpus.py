"""How much of what the recordings hold arrives in the tasks, and what is wrong.

    python tests/score_corpus.py [--library NAME] [--misses] [--min 99.5]

The recordings and their truth are in `tests/data`.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict

from support import corpus
from support.scoring import Score, score_recording


def main() -> int:
    """Print a line a library and one for all; 1 if that is not enough."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--library", help="only this one")
    parser.add_argument("--misses", action="store_true", help="list what is missing")
    parser.add_argument("--min", type=float, default=0.0, help="percent to be found")
    args = parser.parse_args()
    total, libraries = Score(), defaultdict(Score)
    for recording in corpus.recordings(args.library):
        one = score_recording(recording)
        libraries[recording.library].add(one, recording.scenario)
        total.add(one, recording.id)
    for library, score in sorted(libraries.items()):
        say(f"{library:30} {score}")
    if args.misses:
        for line in (*total.misses, *(f"WRONG {wrong}" for wrong in total.wrongs)):
            say(line)
    say(f"{'all':30} {total}")
    return int(total.percent < args.min or bool(args.min and total.wrongs))


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
