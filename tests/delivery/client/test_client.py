"""Both clients against a real server: same calls, same results."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.metadata import entry_points

import pytest

from infinium_otel import errors
from infinium_otel.config import Config
from infinium_otel.delivery import client as clients
from infinium_otel.delivery.client import AsyncInfiniumClient, InfiniumClient, api_calls
from infinium_otel.errors import (
    BatchError,
    ClosedError,
    ConfigurationError,
    InfiniumTimeoutError,
    NetworkError,
    ValidationError,
)
from infinium_otel.taskdata import Customer, ErrorDetail, ExecutionStep, PromptContent
from infinium_otel.testing import Fault
from support.tasks import NOW, full, small

TRACE_ID = "99999999-2222-4333-8444-555555555555"


class Awaited:
    """The asyncio client as a blocking one: each call in its own event loop."""

    def __init__(self, *args, **settings):
        self.client = AsyncInfiniumClient(*args, **settings)

    def __getattr__(self, name):
        found = getattr(self.client, name)
        if not asyncio.iscoroutinefunction(found):
            return found
        return lambda *args, **named: asyncio.run(found(*args, **named))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


@pytest.fixture(params=[InfiniumClient, Awaited], ids=["blocking", "asyncio"])
def kind(request):
    return request.param


@pytest.fixture
def client(kind, fake):
    with kind(**fake.settings, timeout=5) as found:
        yield found


@pytest.fixture
def _quick(monkeypatch):
    """A backoff of no length, for tests that count attempts."""
    monkeypatch.setattr("infinium_otel.delivery.protocol.attempts.BASE_DELAY_S", 0.001)


def test_send_task(client, fake):
    """A task given by its fields arrives; mappings become Infinium's types."""
    response = client.send_task(
        "Greet",
        "Greeted the user",
        duration=2,
        customer={"customer_name": "Ada"},
        steps=[{"step_number": 1, "action": "a", "description": "d"}],
    )
    assert response.success
    assert response.status_code == 201
    assert response.message == "Trace stored"
    assert response.data["traceId"]
    assert fake.tasks[0]["sections"] == {"customer": {"customer_name": "Ada"}}
    assert fake.complaints == []
    moment = datetime.fromisoformat(fake.tasks[0]["current_datetime"][:-1] + "+00:00")
    assert abs((datetime.now(timezone.utc) - moment).total_seconds()) < 60


def test_send_task_data(client, fake):
    """The body sent is what `task_to_dict` returns."""
    client.send_task_data(full())
    client.send_task("a", "b", 1, current_datetime=NOW)
    assert fake.tasks[0]["steps"][0]["llm_call"]["model"] == "gpt-4o"
    assert fake.tasks[1]["current_datetime"] == NOW
    assert fake.complaints == []


def test_the_same_key_is_the_same_task(client, fake):
    """Two calls with one key are one task; without a key each is a new task."""
    client.send_task_data(small(), idempotency_key="ab-1")
    client.send_task_data(small(), idempotency_key="ab-1")
    client.send_task_data(small())
    assert len(fake.tasks) == 2
    with pytest.raises(ValidationError, match="idempotency_key"):
        client.send_task_data(small(), idempotency_key="a\r\nb")


def test_get_interpreted_task_result(client, fake):
    """The result has no interpretation until it is ready."""
    fake.pending_polls = 1
    trace_id = client.send_task_data(full()).data["traceId"]
    first = client.get_interpreted_task_result(trace_id)
    second = client.get_interpreted_task_result(trace_id)
    assert "interpretedTraceResult" not in first.data
    assert second.data["interpretedTraceResult"]
    with pytest.raises(errors.NotFoundError):
        client.get_interpreted_task_result(TRACE_ID)
    with pytest.raises(ValidationError, match="trace_id"):
        client.get_interpreted_task_result("../x")


def test_wait_for_interpretation(client, fake):
    """Polling ends once the result is ready, through "not found" and failures."""
    fake.pending_polls = 1
    trace_id = client.send_task_data(full()).data["traceId"]
    fake.script(404, 503)
    response = client.wait_for_interpretation(trace_id, poll_interval=0.01)
    assert response.data["interpretedTraceResult"]
    assert len(fake.requests) == 5


@pytest.mark.timeout(600)
def test_waiting_ends_in_time(client, fake):
    """It never waits past its deadline, and reports how long it waited."""
    trace_id = client.send_task_data(full()).data["traceId"]
    fake.pending_polls = 1000
    with pytest.raises(InfiniumTimeoutError, match=trace_id) as caught:
        client.wait_for_interpretation(trace_id, timeout=0.3, poll_interval=3_600)
    assert caught.value.timeout_duration == 0.3


def test_waiting_ends_at_a_refusal(client, fake):
    """Polling ends at once if the credentials are refused."""
    fake.always(401)
    with pytest.raises(errors.AuthenticationError):
        client.wait_for_interpretation(TRACE_ID, poll_interval=0.01)
    assert len(fake.requests) == 1


def test_get_prompt(client, fake):
    """A prompt's placeholders are filled in; unknown ones are kept as they are."""
    content = PromptContent(TRACE_ID, "greeting", 2, "Hi {{name}} {{x}}", NOW)
    fake.prompts[TRACE_ID] = ("pkey", content)
    assert client.get_prompt(TRACE_ID, "pkey") == content
    found = client.get_prompt(TRACE_ID, "pkey", 2, {"name": "Ada"})
    assert found.rendered_content == "Hi Ada {{x}}"
    with pytest.raises(errors.AuthenticationError):
        client.get_prompt(TRACE_ID, "wrong")
    assert fake.complaints == []


@pytest.mark.parametrize("body", [b"", b"[]", b"null"])
def test_no_prompt(client, fake, body):
    """A response without a prompt is an error, not an empty prompt."""
    fake.script(Fault(200, body=body))
    with pytest.raises(errors.InfiniumError, match="no prompt"):
        client.get_prompt(TRACE_ID, "pkey")


def test_a_prompt_of_odd_fields(client, fake):
    """Content that is not text is empty; missing fields have the vendor's defaults."""
    fake.script(Fault(200, body=b'{"content": 7}'))
    assert client.get_prompt(TRACE_ID, "k") == PromptContent("", "", 0, "", "")


def test_batches(client, fake):
    """Results are in the order of the tasks; a failure does not stop the rest."""
    tasks = [small("one"), small(" "), small("three")]
    result = client.send_tasks_batch(tasks, max_concurrent=2)
    assert (result.successful, result.failed) == (2, 1)
    assert [each.success for each in result.results] == [True, False, True]
    assert result.results[1].data == {"task_name": " "}
    assert "name: must be" in result.errors[0]
    assert sorted(task["name"] for task in fake.tasks) == ["one", "three"]


def test_failures_of_a_batch_keep_their_status(client, fake):
    """A refused task's result has its status."""
    fake.always(422)
    result = client.send_tasks_batch([small()])
    assert result.results[0].status_code == 422


def test_fail_fast(client, fake):
    """With `fail_fast` no task is started after a failure."""
    fake.always(422)
    with pytest.raises(BatchError) as caught:
        client.send_tasks_batch([small()] * 5, max_concurrent=1, fail_fast=True)
    assert (caught.value.successful_count, caught.value.failed_count) == (0, 1)
    assert len(fake.requests) == 1


@pytest.mark.parametrize(
    ("tasks", "concurrent", "field"),
    [([], 5, "tasks"), ([small()], 0, "max_concurrent"), ([small()], 1.5, "max_conc")],
)
def test_bad_batches(client, tasks, concurrent, field):
    """An empty batch or a concurrency below 1 is refused."""
    with pytest.raises(ValidationError, match=field):
        client.send_tasks_batch(tasks, concurrent)


def test_create_task_data(client):
    """A task can be created without sending it."""
    task = client.create_task_data(
        "n", "d", 1, errors=[{"error_type": "E", "message": "m"}]
    )
    assert task.errors == [ErrorDetail("E", "m")]
    assert task.duration == 1.0
    assert client.get_current_iso_datetime().endswith("Z")
    with pytest.raises(ValidationError, match="duration"):
        client.create_task_data("n", "d", "long")


def test_settings_come_from_the_environment(kind, fake, monkeypatch):
    """Missing settings come from the environment; an argument overrides it."""
    for name, value in fake.settings.items():
        monkeypatch.setenv(f"INFINIUM_{name.upper()}", value)
    monkeypatch.setenv("INFINIUM_TIMEOUT", "7")
    with kind(max_retries=1) as client:
        client.send_task("a", "b", 1)
        assert (client.agent_id, client.base_url) == (fake.agent_id, fake.base_url)
        assert (client.timeout, client.max_retries) == (7.0, 1)
    with kind(timeout=3) as client:
        assert client.timeout == 3.0


def test_a_config_can_be_given(kind, fake):
    """A Config holds all settings; an argument overrides it."""
    config = Config(**fake.settings, timeout_s=9)
    with kind(config=config, verify_ssl=False, timeout=8) as client:
        client.send_task("a", "b", 1)
        assert client.timeout == 8
    with pytest.raises(ConfigurationError, match="agent_id: missing"):
        kind(config=Config())


def test_compression(kind, fake):
    """A compressed body arrives completely."""
    with kind(config=Config(**fake.settings, compression="gzip")) as client:
        client.send_task_data(full())
    assert fake.complaints == []
    assert fake.requests[0].wire_bytes < len(fake.requests[0].body)


def test_mistakes_are_named_at_once(kind):
    """Invalid settings are one error that names each."""
    with pytest.raises(ConfigurationError) as caught:
        kind("no uuid", "short", base_url="ftp://x")
    assert [text.split(":")[0] for text in caught.value.mistakes] == [
        "agent_id",
        "agent_secret",
        "base_url",
    ]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("max_retries", -1),
        ("max_retries", 1.5),
        ("max_retries", True),
        ("user_agent", "a\r\nx-evil: 1"),
        ("user_agent", "ü"),
        ("log_level", "LOUD"),
    ],
)
def test_other_arguments_are_checked_too(kind, fake, option, value):
    """Arguments that are not settings are validated like settings."""
    with pytest.raises(ConfigurationError, match=option):
        kind(**fake.settings, **{option: value})


def test_the_user_agent_is_sent(kind, fake):
    """A connector can set its own User-Agent."""
    with kind(**fake.settings, user_agent="my-connector/2") as client:
        client.send_task("a", "b", 1)
    assert fake.requests[0].headers["user-agent"] == "my-connector/2"


@pytest.mark.usefixtures("_quick")
class TestTheVendorsWeaknesses:
    """The sixteen defects of the official client, none of which these clients have."""

    @pytest.mark.parametrize(
        "status", [301, 302, 307, 400, 402, 403, 404, 409, 413, 415, 422]
    )
    def test_01_client_errors_are_not_retried(self, client, fake, status):
        """A refused task is sent once; its status is in the error."""
        fake.always(Fault(status, {"Location": f"{fake.base_url}/elsewhere"}))
        with pytest.raises(errors.InfiniumError) as caught:
            client.send_task_data(full())
        assert caught.value.status_code == status
        assert len(fake.requests) == 1

    @pytest.mark.parametrize("body", [b"[]", b'"text"', b"\xff\xfe", b"", b"<html>"])
    def test_02_a_success_is_not_sent_again(self, client, fake, body):
        """2xx is a success, whatever its body contains."""
        fake.script(Fault(200, body=body))
        assert client.send_task_data(full()).success
        assert len(fake.requests) == 1

    def test_02_a_success_with_half_a_body_is_a_success(self, client, fake):
        """The status decides, even if the rest of the response is lost."""
        fake.script(Fault(201, breaks="truncate"))
        assert client.send_task_data(full()).status_code == 201
        assert len(fake.requests) == 1

    def test_03_a_retry_makes_no_second_copy(self, client, fake):
        """Every attempt has the same idempotency key."""
        fake.script(Fault(breaks="close", store=True), 503)
        assert client.send_task_data(full()).success
        assert len(fake.requests) == 3
        assert len({request.key for request in fake.requests}) == 1
        assert len(fake.tasks) == 1

    @pytest.mark.parametrize("status", [429, 503])
    def test_04_retry_after_is_obeyed(self, client, fake, status):
        """The server's delay is respected for any status; 429 is retried too."""
        fake.script(Fault.unavailable(status, retry_after=0.3))
        assert client.send_task_data(full()).success
        first, second = fake.requests
        assert second.at_s - first.at_s >= 0.3

    def test_04_a_long_delay_is_raised(self, client, fake):
        """A delay longer than a call may wait is raised at once, with its length."""
        fake.always(Fault.unavailable_until(time.time() + 500, 429))
        with pytest.raises(errors.RateLimitError) as caught:
            client.send_task_data(full())
        assert 400 < caught.value.retry_after <= 500
        assert len(fake.requests) == 1

    def test_05_the_rate_limit_holds_for_many(self, kind, fake):
        """Concurrent tasks respect the rate limit like sequential ones."""
        config = Config(**fake.settings, requests_per_second=20, burst=2)
        began_s = time.monotonic()
        with kind(config=config) as client:
            client.send_tasks_batch([small()] * 8, max_concurrent=8)
        assert max(request.at_s for request in fake.requests) - began_s >= 5 / 20

    def test_06_size_is_counted_on_the_wire(self, client, fake):
        """A body of exactly 1 MiB of Chinese text is sent; a larger one is shrunk."""
        task = small(output_summary="界" * 349_000)
        client.send_task_data(task)
        assert fake.tasks[0]["output_summary"] == task.output_summary
        client.send_task_data(small(output_summary="界" * 400_000))
        assert "truncated" in fake.tasks[1]["environment"]["custom_tags"]
        assert fake.complaints == []

    def test_07_a_task_is_encoded_once(self, client, fake, monkeypatch):
        """Retries send the same bytes; nothing is serialized again."""
        made, real = [], api_calls.encode
        monkeypatch.setattr(
            api_calls, "encode", lambda task: made.append(1) or real(task)
        )
        fake.script(500, 500)
        client.send_task_data(full())
        assert len(made) == 1
        assert len({request.body for request in fake.requests}) == 1

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("name", "x" * 5_000),
            ("duration", -5),
            ("current_datetime", "yesterday"),
            ("description", ""),
        ],
    )
    def test_08_every_way_of_sending_validates(self, client, fake, field, value):
        """An invalid task is refused before it is sent, and the field is named."""
        task = small()
        setattr(task, field, value)
        with pytest.raises(ValidationError) as caught:
            client.send_task_data(task)
        assert caught.value.field == field
        assert fake.requests == []

    def test_09_odd_values_arrive(self, client, fake):
        """Surrogates, NaN, times and dataclasses are sent as valid JSON, once."""
        metadata = {
            "nan": math.nan,
            "when": datetime(2026, 1, 2, tzinfo=timezone.utc),
            "who": Customer("Ada"),
            "lone": "\ud800",
        }
        client.send_task_data(
            small("\udfff", steps=[ExecutionStep(1, "a", "d", metadata=metadata)])
        )
        sent = fake.tasks[0]
        assert sent["name"] == "\ufffd"
        assert sent["steps"][0]["metadata"]["nan"] == "NaN"
        assert sent["steps"][0]["metadata"]["who"]["customer_name"] == "Ada"
        assert len(fake.requests) == 1

    def test_10_batches_are_concurrent(self, client, fake):
        """`max_concurrent` requests run at the same time."""
        meeting = threading.Barrier(4, timeout=10)
        real = fake.respond

        def respond(received, store):
            meeting.wait()
            return real(received, store)

        fake._server.respond = respond
        result = client.send_tasks_batch([small()] * 4, max_concurrent=4)
        assert result.successful == 4

    def test_11_several_event_loops(self, fake):
        """One client serves several event loops in turn and leaks no connection."""
        client = AsyncInfiniumClient(**fake.settings)
        for _ in range(3):
            asyncio.run(client.send_task_data(full()))
        asyncio.run(client.close())
        assert len(fake.tasks) == 3

    def test_11_several_loops_at_once(self, fake):
        """One client serves event loops of different threads at the same time."""
        client = AsyncInfiniumClient(**fake.settings)
        threads = [
            threading.Thread(target=lambda: asyncio.run(client.send_task_data(full())))
            for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(fake.tasks) == 3

    @pytest.mark.parametrize("agent_id", ["an agent", "../../x", "a\r\nb"])
    def test_12_a_bad_agent_id_is_found_at_once(self, kind, agent_id):
        """A value that is invalid in a header or URL is refused at construction."""
        with pytest.raises(ConfigurationError, match="agent_id"):
            kind(agent_id, "long-enough-secret")

    def test_12_use_after_close(self, kind, fake):
        """A closed client raises ClosedError without a request."""
        client = kind(**fake.settings)
        client.close()
        with pytest.raises(ClosedError, match="was closed"):
            client.send_task_data(full())
        with pytest.raises(ClosedError):
            client.send_tasks_batch([full()])
        client.close()
        assert fake.requests == []

    @pytest.mark.parametrize(
        ("fault", "error"),
        [
            pytest.param(Fault(breaks="before"), NetworkError, id="reset-before"),
            pytest.param(Fault(breaks="during"), NetworkError, id="reset-during"),
            pytest.param(Fault(breaks="after"), NetworkError, id="reset-after"),
            pytest.param(Fault(breaks="close"), NetworkError, id="closed"),
            pytest.param(
                Fault(breaks="raw", body=b"\0garbage\r\n\r\n"),
                NetworkError,
                id="garbage",
            ),
            pytest.param(Fault(500), errors.ServerError, id="500"),
        ],
    )
    def test_13_both_clients_mean_the_same(self, client, fake, fault, error):
        """The same errors after the same attempts, none of them a third party's."""
        fake.always(fault)
        with pytest.raises(error) as caught:
            client.send_task_data(full())
        assert type(caught.value) is error
        assert len(fake.requests) == 4

    def test_14_logging_is_left_alone(self, kind, fake):
        """`enable_logging` sets our logger's level and changes no handler."""
        logger, root = logging.getLogger("infinium_otel"), logging.getLogger()
        before, handlers = logger.level, list(root.handlers)
        try:
            kind(**fake.settings, enable_rate_limiting=False).close()
            assert logger.level == before
            kind(**fake.settings, enable_logging=True, log_level="debug").close()
            assert logger.level == logging.DEBUG
            assert root.handlers == handlers
        finally:
            logger.setLevel(before)

    def test_14_the_secret_is_shown_nowhere(self, client, fake, caplog):
        """No repr, attribute, exception or log line contains the secret."""
        caplog.set_level(1)
        fake.always(Fault(401, body=json.dumps({"error": "no"}).encode()))
        with pytest.raises(errors.AuthenticationError) as caught:
            client.send_task_data(full())
        shown = f"{client!r} {vars(client)} {caught.value!r} {vars(caught.value)}"
        assert fake.agent_secret not in shown + caplog.text

    def test_15_tls_and_proxies(self, fake):
        """Compression, proxies and certificates are settings (see test_sockets)."""
        with InfiniumClient(**fake.settings, verify_ssl=False) as client:
            assert client.send_task_data(full()).success

    def test_16_spans_come_in(self):
        """The SDK finds our exporter by its entry point."""
        found = entry_points(group="opentelemetry_traces_exporter", name="infinium")
        assert [each.value for each in found] == [
            "infinium_otel.exporter:InfiniumSpanExporter"
        ]


def test_timeouts(kind, fake):
    """A response that is too late is a timeout, which names the seconds."""
    fake.always(Fault(breaks="hang"))
    with kind(**fake.settings, timeout=0.1, max_retries=0) as client:
        with pytest.raises(InfiniumTimeoutError) as caught:
            client.send_task_data(full())
        assert caught.value.timeout_duration == 0.1


def test_a_cancelled_call_ends_at_once(fake):
    """Cancelling the task that awaits a call ends the request."""
    fake.always(Fault(breaks="hang"))

    async def main():
        async with AsyncInfiniumClient(**fake.settings) as client:
            call = asyncio.ensure_future(client.send_task_data(full()))
            await asyncio.to_thread(fake.wait_for, lambda f: len(f.requests) == 1)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call

    asyncio.run(main())
    assert len(fake.requests) == 1


@dataclass
class Foreign:
    """Like the vendor's TaskData: another class of the same shape."""

    name: str
    description: str
    current_datetime: str
    duration: float
    customer: object = None


def test_the_vendors_own_types_are_accepted(client, fake):
    """A program that still uses the vendor's dataclasses works."""
    client.send_task_data(Foreign("n", "d", NOW, 1.0, {"customer_name": "Ada"}))
    assert fake.tasks[0]["sections"]["customer"] == {"customer_name": "Ada"}


def test_unknown_names_of_the_module():
    """Other names raise AttributeError."""
    with pytest.raises(AttributeError, match="nothing"):
        clients.nothing  # noqa: B018 - the access is the test
