"""Whether tasks that wait are safe, and what is in the spool."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from infinium_otel.apps.doctor.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

TOPIC = "Delivery"
COUNTS = "SELECT (SELECT count(*) FROM queue), (SELECT count(*) FROM refused)"


def spool(path: str | None) -> Iterator[Finding]:
    """What is to be said of the spool at *path*; None if there is none."""
    if path is None:
        said = "no spool: tasks that wait are lost when the process is killed"
        mend = "export INFINIUM_OTEL_SPOOL=/var/lib/infinium/spool.db"
        yield Finding(TOPIC, "note", said, mend)
        return
    folder = Path(path).absolute().parent
    if not folder.is_dir():
        said = f"the spool's folder is missing: {folder}"
        yield Finding(TOPIC, "error", said, f"mkdir -p -m 700 {folder}")
    elif not Path(path).exists():
        yield Finding(TOPIC, "ok", f"tasks will be kept in {path}")
    else:
        yield from _contents(path)


def _contents(path: str) -> Iterator[Finding]:
    # read-only, as a spool that is opened for use may be mended by that
    address = f"{Path(path).absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True)) as connection:
            waiting, refused = connection.execute(COUNTS).fetchone()
    except sqlite3.Error as error:
        said = f"{path} is no spool, or damaged: {error}"
        yield Finding(TOPIC, "error", said, f"mv {path} {path}.other")
        return
    yield Finding(TOPIC, "ok", f"tasks waiting in {path}: {waiting}")
    if refused:
        said = f"tasks the service refused: {refused}; their reasons are in the spool"
        yield Finding(TOPIC, "warning", said, f"infinium-otel spool {path} list")
