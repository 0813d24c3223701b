"""What `force_flush()` returns when the endpoint refuses, and what is left on disk.

    python tests/benchmarks/flush.py

Runs each exporter that is installed, in a process of its own, against a server on this
machine that responds with a status to everything: 200, 401, 500. The program ends one run
of three spans and prints what its flush returned. The vendor's SDK has no flush: its
result is that of sending a task.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import metadata

AGENT = {
    "agent_id": "0d5f1d1e-5a3e-4c6f-9c1b-2f6a7b8c9d0e",
    "agent_secret": "any-secret-will-do",
}
RUN = """
import sys
url = sys.argv[1]
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
provider = TracerProvider()
{setup}
tracer = provider.get_tracer("benchmark")
agent = {{"gen_ai.operation.name": "invoke_agent"}}
with tracer.start_as_current_span("run", attributes=agent):
    for _ in range(2):
        with tracer.start_as_current_span(
            "chat m", attributes={{"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}}
        ):
            pass
print("RESULT", {flush})
"""
PROGRAMS = {
    "infinium-otel": RUN.format(
        setup=f"from infinium_otel import InfiniumSpanProcessor\n"
        f"provider.add_span_processor(InfiniumSpanProcessor(base_url=url + '/api/v1', **{AGENT}))",
        flush="provider.force_flush(15_000)",
    ),
    "opentelemetry-exporter-otlp-proto-http": RUN.format(
        setup="from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter\n"
        "provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(url + '/v1/traces')))",
        flush="provider.force_flush(15_000)",
    ),
    "langfuse": RUN.format(
        setup="from langfuse import Langfuse\n"
        "client = Langfuse(public_key='pk', secret_key='sk', base_url=url, tracer_provider=provider)",
        flush="provider.force_flush(15_000)",
    ),
    "arize-phoenix-otel": RUN.format(
        setup="from phoenix.otel import register\n"
        "provider = register(endpoint=url + '/v1/traces', batch=True, verbose=False, "
        "set_global_tracer_provider=False)",
        flush="provider.force_flush(15_000)",
    ),
    "logfire": RUN.format(
        setup="import logfire\n"
        "logfire.configure(token='pylf_v1_local_x', console=False, "
        "advanced=logfire.AdvancedOptions(base_url=url))\n"
        "provider = trace.get_tracer_provider()",
        flush="logfire.force_flush(15_000)",
    ),
    "infinium-o2": f"""
import sys
from infinium import InfiniumClient
client = InfiniumClient(base_url=sys.argv[1] + "/api/v1", **{AGENT})
try:
    print("RESULT", client.send_task(name="x", description="x", duration=1.0).success)
except Exception as error:
    print("RESULT", "raises", type(error).__name__)
""",
}


def main() -> None:
    """Print a line per package and status."""
    for status in (200, 401, 500):
        with Server(status) as server:
            for package, program in PROGRAMS.items():
                try:
                    version = metadata.version(package)
                except metadata.PackageNotFoundError:
                    continue
                result = run(program, server.url)
                print(f"{status}  {package:40} {version:10} {result}", flush=True)


def run(program: str, url: str) -> str:
    """The line that *program* prints as its result."""
    done = subprocess.run(
        [sys.executable, "-c", program, url],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "NO_PROXY": "*", "LOGFIRE_SEND_TO_LOGFIRE": "true"},
    )
    lines = [each for each in done.stdout.splitlines() if each.startswith("RESULT ")]
    return lines[-1][7:] if lines else f"failed: {done.stderr.strip()[-200:]}"


class Server(ThreadingHTTPServer):
    """Responds to every request with one status."""

    daemon_threads = True

    def __init__(self, status: int) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                body = json.dumps({"success": status == 200}).encode()
                if "/v1/traces" in self.path or "/otel" in self.path:
                    body = b"" if status == 200 else body
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST  # noqa: N815 - the name http.server calls

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
                """Log nothing."""

        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"

    def __enter__(self) -> Server:  # noqa: PYI034 - Self is Python 3.11's
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


if __name__ == "__main__":
    main()
