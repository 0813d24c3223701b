"""What rules found in the tasks of the store, in a table of its own and as counts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlite3

Results = dict[str, dict[str, Any]]
"""By the text of each rule, what it found; see `check.rule_file.evaluate`."""
Evaluate = Callable[[Mapping[str, Any]], Results]
"""From the JSON object of a task to what the rules find in it."""


def add_rules(db: sqlite3.Connection, seq: int, found: Results) -> None:
    """Store what the rules found in the task with the number *seq*."""
    failed = sum(each.get("score") is False for each in found.values())
    db.execute(
        "INSERT INTO rules (seq, result) VALUES (?, ?)", [seq, json.dumps(found)]
    )
    db.execute(
        "UPDATE tasks SET rules = ?, rules_failed = ? WHERE seq = ?",
        [len(found), failed, seq],
    )


def find_rules(db: sqlite3.Connection, seq: int) -> Results | None:
    """What the rules found in a task; None if there were none when it arrived."""
    row = db.execute("SELECT result FROM rules WHERE seq = ?", [seq]).fetchone()
    if row is None or not isinstance(row[0], str):
        return None
    found = json.loads(row[0])
    return found if isinstance(found, dict) else None
