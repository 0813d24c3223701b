"""Public reports of exporters that harmed or lost something inside real programs.

Each is rebuilt in small; its source is in the docstring. Run by `tox run -e servers`.
"""

from __future__ import annotations

import signal

import pytest

from infinium_otel.testing import Fault
from support.programs import run, start
from support.servers import APPS, check_arrival

PATCH = "import gevent.monkey; gevent.monkey.patch_all()\n"
GUNICORN = ("gunicorn", "--bind", "127.0.0.1:{port}", "--no-control-socket")


def check(fake, program, *, first="", tasks=1):
    """Run *program*, which ends as it would without us and makes *tasks* tasks."""
    code, output, complaints = run(fake, program, first=first, PYTHONWARNINGS="")
    assert (code, complaints) == (0, "")
    assert len(fake.tasks) == tasks
    return output


def test_a_program_that_patches_late(fake):
    """Importing and registering start no thread, so that gevent can still patch.

    DataDog/dd-trace-py#1192: a thread started by an import broke the patch.
    """
    program = """
    provider = register()
    assert threading.active_count() == 1
    import gevent.monkey
    gevent.monkey.patch_all()
    run_agent(provider.get_tracer("t"))
    """
    check(fake, program)


def test_a_thread_from_before_the_patch(fake):
    """Our thread may be older than the patch: no KeyError when it ends.

    open-telemetry/opentelemetry-python#3884, quay/quay#5815
    """
    program = """
    provider = register()
    run_agent(provider.get_tracer("t"))
    provider.force_flush()
    assert threading.active_count() > 1
    import gevent.monkey
    gevent.monkey.patch_all()
    run_agent(provider.get_tracer("t"))
    provider.force_flush()
    """
    check(fake, program, tasks=2)


def test_children_of_a_patched_program(fake):
    """A subprocess beside our threads raises nothing in gevent's loop.

    open-telemetry/opentelemetry-python#3897, pydantic/logfire#63
    """
    program = """
    import subprocess
    provider = register()
    run_agent(provider.get_tracer("t"))
    for _ in range(3):
        subprocess.run([sys.executable, "-c", ""], check=True)
    run_agent(provider.get_tracer("t"))
    """
    check(fake, program, first=PATCH, tasks=2)


@pytest.mark.parametrize("first", ["", PATCH], ids=["threads", "gevent"])
def test_an_endpoint_that_hangs(fake, first):
    """Requests end their spans at once, whatever the exporter is waiting for.

    open-telemetry/opentelemetry-python#3886: every green thread waited for the exporter's
    lock; open-telemetry/opentelemetry-python#2024: requests took minutes.
    """
    fake.always(Fault(breaks="hang"))
    program = """
    provider = register(timeout_s=60)
    tracer = provider.get_tracer("t")
    run_agent(tracer)
    time.sleep(0.5)
    def work():
        for _ in range(4):
            run_agent(tracer)
    began = time.monotonic()
    threads = [threading.Thread(target=work) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    say(time.monotonic() - began)
    os._exit(0)
    """
    code, output, complaints = run(fake, program, first=first, PYTHONWARNINGS="")
    assert (code, complaints) == (0, "")
    assert float(output) < 45  # one that waited for the exporter would take a minute


def test_a_concurrent_processor(fake):
    """The SDK's concurrent processor cannot shut down at exit; our own hook delivers.

    open-telemetry/opentelemetry-python#4461, open-telemetry/opentelemetry-python#5568
    """
    program = """
    from opentelemetry.sdk.trace import ConcurrentMultiSpanProcessor
    provider = TracerProvider(active_span_processor=ConcurrentMultiSpanProcessor(2))
    provider.add_span_processor(InfiniumSpanProcessor())
    run_agent(provider.get_tracer("t"))
    """
    code, _, complaints = run(fake, program, PYTHONWARNINGS="")
    assert code == 0
    assert len(fake.tasks) == 1
    assert "infinium_otel" not in complaints


def test_an_exporter_used_before_the_fork(fake, serve, tmp_path):
    """A worker whose parent has sent ends in time, and sends only its own.

    DataDog/dd-trace-py#19458: the child waited for threads that only its parent had;
    open-telemetry/opentelemetry-python#3307
    """
    (tmp_path / "used_app.py").write_text(
        "from wsgi_app import app\n"
        "from spans_by_hand import run_agent\n"
        "from opentelemetry import trace\n"
        "run_agent('before the fork')\n"
        "trace.get_tracer_provider().force_flush()\n"
    )
    with serve(*GUNICORN, "--preload", "-w", "2", "used_app:app") as server:
        server.send(16)
        assert server.stop() == 0
    server.sent.append("before the fork")
    check_arrival(server, fake)


def test_a_collector_that_is_gone_at_exit(fake):
    """The exit does not wait for an endpoint that accepts nothing.

    PostHog/posthog#70964: every worker hung until it was killed;
    openai/openai-agents-python#3343
    """
    fake.close()
    program = """
    run_agent(register().get_tracer("t"))
    """
    code, _, complaints = run(fake, program)
    assert code == 0
    assert "lost: 1" in complaints


def test_sigterm_in_a_container(fake):
    """What has ended is delivered, if the program chose so.

    DataDog/dd-trace-py#17125, langchain-ai/deepagents#5837
    """
    program = """
    provider = register(flush_on_sigterm=True)
    run_agent(provider.get_tracer("t"))
    say("ready")
    signal.pause()
    """
    with start(fake, program) as child:
        assert child.stdout.readline() == "ready\n"
        child.send_signal(signal.SIGTERM)
        _, complaints = child.communicate(timeout=30)
    assert (child.returncode, complaints) == (-signal.SIGTERM, "")
    assert len(fake.tasks) == 1


@pytest.mark.parametrize(
    ("sampler", "tasks"),
    [pytest.param("", 0, id="default"), pytest.param("always_on", 1, id="always-on")],
)
def test_a_request_that_arrives_unsampled(fake, sampler, tasks):
    """The caller's decision counts, unless the sampler is told to record everything.

    llun/activities.next#1696: Cloud Run's own traceparent switched most traces off;
    langfuse/langfuse-docs#2839: so did Sentry's
    """
    program = """
    from opentelemetry.propagate import extract
    from opentelemetry.context import attach
    parent = "00-11111111111111111111111111111111-2222222222222222-00"
    attach(extract({"traceparent": parent}))
    run_agent(register().get_tracer("t"))
    """
    environ = {"OTEL_TRACES_SAMPLER": sampler} if sampler else {}
    code, _, complaints = run(fake, program, **environ)
    assert (code, complaints) == (0, "")
    assert len(fake.tasks) == tasks


def test_requests_without_a_model_call(fake):
    """Spans of a web framework are no runs: health checks are not sent.

    langflow-ai/langflow#13319
    """
    program = """
    from opentelemetry.trace import SpanKind
    tracer = register().get_tracer("opentelemetry.instrumentation.fastapi")
    for path in ("/health", "/api/v1/flows"):
        attributes = {"http.request.method": "GET", "url.path": path}
        with tracer.start_as_current_span(
            f"GET {path}", kind=SpanKind.SERVER, attributes=attributes
        ):
            pass
    with tracer.start_as_current_span("POST /ask", kind=SpanKind.SERVER):
        run_agent(tracer)
    """
    check(fake, program)


def test_settings_of_a_worker_are_its_own(fake, serve):
    """`register()` in `post_fork` after an import that has registered sends once.

    open-telemetry/opentelemetry-python#1923, open-telemetry/opentelemetry-python#4221
    """
    hook = ("--config", str(APPS / "post_fork.py"))
    with serve(*GUNICORN, *hook, "-k", "gevent", "-w", "2", "wsgi_app:app") as server:
        server.send(16)
        assert server.stop() == 0
    check_arrival(server, fake)
