"""`register()` beside the SDKs of other vendors: each receives its own, and we ours.

Run by `tox run -e sdk-vendors`, with the real packages; everything is on loopback.
"""

from __future__ import annotations

import http.server
import threading
from importlib.util import find_spec

import pytest

from support.programs import run

PORT = "__PORT__"
RUN = 'run_agent(trace.get_tracer("t"))\n'

SETUPS = {
    "logfire": """
import logfire
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
logfire.configure(
    send_to_logfire=False, console=False, inspect_arguments=False,
    additional_span_processors=[
        SimpleSpanProcessor(OTLPSpanExporter("http://127.0.0.1:__PORT__/v1/traces"))
    ],
)
""",
    "phoenix.otel": """
from phoenix.otel import register as phoenix
provider = phoenix(
    endpoint="http://127.0.0.1:__PORT__/v1/traces", protocol="http/protobuf",
    verbose=False,
)
""",
    "langfuse": """
from langfuse import Langfuse
langfuse = Langfuse(
    public_key="pk-lf-1", secret_key="sk-lf-1", base_url="http://127.0.0.1:__PORT__",
    should_export_span=lambda span: True,
)
""",
    "traceloop.sdk": """
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from traceloop.sdk import Traceloop
Traceloop.init(
    app_name="t", disable_batch=True, telemetry_enabled=False,
    exporter=OTLPSpanExporter("http://127.0.0.1:__PORT__/v1/traces"),
)
""",
    "sentry_sdk": """
import sentry_sdk
from sentry_sdk.integrations.otlp import OTLPIntegration
sentry_sdk.init(
    dsn="http://key@127.0.0.1:__PORT__/1", send_client_reports=False,
    auto_session_tracking=False, integrations=[OTLPIntegration()],
)
""",
    "openlit": """
import openlit
openlit.init(
    otlp_endpoint="http://127.0.0.1:__PORT__", disable_batch=True,
    disable_metrics=True, disable_events=True, pricing_json=os.devnull,
)
""",
    "mlflow": """
os.environ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"] = "http/protobuf"
os.environ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] = "http://127.0.0.1:__PORT__/v1/traces"
os.environ["MLFLOW_TRACKING_URI"] = "http://127.0.0.1:__PORT__"
os.environ["MLFLOW_USE_DEFAULT_TRACER_PROVIDER"] = "false"
import mlflow
def trace_with_mlflow():
    with mlflow.start_span("agent", span_type="AGENT"):
        with mlflow.start_span("model", span_type="CHAT_MODEL") as span:
            span.set_attributes({"mlflow.llm.model": "gpt-5"})
trace_with_mlflow()
""",
}
"""How each vendor's documentation sets its SDK up, sending to a local port."""

FIRST = {
    "logfire": "logfire.configure()",
    "phoenix.otel": "phoenix.otel.register()",
    "openlit": "openlit.init()",
}
"""Vendors to be set up before `register()`."""

OWN_RUNS = {
    "logfire": 'with logfire.span("x"):\n    pass\n',
    "phoenix.otel": 'run_agent(provider.get_tracer("t"))\n',
}
"""Spans of the vendors that keep a provider of their own."""


@pytest.fixture
def vendor():
    """A vendor's endpoint on loopback: the bodies posted to it, by path."""
    received = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            length = int(self.headers.get("Content-Length", 0))
            received.append((self.path, self.rfile.read(length)))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            """Print nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.received = received
    yield server
    server.shutdown()
    server.server_close()


def run_beside(fake, vendor, program):
    """Run *program*: (exit code, what it printed of ours, paths with spans)."""
    program = program.replace(PORT, str(vendor.server_port))
    quiet = {"PYTHONWARNINGS": "", "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    code, _, complaints = run(fake, program, **quiet)
    paths = {path for path, _ in vendor.received if "traces" in path}
    return code, complaints, paths


def needs(module):
    package = module.partition(".")[0]
    return pytest.mark.skipif(not find_spec(package), reason=f"{module} is not there")


EACH = [pytest.param(name, id=name, marks=needs(name)) for name in SETUPS]


@pytest.mark.parametrize("name", EACH)
def test_after_the_vendor(fake, vendor, name):
    """A vendor that was first keeps its export, and every run is sent once."""
    program = SETUPS[name] + "register()\nregister()\n" + RUN
    code, complaints, paths = run_beside(fake, vendor, program)
    assert code == 0, complaints
    assert len(fake.tasks) == 1, complaints
    assert paths, complaints
    assert "infinium" not in complaints.lower()
    assert "Overriding" not in complaints


@pytest.mark.parametrize(
    "name", [each for each in EACH if each.id not in {*FIRST, "mlflow"}]
)
def test_before_the_vendor(fake, vendor, name):
    """A vendor that comes later finds the provider, and both receive the runs."""
    program = "register()\n" + SETUPS[name] + "register()\n" + RUN
    code, complaints, paths = run_beside(fake, vendor, program)
    assert code == 0, complaints
    assert len(fake.tasks) == 1, complaints
    assert paths, complaints


@pytest.mark.parametrize("name", [each for each in EACH if each.id in OWN_RUNS])
def test_a_wrong_order_is_named(fake, vendor, name):
    """These keep a provider of their own: they send, and our exit names the order."""
    program = "register()\n" + SETUPS[name] + OWN_RUNS[name]
    code, complaints, paths = run_beside(fake, vendor, program)
    assert code == 0
    assert paths
    assert fake.tasks == []
    assert f"call register() after {FIRST[name]}" in complaints


@needs("logfire")
def test_logfire_with_our_processor(fake, vendor):
    """The recipe for any order: Logfire takes our processor as an additional one."""
    setup = SETUPS["logfire"].replace(
        "additional_span_processors=[",
        "additional_span_processors=[InfiniumSpanProcessor(),",
    )
    code, complaints, paths = run_beside(fake, vendor, setup + RUN)
    assert code == 0, complaints
    assert len(fake.tasks) == 1
    assert paths


@needs("openlit")
def test_openlit_second_is_named(fake, vendor):
    """OpenLIT adds no exporter to a provider that it finds: our exit names the order."""
    code, complaints, paths = run_beside(
        fake, vendor, "register()\n" + SETUPS["openlit"] + RUN
    )
    assert code == 0
    assert len(fake.tasks) == 1
    assert paths == set()
    assert "call register() after openlit.init()" in complaints


@needs("mlflow")
def test_mlflow_with_its_own_provider(fake, vendor):
    """By default MLflow keeps its spans to itself: our exit names the variable."""
    apart = SETUPS["mlflow"].replace('"] = "false"', '"] = "true"')
    code, complaints, paths = run_beside(fake, vendor, "register()\n" + apart)
    assert code == 0
    assert paths
    assert fake.tasks == []
    assert "set MLFLOW_USE_DEFAULT_TRACER_PROVIDER=false" in complaints


@needs("mlflow")
@pytest.mark.parametrize("order", ["{setup}register()", "register()\n{setup}"])
def test_runs_of_mlflow(fake, vendor, order):
    """Runs recorded with MLflow's own API arrive here and there."""
    program = order.format(setup=SETUPS["mlflow"]) + "\ntrace_with_mlflow()\n"
    code, complaints, paths = run_beside(fake, vendor, program)
    assert code == 0, complaints
    assert paths
    assert len(fake.tasks) == (1 if order.startswith("{setup}") else 2)
    assert "gpt-5" in str(fake.tasks)


@needs("openai")
def test_instrumentors_are_activated(fake):
    """`instrument=True` activates one instrumentor of OpenAI's client, with content."""
    program = """
    import http.server, json
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            message = {"role": "assistant", "content": "Paris."}
            choice = {"index": 0, "finish_reason": "stop", "message": message}
            usage = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
            body = json.dumps({"id": "1", "object": "chat.completion", "created": 1,
                "model": "gpt-5", "choices": [choice], "usage": usage}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        def log_message(self, *_): pass
    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    register(instrument=True)
    from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
    assert OpenAIInstrumentor().is_instrumented_by_opentelemetry
    import openai
    client = openai.OpenAI(base_url=f"http://127.0.0.1:{server.server_port}/v1",
                           api_key="x")
    client.chat.completions.create(
        model="gpt-5", messages=[{"role": "user", "content": "Capital of France?"}])
    """
    code, _, complaints = run(fake, program, PYTHONWARNINGS="", NO_PROXY="127.0.0.1")
    assert code == 0, complaints
    [task] = fake.tasks
    assert task["llm_usage"]["total_tokens"] == 7
    assert "Paris." in str(task)
    assert "Capital of France?" in str(task)
