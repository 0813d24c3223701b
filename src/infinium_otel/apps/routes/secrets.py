"""The file of an agent's secret: for nobody but who runs this."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from infinium_otel.config.secret import Secret

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 4_096


def read_secret(path: Path) -> Secret:
    """Read a secret; its line end does not belong to it.

    A link is followed: Kubernetes mounts secrets as links, owned by root and readable by
    the group of the pod.

    Raises:
        ValueError: it is empty, or others could read or replace it.
        OSError: it cannot be read.
    """
    file = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(file, "rb") as opened:
        status = os.fstat(opened.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise ValueError(f"{path} is not a file")
        if hasattr(os, "geteuid"):  # pragma: no branch - not on Windows
            _check_owner(path, status, os.geteuid())
        text = opened.read(MAX_BYTES).decode("utf-8", "replace").strip()
    if not text:
        raise ValueError(f"{path} is empty")
    return Secret(text)


def _check_owner(path: Path, status: os.stat_result, user: int) -> None:
    if status.st_uid not in (user, 0):
        raise ValueError(f"{path} belongs to another user")
    # What root gave us can only be readable through its group.
    others = 0o077 if status.st_uid == user else 0o037
    if status.st_mode & others:
        raise ValueError(f"other users can read {path}: chmod 600 {path}")
