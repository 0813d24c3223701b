"""Runs while the endpoint misbehaves: the fault matrix, row by row."""

from __future__ import annotations

import time

import pytest

from infinium_otel.testing import FakeInfinium, Fault
from support.programs import WAIT_S, accounted, exporting, processing, run_agent

DELIVERED = [
    pytest.param([], 1, id="healthy"),
    pytest.param([503, 503], 3, id="two-503"),
    pytest.param([500], 2, id="500"),
    pytest.param([502, 504], 3, id="502-504"),
    pytest.param([408], 2, id="408"),
    pytest.param([425], 2, id="425"),
    pytest.param([Fault.unavailable(429, retry_after=1)], 2, id="429-seconds"),
    pytest.param([Fault.unavailable(503, retry_after=1)], 2, id="503-retry-after"),
    pytest.param([Fault(breaks="before")], 2, id="reset-before-the-body"),
    pytest.param([Fault(breaks="during")], 2, id="reset-during-the-body"),
    pytest.param([Fault(breaks="close")], 2, id="closed-without-response"),
    pytest.param([Fault(breaks="raw", body=b"SSH-2.0\r\n")], 2, id="no-http-at-all"),
    pytest.param([Fault(500, breaks="truncate")], 2, id="half-a-response"),
    pytest.param([Fault(200, breaks="truncate")], 1, id="half-a-success"),
    pytest.param([Fault(202, body=b'{"accepted": 3}')], 1, id="partial-acceptance"),
    pytest.param([Fault(200, body=b"")], 1, id="empty-success"),
    pytest.param([Fault(200, body=b"<html>fine</html>")], 1, id="html-success"),
    pytest.param([Fault(204, body=b"")], 1, id="no-content"),
]


@pytest.mark.parametrize(("faults", "requests"), DELIVERED)
def test_delivered_once(fake, faults, requests):
    """After a temporary failure the run arrives once, under one key."""
    fake.script(*faults)
    with processing(fake) as (processor, provider, tracer):
        run_agent(tracer, calls=3)
        assert provider.force_flush(60_000)
        stats = processor.stats
        assert (stats.delivered, stats.tasks_delivered) == (4, 1)
        assert accounted(stats)
    assert len({received.key for received in fake.requests}) == 1
    assert len(fake.requests) >= requests
    assert len(fake.tasks) <= 1


def test_too_large_is_shrunk_once(fake):
    """413 loses previews, not the run: it is shrunk and sent once more."""
    fake.script(413)
    with processing(fake) as (processor, provider, tracer):
        run_agent(tracer, calls=80)
        assert provider.force_flush(60_000)
        assert processor.stats.delivered == 81
    first, second = fake.requests
    assert len(second.body) < len(first.body)
    assert first.key == second.key


def test_retry_after_as_a_date(fake):
    """Retry-After as an HTTP date is respected too."""
    fake.script(Fault.unavailable_until(time.time() + 2))
    with processing(fake) as (_, provider, tracer):
        run_agent(tracer)
        assert provider.force_flush(60_000)
    first, second = fake.requests
    assert second.at_s - first.at_s > 0.9


REFUSED = [
    pytest.param(400, id="400"),
    pytest.param(404, id="404"),
    pytest.param(422, id="422"),
]


@pytest.mark.parametrize("status", REFUSED)
def test_refused_for_good(fake, status):
    """A refused run is sent once and counted, and the flush returns False."""
    fake.script(status)
    with processing(fake) as (processor, provider, tracer):
        run_agent(tracer, "bad")
        assert not provider.force_flush(5_000)
        run_agent(tracer, "good")
        assert provider.force_flush(60_000)
        stats = processor.stats
        assert (stats.refused, stats.delivered) == (3, 3)
        assert accounted(stats)
    assert len(fake.requests) == 2


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_never_followed(fake, status):
    """A redirect is a failure: the key is sent nowhere else."""
    with FakeInfinium() as elsewhere:
        fake.always(Fault(status, {"Location": elsewhere.base_url}))
        with processing(fake) as (processor, provider, tracer):
            run_agent(tracer)
            assert not provider.force_flush(1_000)
            assert accounted(processor.stats)
            assert processor.stats.delivered == 0
        assert elsewhere.requests == []


def test_a_response_lost_after_acceptance(fake):
    """A run whose response was lost is sent again under the same key."""
    fake.script(Fault(breaks="after", store=True))
    with processing(fake) as (_, provider, tracer):
        run_agent(tracer)
        assert provider.force_flush(60_000)
    assert len(fake.requests) == 2
    assert len({received.key for received in fake.requests}) == 1
    assert len(fake.tasks) == 1


def test_a_response_that_is_too_late(fake):
    """A read timeout after acceptance makes no second copy: the key is the same."""
    fake.script(Fault(delay_s=3, store=True))
    with processing(fake, timeout_s=0.5) as (_, provider, tracer):
        run_agent(tracer)
        assert provider.force_flush(60_000)
    assert len({received.key for received in fake.requests}) == 1
    assert len(fake.tasks) == 1


def test_wrong_credentials_then_right(fake):
    """401 stops sending and keeps everything; a flush retries at once."""
    fake.always(401)
    with processing(fake) as (processor, provider, tracer):
        for number in range(5):
            run_agent(tracer, f"run{number}")
        assert not provider.force_flush(2_000)
        assert len(fake.requests) <= 3
        assert processor.stats.queued == 15
        fake.always(None)
        assert provider.force_flush(60_000)
        assert processor.stats.delivered == 15


@pytest.mark.parametrize("way", [processing, exporting])
def test_down_for_the_whole_life(fake, way):
    """Without a server the flush returns False, everything is counted, exit is soon."""
    fake.close()
    with way(fake) as (handle, provider, tracer):
        for number in range(3):
            run_agent(tracer, f"run{number}")
        provider.force_flush(1_000)
        assert not handle.force_flush(500)
        stats = handle.stats
        assert (stats.queued, stats.tasks_queued) == (9, 3)
        handle.shutdown(500)
        stats = handle.stats
        assert stats.refused == 9
        assert accounted(stats)


@pytest.mark.parametrize("way", [processing, exporting])
def test_down_then_back(fake, way):
    """An outage loses nothing that fits the queue; it is sent afterwards."""
    fake.close()
    with way(fake) as (handle, provider, tracer):
        for number in range(5):
            run_agent(tracer, f"run{number}")
        provider.force_flush(100)
        assert not handle.force_flush(100)
        fake.start()
        assert fake.wait_for_tasks(5, WAIT_S)
        assert handle.force_flush(60_000)
        assert handle.stats.delivered == 15
    assert len(set(fake.keys)) == 5


def test_storm(fake):
    """A series of 503s delays a run, and duplicates nothing."""
    fake.script(503, 503)
    with processing(fake) as (processor, provider, tracer):
        for number in range(10):
            run_agent(tracer, f"run{number}")
        assert provider.force_flush(60_000)
        assert processor.stats.delivered == 30
    assert len(fake.tasks) == 10
    assert len(fake.requests) <= 30


def test_slow_endpoint_against_a_flush(fake):
    """force_flush(1000) returns in time, with False."""
    fake.always(Fault(delay_s=4))
    with processing(fake) as (processor, provider, tracer):
        run_agent(tracer)
        assert not provider.force_flush(1_000)
        assert accounted(processor.stats)


def test_hanging_endpoint_against_a_shutdown(fake, spool):
    """With a spool, shutdown returns in time and loses nothing."""
    fake.always(Fault(breaks="hang"))
    with processing(fake, spool=spool) as (processor, _, tracer):
        run_agent(tracer)
        processor.shutdown()
        assert processor.stats.refused == 0
    fake.always(None)
    with processing(fake, spool=spool) as (processor, provider, _):
        assert provider.force_flush(60_000)
        assert fake.wait_for_tasks(1, WAIT_S)


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"base_url": "http://no-such-host.invalid/api"}, id="dns"),
        pytest.param({"base_url": "https://127.0.0.1:9/api"}, id="refused"),
    ],
)
def test_an_unknown_host(fake, settings):
    """A name that does not resolve loses nothing and raises nothing."""
    with processing(fake, **settings) as (processor, provider, tracer):
        run_agent(tracer)
        assert not provider.force_flush(500)
        assert processor.stats.queued == 3


def test_tls_failure(fake):
    """After a TLS failure nothing is sent in plain text instead."""
    plain = fake.base_url.replace("http:", "https:")
    with processing(fake, base_url=plain) as (processor, provider, tracer):
        run_agent(tracer)
        assert not provider.force_flush(500)
        assert processor.stats.queued == 3
    assert [request for request in fake.requests if request.path] == []


@pytest.mark.parametrize("simple", [False, True], ids=["batch", "simple"])
def test_export_makes_the_first_attempt(fake, simple):
    """The exporter makes the first attempt itself, and keeps what failed for now."""
    with exporting(fake, simple=simple) as (exporter, provider, tracer):
        run_agent(tracer, "one")
        provider.force_flush()
        assert len(fake.tasks) == 1
        fake.script(503)
        run_agent(tracer, "two")
        provider.force_flush()
        assert fake.wait_for_tasks(2, WAIT_S)
        assert exporter.force_flush(60_000)
        assert exporter.stats.delivered == 6


def test_one_log_line_per_change_of_state(fake, caplog):
    """The start and the end of an outage are each logged once."""
    fake.always(503)
    with processing(fake) as (_, provider, tracer):
        for number in range(5):
            run_agent(tracer, f"run{number}")
            provider.force_flush(200)
        fake.always(None)
        assert provider.force_flush(60_000)
    lines = [r for r in caplog.records if r.name.startswith("infinium_otel.delivery")]
    assert len(lines) == 2
