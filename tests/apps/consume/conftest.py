"""A broker with the topic, for the tests of the consumer."""

from __future__ import annotations

import pytest


@pytest.fixture
def broker():
    # Here: without a broker installed, only the modules that need it are skipped.
    from support.kafka import running_broker  # noqa: PLC0415

    with running_broker() as found:
        found.make_topic()
        yield found
