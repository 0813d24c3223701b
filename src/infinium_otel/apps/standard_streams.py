"""Makes the standard streams usable, whatever the command was started with."""

from __future__ import annotations

import io
import os
import sys
from typing import IO

MODES = {"stdin": os.O_RDONLY, "stdout": os.O_WRONLY, "stderr": os.O_WRONLY}


def prepare() -> None:
    """Open the streams that are closed, and let output replace what it cannot show.

    A service or a job may be started without them (`>&-`, pythonw): Python has None for
    each, and the next file that is opened would get its number, so that what other
    libraries print would be written into it.
    """
    for name, mode in MODES.items():
        if getattr(sys, name) is None:
            setattr(sys, name, _open_nothing(mode))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors in _RAISING:
            stream.reconfigure(errors="replace")


_RAISING = ("strict", "surrogateescape")
"""What raises for a character that the encoding lacks; a locale C has the second."""


def _open_nothing(mode: int) -> IO[str]:
    number = os.open(os.devnull, mode)  # the lowest free one: that of the closed stream
    os.set_inheritable(number, True)  # noqa: FBT003 - its only argument
    direction = "r" if mode == os.O_RDONLY else "w"
    return open(number, direction, encoding="utf-8", errors="replace")  # noqa: PTH123 - for ever
