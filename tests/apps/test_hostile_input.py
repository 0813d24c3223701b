"""Input nested 100,000 deep, or made to fill memory, through every door.

The one error is `DecodingError`; over HTTP its status is 400 or 413. What follows a bad
message, line or request is read.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import sys
from pathlib import Path

import httpx
import pytest

from infinium_otel import otlp
from infinium_otel.apps import cli
from infinium_otel.errors import DecodingError
from infinium_otel.otlp import files
from support.cpu import MOST_CPU_S
from support.gateway import running_gateway
from support.otlp_requests import agent_span, traces
from support.serve_process import running_serve, wait_for_run
from support.wire import field, fill, make_request, nest_values

pytest.importorskip("uvicorn")
pytest.importorskip("google.protobuf")

JSON = {"content-type": "application/json"}
PROTOBUF = {"content-type": "application/x-protobuf"}
GZIP = {"content-encoding": "gzip"}
MIB = 1024 * 1024
DEPTH = 100_000


def nest_json(depth):
    """A span with an attribute of *depth* lists inside each other."""
    value = '{"arrayValue":{"values":[' * depth + "]}}" * depth
    request = json.dumps(traces(agent_span(1, attributes=[{"key": "k", "value": 0}])))
    return request.replace('"value": 0', f'"value": {value}', 1).encode()


DEEP = [
    pytest.param(nest_json(500), id="json-500"),
    pytest.param(nest_json(DEPTH), id="json"),
    pytest.param(b'{"resourceSpans":' + b"[" * DEPTH + b"]" * DEPTH + b"}", id="lists"),
    pytest.param(b'{"a":' * DEPTH + b"1" + b"}" * DEPTH, id="objects"),
    pytest.param(make_request(nest_values(500)), id="protobuf-500"),
    pytest.param(make_request(nest_values(DEPTH)), id="protobuf"),
]


def get_headers(body):
    return JSON if body.startswith(b"{") else PROTOBUF


@pytest.mark.parametrize("body", DEEP)
def test_a_deep_request_is_one_clear_error_of_the_decoders(body):
    """No decoder recurses as deep as its input wants."""
    decode = files.decode_json if body.startswith(b"{") else otlp.from_protobuf
    with pytest.raises(DecodingError, match=r"too deep|not a protobuf request"):
        decode(body)


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("body", DEEP)
def test_a_deep_file_is_one_clear_error(body, suffix, tmp_path):
    """The error names the file."""
    path = tmp_path / f"input{suffix}"
    path.write_bytes(gzip.compress(body) if suffix else body)
    with pytest.raises(DecodingError, match=re.escape(str(path))):
        files.load_otlp(path)


@pytest.mark.parametrize("body", [each for each in DEEP if "protobuf" not in each.id])
def test_convert_reads_the_line_behind_a_deep_one(body, tmp_path, capsys):
    """The bad line is counted, and the exit code is 1."""
    path = tmp_path / "runs.jsonl"
    good = [json.dumps(traces(agent_span(number))).encode() for number in (2, 3)]
    path.write_bytes(b"\n".join((good[0], body, good[1])))
    assert cli.main(["convert", str(path)]) == 1
    out, err = capsys.readouterr()
    assert [json.loads(line)["name"] for line in out.splitlines()] == ["run 2", "run 3"]
    assert "not readable: 1" in err


@pytest.mark.parametrize("name", ["infinium", "hud", "agentix", "letta", "xpander"])
@pytest.mark.parametrize(
    "body",
    [
        pytest.param("[" * DEPTH + "]" * DEPTH, id="lists"),
        pytest.param('{"steps":' * DEPTH + "1" + "}" * DEPTH, id="objects"),
    ],
)
def test_a_deep_document_of_another_system_is_one_line(name, body, tmp_path, capsys):
    """The exit code is 2, and the line names the file and the reason."""
    path = tmp_path / "document.json"
    path.write_text(body)
    assert cli.main(["convert", "--from", name, str(path)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert f"{path}: the JSON is nested too deep" in error


def test_a_huge_value_in_a_small_file_is_one_line(tmp_path, capsys):
    """A value of 200 MB in 200 kB is rejected before it fills memory."""
    path = tmp_path / "huge.json.gz"
    with gzip.open(path, "wb", compresslevel=1) as out:
        out.write(b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"')
        for _ in range(200):
            out.write(b"x" * MIB)
        out.write(b'"}]}]}]}')
    assert cli.main(["convert", str(path)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "a value in the JSON is longer than 64 MiB" in error


@pytest.mark.parametrize("body", DEEP)
def test_serve_responds_400_to_a_deep_request(body, tmp_path):
    """The status is that of a request that no retry can mend; the next is accepted."""
    local_server = pytest.importorskip("support.local_server")
    with local_server.serving(tmp_path / "tasks.db") as served:
        answer = served.http.post("/v1/traces", content=body, headers=get_headers(body))
        assert answer.status_code == 400
        good = json.dumps(traces(agent_span(2)))
        assert served.http.post("/v1/traces", content=good, headers=JSON).is_success


def test_a_gateway_outlives_deep_requests(fake):
    """Each is rejected with 400, and the run behind them is delivered."""
    with running_gateway(fake, INFINIUM_OTEL_LINGER_S="0.1") as running:
        for param in DEEP:
            (body,) = param.values
            answer = httpx.post(
                running.url + "/v1/traces", content=body, headers=get_headers(body)
            )
            assert answer.status_code == 400
        good = json.dumps(traces(agent_span(2)))
        assert httpx.post(running.url + "/v1/traces", content=good, headers=JSON)
        assert fake.wait_for_tasks(1)
    assert [task["name"] for task in fake.tasks] == ["run 2"]


# -- memory ----------------------------------------------------------------------------

SIZE = 63 * MIB
IDS = field(1, b"\1" * 16) + field(2, b"\2" * 8)
SPAN = '{"traceId":"' + "a" * 32 + '","spanId":"' + "b" * 16 + '"'


def wrap(spans):
    return b'{"resourceSpans":[{"scopeSpans":[{"spans":[' + spans + b"]}]}]}"


SHAPES = [
    pytest.param(lambda: make_request(fill(b"\x12\x00", SIZE)), id="empty-spans"),
    pytest.param(lambda: make_request(fill(field(2, IDS), SIZE)), id="spans"),
    pytest.param(lambda: fill(b"\x0a\x00", SIZE), id="empty-resources"),
    pytest.param(lambda: bytes(SIZE), id="zeros"),
    pytest.param(
        lambda: make_request(field(2, IDS + fill(b"\x5a\x00", SIZE))), id="events"
    ),
    pytest.param(
        lambda: make_request(fill(field(2, IDS + b"\x5a\x00" * 900), SIZE)),
        id="events-of-many-spans",
    ),
    pytest.param(
        lambda: make_request(
            fill(
                field(
                    2,
                    IDS + b"".join(field(9, field(1, b"%05d" % n)) for n in range(900)),
                ),
                SIZE,
            )
        ),
        id="attributes",
    ),
    pytest.param(lambda: wrap(fill(b"{},", SIZE) + b"{}"), id="json-empty-spans"),
    pytest.param(
        lambda: wrap(fill(SPAN.encode() + b"},", SIZE) + b"{}"), id="json-spans"
    ),
    pytest.param(lambda: wrap(fill(b"[],", SIZE) + b"[]"), id="json-lists"),
    pytest.param(
        lambda: wrap(SPAN.encode() + b',"events":[' + fill(b"{},", SIZE) + b"{}]}"),
        id="json-events",
    ),
    pytest.param(
        lambda: wrap(SPAN.encode() + b',"name":"' + b"x" * SIZE + b'"}'),
        id="json-text",
    ),
    pytest.param(
        lambda: wrap(SPAN.encode() + ',"name":"😀'.encode() + b"x" * SIZE + b'"}'),
        id="json-wide-text",
    ),
    pytest.param(lambda: b"{" + b" " * SIZE + b"}", id="json-spaces"),
]


@pytest.fixture(scope="module")
def measured_gateway():
    from infinium_otel.testing import FakeInfinium  # noqa: PLC0415 - for this alone

    with FakeInfinium() as fake, running_gateway(fake) as running:
        yield running


def measure(process):
    """The greatest memory of a process so far, in bytes, and its CPU time in seconds."""
    folder = Path("/proc") / str(process.pid)
    status = (folder / "status").read_text()
    times = (folder / "stat").read_text().rpartition(")")[2].split()
    peak = int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024
    return peak, (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="/proc shows the memory")
@pytest.mark.parametrize("make_body", SHAPES)
def test_a_large_body_of_any_shape_is_cheap(make_body, measured_gateway):
    """Decompressed 63 MiB, it takes less than 400 MB and 10 s of CPU."""
    before = measure(measured_gateway.process)[1]
    body = make_body()
    answer = httpx.post(
        measured_gateway.url + "/v1/traces",
        content=gzip.compress(body, 1),
        headers=get_headers(body) | GZIP,
        timeout=120,
    )
    peak, after = measure(measured_gateway.process)
    assert answer.status_code in (200, 413)
    assert peak < 400_000_000
    assert after - before < MOST_CPU_S
    assert httpx.get(measured_gateway.url + "/healthz").is_success


# -- what is made of attributes ---------------------------------------------------------

CHAT = field(9, field(1, b"gen_ai.operation.name") + field(2, field(1, b"chat")))


def make_spans(count, attributes):
    """A trace of *count* spans with these attributes, the first one its root."""
    parent = field(4, b"\0" * 7 + b"\1")
    spans = [
        field(1, b"\1" * 16)
        + field(2, number.to_bytes(8, "big"))
        + parent * (number > 1)
        for number in range(1, count + 1)
    ]
    return make_request(b"".join(field(2, each + CHAT + attributes) for each in spans))


def make_attribute(key, text):
    return field(9, field(1, key) + field(2, field(1, text)))


def make_list(unit, size):
    return b"[" + fill(unit + b",", size) + unit + b"]"


SECRETS = b'"token: a8f7Gh2kLm pwd=x1y2 password=hunter22x "'

ATTRIBUTES = [
    pytest.param(4, b"gen_ai.input.messages", b"{}", 15 * MIB, id="objects"),
    pytest.param(4, b"gen_ai.output.messages", b'"ab"', 15 * MIB, id="texts"),
    pytest.param(4, b"input.value", b'{"a":[]}', 15 * MIB, id="of-another-dialect"),
    pytest.param(600, b"gen_ai.input.messages", b"{}", 100_000, id="in-many-spans"),
]
MANY_SPANS = [
    pytest.param(
        9_000, b"gen_ai.input.messages", SECRETS, 6_000, id="names-of-secrets"
    ),
    # The JSON is past the limit of what is decoded: then it may be an object as printed.
    pytest.param(9_000, b"gen_ai.input.messages", b"[1,2]", 6_000, id="lists"),
    pytest.param(
        9_000, b"gen_ai.input.messages", b'{"a":[1,2],"n":12}', 6_000, id="rows"
    ),
]


def post(url, body):
    """Send a request compressed; it is accepted."""
    answer = httpx.post(
        url + "/v1/traces",
        content=gzip.compress(body, 1),
        headers=PROTOBUF | GZIP,
        timeout=120,
    )
    assert answer.status_code == 200


# No coverage in the servers: it would take most of the time.
UNMEASURED = {"COVERAGE_PROCESS_CONFIG": ""}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="/proc shows the memory")
@pytest.mark.parametrize(("spans", "key", "unit", "size"), ATTRIBUTES + MANY_SPANS)
def test_json_in_attributes_is_cheap(spans, key, unit, size, fake):
    """The JSON of 60 MiB of attributes: its task is made of less memory and time."""
    body = make_spans(spans, make_attribute(key, make_list(unit, size)))
    environ = {"INFINIUM_OTEL_LINGER_S": "0.1"} | UNMEASURED
    with running_gateway(fake, **environ) as running:
        before = measure(running.process)[1]
        post(running.url, body)
        assert fake.wait_for_tasks(1, 120)
        peak, after = measure(running.process)
    assert peak < 400_000_000
    assert after - before < MOST_CPU_S


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="/proc shows the memory")
@pytest.mark.parametrize(("spans", "key", "unit", "size"), MANY_SPANS)
def test_serve_accepts_json_in_attributes_as_cheaply(spans, key, unit, size, tmp_path):
    """Though it searches the spans that it keeps as well."""
    body = make_spans(spans, make_attribute(key, make_list(unit, size)))
    with running_serve(tmp_path / "runs.db", **UNMEASURED) as running:
        before = measure(running.process)[1]
        post(running.url, body)
        assert wait_for_run(running.url)["total"] == 1
        peak, after = measure(running.process)
    assert peak < 400_000_000
    assert after - before < MOST_CPU_S
