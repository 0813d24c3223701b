"""Every benchmark, each in a process of its own, with its peers in the same run.

    python tests/benchmarks/run.py [NAME ...] [--rounds N] [--json FILE] [--chart FILE]
                                   [--check]

Without --check the exit code is 0 whatever was measured, because machines differ. With
it, each goal of `goals.py` is compared with what was measured, and the exit code is 1
while one is missed. --json adds to what is in FILE, so a part can be measured anew.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from goals import check
from measuring import make_document, merge_documents, read_document
from program import describe, describe_machine, describe_missing, read, write

if TYPE_CHECKING:
    from measuring import Measured

HERE = Path(__file__).parent
NAMES = (
    *("imports", "application", "event_loop", "worker", "client", "translate"),
    *("mapping", "burst", "stages", "open_runs", "consume", "memory"),
)


def main() -> int:
    options = parse()
    taken = describe_machine()
    results: dict[str, Measured] = {}
    failed = []
    for name in options.name or NAMES:
        found = run_one(name, options.rounds)
        if found is None:
            failed.append(name)
            continue
        results |= read_document(found)
        print("\n".join(describe(name, results[name])), flush=True)
        if options.json:
            add(options.json, make_document(taken, {name: results[name]}))
    for line in describe_missing(results.values()):
        print(line)
    if options.chart:
        from chart import draw  # noqa: PLC0415 - matplotlib, only for a chart

        draw(
            read_document(read(options.json)) if options.json else results,
            options.chart,
        )
    for name in failed:
        print(f"{name} failed; its output is above", file=sys.stderr)
    missed = options.check and not report_goals(results)
    return 1 if failed or missed else 0


def add(path: Path, document: dict) -> None:
    """Add results to those in a file, as soon as there are any."""
    write(path, merge_documents(read(path), document) if path.exists() else document)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "name", nargs="*", choices=[*NAMES, []], metavar="NAME", help=", ".join(NAMES)
    )
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--json", type=Path, help="add the results to this file")
    parser.add_argument("--chart", type=Path, help="draw the ratios as an SVG")
    parser.add_argument("--check", action="store_true", help="compare with the goals")
    return parser.parse_args()


def run_one(name: str, rounds: int | None) -> dict | None:
    """What a benchmark found, as a document; None if it failed."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "found.json"
        command = [sys.executable, str(HERE / f"{name}.py"), "--quiet"]
        command += ["--json", str(path)]
        if rounds is not None:
            command += ["--rounds", str(rounds)]
        done = subprocess.run(command, check=False)
        return read(path) if done.returncode == 0 and path.exists() else None


def report_goals(results: dict) -> bool:
    """Print each goal with its outcome; returns whether all are met."""
    outcomes = check(results)
    for outcome in outcomes:
        print(outcome)
    missed = [each for each in outcomes if not each.is_met]
    print(f"{len(outcomes) - len(missed)} of {len(outcomes)} goals met")
    return not missed


if __name__ == "__main__":
    sys.exit(main())
