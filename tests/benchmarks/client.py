"""CPU time per task: ours from its spans, infinium-o2's from a finished TaskData."""

from __future__ import annotations

import sys
import time
from functools import partial
from importlib import import_module
from typing import Any

from measuring import OURS, Measured, interleave
from peers import attempt
from program import program
from sink import sink
from workload import config, recorded

from infinium_otel import InfiniumSpanProcessor, spans_to_tasks, task_to_dict
from infinium_otel.testing.fake import AGENT_ID, AGENT_SECRET

RUNS = 60


def vendor_task(spans: list[Any]) -> Any:
    """The vendor's TaskData with the same content."""
    infinium = import_module("infinium")
    [task] = spans_to_tasks(spans)
    flat = task_to_dict(task)
    flat.update(flat.pop("sections", {}))
    steps = [_step(infinium, step) for step in flat.pop("steps", ())]
    usage = flat.pop("llm_usage", None)
    flat.pop("environment", None)
    known = infinium.TaskData.__dataclass_fields__
    return infinium.TaskData(
        **{name: value for name, value in flat.items() if name in known},
        steps=steps,
        llm_usage=infinium.LlmUsage(**usage) if usage else None,
    )


def _step(infinium: Any, step: dict[str, Any]) -> Any:
    for name, kind in (
        ("llm_call", infinium.LlmCall),
        ("tool_call", infinium.ToolCall),
    ):
        if step.get(name):
            step[name] = kind(**step[name])
    return infinium.ExecutionStep(**step)


def send_ours(address: str) -> float:
    """CPU µs a task, from its spans to the response."""
    runs = [list(run) for run in recorded(RUNS)]
    processor = InfiniumSpanProcessor(config(address))
    began = time.process_time()
    for run in runs:
        for is_start, span in run:
            (processor.on_start if is_start else processor.on_end)(span)
    assert processor.force_flush(60_000)
    used_s = time.process_time() - began
    processor.shutdown()
    return used_s / RUNS * 1e6


def send_theirs(client: Any, task: Any) -> float:
    """CPU µs a task, from a finished one to the response."""
    began = time.process_time()
    for _number in range(RUNS):
        client.send_task_data(task)
    return (time.process_time() - began) / RUNS * 1e6


def measure(rounds: int) -> Measured:
    found = Measured("µs of CPU, a task of ten spans")
    run = next(iter(recorded(1)))
    spans = [span for is_start, span in run if not is_start]
    with sink() as address:
        works = {OURS: partial(send_ours, address)}
        send_ours(address)  # the first span imports the mapping
        with attempt(found, "infinium-o2"):
            client = import_module("infinium").InfiniumClient(
                agent_id=AGENT_ID,
                agent_secret=AGENT_SECRET,
                base_url=address,
                enable_rate_limiting=False,
            )
            works["infinium-o2"] = partial(send_theirs, client, vendor_task(spans))
        found.add(interleave(works, rounds))
    return found


if __name__ == "__main__":
    sys.exit(program("client", measure, rounds=9))
