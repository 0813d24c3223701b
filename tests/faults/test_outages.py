"""Many runs while the endpoint is down, hangs, or sends Retry-After."""

from __future__ import annotations

import pytest

from infinium_otel.delivery.storage.spool import list_tasks
from infinium_otel.testing import FakeInfinium, Fault
from support.loopback import server_context
from support.programs import WAIT_S, accounted, exporting, processing, run_agent

WAYS = [processing, exporting]


def names(fake):
    """Names of the stored runs' roots, in order of arrival."""
    tags = [task["environment"]["custom_tags"] for task in fake.tasks]
    return [each["otel.root_span_name"] for each in tags]


@pytest.mark.parametrize("way", WAYS)
def test_an_outage_longer_than_memory(fake, way):
    """Past the bound the oldest complete runs are dropped, counted, and logged once.

    All others arrive when the server is back.
    """
    fake.close()
    with way(fake, max_queued_tasks=5) as (handle, provider, tracer):
        for number in range(12):
            run_agent(tracer, f"run{number}")
        provider.force_flush(1_000)
        assert not handle.force_flush(100)
        stats = handle.stats
        assert (stats.queued, stats.refused) == (15, 21)
        assert stats.reasons == {"queue full": 21}
        fake.start()
        assert handle.force_flush(WAIT_S * 1_000)
        assert handle.stats.delivered == 15
        assert accounted(handle.stats)
    # A task that was being sent when the bound was reached is not dropped.
    assert {f"run{number}" for number in range(8, 12)} < set(names(fake))
    assert len(fake.requests) == len(names(fake)) == 5


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_an_outage_longer_than_the_spool(fake, spool, way):
    """The same on disk: its bound is in bytes, and the newest runs are kept."""
    fake.close()
    settings = {"spool": spool, "max_spool_bytes": 1024 * 1024}
    with way(fake, **settings) as (handle, provider, tracer):
        for number in range(20):
            run_agent(tracer, f"run{number}", calls=200)
            provider.force_flush(5_000)
        handle.force_flush(100)
        stats = handle.stats
        assert stats.queued + stats.refused == 20 * 201
        assert stats.reasons == {"spool full": stats.refused}
        assert accounted(stats)
        fake.start()
        assert handle.force_flush(WAIT_S * 1_000)
        assert fake.wait_for_tasks(stats.tasks_queued, WAIT_S)
    kept = [f"run{n}" for n in range(stats.tasks_refused, 20)]
    assert sorted(names(fake)) == sorted(kept)
    assert 0 < len(kept) < 20


def test_one_at_a_time_until_a_success(fake):
    """After an outage one request is tried; the rest follow its success."""
    fake.always(Fault(503, delay_s=0.05))
    with processing(fake, concurrency=4) as (processor, provider, tracer):
        for number in range(8):
            run_agent(tracer, f"run{number}")
        assert not provider.force_flush(500)
        down = len(fake.requests)
        assert down <= 4 + 3
        fake.always(None)
        assert provider.force_flush(WAIT_S * 1_000)
        assert processor.stats.delivered == 24
    assert len(fake.requests) == down + 8


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault(delay_s=5), id="slow"),
        pytest.param(Fault(breaks="hang"), id="hangs"),
        pytest.param(Fault(503, {"Retry-After": "3600"}), id="long-retry-after"),
    ],
)
@pytest.mark.timeout(600)  # 200 runs that waited would take longer
def test_the_application_never_waits(fake, fault):
    """Whatever the endpoint does, spans start and end at the same cost."""
    fake.always(fault)
    with processing(fake) as (processor, _, tracer):
        run_agent(tracer, "first")
        assert fake.wait_for(lambda server: server.requests or fault.breaks, WAIT_S)
        for number in range(200):
            run_agent(tracer, f"run{number}")
        assert accounted(processor.stats)
        processor.shutdown(2_000)


def test_slow_endpoint_against_a_shutdown(fake):
    """shutdown(1000) returns in time; undelivered runs are counted as lost."""
    fake.always(Fault(delay_s=5))
    with processing(fake) as (processor, _, tracer):
        run_agent(tracer)
        processor.shutdown(1_000)
        assert processor.stats.reasons == {"shutdown": 3}
        assert accounted(processor.stats)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("status", [429, 503])
def test_a_long_retry_after(fake, spool, way, status):
    """No request is made before Retry-After has passed, not even by a flush."""
    fake.script(Fault(status, {"Retry-After": "3600"}))
    with way(fake, spool=spool) as (handle, provider, tracer):
        for number in range(5):
            run_agent(tracer, f"run{number}")
            provider.force_flush(1_000)
            assert handle.force_flush(200)
        assert handle.stats.queued == 15
        assert accounted(handle.stats)
    assert len(fake.requests) == 1


def test_an_invalid_retry_after(fake):
    """An invalid Retry-After is ignored: our own backoff applies."""
    fake.script(Fault(429, {"Retry-After": "soon, \x7f maybe"}))
    with processing(fake) as (processor, provider, tracer):
        run_agent(tracer)
        assert provider.force_flush(WAIT_S * 1_000)
        assert processor.stats.delivered == 3


@pytest.mark.parametrize("status", [400, 404, 422])
def test_refused_for_good_with_a_spool(fake, spool, status):
    """Refused runs are kept with the reason, so that a flush returns True."""
    fake.script(status)
    with processing(fake, spool=spool) as (processor, provider, tracer):
        run_agent(tracer, "bad")
        assert provider.force_flush(60_000)
        run_agent(tracer, "good")
        assert provider.force_flush(60_000)
        assert processor.stats.reasons == {str(status): 3}
        assert processor.stats.delivered == 3
    (kept,) = list_tasks(spool)
    assert (kept.state, kept.reason, kept.spans) == ("refused", str(status), 3)
    assert len(fake.requests) == 2


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("way", WAYS)
def test_refused_credentials_with_a_spool(fake, spool, caplog, way, status):
    """Sending stops, runs are kept, one line is logged, and a flush retries."""
    fake.always(status)
    with way(fake, spool=spool) as (handle, provider, tracer):
        for number in range(5):
            run_agent(tracer, f"run{number}")
        provider.force_flush(1_000)
        assert handle.force_flush(1_000)
        assert len(fake.requests) <= 3
        assert handle.stats.queued == 15
        fake.always(None)
        assert handle.force_flush(60_000)
        assert fake.wait_for_tasks(5, WAIT_S)
        assert handle.force_flush(60_000)
        assert handle.stats.delivered == 15
    lines = [r for r in caplog.records if "refused the agent's cred" in r.getMessage()]
    assert len(lines) == 1


def test_an_untrusted_certificate(caplog):
    """Nothing is sent, requests are rare, and the reason is logged."""
    with (
        FakeInfinium(ssl_context=server_context()) as fake,
        processing(fake) as (processor, provider, tracer),
    ):
        run_agent(tracer)
        assert not provider.force_flush(300)
        run_agent(tracer)
        assert not provider.force_flush(300)
        assert processor.stats.queued == 6
        assert fake.requests == []
    (lines,) = [r for r in caplog.records if "certificate" in r.getMessage()]
    assert "self" in lines.getMessage()


def test_a_proxy_that_wants_a_password(fake, monkeypatch):
    """407 does not bypass the proxy: runs are kept, and nothing is sent directly."""
    with FakeInfinium() as proxy:
        proxy.always(407)
        monkeypatch.setenv("http_proxy", proxy.base_url.removesuffix("/api/v1"))
        monkeypatch.setenv("no_proxy", "")
        elsewhere = "http://infinium.test/api/v1"
        with processing(fake, base_url=elsewhere) as (processor, provider, tracer):
            run_agent(tracer)
            assert not provider.force_flush(2_000)
            stats = processor.stats
            assert (stats.delivered, stats.received) == (0, 3)
            assert accounted(stats)
    assert fake.requests == []
