"""`infinium-otel replay`: a recorded run as a test that lets it happen again."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from infinium_otel.apps.runs import sources
from infinium_otel.errors import InfiniumError

if TYPE_CHECKING:
    import argparse

    from infinium_otel.apps.replay.recorded_run import RecordedRun

AGENT = "your_agent:run"
"""The agent to import, where none is named."""
_AGENT = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "run",
        nargs="?",
        default=sources.LAST,
        metavar="RUN",
        help="an id or its beginning, or the name of a run or an agent, which means its "
        "newest run, or a file, which means its last run; default: last, the run that "
        "ended last",
    )
    sources.add_places(parser)
    parser.add_argument("-o", "--output", metavar="OUT", help="default: stdout")
    parser.add_argument(
        "--agent",
        default=AGENT,
        metavar="MODULE:FUNCTION",
        help="the function that runs the agent, given the question (default: "
        f"{AGENT}, to be changed in the file)",
    )
    parser.add_argument(
        "--strict",
        action="store_true",
        help="also check that the newest message of each request is the recorded one",
    )
    parser.add_argument(
        "--force", action="store_true", help="overwrite the output if it exists"
    )


def run(args: argparse.Namespace) -> int:
    """Write the test, and say on stderr what is in it and what is not."""
    from infinium_otel.apps.replay.scripting import make_script  # noqa: PLC0415 - not for --help
    from infinium_otel.apps.replay.writing import write_test  # noqa: PLC0415 - likewise

    if not _AGENT.fullmatch(args.agent):
        raise InfiniumError(f"--agent must be MODULE:FUNCTION, not {args.agent!r}")
    _check_output(args)
    recorded = _read(args)
    script = make_script(recorded)
    if not script.answers and not script.results:
        raise InfiniumError("the run has no model call and no tool call to replay")
    root = recorded.run.root
    name = root.normalized.agent_name or root.record.name
    text = write_test(script, name, root.record.end_ns, args.agent, strict=args.strict)
    if args.output:
        _write(Path(args.output), text)
    else:
        sys.stdout.write(text)
    answers, results = len(script.answers), len(script.results)
    counts = (
        f"{answers} answer{'s' * (answers != 1)}, "
        f"{results} tool result{'s' * (results != 1)}"
    )
    sys.stderr.write("".join(f"{each}\n" for each in (*script.notes, counts)))
    return 0


def _write(path: Path, text: str) -> None:
    """Write the file; on a full disk nothing half-written stays in its place.

    Raises:
        OSError: it cannot be written; names it.
    """
    existed = path.exists()
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        if not existed:
            path.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from error


def _check_output(args: argparse.Namespace) -> None:
    if args.output and Path(args.output).exists() and not args.force:
        raise InfiniumError(
            f"{args.output} exists, and may have your changes; --force overwrites it"
        )


def _read(args: argparse.Namespace) -> RecordedRun:
    from infinium_otel.apps.replay import recorded_run  # noqa: PLC0415 - not for --help

    wanted, files = sources.get_run_and_files(args)
    if not files:
        return recorded_run.read_from_server(wanted, args.url or sources.DEFAULT_URL)
    if args.url:
        raise InfiniumError("--url reads from a server, so it goes with no files")
    return recorded_run.read_from_files(wanted, files, args.source)
