"""How much of the recordings' content arrives in the tasks, and what is wrong.

    python tests/score_corpus.py [--corpus NAME] [--library NAME] [--misses] [--min 99.5]

The recordings and their truth are in `tests/data`; see `tests/support/corpus.py`.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict

from support import corpus
from support.scoring import Score, score_recording


def main() -> int:
    """Print a line per library and one for all; 1 if the score is too low."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", choices=corpus.CORPORA, default=corpus.FIRST)
    parser.add_argument("--library", help="only this one")
    parser.add_argument("--misses", action="store_true", help="list what is missing")
    parser.add_argument("--min", type=float, default=0.0, help="percent to be found")
    parser.add_argument("--wrong", type=int, default=0, help="wrong facts, with --min")
    args = parser.parse_args()
    total, libraries = Score(), defaultdict(Score)
    for recording in corpus.recordings(args.library, args.corpus):
        one = score_recording(recording)
        libraries[recording.library].add(one, recording.scenario)
        total.add(one, recording.id)
    for library, score in sorted(libraries.items()):
        say(f"{library:30} {score}")
    if args.misses:
        for line in (*total.misses, *(f"WRONG {wrong}" for wrong in total.wrongs)):
            say(line)
    say(f"{'all':30} {total}")
    is_low = not total.facts or total.percent < args.min
    return int(is_low or bool(args.min and len(total.wrongs) > args.wrong))


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
