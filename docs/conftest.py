"""Runs the Python blocks of the pages against a local endpoint."""

from __future__ import annotations

import os

import pytest
from opentelemetry import _logs, trace
from opentelemetry.util._once import Once
from sybil import Sybil
from sybil.parsers.myst import PythonCodeBlockParser, SkipParser

from infinium_otel.testing import FakeInfinium


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory):
    """A fake Infinium, named in the environment, and a temporary working directory."""
    with FakeInfinium() as fake, pytest.MonkeyPatch.context() as patch:
        patch.setenv("INFINIUM_AGENT_ID", fake.agent_id)
        patch.setenv("INFINIUM_AGENT_SECRET", fake.agent_secret)
        patch.setenv("INFINIUM_BASE_URL", fake.base_url)
        patch.chdir(tmp_path_factory.mktemp("page"))
        # Each page is one program, so each gets its own providers.
        patch.setattr(trace, "_TRACER_PROVIDER", None)
        patch.setattr(trace, "_TRACER_PROVIDER_SET_ONCE", Once())
        patch.setattr(_logs._internal, "_LOGGER_PROVIDER", None)
        patch.setattr(_logs._internal, "_LOGGER_PROVIDER_SET_ONCE", Once())
        yield fake
        for provider in (trace.get_tracer_provider(), _logs.get_logger_provider()):
            getattr(provider, "shutdown", lambda: None)()


def _names(namespace):
    namespace["environ"] = os.environ


pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(), SkipParser()],
    patterns=["**/*.md"],
    excludes=["reference/generated/*", "_build/**"],
    setup=_names,
    fixtures=["endpoint"],
).pytest()
