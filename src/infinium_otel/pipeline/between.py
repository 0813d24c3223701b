"""What ran in a trace between two of its runs, as tags of the later one."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from infinium_otel.taskdata import EnvironmentContext

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from infinium_otel.records import SpanRecord
    from infinium_otel.taskdata import TaskData

MAX_NAMES = 20
MAX_LENGTH = 500


def add_between(task: TaskData, records: Sequence[SpanRecord]) -> None:
    """Add to the tags of *task* how many spans ran before it, which, and failures."""
    environment = task.environment or EnvironmentContext()
    tags = {
        "otel.between.spans": str(len(records)),
        "otel.between.names": _join(record.name for record in records),
        "otel.between.failed": _join(r.name for r in records if r.status == "error"),
    }
    found = {name: text for name, text in tags.items() if text}
    environment.custom_tags = {**(environment.custom_tags or {}), **found}
    task.environment = environment


def _join(names: Iterable[str]) -> str:
    return ", ".join(islice(dict.fromkeys(names), MAX_NAMES))[:MAX_LENGTH]
