"""Sets of runs by name: files, one run of the local server, or those with a tag."""

from __future__ import annotations

import json
import os
import re
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infinium_otel.apps.convert.formats import detect_format
from infinium_otel.apps.convert.reading import ReadCounts, read_batches
from infinium_otel.apps.convert.writing import TaskConverter, tasks_to_documents
from infinium_otel.apps.run_facts import RunFacts, add_verdicts, read_facts
from infinium_otel.apps.serve.checks import RejectedError, parse_task
from infinium_otel.apps.serve.task_row import as_mapping, as_text
from infinium_otel.config import Config
from infinium_otel.delivery.verdicts import read_verdict
from infinium_otel.delivery.verdicts.reading import LOCAL
from infinium_otel.errors import InfiniumError
from infinium_otel.otlp import files

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_RUNS = 10_000
RUN_ID = re.compile(
    r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE
)
TAG = re.compile(r"(?:(.+):)?tag:([^=]+)=(.+)")
READABLE = (".json", ".jsonl", ".pb", ".bin", ".gz", ".zst", ".otlp")


def load_runs(name: str, url: str) -> list[RunFacts]:
    """The runs that *name* stands for.

    Args:
        name: a file or a folder of recordings or tasks, also `FILE:tag:NAME=VALUE` for
            those of its runs; `tag:NAME=VALUE`, or the id of a run: of the local
            server's runs.
        url: the address of that server.

    Raises:
        InfiniumError: there are none, too many, or they cannot be read; names the cure.
    """
    found = list(_iter_runs(name, url))
    if not found:
        raise InfiniumError(f"{name}: contains no run")
    if len(found) > MAX_RUNS:
        raise InfiniumError(f"{name}: more than {MAX_RUNS:,} runs; choose fewer")
    return found


def _iter_runs(name: str, url: str) -> Iterator[RunFacts]:
    path = Path(name)
    tag = TAG.fullmatch(name)
    if path.exists():
        yield from _read_path(path)
    elif tag and tag[1]:
        runs = _read_path(Path(tag[1]))
        yield from (run for run in runs if _get_tag(run, tag[2]) == tag[3])
    elif tag:
        yield from _request_runs(url, {"tag": f"{tag[2]}:{tag[3]}"})
    elif RUN_ID.fullmatch(name):
        yield from _request_runs(url, {"q": name})
    else:
        raise InfiniumError(
            f"{name}: no such file; a set of runs is a file, a folder, the id of a run, "
            "tag:NAME=VALUE, or FILE:tag:NAME=VALUE"
        )


def _read_path(path: Path) -> Iterator[RunFacts]:
    paths = _list_files(path) if path.is_dir() else [path]
    return map(read_facts, _read_files([str(each) for each in paths]))


def _get_tag(run: RunFacts, name: str) -> str:
    tags = as_mapping(as_mapping(run.task.get("environment")).get("custom_tags"))
    return as_text(tags.get(name))


def _list_files(folder: Path) -> list[Path]:
    return [
        p for p in sorted(folder.rglob("*")) if p.suffix in READABLE and p.is_file()
    ]


def _read_files(paths: list[str]) -> Iterator[dict[str, Any]]:
    """The tasks in the files; recordings are read together, as logs may be in their own."""
    recordings = []
    for path in paths:
        if (tasks := _read_tasks(path)) is None:
            recordings.append(path)
        else:
            yield from tasks
    if recordings:
        converter = TaskConverter(Config.from_env(os.environ))
        batches = read_batches(recordings, "auto", ReadCounts(), lambda _: None)
        yield from tasks_to_documents(converter.convert(batches))


def _read_tasks(path: str) -> list[dict[str, Any]] | None:
    """The tasks in a file; None if it holds something else."""
    with Path(path).open("rb") as stream, files.name_in_errors(path):
        head, chunks = files.open_input(stream)
        if not files.is_json(head):
            return None
        documents = files.read_documents(chunks)
        first = next(documents, None)
        if not isinstance(first, dict) or detect_format(first) != "infinium":
            return None
        bodies = (json.dumps(each).encode() for each in chain((first,), documents))
        return [
            _check_task(body, f"{path}, run {number}")
            for number, body in enumerate(bodies, 1)
        ]


def _check_task(body: bytes, source: str) -> dict[str, Any]:
    try:
        return parse_task(body)
    except RejectedError as error:
        raise InfiniumError(f"{source}: not a task: {error}") from None


def _request_runs(url: str, params: dict[str, str]) -> Iterator[RunFacts]:
    from infinium_otel.apps.runs.server import Server  # noqa: PLC0415 - httpx takes time

    with closing(Server(url)) as server:
        for line in server.iter_tasks({**params, "rules": "1"}):
            yield _read_line(line, url)


def _read_line(line: bytes, server: str) -> RunFacts:
    """The run in a line, with what the server's rules found."""
    try:
        given = json.loads(line)
        task, rules = json.dumps(given["task"]).encode(), given["rules"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InfiniumError(f"{server}: not the runs of a local server") from None
    facts = read_facts(_check_task(task, server))
    return add_verdicts(facts, read_verdict({"source": LOCAL, "rules": rules}))
