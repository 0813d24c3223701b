"""What tests of the sender share."""

from __future__ import annotations

import time

FAST = {"requests_per_second": 10_000, "burst": 10_000}
"""Settings without a noticeable rate limit."""


def settle(sender, check, timeout_s=10.0):
    """Waits until the counts pass a check."""
    deadline = time.monotonic() + timeout_s
    while not check(sender.counts) and time.monotonic() < deadline:
        time.sleep(0.005)
    return check(sender.counts)
