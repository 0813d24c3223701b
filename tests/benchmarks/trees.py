"""What mapping costs in this checkout against another one, and whether both agree.

    python tests/benchmarks/trees.py OTHER [--rounds N] [--only NAME ...]
    python tests/benchmarks/trees.py --dump FILE [--of OTHER]

OTHER is the root of another checkout (`git worktree add OTHER COMMIT`). Each has a process
of its own, and they take turns; printed is the CPU time of a span in the quickest round of
each, in µs. With --dump, every task that the spans in `tests/data` become is written to
FILE, one a line: two checkouts map alike if their files are equal, byte for byte.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import json
import logging
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[1]))

from support import corpus  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

TURNS = 400
SIZES = (1, 3, 10, 100, 1_000, 10_000)
SPANS = 20_000
"""How many spans a workload of equal runs has, unless one run has more."""


def documents() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Each recording and case: its name, and its OTLP/JSON documents."""
    for name in corpus.all_names():
        recording = corpus.recording(name)
        found = [recording.spans, recording.logs]
        yield name, [document for document in found if document is not None]
    for path in sorted((corpus.DATA / "cases").glob("*.json")):
        if ".expect" not in path.name and ".logs" not in path.name:
            logs = path.with_suffix(".logs.json")
            paths = [path, logs] if logs.exists() else [path]
            yield path.name, [json.loads(p.read_text("utf-8")) for p in paths]


def decode(found: Sequence[dict[str, Any]]) -> list[Any]:
    from infinium_otel import otlp  # noqa: PLC0415 - of the checkout that is measured

    return [record for each in found for record in otlp.from_json(each).records]


def dump(path: Path) -> None:
    """Write every task of every recording and case, in each way of capturing."""
    from infinium_otel import Config, spans_to_tasks, task_to_dict  # noqa: PLC0415

    configs = {
        "default": Config(),
        "all": Config(include="all", trust="all"),
        "bare": Config(include="all", capture_content=False, redact=False),
        "agent": Config(task_per="agent"),
    }
    with path.open("w", encoding="utf-8") as file:
        for name, found in (*documents(), *made()):
            records = decode(found)
            for label, config in configs.items():
                tasks = map(task_to_dict, spans_to_tasks(records, config=config))
                for number, task in enumerate(tasks):
                    text = json.dumps(task, ensure_ascii=True)
                    file.write(f"{name} {label} {number} {text}\n")


def made() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Long runs that no recording has."""
    yield "conversation", [conversation(60)]
    yield "run", [one_run(0, 300)]


def conversation(turns: int) -> dict[str, Any]:
    """A chat in which each call has the whole history before it, as agents send it."""
    history: list[dict[str, Any]] = []
    spans = [span(0, 0, {"gen_ai.operation.name": "invoke_agent"}, root=True)]
    for turn in range(1, turns + 1):
        history.append(message("user", f"Question {turn}: what comes after {turn}?"))
        reply = message("assistant", f"After {turn} comes {turn + 1}. " * 5)
        attributes = {
            **CALL,
            "gen_ai.response.id": f"reply-{turn}",
            "gen_ai.input.messages": json.dumps(history),
            "gen_ai.output.messages": json.dumps([reply]),
        }
        spans.append(span(0, turn, attributes))
        history.append(reply)
    return request(spans)


def one_run(number: int, size: int) -> dict[str, Any]:
    """A run of *size* spans: an agent, and calls and tools in turn below it."""
    spans = [span(number, 0, {"gen_ai.operation.name": "invoke_agent"}, root=True)]
    for index in range(1, size):
        question = json.dumps([message("user", f"Question {index} of {number}?")])
        reply = json.dumps([message("assistant", f"Reply {index} of {number}.")])
        attributes = {
            **CALL,
            "gen_ai.response.id": f"reply-{number}-{index}",
            "gen_ai.input.messages": question,
            "gen_ai.output.messages": reply,
        }
        spans.append(span(number, index, attributes if index % 2 else TOOL))
    return request(spans)


CALL = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.usage.input_tokens": "412",
    "gen_ai.usage.output_tokens": "57",
}
TOOL = {
    "gen_ai.operation.name": "execute_tool",
    "gen_ai.tool.name": "get_weather",
    "gen_ai.tool.call.arguments": '{"city": "Paris"}',
    "gen_ai.tool.call.result": "Mild, with some clouds in the afternoon",
}


def message(role: str, content: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": content}]}


def span(
    number: int, index: int, attributes: dict[str, str], *, root: bool = False
) -> dict[str, Any]:
    start = 1_700_000_000_000_000_000 + number * 10**12 + index * 2_000_000
    end = start + (10**11 if root else 1_000_000)
    parent = {} if root else {"parentSpanId": f"{number * 100_000 + 1:016x}"}
    return {
        "traceId": f"{number + 1:032x}",
        "spanId": f"{number * 100_000 + index + 1:016x}",
        "name": f"{attributes['gen_ai.operation.name']} one",
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(end),
        "attributes": [
            {"key": k, "value": {"stringValue": v}} for k, v in attributes.items()
        ],
        **parent,
    }


def request(spans: list[dict[str, Any]]) -> dict[str, Any]:
    scope = {"name": "opentelemetry.instrumentation.openai_v2"}
    scopes = [{"scope": scope, "spans": spans}]
    return {"resourceSpans": [{"resource": {}, "scopeSpans": scopes}]}


Workload = tuple[int, "Callable[[], object]"]
"""How many spans, and what to measure."""


def count_spans(records: Sequence[Any]) -> int:
    return sum(hasattr(record, "parent_id") for record in records)


def mapping_of(runs: Sequence[Sequence[Any]]) -> Workload:
    """All *runs* through one pipeline, one after the other."""
    from infinium_otel.config import Config  # noqa: PLC0415
    from infinium_otel.pipeline import Pipeline  # noqa: PLC0415

    config = Config(include="all", max_spans_per_trace=100_000)

    def work() -> None:
        pipeline = Pipeline(config)
        for run in runs:
            pipeline.feed(run, 0.0)
        pipeline.flush(0.0)

    return sum(map(count_spans, runs)), work


def corpus_mapping() -> Workload:
    return mapping_of([decode(found) for _, found in documents()])


def corpus_function() -> Workload:
    from infinium_otel import spans_to_tasks  # noqa: PLC0415

    runs = [decode(found) for _, found in documents()]
    return sum(map(count_spans, runs)), lambda: [spans_to_tasks(run) for run in runs]


def corpus_from_bytes() -> Workload:
    """From protobuf requests, one for each recording, to tasks."""
    from opentelemetry.exporter.otlp.proto.common.trace_encoder import (  # noqa: PLC0415
        encode_spans,
    )
    from recorded import libraries, scenarios, sdk_span  # noqa: PLC0415

    from infinium_otel import otlp  # noqa: PLC0415
    from infinium_otel.config import Config  # noqa: PLC0415
    from infinium_otel.pipeline import Pipeline  # noqa: PLC0415

    runs = [run for library in libraries() for run in scenarios(library)]
    bodies = [encode_spans(map(sdk_span, run)).SerializeToString() for run in runs]
    config = Config(include="all")

    def work() -> None:
        pipeline = Pipeline(config)
        for body in bodies:
            pipeline.feed(otlp.from_protobuf(body, "traces").records, 0.0)
        pipeline.flush(0.0)

    return sum(map(len, runs)), work


def workloads() -> dict[str, Callable[[], Workload]]:
    """The workloads by name; each is made when it is first measured."""
    found: dict[str, Callable[[], Workload]] = {
        "corpus": corpus_mapping,
        "spans_to_tasks": corpus_function,
        "from_bytes": corpus_from_bytes,
        "conversation": lambda: mapping_of([decode([conversation(TURNS)])]),
    }
    for size in SIZES:
        found[f"runs_of_{size}"] = lambda size=size: mapping_of(
            [decode([one_run(n, size)]) for n in range(max(1, SPANS // size // 4))]
        )
    return found


def serve_rounds() -> None:
    """Measure the workload named by each line of the input."""
    makers = workloads()
    name, made_one = "", None
    for line in sys.stdin:
        if line.strip() != name or made_one is None:
            name = line.strip()
            made_one = makers[name]()
            made_one[1]()
        spans, work = made_one
        gc.collect()
        start = time.thread_time()
        work()
        seconds = time.thread_time() - start
        sys.stdout.write(f"{seconds / spans * 1e6}\n")
        sys.stdout.flush()


class Checkout:
    """A process that measures one checkout."""

    def __init__(self, root: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(HERE), "--serve"],
            env=environment(root),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def measure(self, name: str) -> float:
        """The CPU time of a span in one round, in µs."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(f"{name}\n")
        stdin.flush()
        return float(stdout.readline())

    def close(self) -> None:
        self._process.communicate()


def environment(root: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(root / "src"), "PYTHONHASHSEED": "0"}


def compare(other: Path, rounds: int, only: Sequence[str]) -> None:
    here, there = Checkout(HERE.parents[2]), Checkout(other)
    sys.stdout.write(f"{'':16}{'here':>8}{'other':>8}{'ratio':>7}\n")
    for name in only or workloads():
        pairs = [(here.measure(name), there.measure(name)) for _ in range(rounds)]
        ours, others = (min(column) for column in zip(*pairs, strict=True))
        line = f"{name:16}{ours:8.1f}{others:8.1f}{ours / others:7.2f}\n"
        sys.stdout.write(line)
        sys.stdout.flush()
    here.close()
    there.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("other", nargs="?", type=Path)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", nargs="*", default=())
    parser.add_argument("--dump", type=Path)
    parser.add_argument("--of", type=Path)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    logging.disable()
    if options.serve:
        serve_rounds()
    elif options.of:
        command = [sys.executable, str(HERE), "--dump", str(options.dump)]
        subprocess.run(command, env=environment(options.of), check=True)
    elif options.dump:
        dump(options.dump)
        digest = hashlib.sha256(options.dump.read_bytes()).hexdigest()
        sys.stdout.write(f"{options.dump}: {digest}\n")
    else:
        compare(options.other, options.rounds, options.only)
    return 0


if __name__ == "__main__":
    sys.exit(main())
