"""Agents to run, here and in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from contextlib import contextmanager
from pathlib import Path

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor

from infinium_otel import InfiniumSpanExporter, InfiniumSpanProcessor, register

TESTS = Path(__file__).parents[1]
AGENT = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "helper"}
FAST = {"requests_per_second": 10_000.0, "burst": 10_000}
WAIT_S = 60.0


def run_agent(tracer, name="run", calls=2):
    """One agent run of `calls + 1` spans."""
    with tracer.start_as_current_span(name, attributes=AGENT):
        for number in range(calls):
            with tracer.start_as_current_span(f"{name}.{number}"):
                pass


def run_alone(name):
    """Send one run in a separate process; returns whether it was delivered."""
    provider = register()
    run_agent(provider.get_tracer("tests"), name)
    return provider.force_flush()


def provider_of(processor):
    """A provider that nothing shuts down by itself, and its tracer."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    return provider, provider.get_tracer("tests")


@contextmanager
def processing(fake, **settings):
    """Our processor, sending to *fake*: (processor, provider, tracer)."""
    processor = InfiniumSpanProcessor(**{**fake.settings, **FAST, **settings})
    provider, tracer = provider_of(processor)
    try:
        yield processor, provider, tracer
    finally:
        # Not 0: what cannot be shut down in its time goes on behind the next test.
        processor.shutdown(100)


@contextmanager
def exporting(fake, *, simple=False, **settings):
    """Our exporter under the SDK's processor: (exporter, provider, tracer)."""
    exporter = InfiniumSpanExporter(**{**fake.settings, **FAST, **settings})
    under = SimpleSpanProcessor if simple else BatchSpanProcessor
    provider, tracer = provider_of(under(exporter))
    try:
        yield exporter, provider, tracer
    finally:
        provider.shutdown()
        exporter.shutdown(0)


def accounted(stats):
    """True if every span and every task is in exactly one place."""
    return (
        stats.received
        == stats.delivered + stats.queued + stats.open + stats.filtered + stats.refused
    ) and (
        stats.tasks_received
        == stats.tasks_delivered
        + stats.tasks_queued
        + stats.tasks_open
        + stats.tasks_filtered
        + stats.tasks_refused
    )


PRELUDE = """
import os, signal, sys, threading, time
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from infinium_otel import InfiniumSpanExporter, InfiniumSpanProcessor, register
from support.programs import AGENT, provider_of, run_agent
def say(word):
    print(word, flush=True)
"""


def environment(fake, **more):
    """The environment of a child that sends to *fake*."""
    return {
        **os.environ,
        "INFINIUM_AGENT_ID": fake.agent_id,
        "INFINIUM_AGENT_SECRET": fake.agent_secret,
        "INFINIUM_BASE_URL": fake.base_url,
        "INFINIUM_OTEL_REQUESTS_PER_SECOND": "10000",
        "INFINIUM_OTEL_BURST": "10000",
        "PYTHONPATH": os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")]),
        "PYTHONWARNINGS": "error",
        **more,
    }


def start(fake, program, *, command=(), first="", **more):
    """A child that runs *first*, `PRELUDE` and *program*, with pipes."""
    text = first + PRELUDE + textwrap.dedent(program)
    return subprocess.Popen(
        [*(command or (sys.executable,)), "-c", text],
        env=environment(fake, **more),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(fake, program, **more):
    """Runs *program* in a child to its end: (exit code, output, complaints)."""
    with start(fake, program, **more) as child:
        try:
            output, complaints = child.communicate(timeout=WAIT_S)
        finally:
            child.kill()
    return child.returncode, output, complaints
