"""Work that must not grow out of proportion."""

from __future__ import annotations

import time
from contextlib import contextmanager

MOST_CPU_S = 60
"""Seconds of CPU for what takes some tenths of a second, or a few: a busy or slow machine
stays below, and a search whose time grows with the square of its input does not."""


@contextmanager
def little_cpu():
    """Fail if the block takes more than `MOST_CPU_S` of this process."""
    began = time.process_time()
    yield
    assert time.process_time() - began < MOST_CPU_S
