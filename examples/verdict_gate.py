"""A gate for an agent: its prompt, its goal, a run, the judge's verdict, an exit code.

pip install infinium-otel
PROMPT_ID=... PROMPT_KEY=... python examples/verdict_gate.py
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from infinium_otel import (
    ExpectedOutcome,
    InfiniumClient,
    PromptSpanProcessor,
    annotate,
    spans_to_tasks,
    use_prompt,
)

if TYPE_CHECKING:
    from infinium_otel import PromptContent, TaskData

GOAL = ExpectedOutcome(
    task_objective="Name the cheapest flight to Lisbon",
    acceptance_criteria=["It is one flight", "Its price is given"],
)
LEAST_SCORE = 0.7


def run_agent(prompt: PromptContent) -> TaskData:
    """Run the agent once; a program of yours has its spans from an instrumentation."""
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(PromptSpanProcessor())
    provider.add_span_processor(SimpleSpanProcessor(spans))
    tracer = provider.get_tracer("example")
    agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "flights"}
    tool = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"}
    with (
        use_prompt(prompt, {"city": "Lisbon"}) as used,
        tracer.start_as_current_span("invoke_agent flights", attributes=agent) as root,
    ):
        annotate(expected_outcome=GOAL)
        root.set_attribute("input.value", used.rendered_content or used.content)
        with tracer.start_as_current_span("execute_tool search", attributes=tool):
            pass
        root.set_attribute("output.value", "TP 571 for 89 euros")
    (task,) = spans_to_tasks(spans.get_finished_spans())
    return task


def main() -> int:
    """Run, await the verdict, and return the exit code."""
    with InfiniumClient() as client:
        prompt = client.get_prompt(os.environ["PROMPT_ID"], os.environ["PROMPT_KEY"])
        sent = client.send_task_data(run_agent(prompt))
        trace_id = (sent.data or {})["traceId"]
        client.wait_for_interpretation(trace_id, timeout=120)
        result = client.get_interpreted_task_result(trace_id)
    verdict = (result.data or {})["interpretedTraceResult"]
    print(f"{verdict.get('score')}: {verdict.get('summary')}")
    return 0 if verdict.get("score", 0) >= LEAST_SCORE else 1


if __name__ == "__main__":
    sys.exit(main())
