from __future__ import annotations

import pytest

from infinium_otel.delivery.storage.spool import Spool
from support.delivery import MANY, Clock


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "spool.db")


@pytest.fixture
def open_spool(path):
    """Opens spools on one path, each like another process."""
    opened = []

    def make(size=MANY, clock=None, where=path):
        opened.append(Spool(where, size, clock or Clock()))
        return opened[-1]

    yield make
    for each in opened:
        each.close()
