"""The packages that ours is compared with, and why one of them cannot be.

`install.py` installs what `peers.txt` names. All of them run in this process, with the
settings they have by default, and send to the server of `sink.py`.
"""

from __future__ import annotations

import logging
import os
import threading
import warnings
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.trace import SynchronousMultiSpanProcessor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from measuring import Measured
    from opentelemetry.sdk.trace import SpanProcessor


@contextmanager
def attempt(found: Measured, name: str) -> Iterator[None]:
    """Set the peer *name* up; if it fails, note why, and go on without it."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - another vendor's package, of any version
        text = (str(error).splitlines() or [""])[0]
        found.unavailable[name] = f"{type(error).__name__}: {text}"


def make_exporter(address: str) -> Any:
    """OpenTelemetry's own exporter, with gzip."""
    from opentelemetry.exporter.otlp.proto.http import Compression  # noqa: PLC0415
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
        OTLPSpanExporter,
    )

    return OTLPSpanExporter(f"{address}/v1/traces", compression=Compression.Gzip)


def make_langfuse(address: str) -> SpanProcessor:
    """The processor that `Langfuse()` adds to the tracer provider."""
    from langfuse._client.span_processor import (  # noqa: PLC0415
        LangfuseSpanProcessor,
    )

    return LangfuseSpanProcessor(public_key="pk", secret_key="sk", base_url=address)


@cache
def make_logfire(address: str) -> SpanProcessor:
    """What `logfire.configure()` adds to its tracer provider; one for the process."""
    os.environ.setdefault("LOGFIRE_IGNORE_NO_CONFIG", "1")
    warnings.simplefilter("ignore")
    logging.getLogger("logfire").setLevel(logging.ERROR)
    # It looks its token up in a thread; the server of `sink.py` knows no projects.
    threading.excepthook = lambda _: None
    import logfire  # noqa: PLC0415

    configured = logfire.configure(
        local=True,
        send_to_logfire=True,
        token="pylf_v1_us_" + "0" * 43,
        console=False,
        metrics=False,
        inspect_arguments=False,
        advanced=logfire.AdvancedOptions(base_url=address),
    )
    provider = configured.config.get_tracer_provider().provider
    return provider._active_span_processor


def finish(processor: SpanProcessor) -> None:
    """Shut *processor* down, unless there is only one for the process."""
    if isinstance(processor, SynchronousMultiSpanProcessor):  # Logfire's
        processor.force_flush()
    else:
        processor.shutdown()
