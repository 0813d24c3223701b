"""What a consumer spends on each stage, at 10 to 100,000 spans a run.

The stages are those of `infinium-otel consume`, run in one thread, one after the other:

    decode    a message's bytes to spans
    assemble  spans to whole runs
    map       a run to a task: reading, mapping, redacting, fitting
    encode    a task to the body of a request, and into the queue
    deliver   the request, to a server in another process
    commit    finding the offset that may be committed

"rest" is Kafka's client and the loop around it, measured as what a consumer's process uses
more than that: see `consume.py`.
"""

from __future__ import annotations

import gc
import logging
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from measuring import Measured, summarize
from program import program
from sink import sink
from spans_by_length import make_messages
from workload import config

from infinium_otel.apps.backpressure import UNLIMITED
from infinium_otel.apps.consume.buffered_sender import BufferedSender
from infinium_otel.apps.consume.formats import decode
from infinium_otel.apps.consume.partition_state import PartitionState
from infinium_otel.assembly import Assembler
from infinium_otel.delivery.sender import Sender
from infinium_otel.mapping.signs import SpanRoles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infinium_otel.config import Config

LENGTHS = (10, 100, 1_000, 10_000, 100_000)
SPANS = 10_000
"""How many spans are measured, unless one run has more."""
STAGES = ("decode", "assemble", "map", "encode", "deliver", "commit")


class Stopwatch:
    """CPU seconds of the process, by stage; an hour passes before the last one."""

    def __init__(self) -> None:
        self.used_s = dict.fromkeys(STAGES, 0.0)
        self.now_s = 0.0

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        began = time.process_time()
        yield
        self.used_s[stage] += time.process_time() - began


def make_config(address: str) -> Config:
    """The consumer's settings, without its limits."""
    return config(
        address,
        task_per="trace",
        max_open_traces=UNLIMITED,
        max_open_spans=UNLIMITED,
        max_open_bytes=UNLIMITED,
        max_queued_bytes=UNLIMITED,
    )


def run_stages(settings: Config, messages: list[bytes]) -> dict[str, float]:
    """CPU seconds of each stage, for all *messages*."""
    watch = Stopwatch()
    with watch.measure("decode"):
        batches = [decode(message).records for message in messages]
    assembler = Assembler(settings, SpanRoles(()))
    with watch.measure("assemble"):
        for batch in batches:
            assembler.feed(batch, 0.0)
        assembler.due(3600.0)
    sender = BufferedSender({"": Sender(settings)})
    state = PartitionState(settings, sender, clock=lambda: watch.now_s)
    with watch.measure("map"):
        for offset, batch in enumerate(batches):
            state.feed(offset, batch)
        watch.now_s = 3600.0
        state.submit_due()
    watch.used_s["map"] -= watch.used_s["assemble"]
    with watch.measure("encode"):
        while sender.buffer:
            sender.submit_next()
    with watch.measure("deliver"):
        assert sender.flush(600.0)
    with watch.measure("commit"):
        assert state.find_commits(sender.undecided_ids)
    sender.shutdown(1.0)
    return watch.used_s


def measure(rounds: int) -> Measured:
    found = Measured("µs of CPU, a span")
    logging.disable()
    with sink() as address:
        settings = make_config(address)
        run_stages(settings, list(make_messages(0, 100)))  # imports, connects
        for length in LENGTHS:
            runs = max(1, SPANS // length)
            messages = [
                m for number in range(runs) for m in make_messages(number, length)
            ]
            values: dict[str, list[float]] = {stage: [] for stage in STAGES}
            for _ in range(rounds if length < LENGTHS[-1] else 1):
                gc.collect()
                for stage, used_s in run_stages(settings, messages).items():
                    values[stage].append(used_s / (runs * length) * 1e6)
            for stage, each in values.items():
                found.figures[f"{stage}, {length:,} spans a run"] = summarize(each)
    return found


if __name__ == "__main__":
    sys.exit(program("stages", measure, rounds=3))
