"""The vendor's own client and ours against one strict server."""

from __future__ import annotations

import dataclasses
import inspect
import json

import infinium
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import infinium_otel
from infinium_otel import taskdata
from infinium_otel.config import Config
from infinium_otel.delivery.protocol import encode
from infinium_otel.delivery.sender import Sender
from infinium_otel.taskdata import task_to_dict
from infinium_otel.testing import FakeInfinium

NOW = "2026-01-02T03:04:05Z"
TYPES = [
    name
    for name in taskdata.__all__
    if dataclasses.is_dataclass(getattr(taskdata, name, None))
]


@pytest.fixture(scope="module")
def fake():
    with FakeInfinium() as server:
        yield server


@pytest.mark.parametrize("name", TYPES)
def test_types_are_field_for_field_the_vendors(name):
    """Each dataclass has the vendor's fields, in order, with its defaults."""
    ours, theirs = getattr(taskdata, name), getattr(infinium, name)
    signatures = [
        [(f.name, f.default is dataclasses.MISSING, f.default) for f in each]
        for each in (dataclasses.fields(ours), dataclasses.fields(theirs))
    ]
    assert [str(row) for row in signatures[0]] == [str(row) for row in signatures[1]]


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
MAYBE = st.none() | TEXTS
NUMBERS = st.none() | st.integers(0, 2**31)
JSON = st.dictionaries(
    TEXTS, st.none() | st.booleans() | TEXTS | st.lists(TEXTS), max_size=3
)


def error(types):
    return st.builds(types.ErrorDetail, TEXTS, TEXTS, st.booleans(), st.integers(0, 9))


def task(types):
    """Tasks of either library, drawn in the same way."""
    step = st.builds(
        types.ExecutionStep,
        st.integers(1, 99),
        TEXTS,
        TEXTS,
        duration_ms=NUMBERS,
        input_preview=MAYBE,
        error=st.none() | error(types),
        tool_call=st.none()
        | st.builds(types.ToolCall, TEXTS, NUMBERS, MAYBE, MAYBE, error(types)),
        llm_call=st.none() | st.builds(types.LlmCall, TEXTS, MAYBE, NUMBERS),
        metadata=st.none() | JSON,
    )
    return st.builds(
        types.TaskData,
        TEXTS.map(lambda text: f"n{text}"),
        TEXTS.map(lambda text: f"d{text}"),
        st.just(NOW),
        st.floats(0, 86_400),
        customer=st.none() | st.builds(types.Customer, MAYBE, MAYBE),
        research=st.none()
        | st.builds(types.Research, MAYBE, data_sources=MAYBE | st.lists(TEXTS)),
        general=st.none()
        | st.builds(
            types.General,
            tags=st.lists(TEXTS),
            errors_encountered=st.lists(error(types)),
        ),
        llm_usage=st.none()
        | st.builds(types.LlmUsage, MAYBE, calls=st.just([types.LlmCall("m")])),
        input_summary=MAYBE,
        steps=st.none() | st.lists(step, max_size=3),
        expected_outcome=st.none()
        | st.builds(types.ExpectedOutcome, TEXTS, st.lists(TEXTS)),
        environment=st.none()
        | st.builds(
            types.EnvironmentContext, MAYBE, custom_tags=st.none() | st.just({"k": "v"})
        ),
        errors=st.none() | st.lists(error(types), max_size=2),
    )


@settings(max_examples=60, deadline=None)
@given(theirs=task(infinium))
def test_wire_bytes_are_the_vendors(fake, theirs):
    """Our encoding is byte for byte what the vendor's client sends."""
    with infinium.InfiniumClient(**fake.settings, enable_rate_limiting=False) as client:
        client.send_task_data(theirs)
    sent = fake.requests[-1].body
    ours = taskdata.coerce(theirs, taskdata.TaskData)
    assert encode(ours) == sent
    assert task_to_dict(theirs) == task_to_dict(ours) == json.loads(sent)
    assert fake.requests[-1].complaints == ()


METHODS = [
    "send_task",
    "send_task_data",
    "send_tasks_batch",
    "get_interpreted_task_result",
    "wait_for_interpretation",
    "get_prompt",
    "create_task_data",
    "get_current_iso_datetime",
    "close",
]


@pytest.mark.parametrize("client", ["InfiniumClient", "AsyncInfiniumClient"])
@pytest.mark.parametrize("method", METHODS)
def test_methods_take_the_vendors_arguments(client, method):
    """Every argument of the vendor's method is one of ours, in the same position."""
    ours = inspect.signature(getattr(getattr(infinium_otel, client), method))
    theirs = inspect.signature(getattr(getattr(infinium, client), method))
    names = list(theirs.parameters)
    assert list(ours.parameters)[: len(names)] == names


@pytest.mark.parametrize("client", ["InfiniumClient", "AsyncInfiniumClient"])
def test_the_constructor_takes_the_vendors_arguments(client):
    """A program that changes its import constructs our client as it did theirs."""
    theirs = inspect.signature(getattr(infinium, client).__init__)
    ours = inspect.signature(getattr(infinium_otel, client).__init__)
    names = list(theirs.parameters)
    assert list(ours.parameters)[: len(names)] == names


def program(library, settings):
    """A program as users write it."""
    with library.InfiniumClient(**settings, max_retries=1) as client:
        task = library.TaskData(
            name="Greet",
            description="A greeting",
            current_datetime=client.get_current_iso_datetime(),
            duration=1.0,
            customer=library.Customer(customer_name="Ada"),
        )
        sent = client.send_task_data(task)
        client.send_task("Greet", "Again", duration=2)
        batch = client.send_tasks_batch([task, task], max_concurrent=2)
        result = client.wait_for_interpretation(sent.data["traceId"], timeout=5)
        return (
            sent.success,
            sent.message,
            batch.successful,
            batch.failed,
            bool(result.data["interpretedTraceResult"]),
        )


def test_changing_the_import_ports_a_program(fake):
    """The same program has the same results with either library."""
    assert program(infinium_otel, fake.settings) == program(infinium, fake.settings)


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (401, "AuthenticationError"),
        (404, "NotFoundError"),
        (429, "RateLimitError"),
        (500, "ServerError"),
    ],
)
def test_errors_have_the_vendors_names(fake, status, name):
    """A program catches the errors of either library by the same names."""
    for library in (infinium, infinium_otel):
        fake.always(status)
        try:
            client = library.InfiniumClient(**fake.settings, max_retries=0)
            with client, pytest.raises(getattr(library, name)):
                client.send_task("a", "b", 1)
        finally:
            fake.always(None)


def test_the_vendors_client_can_deliver(fake):
    """The exporter's `client=` may be the vendor's own; its errors are understood."""

    @dataclasses.dataclass
    class Finished:
        task: taskdata.TaskData
        key: str = "k"
        spans: int = 1

    ours = taskdata.TaskData("n", "d", NOW, 1.0, steps=[])
    with infinium.InfiniumClient(**fake.settings, max_retries=0) as client:
        sender = Sender(Config(), client=client)
        before = len(fake.tasks)
        sender.submit(Finished(ours))
        sender.attempt(5)
        assert len(fake.tasks) == before + 1
        fake.script(422, 401)
        for _ in range(2):
            sender.submit(Finished(ours))
            sender.attempt(5)
        assert (sender.counts.tasks.delivered, sender.counts.tasks.queued) == (1, 2)
        sender.shutdown(0)
