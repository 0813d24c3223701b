"""The run to write a test of: from files, or from a local server; without credentials."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infinium_otel.apps.convert import reading
from infinium_otel.apps.runs import sources
from infinium_otel.config import Config
from infinium_otel.errors import InfiniumError
from infinium_otel.models import infinium
from infinium_otel.models.runs import Run, find_runs
from infinium_otel.otlp import from_json
from infinium_otel.redaction import redact_records

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from infinium_otel.otlp import Record

MAX_RECORDS = 1_000_000
MAX_NAMED = 5
STEP_ACTION = "infinium.step.action"
ROOT_TAG = "otel.root_span_id"


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """A run as it was recorded.

    Args:
        run: its steps, with their whole content as far as it was recorded.
        is_cut: only its task is known, whose texts are cut and whose answers contain the
            tool requests as text.
    """

    run: Run
    is_cut: bool = False


def read_from_files(
    wanted: str, paths: Sequence[str], form: str, config: Config | None = None
) -> RecordedRun:
    """The run that *wanted* names, of recorded spans or tasks.

    Args:
        wanted: as for `sources.find_row`.
        paths: the files; "-" is standard input.
        form: their format, or "auto".
        config: for redaction; None: by the environment.

    Raises:
        InfiniumError: there is none, or several of that name.
        OSError: a file cannot be read.
    """
    counts = reading.ReadCounts()
    records: list[Record] = []
    for batch in reading.read_batches(paths, form, counts, lambda _: None):
        records += batch
        if len(records) > MAX_RECORDS:
            raise InfiniumError(f"more than {MAX_RECORDS:,} spans; choose fewer files")
    run = _choose(find_runs(_redact(records, config), ""), wanted)
    return RecordedRun(run, is_cut=_is_of_task(run))


def read_from_server(wanted: str, url: str) -> RecordedRun:
    """The same of a local server: by its whole spans if it keeps them, else by its task.

    Args:
        url: of the server.
    """
    from infinium_otel.apps.runs.server import Server  # noqa: PLC0415 - httpx takes time

    server = Server(url)
    try:
        row = sources.find_row(server, wanted)
        spans = server.read_spans(str(row["trace_id"]))
        task = server.read_task(str(row["trace_id"]))
    finally:
        server.close()
    if spans is not None:
        runs = find_runs(_redact(from_json(spans).records, None), "")
        root_id = _get_tags(task).get(ROOT_TAG)
        same = [run for run in runs if run.root.record.span_id == root_id]
        if runs:
            return RecordedRun((same or runs)[0])
    records = infinium.to_spans(infinium.load(task))
    return RecordedRun(find_runs(_redact(records, None), "")[0], is_cut=True)


def _get_tags(task: dict[str, Any]) -> dict[str, Any]:
    environment = task.get("environment")
    tags = environment.get("custom_tags") if isinstance(environment, dict) else None
    return tags if isinstance(tags, dict) else {}


def _redact(records: Iterable[Record], config: Config | None) -> list[Record]:
    """The records without credentials, also where sending them would be allowed."""
    config = Config.from_env(os.environ) if config is None else config
    if config.redact is False:
        config = config.but(redact=True)
    return redact_records(records, config)


def _is_of_task(run: Run) -> bool:
    """Whether its spans were made of a task, which has no more than previews."""
    return bool(run.steps) and all(
        STEP_ACTION in step.record.attributes for step in run.steps
    )


def _choose(runs: Sequence[Run], wanted: str) -> Run:
    by_end = sorted(runs, key=lambda run: run.root.record.end_ns)
    found = [run for run in by_end if run.steps] or by_end
    if wanted != sources.LAST:
        start = wanted.lower()
        named = [run for run in found if wanted in list_names(run)]
        by_id = [run for run in found if run.root.record.trace_id.startswith(start)]
        traces = {run.root.record.trace_id for run in by_id}
        if len(traces) > 1 and not named:
            names = ", ".join(sorted(traces)[:MAX_NAMED])
            raise InfiniumError(
                f"{wanted!r} is the beginning of {len(traces)} ids: {names}"
            )
        found = named or by_id
    if not by_end:
        raise InfiniumError("the files contain no run")
    if not found:
        known = ", ".join(dict.fromkeys(n for run in by_end for n in list_names(run)))
        raise InfiniumError(f"no run {wanted!r}; there are: {known[:300]}")
    return found[-1]


def list_names(run: Run) -> list[str]:
    """What a run is called: its agent, its task, its root span."""
    root = run.root
    task_name = root.record.attributes.get("infinium.task.name")
    names = (root.normalized.agent_name, task_name, root.record.name)
    return list(dict.fromkeys(n for n in names if isinstance(n, str) and n))
