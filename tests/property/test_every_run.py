"""No run is lost among others: all recordings at once give as many runs as one by one."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from opentelemetry.sdk.trace import TracerProvider

from infinium_otel import (
    InfiniumSpanExporter,
    InfiniumSpanProcessor,
    otlp,
    spans_to_tasks,
    task_to_dict,
)
from infinium_otel.apps import cli
from infinium_otel.config import Config
from infinium_otel.testing import FakeInfinium
from support.corpus import all_names, recording

SETTINGS = {
    "requests_per_second": 1e6,
    "burst": 100_000,
    "concurrency": 4,
    "max_queued_tasks": 10_000,
    "max_open_traces": 10_000,
    "linger_s": 5.0,
}

ENVIRON = {
    f"INFINIUM_OTEL_{name.upper()}": str(value) for name, value in SETTINGS.items()
}


def runs_of(tasks):
    """How many tasks there are of each run, by the ids of its trace and its root."""
    tags = (task["environment"]["custom_tags"] for task in tasks)
    return Counter((t["otel.trace_id"], t["otel.root_span_id"]) for t in tags)


@pytest.fixture(scope="module")
def documents(request):
    """The OTLP documents of every recording of every corpus, or of some of them."""
    few = request.config.getoption("--few-examples")
    recordings = [recording(name) for name in all_names()[:: 9 if few else 1]]
    return [[d for d in (r.spans, r.logs) if d is not None] for r in recordings]


@pytest.fixture(scope="module")
def one_by_one(documents):
    """The runs of each recording by itself; by `task_per`."""
    return {
        task_per: sum(
            (
                runs_of(map(task_to_dict, spans_to_tasks(read(each), config=config)))
                for each in documents
            ),
            Counter(),
        )
        for task_per in ("root", "trace", "agent")
        for config in [Config(task_per=task_per)]
    }


def read(documents):
    return [r for document in documents for r in otlp.from_json(document).records]


@pytest.fixture
def fake():
    with FakeInfinium() as server:
        yield server


@pytest.mark.parametrize("task_per", ["root", "trace", "agent"])
def test_in_one_call(task_per, documents, one_by_one):
    """`spans_to_tasks` of all recordings."""
    every = [record for each in documents for record in read(each)]
    tasks = spans_to_tasks(every, config=Config(task_per=task_per))
    assert runs_of(map(task_to_dict, tasks)) == one_by_one[task_per]
    assert len(one_by_one["root"]) >= len(documents) * 0.95


def test_in_one_exporter(fake, documents, one_by_one):
    """One exporter is given all spans, in one batch."""
    exporter = InfiniumSpanExporter(**fake.settings, **SETTINGS)
    exporter.export([record for each in documents for record in read(each)])
    assert exporter.force_flush(60_000)
    stats = exporter.stats
    exporter.shutdown()
    assert stats.tasks_refused == stats.refused - stats.reasons.get("duplicate", 0) == 0
    assert runs_of(fake.tasks) == one_by_one["root"]


@pytest.mark.slow
def test_in_one_gateway(fake, documents, one_by_one):
    """A gateway receives a request for each document, over HTTP."""
    pytest.importorskip("uvicorn")
    httpx = pytest.importorskip("httpx")
    from support.gateway import running_gateway  # noqa: PLC0415 - needs the extra

    with (
        running_gateway(fake, "--drain-s", "60", **ENVIRON) as gateway,
        httpx.Client(base_url=gateway.url, timeout=60) as client,
    ):
        for each in documents:
            for document in each:
                kind = "traces" if "resourceSpans" in document else "logs"
                response = client.post(f"/v1/{kind}", json=document)
                assert response.status_code == 200
        assert gateway.stop() == 0
    assert runs_of(fake.tasks) == one_by_one["trace"]


def test_in_one_conversion(documents, one_by_one, tmp_path, capsys):
    """`infinium-otel convert` of one file with a document per line."""
    lines = [json.dumps(document) for each in documents for document in each]
    path = tmp_path / "all.jsonl"
    path.write_text("\n".join(lines), "utf-8")
    assert cli.main(["convert", str(path)]) == 0
    out, err = capsys.readouterr()
    assert runs_of(map(json.loads, out.splitlines())) == one_by_one["root"]
    assert "merged as copies of other runs" in err


@pytest.mark.slow
def test_a_thousand_runs_with_a_local_server_s_ids(fake):
    """Ids that repeat, and token counts as well: every run has its own question."""
    processor = InfiniumSpanProcessor(**fake.settings, **SETTINGS)
    provider = TracerProvider()
    provider.add_span_processor(processor)
    scopes = [provider.get_tracer(f"instrumentation.{n}") for n in range(2)]
    for number in range(1000):
        attributes = {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "qwen3",
            "gen_ai.response.id": f"chatcmpl-{number % 7}",
            "gen_ai.usage.input_tokens": 113,
            "gen_ai.usage.output_tokens": 17,
            "gen_ai.input.messages": message("user", f"What is {number}?"),
            "gen_ai.output.messages": message("assistant", f"It is {number}."),
        }
        scopes[number % 2].start_span("chat qwen3", attributes=attributes).end()
    assert provider.force_flush(60_000)
    stats = processor.stats
    provider.shutdown()
    assert stats.delivered == 1000
    questions = {task["input_summary"] for task in fake.tasks}
    assert questions == {f"What is {number}?" for number in range(1000)}


def message(role, text):
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}])
