"""The runs of recorded files, in a database in memory with the server's own queries."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any

from infinium_otel.apps.convert import reading, writing
from infinium_otel.apps.filtered import describe_filtered
from infinium_otel.apps.serve.listing import Query
from infinium_otel.apps.serve.store import MEMORY, Arrival, Store
from infinium_otel.config import Config
from infinium_otel.errors import InfiniumError
from infinium_otel.taskdata import task_to_dict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class RecordedRuns:
    """Runs in memory.

    Args:
        store: their tasks.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def close(self) -> None:
        """Forget them."""
        self._store.close()

    def list_rows(self, params: Mapping[str, str]) -> tuple[list[dict[str, Any]], int]:
        """As `Source.list_rows`."""
        query = Query.from_params(params, time.time_ns() // 1_000_000)
        page = self._store.page(query)
        return page.rows, page.total

    def list_open(self, params: Mapping[str, str]) -> list[dict[str, Any]]:  # noqa: ARG002 - as the server's
        """None: what files contain has ended."""
        return []

    def read_task(self, trace_id: str) -> dict[str, Any]:
        """As `Source.read_task`."""
        stored = self._store.find(trace_id)
        if stored is None:
            raise InfiniumError(f"no run {trace_id}")
        return dict(json.loads(stored.body))


def read_runs(
    files: Sequence[str], form: str, include: str | None, environ: Mapping[str, str]
) -> RecordedRuns:
    """Read all runs of *files*; what is skipped or not readable is reported on stderr.

    Args:
        files: paths; "-" is standard input.
        form: their format, or "auto".
        include: which traces are runs; None takes that from *environ*.

    Raises:
        DecodingError: a file has no known format.
        OSError: a file cannot be read.
    """
    if reading.STDIN in files and sys.stdin.isatty():
        raise InfiniumError("no input: name the files to read, or pipe one in")
    counts = reading.ReadCounts()
    converter = writing.TaskConverter(Config.from_env(environ, include=include))
    batches = reading.read_batches(files, form, counts, lambda _octets: None)
    store = Store(MEMORY)
    try:
        for completed in converter.convert(batches):
            task = task_to_dict(completed.task)
            body = json.dumps(task).encode()
            store.add([Arrival(task, body, "", completed.key, "file", 0)])
    except BaseException:
        store.close()
        raise
    skipped = list(
        describe_filtered(converter.filtered, converter.skipped_scopes, "--include all")
    )
    if counts.left_out:
        skipped.append(f"not readable: {counts.left_out}")
    if skipped:
        sys.stderr.write(", ".join(skipped) + "\n")
    return RecordedRuns(store)
