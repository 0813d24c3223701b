"""Runs whose spans contain invalid names, values and times."""

from __future__ import annotations

import json
from itertools import count
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.trace import SpanContext, TraceFlags

from infinium_otel import InfiniumSpanExporter
from support.cpu import little_cpu
from support.programs import AGENT, FAST, accounted, exporting
from support.spans import T0, S, sid

traces = count(1)
LONE = "a\ud800b"
NANOS_2554 = 18_446_744_073_709_551_615
"""The last time that OTLP can express: 2554-07-21."""


def strict(body):
    """*body* as strict JSON (RFC 8259): UTF-8, no NaN, no lone surrogate."""

    def no_constant(name):
        raise AssertionError(name)

    value = json.loads(body.decode("utf-8"), parse_constant=no_constant)
    json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8")
    return value


def get_span_ids(task):
    """The ids of the spans in *task*: its root, its steps, and those merged into them.

    A late part only names its root, which was sent before, or filtered.
    """
    tags = task["environment"]["custom_tags"]
    found = set() if "otel.part" in tags else {tags["otel.root_span_id"]}
    for step in task.get("steps", ()):
        found.add(step["metadata"]["otel.span_id"])
        found.update(step["metadata"].get("otel.folded_span_ids", ()))
    return found


def ended(number, parent=None, *, trace=None, name="x", **more):
    """An ended span as the SDK passes it, with anything in *more* unchecked."""
    trace_id = next(traces) if trace is None else trace
    span = ReadableSpan(
        name,
        context=SpanContext(
            trace_id, number, is_remote=False, trace_flags=TraceFlags(1)
        ),
        parent=parent and SpanContext(trace_id, parent, is_remote=False),
        start_time=more.get("start_time", T0),
        end_time=more.get("end_time", T0 + S),
        attributes=more.get("attributes"),
    )
    span._events = more.get("events", [])
    span._status = SimpleNamespace(
        status_code=more.get("status", 0), description=more.get("message")
    )
    return span


def event(name, **attributes):
    """An event with an unchecked name and attributes."""
    return SimpleNamespace(
        name=name,
        timestamp=T0,
        attributes={k.replace("__", "."): v for k, v in attributes.items()},
    )


def endless():
    """A value that contains itself."""
    value = {"list": []}
    value["list"].append(value)
    return value


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.binary(max_size=20)
    | st.sampled_from([LONE, 2**62, 2**70, -(2**70), float("nan"), -0.0, b"\xff\x00"])
    | st.sampled_from(["\x00", "\ufeff", "\u202eevil", "[" * 3_000, '{"a":' * 3_000])
    | st.builds(object)
    | st.builds(endless),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner)
        | st.sets(st.integers(), max_size=2)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
keys = st.text(max_size=8) | st.sampled_from(
    [
        "gen_ai.operation.name",
        "gen_ai.request.model",
        "gen_ai.usage.input_tokens",
        "gen_ai.input.messages",
        "gen_ai.output.messages",
        "gen_ai.tool.name",
        "gen_ai.tool.call.arguments",
        "openinference.span.kind",
        "llm.input_messages.0.message.content",
        "traceloop.span.kind",
        "traceloop.entity.input",
        "exception.message",
        "exception.type",
        "error.type",
        "infinium.task.name",
        "infinium.general.details",
        "infinium.customer.customer_name",
        "infinium.skip",
        "http.request.method",
        "__proto__",
        LONE,
        "k" * 100_000,
    ]
)
attributes = st.none() | st.dictionaries(keys, values, max_size=5)
texts = st.text(max_size=10) | st.sampled_from([LONE, None, "", "\x00", 7, b"\xff"])
times = st.sampled_from([None, T0, T0 + S, 0, -1, NANOS_2554, 2**70, "x", 1.5])


@st.composite
def batches(draw):
    """Hostile spans of a few traces, some repeated, in any order and any batches."""
    first = next(traces) * 16
    spans = [
        ended(
            number,
            draw(st.none() | st.integers(1, 9)),
            trace=first + draw(st.integers(0, 2)),
            name=draw(texts),
            start_time=draw(times),
            end_time=draw(times),
            attributes=draw(attributes),
            status=draw(st.sampled_from([0, 2, None, "x"])),
            message=draw(texts),
            events=[
                SimpleNamespace(
                    name=draw(texts),
                    timestamp=draw(times),
                    attributes=draw(attributes),
                )
                for _ in range(draw(st.integers(0, 2)))
            ],
        )
        for number in range(1, draw(st.integers(1, 7)) + 1)
    ]
    spans += draw(st.lists(st.sampled_from(spans), max_size=2))
    spans = draw(st.permutations(spans))
    cut = draw(st.integers(0, len(spans)))
    return [spans[:cut], spans[cut:]]


def _trace(task):
    return task["environment"]["custom_tags"]["otel.trace_id"]


@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(parts=batches(), include=st.sampled_from(["all", "agents"]))
def test_hostile_spans(fake, parts, include):
    """No span makes export() raise or fail, or loses the rest of its batch."""
    before = len(fake.requests)
    exporter = InfiniumSpanExporter(**fake.settings, **FAST, include=include)
    try:
        for part in parts:
            assert exporter.export(part) is SpanExportResult.SUCCESS
        assert exporter.force_flush(60_000)
        stats = exporter.stats
    finally:
        exporter.shutdown(0)
    assert accounted(stats)
    assert stats.received == sum(map(len, parts))
    assert stats.received == stats.delivered + stats.filtered + stats.refused
    sent = fake.requests[before:]
    assert [request.complaints for request in sent if request.complaints] == []
    tasks = [strict(request.body) for request in sent]
    named = {
        (_trace(task), span_id) for task in tasks for span_id in get_span_ids(task)
    }
    assert len(named) <= stats.delivered
    received = {f"{s.context.trace_id:032x}" for part in parts for s in part}
    tags = [task["environment"]["custom_tags"] for task in tasks]
    assert [each for each in tags if "otel.problem" in each] == []
    found = {each["otel.trace_id"] for each in tags}
    assert found <= received
    if not stats.filtered:
        assert found == received


ALTERED = [
    pytest.param({"name": LONE}, id="surrogate-in-name"),
    pytest.param(
        {
            "status": 2,
            "message": LONE,
            "events": [
                event("exception", exception__message=LONE, exception__type="E")
            ],
        },
        id="surrogate-in-exception",
    ),
    pytest.param({"events": [event(LONE, text="x")]}, id="surrogate-in-event-name"),
    pytest.param({"attributes": {LONE: LONE}}, id="surrogate-in-key"),
    pytest.param({"attributes": {"x": 2**70}}, id="huge-int"),
    pytest.param({"attributes": {"x": float("nan")}}, id="nan"),
    pytest.param({"attributes": {"x": [True, 1, 1.5, "a"]}}, id="mixed"),
    pytest.param({"attributes": {"x": b"\xff\xfe"}}, id="bytes"),
    pytest.param({"attributes": {"x": endless()}}, id="holds-itself"),
    pytest.param({"attributes": {"x": "y" * 10_000_000}}, id="10-MB-text"),
    pytest.param({"attributes": {"k" * 100_000: "v"}}, id="100000-character-key"),
    pytest.param({"attributes": {f"k{n}": n for n in range(20_000)}}, id="many-keys"),
    pytest.param({"events": [event("e", n=n) for n in range(10_000)]}, id="events"),
    pytest.param(
        {"attributes": {"gen_ai.input.messages": "[" * 10_000}}, id="deep-json"
    ),
    pytest.param({"attributes": {"x": "\x00\ufeff\u202e\U0001f600"}}, id="odd-text"),
    pytest.param({"start_time": T0, "end_time": T0 - 3_600 * S}, id="end-first"),
    pytest.param({"start_time": 0, "end_time": S}, id="1970"),
    pytest.param({"start_time": NANOS_2554 - S, "end_time": NANOS_2554}, id="2554"),
    pytest.param({"start_time": 1, "end_time": NANOS_2554}, id="584-years"),
    pytest.param({"start_time": 2**70, "end_time": -5}, id="no-time-at-all"),
]


@pytest.mark.parametrize("bad", ALTERED)
def test_only_the_field_is_changed(fake, bad):
    """Invalid values are changed or dropped; the run and all others arrive soon."""
    trace = next(traces)
    wrong = ended(2, 1, trace=trace, **bad)
    root = ended(1, trace=trace, name="run", attributes=AGENT)
    other = ended(1, name="other", attributes=AGENT)
    with little_cpu(), exporting(fake) as (exporter, _, _):
        assert exporter.export([wrong, root, other]) is SpanExportResult.SUCCESS
        assert exporter.stats.delivered == 3
    assert fake.complaints == []
    run, another = (strict(request.body) for request in fake.requests)
    assert get_span_ids(run) == {sid(1), sid(2)}
    assert another["name"]
    assert 0 <= run["duration"] <= 86_400


def test_the_clock_goes_backwards(fake):
    """Children that end before they start, or before their parent, do no harm."""
    trace = next(traces)
    spans = [
        ended(3, 1, trace=trace, start_time=T0 - 7_200 * S, end_time=T0 - 7_201 * S),
        ended(2, 1, trace=trace, start_time=T0 + 5 * S, end_time=T0 - 5 * S),
        ended(1, trace=trace, name="run", attributes=AGENT, end_time=T0 - S),
    ]
    with exporting(fake) as (exporter, _, _):
        assert exporter.export(spans) is SpanExportResult.SUCCESS
        assert exporter.stats.delivered == 3
    (task,) = fake.tasks
    assert fake.complaints == []
    assert 0 <= task["duration"] <= 86_400


class TestAttackers:
    """Telemetry is hostile text."""

    def test_spans_cannot_change_credentials(self, fake):
        """No attribute changes the endpoint or the agent."""
        other = "99999999-2222-4333-8444-555555555555"
        hostile = {
            **AGENT,
            "infinium.agent_id": other,
            "infinium.agent_secret": "stolen",
            "infinium.base_url": "http://127.0.0.1:1/",
            "x-agent-id": other,
        }
        with exporting(fake) as (exporter, _, _):
            exporter.export([ended(1, attributes=hostile)])
            assert exporter.stats.delivered == 1
        (request,) = fake.requests
        assert other not in request.path
        assert request.headers["x-agent-id"] == fake.agent_id
        assert request.headers["x-agent-key"] == fake.agent_secret

    @pytest.mark.parametrize("tokens", [-1, 10**30, 1e30, float("inf"), "1; DROP"])
    def test_impossible_numbers_are_dropped(self, fake, tokens):
        """Impossible token counts are dropped, and the call is kept."""
        call = {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "m",
            "gen_ai.usage.input_tokens": tokens,
            "gen_ai.usage.output_tokens": 5,
        }
        with exporting(fake) as (exporter, _, _):
            exporter.export([ended(1, attributes=call)])
            assert exporter.stats.delivered == 1
        (task,) = fake.tasks
        (step,) = task["steps"]
        assert step["llm_call"].get("prompt_tokens") is None
        assert step["llm_call"]["completion_tokens"] == 5

    @pytest.mark.parametrize(
        "name",
        [
            pytest.param("<script>alert(1)</script>", id="html"),
            pytest.param("\x1b[31mred\x1b[0m\x07", id="ansi"),
            pytest.param("../../etc/passwd", id="path"),
            pytest.param("a\r\nX-Agent-Key: stolen", id="header"),
            pytest.param("__proto__", id="prototype"),
            pytest.param("n" * 1_000_000, id="long"),
        ],
    )
    def test_names_are_data(self, fake, name):
        """A name is only a value in the body."""
        with exporting(fake) as (exporter, _, _):
            exporter.export([ended(1, name=name, attributes=AGENT)])
            assert exporter.stats.delivered == 1
        (request,) = fake.requests
        assert fake.complaints == []
        assert request.headers["x-agent-key"] == fake.agent_secret
        tags = strict(request.body)["environment"]["custom_tags"]
        assert tags["otel.root_span_name"][:5] == name[:5]

    @pytest.mark.parametrize(
        "text",
        [
            "eyJ",
            "eyJa.",
            "password=",
            '"password":"',
            "-----BEGIN PRIVATE KEY-----",
            "http://a:",
            "a:b@",
            "Authorization: Bearer ",
            "\\",
            '{"a":',
            "[",
        ],
    )
    def test_text_made_to_keep_patterns_busy(self, fake, text):
        """A megabyte of the worst prefix takes moments, not minutes."""
        attributes = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "t",
            "gen_ai.tool.call.arguments": text * (1_000_000 // len(text)),
        }
        with little_cpu(), exporting(fake) as (exporter, _, _):
            exporter.export([ended(1, attributes=attributes)])
            assert exporter.stats.delivered == 1
