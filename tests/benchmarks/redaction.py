"""What the redaction finds of both test sets, and how long hostile texts take.

    python tests/benchmarks/redaction.py [--verbose] [--no-time]

The credentials and the harmless texts are made by `tests/data/redaction/generate.py`; the
hostile texts are 2 MB each, of pieces that make searching slow.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

from infinium_otel.redaction import remove_credentials

sys.path.insert(0, str(Path(__file__).parents[1]))
from support.redaction_sets import (
    find_missed,
    find_touched,
    load,
    make_hostile_texts,
)

SIZE = 2_000_000
SLOWEST_SHOWN = 12


def measure_hostile_texts() -> list[tuple[float, str]]:
    """CPU seconds of each hostile text, the slowest first."""
    times = []
    for name, text in make_hostile_texts(SIZE).items():
        start = time.process_time()
        remove_credentials(text)
        times.append((time.process_time() - start, name))
    return sorted(times, reverse=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--verbose", action="store_true", help="show every such text")
    parser.add_argument("--no-time", action="store_true", help="only the two sets")
    options = parser.parse_args()
    missed, touched = find_missed(remove_credentials), find_touched(remove_credentials)
    print(f"credentials missed: {len(missed)} of {len(load('credentials'))}")
    for kind, count in Counter(row["kind"] for row in missed).items():
        print(f"  {kind}: {count}")
    print(f"harmless texts changed: {len(touched)} of {len(load('harmless'))}")
    for row in (*missed, *touched) if options.verbose else ():
        print(f"  {row['kind']}: {row['text'][:300]!r} -> {row['after'][:300]!r}")
    if options.no_time:
        return
    print("2 MB of hostile text, the slowest:")
    for seconds, name in measure_hostile_texts()[:SLOWEST_SHOWN]:
        print(f"  {seconds:6.2f} s  {name!r}")


if __name__ == "__main__":
    main()
