"""What tests of a gateway with several workers need of its processes and numbers."""

from __future__ import annotations

import re
from pathlib import Path

import httpx

from support.otlp_requests import agent_span


def tool_span(number, child):
    """A tool call of the run *number*, one of several."""
    name = {"key": "gen_ai.operation.name", "value": {"stringValue": "execute_tool"}}
    tool = {"key": "gen_ai.tool.name", "value": {"stringValue": f"tool {child}"}}
    return agent_span(
        number,
        spanId=f"{number * 100 + child:016x}",
        parentSpanId=f"{number:016x}",
        name=f"tool {child}",
        attributes=[name, tool],
        startTimeUnixNano=str(1 + child),
        endTimeUnixNano=str(2 + child),
    )


def whole_run(number, tools=2):
    """The spans of a run: its root, and its tool calls."""
    root = agent_span(number, startTimeUnixNano="1", endTimeUnixNano="100")
    return [root, *(tool_span(number, child) for child in range(1, tools + 1))]


def get_pids(process):
    """The workers' processes, in the order in which they were started."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    return [int(pid) for pid in children.split()]


def get_probe(gateway, path):
    """The response of `--listen`."""
    url = re.match(r"http://\S+:\d+", gateway.addresses["Probes"]).group()
    return httpx.get(url + path)


def read_metrics(gateway):
    """The numbers of `/metrics`, by name with label."""
    lines = get_probe(gateway, "/metrics").text.splitlines()
    pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}


def of_workers(numbers, name):
    """One number of each worker, in order."""
    found = {
        key: value for key, value in numbers.items() if key.startswith(f"{name}{{")
    }
    return [found[key] for key in sorted(found)]
