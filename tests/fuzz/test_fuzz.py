"""Damaged and hostile input of every door: only the documented errors, in bounded time.

`support/fuzzing.py` describes the rounds and their seeds.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import suppress
from importlib import import_module
from io import BytesIO

import pytest

from infinium_otel import otlp
from infinium_otel.delivery.storage.journal.codec import JournalReader, encode_span
from infinium_otel.delivery.storage.spool import Spool, list_tasks
from infinium_otel.errors import InfiniumError, MissingExtraError, SpoolError
from infinium_otel.models import agentix, hud, infinium, letta, xpander
from infinium_otel.otlp import files
from infinium_otel.pipeline import spans_to_tasks
from infinium_otel.taskdata import task_from_dict, task_to_dict
from support.corpus import names, recording
from support.fuzzing import mutate_bytes, mutate_json, run_rounds, write_json
from support.otlp_requests import agent_span, protobuf, traces

REQUESTS = [recording(name).spans for name in names()[:: len(names()) // 12]]
SMALL = traces(agent_span(1), agent_span(2))


def fuzz_json(rng, _path):
    files.decode_json(write_json(rng, mutate_json(rng, rng.choice(REQUESTS))))


def fuzz_json_values(rng, _path):
    otlp.from_json(mutate_json(rng, rng.choice(REQUESTS)))


def fuzz_protobuf(rng, _path):
    pytest.importorskip("google.protobuf")
    body = mutate_bytes(rng, protobuf(rng.choice((*REQUESTS, SMALL))))
    otlp.from_protobuf(body, rng.choice(("traces", "logs")))


def fuzz_files(rng, _path):
    lines = b"\n".join(
        write_json(rng, mutate_json(rng, SMALL)) for _ in range(rng.randint(1, 4))
    )
    with suppress(MissingExtraError):
        for _ in files.read_otlp(BytesIO(mutate_bytes(rng, lines))):
            pass


def fuzz_tasks(rng, _path):
    records = otlp.from_json(mutate_json(rng, rng.choice(REQUESTS))).records
    for task in spans_to_tasks(records):
        json.dumps(task_to_dict(task))


def fuzz_task_from_dict(rng, _path):
    tasks = [
        task_to_dict(each) for each in spans_to_tasks(otlp.from_json(SMALL).records)
    ]
    task = task_from_dict(mutate_json(rng, rng.choice(tasks)))
    json.dumps(task_to_dict(task))


def make_model_fuzzer(name):
    system = import_module(f"infinium_otel.models.{name}")
    records = otlp.from_json(REQUESTS[0]).records
    documents = [system.dump(each) for each in system.from_spans(records)]

    def fuzz(rng, _path):
        document = system.load(mutate_json(rng, rng.choice(documents)))
        json.dumps(system.dump(document))
        json.dumps(otlp.to_otlp(system.to_spans(document)))

    return fuzz


def fuzz_journal(rng, _path):
    spans = otlp.from_json(SMALL).records
    lines = b"".join(encode_span(span, 0) for span in spans)
    reader = JournalReader()
    reader.feed(mutate_bytes(rng, lines).splitlines(keepends=True))
    reader.finish()


def fuzz_spool(rng, path):
    where = path / f"{rng.getrandbits(64):x}.db"
    spool = Spool(str(where), 1 << 20)
    for key in "ab":
        spool.put(key, b"{}" * 100, 1)
    spool.close()
    where.write_bytes(mutate_bytes(rng, where.read_bytes()))
    with suppress(SpoolError):
        spool = Spool(str(where), 1 << 20)
        try:
            spool.put("c", b"{}", 1)
            spool.claim(1e9)
        finally:
            spool.close()
    with suppress(SpoolError, sqlite3.Error):
        list_tasks(str(where))


TARGETS = {
    "json": fuzz_json,
    "json-values": fuzz_json_values,
    "protobuf": fuzz_protobuf,
    "files": fuzz_files,
    "tasks": fuzz_tasks,
    "task-from-dict": fuzz_task_from_dict,
    **{
        f"model-{module.__name__.rpartition('.')[2]}": make_model_fuzzer(
            module.__name__.rpartition(".")[2]
        )
        for module in (agentix, hud, infinium, letta, xpander)
    },
    "journal": fuzz_journal,
    "spool": fuzz_spool,
}


@pytest.mark.timeout(0)
@pytest.mark.parametrize("name", TARGETS)
def test_hostile_input_has_only_documented_errors(name, tmp_path):
    """Anything but an `InfiniumError` is a failure."""
    target = TARGETS[name]
    run_rounds(name, lambda rng: target(rng, tmp_path), InfiniumError)
