"""CPU time a task, ours from its spans, infinium-o2's from a finished TaskData."""

from __future__ import annotations

import statistics
import time
from typing import Any

import infinium
from sink import sink
from workload import config, recorded

from infinium_otel import InfiniumSpanProcessor, spans_to_tasks, task_to_dict
from infinium_otel.testing.fake import AGENT_ID, AGENT_SECRET

RUNS = 60
GOAL = 0.5


def vendor_task(spans: list[Any]) -> Any:
    """The vendor's TaskData of the same content."""
    [task] = spans_to_tasks(spans)
    flat = task_to_dict(task)
    flat.update(flat.pop("sections", {}))
    steps = [_step(step) for step in flat.pop("steps", ())]
    usage = flat.pop("llm_usage", None)
    flat.pop("environment", None)
    known = infinium.TaskData.__dataclass_fields__
    return infinium.TaskData(
        **{name: value for name, value in flat.items() if name in known},
        steps=steps,
        llm_usage=infinium.LlmUsage(**usage) if usage else None,
    )


def _step(step: dict[str, Any]) -> Any:
    for name, kind in (
        ("llm_call", infinium.LlmCall),
        ("tool_call", infinium.ToolCall),
    ):
        if step.get(name):
            step[name] = kind(**step[name])
    return infinium.ExecutionStep(**step)


def main(rounds: int = 7) -> bool:
    told = [list(run) for run in recorded(RUNS)]
    task = vendor_task([span for is_start, span in told[0] if not is_start])
    ours, theirs = [], []
    with sink() as address:
        vendor = infinium.InfiniumClient(
            agent_id=AGENT_ID,
            agent_secret=AGENT_SECRET,
            base_url=address,
            enable_rate_limiting=False,
        )
        for _ in range(rounds):
            fresh = [list(run) for run in recorded(RUNS)]
            processor = InfiniumSpanProcessor(config(address))
            began = time.process_time()
            for run in fresh:
                for is_start, span in run:
                    (processor.on_start if is_start else processor.on_end)(span)
            assert processor.force_flush()
            ours.append((time.process_time() - began) / RUNS * 1e6)
            processor.shutdown()
            began = time.process_time()
            for _number in range(RUNS):
                vendor.send_task_data(task)
            theirs.append((time.process_time() - began) / RUNS * 1e6)
    ratio = statistics.median(o / t for o, t in zip(ours, theirs, strict=True))
    print(
        f"a task of ten spans: {statistics.median(ours):.0f} µs CPU from its spans; "
        f"infinium-o2 {statistics.median(theirs):.0f} µs from a TaskData; "
        f"ratio {ratio:.2f}, goal {GOAL}"
    )
    return ratio <= GOAL


if __name__ == "__main__":
    main()
