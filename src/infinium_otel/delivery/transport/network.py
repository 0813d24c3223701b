"""What all transports share: certificates and proxies."""

from __future__ import annotations

import logging
import os
import ssl
from importlib.util import find_spec
from urllib.parse import urlsplit

logger = logging.getLogger(__name__)

LOOPBACK = ("localhost", "127.0.0.1", "::1")

MAX_REPLY_BYTES = 4 * 1024 * 1024
"""What is read of a response at most."""

_warned: set[str] = set()


def make_tls_context(*, verify: bool) -> ssl.SSLContext:
    """A TLS context with the certificates of the system and of certifi.

    `SSL_CERT_FILE` and `SSL_CERT_DIR` replace both, as in OpenSSL.

    Args:
        verify: False accepts any certificate.
    """
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif not (os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR")):
        import certifi  # noqa: PLC0415 - comes with httpx; read only for https

        context.load_verify_locations(certifi.where())
    return context


def find_proxy(url: str) -> str | None:
    """The proxy for *url* according to the environment; None if there is none.

    A loopback address never uses a proxy.

    Source: the conventions of `HTTPS_PROXY` and `NO_PROXY`, as `urllib.request` reads
    them.
    """
    if not any(name.lower().endswith("_proxy") for name in os.environ):
        return None
    from urllib import request  # noqa: PLC0415 - costs 20 ms, needed by few

    parts = urlsplit(url)
    host = parts.hostname or ""
    if host in LOOPBACK or request.proxy_bypass(parts.netloc):
        return None
    proxies = request.getproxies_environment()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    return _normalize(proxy) if proxy else None


def _normalize(proxy: str) -> str | None:
    """*proxy* with a scheme; None if it cannot be used, which is logged once."""
    proxy = proxy.strip()
    url = proxy if "://" in proxy else f"http://{proxy}"
    try:
        parts = urlsplit(url)
        is_valid = bool(parts.hostname) and parts.port != 0 and " " not in url
    except ValueError:
        is_valid = False
    if not is_valid:
        warn_of_proxy("it is not an address such as http://proxy.example:3128")
    elif parts.scheme in ("http", "https"):
        return url
    elif parts.scheme not in ("socks5", "socks5h"):
        warn_of_proxy("its scheme is not http, https, socks5 or socks5h")
    elif find_spec("socksio") is None:
        warn_of_proxy("socks5 needs httpx[socks]")
    else:
        return url
    return None


def warn_of_proxy(reason: str) -> None:
    """Log once that the environment's proxy is not used; its address may be secret."""
    if reason not in _warned:
        _warned.add(reason)
        logger.warning(
            "The proxy in the environment cannot be used (%s); requests are sent "
            "without it",
            reason,
        )
