"""What is accepted while the gateway is nearly full."""

from __future__ import annotations

import pytest

from infinium_otel.apps.gateway.admission import check_new_runs, find_shortage
from infinium_otel.config import Config
from infinium_otel.errors import DecodingError
from infinium_otel.runtime import Load

MIB = 1024 * 1024
SPOOL = {"spool": "s.db"}


@pytest.mark.parametrize(
    ("load", "settings", "new", "in_queue"),
    [
        pytest.param(Load(0, 0, 0, 0, 0), {}, 1, None, id="empty"),
        pytest.param(Load(900, 0, 99, 0, 0), {}, 1, None, id="the-last-one"),
        pytest.param(Load(900, 0, 99, 0, 0), {}, 2, True, id="one-too-many"),
        pytest.param(Load(900, 0, 100, 0, 0), {}, 0, None, id="no-new-run"),
        pytest.param(Load(0, 48 * MIB, 0, 0, 0), {}, 1, True, id="queue-in-bytes"),
        pytest.param(Load(9000, MIB, 9, 0, 0), SPOOL, 1, None, id="a-spool-is-large"),
        pytest.param(Load(0, 768 * MIB, 0, 0, 0), SPOOL, 1, True, id="spool-full"),
        pytest.param(
            Load(0, 0, 10, 0, 0), {"max_open_traces": 10}, 1, False, id="open-runs"
        ),
        pytest.param(Load(0, 0, 1, 75_000, 0), {}, 1, False, id="open-spans"),
        pytest.param(Load(0, 0, 1, 9, 192 * MIB), {}, 1, False, id="open-bytes"),
    ],
)
def test_only_new_runs_are_refused(load, settings, new, in_queue):
    """And which of the two is full: the queue, or what holds open runs."""
    shortage = find_shortage(load, Config(**settings), new, 10.0)
    assert (shortage and shortage.in_queue) == in_queue


@pytest.mark.parametrize(("rate", "wait_s"), [(10.0, 25.0), (50.0, 5.0)])
def test_the_wait_follows_the_rate(rate, wait_s):
    """Until a quarter of what is queued or open is sent."""
    shortage = find_shortage(Load(900, 0, 100, 0, 0), Config(), 1, rate)
    assert shortage.wait_s == wait_s


@pytest.mark.parametrize(
    ("settings", "new", "fits"),
    [
        pytest.param({}, 1_000, True, id="the-whole-queue"),
        pytest.param({}, 1_001, False, id="more-than-the-queue"),
        pytest.param({**SPOOL, "max_open_traces": 5_000}, 5_000, True, id="a-spool"),
        pytest.param({"max_open_traces": 5}, 6, False, id="open-runs"),
    ],
)
def test_what_never_fits_is_refused_for_good(settings, new, fits):
    """A sender that retries it would do so until it drops it, without a reason."""
    if fits:
        check_new_runs(Config(**settings), new)
        return
    with pytest.raises(DecodingError, match="send smaller batches") as caught:
        check_new_runs(Config(**settings), new)
    assert caught.value.status_code == 413
