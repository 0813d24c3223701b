"""Values nested 100,000 deep, through each door that `test_hostile_input` does not have.

The outcome is the documented error, or a result in which the value is cut. What follows
is accepted.
"""

from __future__ import annotations

import gzip
import json
from base64 import b64encode
from importlib.util import find_spec
from types import SimpleNamespace
from zlib import crc32

import httpx
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.trace import SpanContext, TraceFlags

from infinium_otel import (
    ExecutionStep,
    InfiniumClient,
    InfiniumLogExporter,
    TaskData,
    annotate,
    otlp,
    spans_to_tasks,
    task_from_dict,
    task_to_dict,
)
from infinium_otel.apps import cli
from infinium_otel.apps.consume.dead_letters import read_dead_letter
from infinium_otel.delivery.storage.journal.codec import JournalReader, encode_span
from infinium_otel.delivery.storage.spool import Spool
from infinium_otel.errors import DecodingError, InfiniumError, ValidationError
from infinium_otel.models import agentix, hud, infinium, letta, xpander
from infinium_otel.records import LogEvent, SpanRecord
from infinium_otel.taskdata.limits import encode_task, shrink_body
from infinium_otel.testing import FakeInfinium, Fault
from support.gateway import running_gateway
from support.otlp_requests import agent_span, logs, protobuf, traces
from support.programs import AGENT, FAST, WAIT_S, exporting, processing, run_agent
from support.runs import AGENT_ID
from support.spans import T0, S
from support.waiting import wait_until
from support.wire import make_request, nest_bodies, nest_values

DEPTH = 100_000
LISTS = "[" * DEPTH + "]" * DEPTH
OBJECTS = '{"a":' * DEPTH + "1" + "}" * DEPTH
CUT_OFF = '[{"role":' * DEPTH
TEXTS = [
    pytest.param(LISTS, id="lists"),
    pytest.param(OBJECTS, id="objects"),
    pytest.param(CUT_OFF, id="cut-off"),
]
JSON = {"content-type": "application/json"}
GRPC = ("--grpc-port", "0") if find_spec("grpc") else ()
QUICK = {"INFINIUM_OTEL_LINGER_S": "0.1"}
PROTOBUF = {"content-type": "application/x-protobuf"}
TASK = {
    "name": "run",
    "description": "a run",
    "current_datetime": "2026-01-02T03:04:05Z",
    "duration": 1.0,
}


def nest_lists():
    value = []
    for _ in range(DEPTH):
        value = [value]
    return value


def nest_objects():
    value = {"a": 1}
    for _ in range(DEPTH):
        value = {"a": value}
    return value


def nest_messages():
    value = "x"
    for _ in range(DEPTH // 2):
        value = {"messages": (value,)}
    return value


VALUES = [
    pytest.param(nest_lists, id="lists"),
    pytest.param(nest_objects, id="objects"),
    pytest.param(nest_messages, id="messages"),
]


# -- requests --------------------------------------------------------------------------

SPANS = make_request(nest_values(DEPTH))
LOGS = make_request(nest_bodies(DEPTH))
REQUESTS = [
    pytest.param("/v1/traces", LISTS.encode(), JSON, id="lists"),
    pytest.param("/v1/traces", OBJECTS.encode(), JSON, id="objects"),
    pytest.param(
        "/v1/logs", b'{"resourceLogs":' + LISTS.encode() + b"}", JSON, id="logs"
    ),
    pytest.param("/v1/traces", SPANS, PROTOBUF, id="protobuf"),
    pytest.param("/v1/logs", LOGS, PROTOBUF, id="protobuf-logs"),
]


@pytest.fixture(scope="module")
def gateway():
    for needed in ("uvicorn", "google.protobuf"):
        pytest.importorskip(needed)
    with FakeInfinium() as fake, running_gateway(fake, *GRPC, **QUICK) as running:
        yield SimpleNamespace(running=running, fake=fake)


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
@pytest.mark.parametrize(("path", "body", "headers"), REQUESTS)
def test_gateway_over_http(path, body, headers, encoding, gateway):
    """400, for spans and logs, plain and compressed."""
    answer = httpx.post(
        gateway.running.url + path,
        content=gzip.compress(body) if encoding == "gzip" else body,
        headers=headers | {"content-encoding": encoding},
    )
    assert answer.status_code == 400


@pytest.mark.parametrize("service", ["trace", "logs"])
def test_gateway_over_grpc(service, gateway):
    """INVALID_ARGUMENT, which no client retries; the next message is delivered."""
    grpc = pytest.importorskip("grpc")
    names = f"opentelemetry.proto.collector.{service}.v1.{service.title()}Service"
    address = gateway.running.addresses["OTLP/gRPC"].split()[0]
    with grpc.insecure_channel(address.rpartition("/")[2]) as channel:
        export = channel.unary_unary(f"/{names}/Export")
        with pytest.raises(grpc.RpcError) as caught:
            export(SPANS if service == "trace" else LOGS, timeout=30)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        record = {"traceId": "1" * 32, "spanId": "2" * 16, "eventName": "e"}
        good = traces(agent_span(7)) if service == "trace" else logs(record)
        assert export(protobuf(good), timeout=30) == b""
    if service == "trace":
        assert gateway.fake.wait_for_tasks(1, WAIT_S)


def test_the_infinium_api_of_serve(tmp_path):
    """400 to a deep task, whether it is one value or in a field; the next is kept."""
    pytest.importorskip("uvicorn")
    from support import local_server  # noqa: PLC0415 - needs an extra

    with local_server.serving(tmp_path / "tasks.db") as served:
        for body in (LISTS, OBJECTS, json.dumps(TASK)[:-1] + f',"steps":{LISTS}}}'):
            answer = served.http.post(
                f"/api/v1/agents/{AGENT_ID}/trace",
                content=body,
                headers=JSON | local_server.HEADERS,
            )
            assert answer.status_code == 400
        assert served.keep(TASK)


# -- files -----------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".json", ".jsonl", ".pb"])
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
def test_convert(suffix, packed, tmp_path, capsys):
    """One line on stderr, and the exit code of a file that cannot be read."""
    pytest.importorskip("google.protobuf")
    body = make_request(nest_values(DEPTH)) if suffix == ".pb" else OBJECTS.encode()
    path = tmp_path / f"runs{suffix}{'.gz' * packed}"
    path.write_bytes(gzip.compress(body) if packed else body)
    assert cli.main(["convert", str(path)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert str(path) in captured.err


@pytest.mark.parametrize("line", [LISTS, OBJECTS])
def test_dead_letters(line, tmp_path, capsys):
    """A line that is no dead letter, as any other such line; the file stays."""
    with pytest.raises(DecodingError, match="not a dead letter"):
        read_dead_letter(line.encode())
    path = tmp_path / "dead"
    path.write_text(line + "\n")
    for command in ([], ["send"]):
        assert cli.main(["dead-letters", str(path), *command]) == 2
    assert "not a dead letter" in capsys.readouterr().err
    assert path.read_text() == line + "\n"


@pytest.mark.parametrize("body", [LISTS, OBJECTS])
def test_a_dead_letter_with_a_deep_body(body, fake, tmp_path, monkeypatch, capsys):
    """It is sent as it is, and kept when the service refuses it."""
    for name, value in fake.settings.items():
        monkeypatch.setenv(f"INFINIUM_{name.upper()}", value)
    letter = {
        "kind": "task", "reason": "r", "detail": "d", "at_s": 0, "topic": None,
        "partition": None, "offset": None, "key": "k", "agent_id": "",
        "value_base64": b64encode(body.encode()).decode(),
    }  # fmt: skip
    path = tmp_path / "dead"
    path.write_text(json.dumps(letter) + "\n")
    fake.always(400)
    assert cli.main(["dead-letters", str(path), "send"]) == 1
    assert json.loads(path.read_text()) == letter
    assert "Kept: 1" in capsys.readouterr().err


@pytest.mark.parametrize("body", [LISTS, OBJECTS])
def test_spool_read_back(body, fake, tmp_path, capsys):
    """A deep body that another program wrote is refused and kept; the next is sent."""
    path = tmp_path / "spool.db"
    spool = Spool(str(path), 10**7)
    spool.put("deep", body.encode(), 1)
    spool.close()
    fake.script(413)
    with processing(fake, spool=str(path)) as (processor, _, tracer):
        run_agent(tracer, calls=0)
        processor.force_flush(WAIT_S * 1000)
        assert fake.wait_for_tasks(1, WAIT_S)
        wait_until(lambda: not processor.stats.tasks_queued)
    assert [task["name"] for task in fake.tasks] == ["helper"]
    assert cli.main(["spool", str(path)]) == 0
    assert "waiting: 0, refused: 1" in capsys.readouterr().out


@pytest.mark.parametrize("body", [LISTS, OBJECTS])
def test_a_deep_body_is_not_shrunk(body):
    """It is no task of ours; what cannot be shrunk is sent as it is."""
    assert shrink_body(body.encode(), 1_000).body == body.encode()


@pytest.mark.parametrize("text", [LISTS, OBJECTS])
def test_journal_read_back(text):
    """A deep line is damaged, and those around it are read."""
    good = encode_span(SpanRecord("a" * 32, "b" * 16, None, "run", 1, 2), 0)
    resource = b'["r",0,{}]'
    lines = [b"%08x %s\n" % (crc32(each), each) for each in (resource, text.encode())]
    reader = JournalReader()
    reader.feed([*lines, good])
    assert [record.name for record in reader.finish()] == ["run"]
    assert reader.skipped == {"damaged": 1}


@pytest.mark.parametrize("make", VALUES)
def test_journal_written(make):
    """The value is cut, and the span is read again."""
    span = SpanRecord("a" * 32, "b" * 16, None, "run", 1, 2, attributes={"k": make()})
    resource = b'["r",0,{}]'
    reader = JournalReader()
    reader.feed([b"%08x %s\n" % (crc32(resource), resource), encode_span(span, 0)])
    assert [record.name for record in reader.finish()] == ["run"]
    assert not reader.skipped


# -- the client ------------------------------------------------------------------------


@pytest.fixture
def client(fake):
    with InfiniumClient(**fake.settings) as connected:
        yield connected


@pytest.mark.filterwarnings("ignore:.*unknown key")
@pytest.mark.parametrize("field_name", ["steps", "environment", "customer", "custom"])
@pytest.mark.parametrize("make", VALUES)
def test_task_from_dict(make, field_name):
    """The error names the field, or the value is cut."""
    try:
        task = task_from_dict({**TASK, field_name: make()})
    except ValidationError as error:
        assert field_name in str(error)  # noqa: PT017 - one of two documented outcomes
    else:
        assert json.dumps(task_to_dict(task))


@pytest.mark.parametrize("make", VALUES)
def test_tasks_of_a_client(make, client, fake):
    """Metadata is cut; the task is sent, and is what the service accepts."""
    steps = [ExecutionStep(1, "tool_use", "look", metadata={"deep": make()})]
    task = client.create_task_data("run", "a run", 1.0, steps=steps)
    client.send_task_data(task)
    client.send_task("run", "a run", 1.0, steps=steps)
    client.send_task_data(TaskData(**TASK, steps=steps))
    assert len(fake.tasks) == 3
    assert not fake.complaints


@pytest.mark.parametrize("make", VALUES)
def test_fields_of_a_client(make, client, fake):
    """A value of the wrong shape is a clear error, and nothing is sent."""
    with pytest.raises(ValidationError, match="steps"):
        client.create_task_data("run", "a run", 1.0, steps=make())
    with pytest.raises(ValidationError, match="environment"):
        client.send_task("run", "a run", 1.0, environment={"custom_tags": make()})
    assert not fake.tasks


@pytest.mark.parametrize("text", TEXTS)
def test_a_deep_response(text, client, fake):
    """What the endpoint returns is not trusted either."""
    fake.always(Fault(status=200, body=text.encode()))
    try:
        client.send_task_data(TaskData(**TASK))
    except InfiniumError as error:
        assert str(error)  # noqa: PT017 - one of two documented outcomes


# -- the SDK ---------------------------------------------------------------------------


def ended(attributes):
    """An ended span with anything in *attributes*, unchecked."""
    span = ReadableSpan(
        "run",
        context=SpanContext(1, 2, is_remote=False, trace_flags=TraceFlags(1)),
        start_time=T0,
        end_time=T0 + S,
    )
    span._attributes = attributes
    return span


NAMES = (
    "gen_ai.input.messages",
    "gen_ai.output.messages",
    "gen_ai.tool.call.arguments",
    "gen_ai.tool.definitions",
    "input.value",
    "llm.invocation_parameters",
    "infinium.customer",
    "anything",
)


@pytest.mark.parametrize("make", VALUES)
def test_values_through_the_exporter(make, fake):
    """Values that the SDK's own checks would refuse."""
    attributes = AGENT | dict.fromkeys(NAMES, make())
    with exporting(fake) as (exporter, _, _):
        assert exporter.export([ended(attributes)]) is SpanExportResult.SUCCESS
        assert exporter.force_flush(WAIT_S * 1000)
    assert len(fake.tasks) == 1
    assert not fake.complaints


@pytest.mark.parametrize("text", TEXTS)
def test_texts_through_the_processor(text, fake):
    """JSON in attributes, on spans and events, with a spool and its journal."""
    with processing(fake) as (processor, _, tracer):
        attributes = AGENT | dict.fromkeys(NAMES, text)
        with tracer.start_as_current_span("run", attributes=attributes) as span:
            span.add_event("gen_ai.user.message", {"content": text})
        assert processor.force_flush(WAIT_S * 1000)
    assert len(fake.tasks) == 1
    assert not fake.complaints


@pytest.mark.parametrize("make", VALUES)
def test_log_records(make, fake):
    """As body and as attribute; the record's span is delivered."""
    with processing(fake) as (processor, _, tracer):
        exporter = InfiniumLogExporter(**fake.settings, **FAST)
        with tracer.start_as_current_span("run", attributes=AGENT) as span:
            context = span.get_span_context()
            event = LogEvent(
                f"{context.trace_id:032x}",
                f"{context.span_id:016x}",
                "gen_ai.client.inference.operation.details",
                T0,
                {"gen_ai.input.messages": make()},
                make(),
            )
            exporter.export([event])
        assert processor.force_flush(WAIT_S * 1000)
        exporter.shutdown(WAIT_S * 1000)
    assert len(fake.tasks) == 1
    assert not fake.complaints


@pytest.mark.parametrize("make", VALUES)
def test_annotations(make, fake):
    """`annotate` refuses what is no section, or cuts it."""
    with processing(fake) as (processor, _, tracer):
        with tracer.start_as_current_span("run", attributes=AGENT):
            with pytest.raises(ValidationError):
                annotate(expected_outcome=make())
            annotate(customer={"customer_name": make()})
        assert processor.force_flush(WAIT_S * 1000)
    assert not fake.complaints


# -- other systems ---------------------------------------------------------------------

SYSTEMS = [
    pytest.param(system, id=system.__name__.rpartition(".")[2])
    for system in (agentix, hud, infinium, letta, xpander)
]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*unknown key")
@pytest.mark.parametrize("make", VALUES)
@pytest.mark.parametrize("system", SYSTEMS)
def test_documents(system, make):
    """Each member of a document that can be read, made deep: an error, or cut."""
    record = SpanRecord(
        "a" * 32, "b" * 16, None, "run", 1, 2, AGENT | {"gen_ai.request.model": "m"}
    )
    document = system.dump(system.from_spans([record])[0])
    cases = [make(), *({**document, name: make()} for name in (*document, "other"))]
    for case in cases:
        try:
            loaded = system.load(case)
        except InfiniumError as error:
            assert str(error)  # noqa: PT017 - one of two documented outcomes
        else:
            json.dumps(system.dump(loaded))
            json.dumps(otlp.to_otlp(system.to_spans(loaded)))


@pytest.mark.parametrize("make", [lambda: LISTS, lambda: CUT_OFF, *VALUES])
@pytest.mark.parametrize("system", SYSTEMS)
def test_spans_to_other_systems(system, make):
    """Attributes of any depth become documents that JSON can hold."""
    attributes = AGENT | dict.fromkeys(NAMES, make())
    spans = [SpanRecord("a" * 32, "b" * 16, None, "run", 1, 2, attributes)]
    json.dumps([system.dump(each) for each in system.from_spans(spans)])


@pytest.mark.parametrize("make", VALUES)
def test_records_as_tasks_and_as_otlp(make):
    """`spans_to_tasks` and `to_otlp` cut it; what they make is read again."""
    value = make()
    span = SpanRecord("a" * 32, "b" * 16, None, "run", 1, 2, AGENT | {"k": value})
    log = LogEvent("a" * 32, "b" * 16, "e", 1, {"k": value}, value)
    [task] = spans_to_tasks([span])
    assert len(encode_task(task).body) < 100_000
    request = json.loads(json.dumps(otlp.to_otlp([span, log])))
    assert len(otlp.from_json(request).records) == 2
