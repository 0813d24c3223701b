"""What every way to the network shares: certificates, proxies, and not being traced."""

from __future__ import annotations

import contextlib
import os
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from opentelemetry import context as otel_context

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOPBACK = ("localhost", "127.0.0.1", "::1")

SUPPRESS_KEYS = (
    getattr(otel_context, "_SUPPRESS_INSTRUMENTATION_KEY", "suppress_instrumentation"),
    getattr(
        otel_context,
        "_SUPPRESS_HTTP_INSTRUMENTATION_KEY",
        "suppress_http_instrumentation",
    ),
    "suppress_instrumentation",
)
"""Keys under which instrumentations look whether to keep quiet.

Source: opentelemetry-api, `opentelemetry.context`; the plain text is what
opentelemetry-instrumentation looked for before 1.22.
"""


@contextlib.contextmanager
def untraced() -> Iterator[None]:
    """Runs a block whose HTTP no instrumentation records: delivery feeds nobody."""
    context = otel_context.get_current()
    for key in SUPPRESS_KEYS:
        context = otel_context.set_value(key, True, context)  # noqa: FBT003 - its name is the key
    token = otel_context.attach(context)
    try:
        yield
    finally:
        otel_context.detach(token)


def tls_context(*, verify: bool) -> ssl.SSLContext:
    """Certificates of the system and of certifi; `SSL_CERT_FILE` in place of both."""
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif not (os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR")):
        import certifi  # noqa: PLC0415 - comes with httpx; read only for https

        context.load_verify_locations(certifi.where())
    return context


def proxy_of(url: str) -> str | None:
    """The proxy that the environment names for *url*; None if there is none.

    Source: the conventions of `HTTPS_PROXY` and `NO_PROXY`, as `urllib.request` reads
    them. A loopback address never goes through a proxy.
    """
    if not any(name.lower().endswith("_proxy") for name in os.environ):
        return None
    from urllib import request  # noqa: PLC0415 - costs 20 ms, needed by few

    parts = urlsplit(url)
    host = parts.hostname or ""
    if host in LOOPBACK or request.proxy_bypass(parts.netloc):
        return None
    proxies = request.getproxies_environment()
    return proxies.get(parts.scheme) or proxies.get("all")
