"""The host program: its hooks, secrets, instrumentations and providers."""

from __future__ import annotations

import logging
import random
import threading
import traceback
import uuid

import httpx
import pytest
from opentelemetry import trace
from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from infinium_otel import (
    Config,
    InfiniumClient,
    InfiniumLogExporter,
    InfiniumSpanExporter,
    InfiniumSpanProcessor,
    register,
)
from infinium_otel.errors import InfiniumError
from infinium_otel.taskdata import task_to_dict
from infinium_otel.testing import FakeInfinium
from infinium_otel.testing.fake import AGENT_ID, AGENT_SECRET
from support.programs import (
    AGENT,
    FAST,
    WAIT_S,
    accounted,
    exporting,
    processing,
    provider_of,
    run_agent,
)

SECRET = "s3cr3t-of-this-test-only"
WAYS = [
    pytest.param(processing, {}, id="processor"),
    pytest.param(exporting, {}, id="batch"),
    pytest.param(exporting, {"simple": True}, id="simple"),
]


def broken(*_):
    """A hook with a defect."""
    raise RuntimeError("defect in the hook")


class OtelHandler(logging.Handler):
    """Sends every log line through OpenTelemetry, like its logging instrumentation."""

    def __init__(self, logger):
        super().__init__()
        self.logger = logger

    def emit(self, record):
        self.logger.emit(LogRecord(body=record.getMessage()))


class TestSecrets:
    """The agent's secret is in the request's header, and nowhere else."""

    @pytest.mark.parametrize("status", [None, 400, 401, 413, 503])
    def test_not_in_logs_files_or_representations(
        self, caplog, capsys, spool, tmp_path, status
    ):
        """No log at any level, file, repr or text contains it."""
        caplog.set_level(1)
        with FakeInfinium(agent_secret=SECRET) as fake:
            fake.always(status)
            with processing(fake, spool=spool) as (processor, provider, tracer):
                with tracer.start_as_current_span("open", attributes=AGENT):
                    run_agent(tracer)
                    provider.force_flush(300)
                assert fake.wait_for(lambda server: server.requests, WAIT_S)
                shown = [repr(processor), repr(processor._runner), str(processor.stats)]
                shown += [repr(processor._runner.config), repr(vars(processor))]
                shown += [repr(vars(processor._runner)), repr(fake)]
            files = [f for f in tmp_path.rglob("*") if f.is_file()]
            assert files
        assert fake.requests[0].headers["x-agent-key"] == SECRET
        shown += [caplog.text, *capsys.readouterr()]
        shown += [repr(vars(record)) for record in caplog.records]
        assert [text for text in shown if SECRET in text] == []
        assert [f for f in files if SECRET.encode() in f.read_bytes()] == []

    @pytest.mark.parametrize("status", [400, 401, 404, 429, 500])
    def test_not_in_a_clients_errors(self, status):
        """The client's errors contain everything but the secret."""
        with FakeInfinium(agent_secret=SECRET) as fake:
            fake.always(status)
            client = InfiniumClient(**fake.settings)
            with pytest.raises(InfiniumError) as caught:
                client.get_interpreted_task_result("x")
            shown = [repr(client), str(vars(client)), repr(caught.value)]
            shown += [str(caught.value), str(vars(type(caught.value)))]
            client.close()
        assert [text for text in shown if SECRET in text] == []

    def test_not_in_configuration_errors(self):
        """An invalid configuration is reported without its secret."""
        with pytest.raises(InfiniumError) as caught:
            Config(agent_id="no uuid", agent_secret=SECRET, burst=-1)
        assert SECRET not in str(caught.value) + repr(caught.value)

    @pytest.mark.parametrize(
        "wrong",
        [
            pytest.param(lambda: register(agent_secret=SECRET, burst=-1), id="call"),
            pytest.param(lambda: register(burst=-1), id="environment"),
            pytest.param(
                lambda: register(Config(), agent_secret=SECRET, burst=-1), id="config"
            ),
            pytest.param(
                lambda: InfiniumSpanProcessor(agent_secret=SECRET, burst=-1),
                id="processor",
            ),
            pytest.param(
                lambda: InfiniumLogExporter(agent_secret=SECRET, burst=-1), id="logs"
            ),
            pytest.param(
                lambda: InfiniumClient("no uuid", agent_secret=SECRET), id="client"
            ),
            pytest.param(
                lambda: Config().but(agent_secret=SECRET, burst=-1), id="copy"
            ),
        ],
    )
    def test_not_in_the_variables_of_our_frames(self, wrong, monkeypatch):
        """An error tracker records those of every frame that an exception has passed.

        frecar/epguides-api#382, polarsource/polar#14687: Sentry does so by default, with
        all of `os.environ` where a frame holds it.
        """
        monkeypatch.setenv("INFINIUM_AGENT_SECRET", SECRET)
        monkeypatch.setenv("INFINIUM_OTEL_BURST", "-1")
        with pytest.raises(InfiniumError) as caught:
            wrong()
        error = traceback.TracebackException.from_exception(
            caught.value, capture_locals=True
        )
        frames = [each for each in error.stack if "infinium_otel" in each.filename]
        assert frames
        assert [each.name for each in frames if SECRET in str(each.locals)] == []


class TestHooks:
    """The user's code may do anything, and only affects itself."""

    @pytest.mark.parametrize(("way", "more"), WAYS)
    @pytest.mark.parametrize("hook", [broken, lambda *_: 7], ids=["raises", "type"])
    def test_redaction_that_fails_blanks_the_text(self, fake, way, more, hook):
        """The text that it failed for is blanked; the run is sent."""
        with way(fake, redact=hook, **more) as (handle, provider, tracer):
            with tracer.start_as_current_span("private name", attributes=AGENT):
                pass
            provider.force_flush()
            assert handle.stats.delivered == 1
            assert accounted(handle.stats)
        (request,) = fake.requests
        assert b"private" not in request.body
        assert fake.complaints == []

    @pytest.mark.parametrize(("way", "more"), WAYS)
    @pytest.mark.parametrize("hook", [broken, lambda _: "yes"], ids=["raises", "type"])
    def test_a_should_send_that_fails(self, fake, way, more, hook):
        """A hook that raises, or returns nothing usable, loses no run."""
        with way(fake, should_send=hook, **more) as (handle, provider, tracer):
            run_agent(tracer)
            provider.force_flush()
            assert handle.stats.delivered == 3

    def test_a_slow_hook_does_not_delay_the_application(self, fake):
        """While a hook runs, spans start and end as usual."""
        entered, go_on = threading.Event(), threading.Event()

        def slow(_):
            entered.set()
            return go_on.wait(30)

        with processing(fake, should_send=slow) as (processor, provider, tracer):
            run_agent(tracer, "one")
            assert entered.wait(30)
            run_agent(tracer, "two")
            assert not provider.force_flush(10)
            go_on.set()
            assert provider.force_flush(60_000)
            assert processor.stats.delivered == 6

    @pytest.mark.parametrize(("way", "more"), WAYS)
    def test_spans_of_hooks_are_not_recorded(self, fake, way, more):
        """Spans that a hook starts are not recorded, so there is no loop."""
        tracers = []
        calls = []

        def tracing(task):
            calls.append(task.name)
            with tracers[0].start_as_current_span("in the hook", attributes=AGENT):
                return True

        settings = {"should_send": tracing, "include": "all", **more}
        with way(fake, **settings) as (handle, provider, tracer):
            tracers.append(tracer)
            for number in range(3):
                run_agent(tracer, f"run{number}")
                provider.force_flush()
            assert handle.force_flush(60_000)
            assert handle.stats.received == 9
        assert len(calls) == len(fake.tasks) == 3

    def test_our_own_log_lines_do_not_deadlock(self, fake):
        """With every log line sent through us, a warning causes no deadlock."""
        exporter = InfiniumLogExporter(**fake.settings, **FAST, should_send=broken)
        logs = LoggerProvider(shutdown_on_exit=False)
        logs.add_log_record_processor(SimpleLogRecordProcessor(exporter))
        handler = OtelHandler(logs.get_logger("tests"))
        logging.getLogger("infinium_otel").addHandler(handler)
        try:
            settings = {"simple": True, "should_send": broken}
            with exporting(fake, **settings) as (spans, _, tracer):
                run_agent(tracer)
                assert spans.force_flush(60_000)
                assert spans.stats.delivered == 3
                assert spans._runner._feeder.pipeline.problems == {"should_send": 1}
        finally:
            logging.getLogger("infinium_otel").removeHandler(handler)
            exporter.shutdown(0)


@pytest.mark.parametrize(("way", "more"), WAYS)
def test_our_own_http_is_not_traced(fake, way, more, monkeypatch):
    """With httpx instrumented no span reports our requests, retried or not.

    Through a proxy, because there our transport is httpx.
    """
    instrumentation = pytest.importorskip("opentelemetry.instrumentation.httpx")
    instrumentor = instrumentation.HTTPXClientInstrumentor()
    seen = InMemorySpanExporter()
    with FakeInfinium() as proxy:
        monkeypatch.setenv("http_proxy", proxy.base_url.removesuffix("/api/v1"))
        monkeypatch.setenv("no_proxy", "")
        with way(fake, base_url="http://infinium.test/api/v1", **more) as (
            handle,
            provider,
            tracer,
        ):
            provider.add_span_processor(SimpleSpanProcessor(seen))
            instrumentor.instrument(tracer_provider=provider)
            try:
                proxy.script(503)
                run_agent(tracer)
                provider.force_flush()
                handle.force_flush(3_000)
                handle.force_flush(3_000)
            finally:
                instrumentor.uninstrument()
        assert len(proxy.requests) >= 2
    assert {s.name for s in seen.get_finished_spans()} == {"run", "run.0", "run.1"}


class Threaded:
    """A client that sends from its own thread, which does not get the context."""

    def __init__(self, base_url):
        self.url = f"{base_url}/agents/{AGENT_ID}/trace"
        self.sent = 0

    def send_task_data(self, task):
        self.sent += 1
        thread = threading.Thread(target=self.post, args=(task_to_dict(task),))
        thread.start()
        thread.join()

    def post(self, body):
        headers = {"x-agent-id": AGENT_ID, "x-agent-key": AGENT_SECRET}
        headers["Idempotency-Key"] = uuid.uuid4().hex
        httpx.post(self.url, json=body, headers=headers).raise_for_status()


@pytest.mark.parametrize(("way", "more"), WAYS)
def test_spans_of_our_own_requests_are_dropped(fake, way, more):
    """A span of a request to our endpoint is dropped and counted."""
    instrumentation = pytest.importorskip("opentelemetry.instrumentation.httpx")
    instrumentor = instrumentation.HTTPXClientInstrumentor()
    client = Threaded(fake.base_url)
    with way(fake, client=client, include="all", **more) as (handle, provider, tracer):
        instrumentor.instrument(tracer_provider=provider)
        try:
            run_agent(tracer)
            with tracer.start_as_current_span("run", attributes=AGENT):
                httpx.get(f"{fake.base_url}/agents/none")
            for _ in range(5):
                provider.force_flush()
                assert handle.force_flush(60_000)
        finally:
            instrumentor.uninstrument()
        stats = handle.stats
        assert accounted(stats)
        assert stats.delivered == 4
        assert stats.reasons == {"own_request": stats.filtered} == {"own_request": 3}
    assert client.sent == len(fake.tasks) == 2
    assert fake.base_url not in str(fake.tasks)


def test_the_hosts_random_numbers_are_its_own(fake):
    """A program that seeded `random` gets the same numbers with us and without."""
    fake.script(503, 503)
    random.seed(1)
    run_agent(TracerProvider(shutdown_on_exit=False).get_tracer("tests"))
    expected = random.random()  # the SDK makes its ids of them
    random.seed(1)
    with processing(fake) as (processor, provider, tracer):
        run_agent(tracer)
        assert provider.force_flush(WAIT_S * 1_000)
        assert processor.stats.delivered == 3
    assert random.random() == expected


class TestProviders:
    """Providers are created and shut down."""

    def test_an_exporter_of_two_providers(self, fake):
        """After a shutdown by the first, the second's spans are refused."""
        exporter = InfiniumSpanExporter(**fake.settings, **FAST)
        first, one = provider_of(SimpleSpanProcessor(exporter))
        second, two = provider_of(SimpleSpanProcessor(exporter))
        run_agent(one)
        run_agent(two)
        assert exporter.stats.delivered == 6
        first.shutdown()
        run_agent(two)
        stats = exporter.stats
        second.shutdown()
        assert (stats.delivered, stats.reasons) == (6, {"shutdown": 3})
        assert accounted(stats)

    def test_a_provider_swapped_in_the_middle(self, fake):
        """Spans of the old and the new one arrive, each in its own run."""
        with processing(fake) as (_, old, tracer):
            root = tracer.start_span("old", attributes=AGENT)
            with processing(fake) as (processor, new, other):
                run_agent(other, "new")
                with trace.use_span(root):
                    tracer.start_span("child").end()
                root.end()
                assert old.force_flush(60_000)
                assert new.force_flush(60_000)
                assert processor.stats.delivered == 5
        assert sorted(task["name"] for task in fake.tasks) == ["helper", "helper"]

    @pytest.mark.parametrize("kind", [InfiniumSpanExporter, InfiniumSpanProcessor])
    def test_shut_down_twice_and_used_again(self, fake, kind):
        """A second shutdown does nothing; later spans are refused, and counted."""
        handle = kind(**fake.settings, **FAST)
        under = handle if kind is InfiniumSpanProcessor else SimpleSpanProcessor(handle)
        _, tracer = provider_of(under)
        run_agent(tracer)
        handle.shutdown()
        handle.shutdown()
        run_agent(tracer)
        assert not handle.force_flush(100)
        assert handle.stats.delivered == 3
        assert handle.stats.reasons == {"shutdown": 3}
        assert accounted(handle.stats)
        if kind is InfiniumSpanExporter:
            assert handle.export([]) is SpanExportResult.FAILURE

    def test_one_after_the_other(self, fake):
        """A new one after a shutdown starts with its own counts."""
        for _ in range(2):
            with processing(fake) as (processor, provider, tracer):
                run_agent(tracer)
                assert provider.force_flush(60_000)
                assert processor.stats.delivered == 3
                provider.shutdown()

    def test_without_a_provider(self, fake):
        """A processor without a provider is flushed and shut down like any other."""
        with processing(fake) as (processor, _, _):
            TracerProvider(shutdown_on_exit=False).shutdown()
            assert processor.force_flush(100)
