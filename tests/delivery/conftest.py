"""Senders to the fake service."""

from __future__ import annotations

import time

import pytest

from infinium_otel.config import Config
from infinium_otel.delivery.sender import Sender
from support.delivery import balanced
from support.senders import FAST


@pytest.fixture
def make(fake, request):
    """Senders to the fake, with a backoff of no length."""
    made = []

    def sender(
        *,
        client=None,
        draw=lambda: 0.0,
        clock=time.monotonic,
        retry_limit=None,
        **settings,
    ):
        config = Config(**{**fake.settings, **FAST, "timeout_s": 5, **settings})
        made.append(
            Sender(
                config, client=client, draw=draw, clock=clock, retry_limit=retry_limit
            )
        )
        return made[-1]

    yield sender
    for each in made:
        assert balanced(each.counts)
        each.shutdown(0)
        assert balanced(each.counts)
        for worker in list(each._workers.threads):
            worker.join(10)


@pytest.fixture(params=["memory", "spool"])
def kept(request, tmp_path):
    """Settings that keep tasks in memory, or on disk."""
    return {} if request.param == "memory" else {"spool": str(tmp_path / "s.db")}
