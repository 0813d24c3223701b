"""Waiting for what no event reports."""

from __future__ import annotations

import time


def wait_until(is_done, timeout_s=30):
    """Wait until `is_done()`; the test fails if that takes longer than *timeout_s*."""
    deadline = time.monotonic() + timeout_s
    while not is_done():
        assert time.monotonic() < deadline, f"not done within {timeout_s} s"
        time.sleep(0.02)
