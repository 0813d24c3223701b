"""Where all requests wait for one native thread, `register()` loads what the first needs."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
{first}
import sys
from importlib import metadata
searched = set()
search = metadata.entry_points
metadata.entry_points = lambda **which: (searched.update(which.values()), search(**which))[1]
from infinium_otel import register
register(
    agent_id="00000000-0000-4000-8000-000000000001", agent_secret="s" * 20,
    base_url="http://127.0.0.1:9",
)
print("infinium_otel.pipeline" in sys.modules, "infinium_otel.dialects" in searched)
"""


@pytest.mark.parametrize(
    ("first", "is_loaded"),
    [
        pytest.param(
            "from gevent import monkey; monkey.patch_all()", "True", id="gevent"
        ),
        pytest.param("", "False", id="threads"),
    ],
)
def test_the_first_request_loads_nothing(first, is_loaded):
    """Modules, and the dialects of other distributions, are loaded before any request.

    With the first run they held up all requests for 200 ms; elsewhere our thread loads.
    """
    pytest.importorskip("gevent")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(first=first)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.split() == [is_loaded, is_loaded], done.stderr
