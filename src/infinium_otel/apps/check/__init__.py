"""`infinium-otel check`: runs a command, and checks the agent runs that it makes."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infinium_otel.apps.check.rules import Finding, Rule, check_run, parse_rule
from infinium_otel.apps.run_facts import add_verdicts, read_facts
from infinium_otel.errors import InfiniumError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from infinium_otel.apps.check.command import Ended
    from infinium_otel.apps.check.recorder import RecordedRun, Recorder
    from infinium_otel.apps.check.report import CheckedRun

DEFAULT_RULES = ("error",)
FAILED = 2
POLL_S = 2.0
LOCAL = {
    "INFINIUM_AGENT_ID": "00000000-0000-4000-8000-000000000000",
    "INFINIUM_AGENT_SECRET": "recorded-locally",
}
"""What a command without credentials sends with: its runs stay on this machine."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--fail-on",
        action="append",
        metavar="RULE",
        help="a run that fulfils it fails the check; may be repeated: score<0.7, "
        "score:Tone<3, label=failed, error, errors>2, cost>0.10, tokens>20000, "
        "duration>30, steps>40, calls>10, tools>20, tool:delete_*, model:*-preview; "
        "default: error",
    )
    parser.add_argument(
        "--rules",
        metavar="FILE",
        help="a file of such rules, one a line, as `serve --rules` has them",
    )
    parser.add_argument(
        "--strict", action="store_true", help="fail a rule whose figure is unknown, too"
    )
    parser.add_argument(
        "--allow-no-runs", action="store_true", help="pass if the command made no run"
    )
    parser.add_argument(
        "--timeout",
        type=_parse_seconds,
        default=120.0,
        metavar="SECONDS",
        help="how long to wait for verdicts after the command (%(default)g)",
    )
    parser.add_argument("--junit", metavar="FILE", help="write JUnit's XML")
    parser.add_argument("--markdown", metavar="FILE", help="write a Markdown table")
    parser.add_argument(
        "argv",
        nargs=argparse.REMAINDER,
        metavar="-- COMMAND",
        help="the command, with its arguments",
    )


def run(args: argparse.Namespace) -> int:
    """Run the command, await the verdicts of its runs, check and report them."""
    rules = _gather_rules(args)
    argv = args.argv[1:] if args.argv[:1] == ["--"] else args.argv
    if not argv:
        raise InfiniumError("no command: name it after --, as in `check -- pytest`")
    from infinium_otel.apps.check.recorder import Recorder  # noqa: PLC0415 - not for --help
    from infinium_otel.config import Config  # noqa: PLC0415 - not for --help

    config = Config.from_env(os.environ)
    has_account = bool(config.agent_id and config.agent_secret)
    upstream = config.base_url if has_account else None
    _check_outputs(args)
    with Recorder(upstream, verify_ssl=config.verify_ssl) as recorder:
        ended = _run_command(argv, recorder.base_url, has_account=has_account)
        judged: Mapping[str, Any] = {}
        needs_judge = any(rule.needs_judge for rule in rules)
        if has_account and needs_judge and not ended.was_stopped:
            judged = await_verdicts(recorder, recorder.runs, args.timeout)
        runs = recorder.runs
        unchecked = recorder.unchecked
    checked = [_check(rules, each, judged, strict=args.strict) for each in runs]
    is_written = _report(args, argv, checked)
    code = _conclude(args, ended, checked, unchecked)
    return code if is_written or code else FAILED


def _gather_rules(args: argparse.Namespace) -> list[Rule]:
    given = [parse_rule(text) for text in args.fail_on or ()]
    if args.rules:
        from infinium_otel.apps.check.rule_file import read_rules  # noqa: PLC0415 - when needed

        given += read_rules(args.rules)
    return given or [parse_rule(text) for text in DEFAULT_RULES]


def _parse_seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 86_400:
        raise argparse.ArgumentTypeError(
            f"must be a number of seconds between 0 and 86400, not {text!r}"
        )
    return seconds


def _check_outputs(args: argparse.Namespace) -> None:
    """Refuse a report that cannot be written before the command runs, not after it."""
    for path in (args.junit, args.markdown):
        if path:
            with Path(path).open("a", encoding="utf-8"):
                pass


def _run_command(argv: Sequence[str], base_url: str, *, has_account: bool) -> Ended:
    from infinium_otel.apps.check.command import run_command  # noqa: PLC0415 - not for --help

    environ = {**os.environ, "INFINIUM_BASE_URL": base_url}
    if not has_account:
        sys.stderr.write(
            "infinium-otel check: no credentials, so the runs stay on this machine and "
            "are not judged; set INFINIUM_AGENT_ID and INFINIUM_AGENT_SECRET for verdicts\n"
        )
        environ = {**environ, **LOCAL}
    return run_command(argv, environ)


def await_verdicts(
    recorder: Recorder, runs: Iterable[RecordedRun], timeout_s: float
) -> dict[str, Any]:
    """The interpretations of *runs*, by their keys, as far as there are any in time.

    Args:
        recorder: what recorded them.
        runs: whose verdicts are awaited.
        timeout_s: seconds this may take.
    """
    from infinium_otel.delivery.verdicts import read_verdict  # noqa: PLC0415 - not for --help

    waiting = list(runs)
    found: dict[str, Any] = {}
    deadline = time.monotonic() + timeout_s
    while waiting:
        for each in list(waiting):
            try:
                result = recorder.request_result(each)
            except PermissionError as error:
                sys.stderr.write(f"infinium-otel check: {error}\n")
                return found
            if result:
                found[each.key] = read_verdict(result)
                waiting.remove(each)
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            break
        if waiting:
            time.sleep(min(POLL_S, left_s))
    if waiting:
        sys.stderr.write(
            f"infinium-otel check: {len(waiting)} of the runs had no verdict after "
            f"{timeout_s:g} seconds; see --timeout\n"
        )
    return found


def _check(
    rules: list[Rule], recorded: RecordedRun, judged: Mapping[str, Any], *, strict: bool
) -> CheckedRun:
    from infinium_otel.apps.check.report import CheckedRun  # noqa: PLC0415 - not for --help

    facts = add_verdicts(read_facts(recorded.task), judged.get(recorded.key, ()))
    findings = check_run(rules, facts)
    failures = [f for f in findings if strict or not f.is_unknown]
    return CheckedRun(facts, tuple(findings), tuple(failures))


def _report(args: argparse.Namespace, argv: list[str], runs: list[CheckedRun]) -> bool:
    """Print and write what was found; False if a file could not be written."""
    from infinium_otel.apps.check import report  # noqa: PLC0415 - not for --help

    sys.stdout.write(report.to_text(runs))
    texts = {}
    if args.junit:
        texts[args.junit] = report.to_junit(runs, " ".join(argv))
    if args.markdown:
        texts[args.markdown] = report.to_markdown(runs)
    written = [_write(path, text) for path, text in texts.items()]
    return all(written)


def _write(path: str, text: str) -> bool:
    """Whether *text* is written; if not, the reason is on stderr."""
    try:
        Path(path).write_text(text, "utf-8")
    except OSError as error:
        sys.stderr.write(f"infinium-otel check: {path}: {error.strerror}\n")
        return False
    return True


def _conclude(
    args: argparse.Namespace,
    ended: Ended,
    runs: list[CheckedRun],
    unchecked: Mapping[str, int],
) -> int:
    """The last line, and the exit code: the command's own if it failed."""
    failed = [run for run in runs if run.failures]
    line = f"{len(runs)} run{'s' * (len(runs) != 1)}, {len(failed)} failed"
    for reason, count in unchecked.items():
        line += f"; {count} more not checked ({reason})"
    if ended.code:
        line += f"; the command itself {ended.describe()}"
    undecided = _list_undecided(runs)
    if undecided:
        line += f"; not decided: {', '.join(undecided)} (--strict fails them)"
    if not runs and not args.allow_no_runs:
        line += (
            "; the command sent nothing to INFINIUM_BASE_URL: does it call register(), "
            "or does it set base_url itself? (--allow-no-runs)"
        )
    sys.stderr.write(f"infinium-otel check: {line}\n")
    if ended.code:
        return ended.code
    return int(bool(failed or unchecked or not (runs or args.allow_no_runs)))


def _list_undecided(runs: list[CheckedRun]) -> list[str]:
    unknown: list[Finding] = [
        f for run in runs for f in run.findings if f not in run.failures
    ]
    return list(dict.fromkeys(finding.rule.text for finding in unknown))
