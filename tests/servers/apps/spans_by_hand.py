"""An agent whose spans are recorded by hand."""

from __future__ import annotations

from opentelemetry import trace


def run_agent(name: str) -> None:
    """One run of three spans, reported under *name*."""
    tracer = trace.get_tracer("app")
    agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": name}
    with tracer.start_as_current_span("invoke_agent", attributes=agent):
        for number in range(2):
            with tracer.start_as_current_span(f"step {number}"):
                pass
