"""One task per trace, and when to stop accepting."""

from __future__ import annotations

import pytest

from infinium_otel.apps.backpressure import load_config, measure_fullness
from infinium_otel.config import Config
from infinium_otel.runtime import Load

CREDENTIALS = {
    "INFINIUM_AGENT_ID": "11111111-2222-4333-8444-555555555555",
    "INFINIUM_AGENT_SECRET": "streng-geheim",
}


def test_a_task_is_a_whole_trace_by_default():
    """Gateway and consumer make one task per trace, unless `task_per` is set."""
    assert load_config(CREDENTIALS).task_per == "trace"
    environ = {**CREDENTIALS, "INFINIUM_OTEL_TASK_PER": "root"}
    assert load_config(environ).task_per == "root"


NOTHING = Load(0, 0, 0, 0, 0)
MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("load", "settings", "expected"),
    [
        pytest.param(NOTHING, {}, 0.0, id="nothing"),
        pytest.param(Load(500, 0, 0, 0, 0), {}, 0.5, id="tasks"),
        pytest.param(Load(300, 0, 300, 0, 0), {}, 0.6, id="tasks-to-come"),
        pytest.param(Load(1, 32 * MIB, 0, 0, 0), {}, 0.5, id="bytes"),
        pytest.param(Load(1, 16 * MIB, 100, 0, 16 * MIB), {}, 0.5, id="bytes-to-come"),
        pytest.param(
            Load(1, 0, 1, 0, 128 * MIB), {}, 0.5, id="a-task-has-its-limit-in-bytes"
        ),
        pytest.param(Load(0, 0, 1, 50_000, 0), {}, 0.5, id="spans"),
        pytest.param(
            Load(2000, 512 * MIB, 0, 0, 0),
            {"spool": "x.db"},
            0.5,
            id="spool-bytes-only",
        ),
        pytest.param(
            Load(0, 0, 500, 0, 0), {"spool": "x.db"}, 0.5, id="traces-with-a-spool"
        ),
    ],
)
def test_the_tightest_bound_counts(load, settings, expected):
    """Tasks, bytes, traces, spans; open traces need room as tasks, too."""
    assert measure_fullness(load, Config(**settings)) == expected
