"""A local stand-in for Infinium that is strict about the contract, for tests.

from infinium_otel import InfiniumClient
from infinium_otel.testing import FakeInfinium

with FakeInfinium() as fake, InfiniumClient(**fake.settings) as client:
    client.send_task("Greet", "Said hello", duration=0.2)
    assert fake.tasks[0]["name"] == "Greet"
"""

from infinium_otel.testing.fake import FakeInfinium
from infinium_otel.testing.faults import Fault, Received

__all__ = ["FakeInfinium", "Fault", "Received"]
