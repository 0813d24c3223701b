"""Runs inside a root that goes on (`task_per="agent"`), with the SDK's own spans."""

from __future__ import annotations

import logging
import os
import subprocess
import sys

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from infinium_otel import InfiniumSpanExporter, InfiniumSpanProcessor, register
from infinium_otel.testing import FakeInfinium

AGENT = {"gen_ai.operation.name": "invoke_agent"}
CALL = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}


@pytest.fixture
def fake():
    with FakeInfinium() as server:
        yield server


def settings(fake, **more):
    return {
        "agent_id": fake.agent_id,
        "agent_secret": fake.agent_secret,
        "base_url": fake.base_url,
        "requests_per_second": 1000.0,
        "burst": 1000,
        "task_per": "agent",
        **more,
    }


def is_conserved(stats):
    return stats.received == (
        stats.delivered + stats.queued + stats.open + stats.filtered + stats.refused
    )


def run_agent(tracer, number):
    with tracer.start_as_current_span("receive"):
        pass
    with (
        tracer.start_as_current_span(f"agent {number}", attributes=AGENT),
        tracer.start_as_current_span("chat", attributes=CALL),
    ):
        pass


def test_the_processor_delivers_each_run_at_once(fake):
    """A worker's loop goes on while its runs arrive; what it received is a tag."""
    processor = InfiniumSpanProcessor(**settings(fake))
    provider = TracerProvider()
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("my.app")
    with tracer.start_as_current_span("worker"):
        for number in range(3):
            run_agent(tracer, number)
            assert fake.wait_for_tasks(number + 1)
        assert is_conserved(processor.stats)
    assert provider.force_flush()
    stats = processor.stats
    provider.shutdown()
    assert (stats.delivered, stats.filtered) == (9, 1)
    assert stats.reasons == {"between_runs": 1}
    assert is_conserved(stats)
    names = [task["name"] for task in fake.tasks]
    assert names == [f"agent {number}" for number in range(3)]
    tags = fake.tasks[0]["environment"]["custom_tags"]
    assert tags["otel.between.names"] == "receive"


def test_the_exporter_delivers_them_after_a_quiet_time(fake):
    """It does not see spans start: an agent waits for its parent, which may be one."""
    exporter = InfiniumSpanExporter(**settings(fake, linger_s=0.3))
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("my.app")
    with tracer.start_as_current_span("worker"):
        run_agent(tracer, 1)
        assert fake.wait_for_tasks(1)
        run_agent(tracer, 2)
        assert fake.wait_for_tasks(2)
        assert is_conserved(exporter.stats)
    provider.shutdown()
    assert is_conserved(exporter.stats)
    assert [task["name"] for task in fake.tasks] == ["agent 1", "agent 2"]


KILLED = """
import os, sys
from opentelemetry.sdk.trace import TracerProvider
from infinium_otel import InfiniumSpanProcessor

agent = {"gen_ai.operation.name": "invoke_agent"}
call = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}
provider = TracerProvider()
processor = InfiniumSpanProcessor(task_per="agent", concurrency=1)
provider.add_span_processor(processor)
tracer = provider.get_tracer("my.app")
with tracer.start_as_current_span("worker"):
    with tracer.start_as_current_span("agent 1", attributes=agent):
        tracer.start_span("chat", attributes=call).end()
    assert provider.force_flush()
    with tracer.start_as_current_span("agent 2", attributes=agent):
        tracer.start_span("chat", attributes=call).end()
        tracer.start_span("other").end()
        os._exit(1)
"""


def test_the_next_process_sends_what_a_killed_one_had(fake, tmp_path):
    """What had ended of a run comes back from the journal, as an incomplete task."""
    config = settings(fake, spool=str(tmp_path / "spool.db"))
    environ = {
        "INFINIUM_AGENT_ID": fake.agent_id,
        "INFINIUM_AGENT_SECRET": fake.agent_secret,
        "INFINIUM_BASE_URL": fake.base_url,
        "INFINIUM_OTEL_SPOOL": config["spool"],
    }
    ended = subprocess.run(
        [sys.executable, "-c", KILLED], check=False, env={**os.environ, **environ}
    )
    assert ended.returncode == 1
    processor = InfiniumSpanProcessor(**config)
    assert fake.wait_for_tasks(2)
    stats = processor.stats
    processor.shutdown()
    first, second = fake.tasks
    assert first["name"] == "agent 1"
    assert second["environment"]["custom_tags"]["otel.incomplete"] == "true"
    assert second["steps"][0]["action"] == "llm_inference"
    assert is_conserved(stats)


def test_a_skipped_scope_is_in_the_stats_and_in_the_log(fake, caplog):
    """An unread vocabulary is named with the count, and with what to do."""
    caplog.set_level(logging.WARNING)
    processor = InfiniumSpanProcessor(**settings(fake, task_per="root"))
    provider = TracerProvider()
    provider.add_span_processor(processor)
    for _ in range(3):
        provider.get_tracer("acme.llm").start_span("step").end()
    provider.force_flush()
    assert processor.stats.skipped_scopes == {"acme.llm": 3}
    assert processor.stats.tasks_reasons == {"not_included": 3}
    provider.shutdown()
    [message] = [r.getMessage() for r in caplog.records]
    assert "traces with spans of acme.llm" in message
    assert "INFINIUM_OTEL_INCLUDE=all" in message


def test_register_passes_the_setting_on(fake):
    """`register(task_per="agent")` is all there is to it."""
    provider = register(set_global=False, **settings(fake))
    tracer = provider.get_tracer("my.app")
    with tracer.start_as_current_span("session"):
        run_agent(tracer, 1)
        assert fake.wait_for_tasks(1)
    provider.shutdown()
