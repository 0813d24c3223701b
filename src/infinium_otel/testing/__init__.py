"""For tests: a strict local fake of the Infinium API, and the runs that it received.

from infinium_otel import InfiniumClient
from infinium_otel.testing import FakeInfinium

with FakeInfinium() as fake, InfiniumClient(**fake.settings) as client:
    client.send_task("Greet", "Greeted the user", duration=0.2)
    assert fake.tasks[0]["name"] == "Greet"

Everything is imported on first use: the plug-in for pytest is in this package, and must
cost nothing where no test uses it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infinium_otel.testing.fake import FakeInfinium
    from infinium_otel.testing.faults import Fault, Received
    from infinium_otel.testing.recording import RecordedRuns, record_runs
    from infinium_otel.testing.run import Run
    from infinium_otel.testing.script import Answer, Script, ToolRequest, ToolResult
    from infinium_otel.testing.scripted_model import ScriptedModel
    from infinium_otel.testing.scripted_tools import ScriptedTools

__all__ = [
    "Answer",
    "FakeInfinium",
    "Fault",
    "Received",
    "RecordedRuns",
    "Run",
    "Script",
    "ScriptedModel",
    "ScriptedTools",
    "ToolRequest",
    "ToolResult",
    "record_runs",
]

_HOMES = {
    "Answer": "script",
    "FakeInfinium": "fake",
    "Fault": "faults",
    "Received": "faults",
    "RecordedRuns": "recording",
    "Run": "run",
    "Script": "script",
    "ScriptedModel": "scripted_model",
    "ScriptedTools": "scripted_tools",
    "ToolRequest": "script",
    "ToolResult": "script",
    "record_runs": "recording",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
