"""What the store returns: pages of the list, and single tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from infinium_otel.apps.serve.rule_results import Results


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the list: its rows, the total, and the number of the newest task."""

    rows: list[dict[str, Any]]
    total: int
    last: int


@dataclass(frozen=True, slots=True)
class StoredTask:
    """One stored task.

    Args:
        row: of the list.
        body: as received.
        rules: what the rules found, as `check.rule_file.evaluate` gives it; None if there
            were none when it arrived.
    """

    row: dict[str, Any]
    body: bytes
    rules: Results | None = None
