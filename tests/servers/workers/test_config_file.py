"""OpenTelemetry's declarative configuration, whose provider is made before our import."""

from __future__ import annotations

import pytest

from support.workers import names

FILE = """
file_format: "1.0"
tracer_provider:
  processors:
    - batch:
        exporter:
          infinium: {}
"""

PROGRAM = """
from opentelemetry.sdk._configuration import _OTelSDKConfigurator
_OTelSDKConfigurator().configure()
print(type(trace.get_tracer_provider()).__name__, flush=True)
run_agent(trace.get_tracer("t"), "run")
"""

HEAD = """
import os, sys, time, warnings
warnings.simplefilter("ignore")
from opentelemetry import trace
AGENT = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "helper"}
def run_agent(tracer, name):
    with tracer.start_as_current_span(name, attributes=AGENT):
        pass
"""


@pytest.mark.parametrize("spooled", [False, True], ids=["memory", "spool"])
def test_a_configuration_file(fake, programs, tmp_path, spooled):
    """`OTEL_CONFIG_FILE` names our exporter, and the last batch arrives at exit."""
    (tmp_path / "otel.yaml").write_text(FILE)
    more = {"INFINIUM_OTEL_SPOOL": str(tmp_path / "runs.db")} if spooled else {}
    program = programs.write("program.py", PROGRAM, head=HEAD)
    code, output = programs.run(
        program, OTEL_CONFIG_FILE=str(tmp_path / "otel.yaml"), **more
    )
    assert (code, output) == (0, "TracerProvider\n")
    assert names(fake) == ["run"]
