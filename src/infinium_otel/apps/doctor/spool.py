"""Whether waiting tasks are safe, and what is in the spool."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from infinium_otel.apps.doctor.findings import Finding
from infinium_otel.delivery.storage.spool.contents import count_tasks
from infinium_otel.errors import SpoolError
from infinium_otel.runtime import skipped_file

if TYPE_CHECKING:
    from collections.abc import Iterator

TOPIC = "Delivery"
MAX_SCOPES = 10
"""Scopes named, at most."""


def check_spool(path: str | None) -> Iterator[Finding]:
    """Check the spool.

    Args:
        path: of the spool's file; None without a spool.
    """
    if path is None:
        message = "no spool: waiting tasks are lost when the process is killed"
        fix = "export INFINIUM_OTEL_SPOOL=/var/lib/infinium/spool.db"
        yield Finding(TOPIC, "note", message, fix)
        return
    folder = Path(path).absolute().parent
    if not folder.is_dir():
        message = f"the spool's folder is missing: {folder}"
        yield Finding(TOPIC, "error", message, f"mkdir -p -m 700 {folder}")
    elif not Path(path).exists():
        yield Finding(TOPIC, "ok", f"tasks will be stored in {path}")
    else:
        yield from _check_contents(path)
        yield from _check_permissions(path)
    yield from _list_skipped(path)


def _check_permissions(path: str) -> Iterator[Finding]:
    """Report files with tasks in them that others can read, or may have planted."""
    for each in sorted(Path(path).absolute().parent.glob(f"{Path(path).name}*")):
        status = each.lstat()
        if stat.S_ISLNK(status.st_mode):
            message = f"{each} is a symbolic link, which is not followed"
            yield Finding(TOPIC, "warning", message, f"rm {each}")
        elif hasattr(os, "geteuid") and status.st_uid != os.geteuid():
            message = f"{each} belongs to another user"
            yield Finding(TOPIC, "warning", message, f"chown {os.geteuid()} {each}")
        elif hasattr(os, "geteuid") and status.st_mode & 0o077:
            message = f"other users can read {each}"
            yield Finding(TOPIC, "warning", message, f"chmod go= {each}")


def _check_contents(path: str) -> Iterator[Finding]:
    try:
        waiting, refused = count_tasks(path)
    except SpoolError as error:
        message = f"{path} is not a spool, or damaged: {error}"
        yield Finding(TOPIC, "error", message, f"mv {path} {path}.other")
        return
    yield Finding(TOPIC, "ok", f"tasks waiting in {path}: {waiting}")
    if refused:
        message = f"tasks the service refused: {refused}; the spool has the reasons"
        yield Finding(TOPIC, "warning", message, f"infinium-otel spool {path} list")


def _list_skipped(path: str) -> Iterator[Finding]:
    """Name the scopes whose traces were not sent, as the last process counted them."""
    scopes = skipped_file.load(path)
    for name in sorted(scopes, key=lambda name: (-scopes[name], name))[:MAX_SCOPES]:
        message = (
            f"traces with spans of {name} that were not sent, because no model call, "
            f"tool or agent was recognized in them: {scopes[name]}"
        )
        yield Finding(TOPIC, "note", message, "export INFINIUM_OTEL_INCLUDE=all")
