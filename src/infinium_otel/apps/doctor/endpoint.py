"""Whether the service is reachable, accepts the credentials, and has the same time."""

from __future__ import annotations

import os
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from infinium_otel.apps.doctor.findings import Finding
from infinium_otel.config import Config
from infinium_otel.delivery.protocol import (
    Send,
    TransportFailure,
    build_result_request,
    classify_response,
)
from infinium_otel.delivery.transport.network import find_proxy
from infinium_otel.delivery.transport.sockets import make_transport
from infinium_otel.errors import InfiniumError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infinium_otel.delivery.protocol import Response

TOPIC, TEST_RUN = "Endpoint", "Test run"
UNUSED_TRACE_ID = "00000000-0000-4000-8000-000000000000"
TIMEOUT_S = 10.0
MAX_SKEW_S = 60.0
REDIRECTS = range(300, 400)
NOT_FOUND = 404


def check_endpoint(config: Config, now: Callable[[], float]) -> list[Finding]:
    """Request the result of a trace that was never sent.

    This changes nothing on the service. The request takes the way of the tasks: the same
    certificates and the same proxy. Any status means that the service is reachable, 401
    and 403 that it rejects the credentials.

    Args:
        config: with credentials.
        now: the time, in seconds since the epoch.
    """
    request = build_result_request(config, UNUSED_TRACE_ID)
    transport = make_transport(config)
    response = transport.perform(Send(request, min(config.timeout_s, TIMEOUT_S)))
    transport.close()
    found = [*_name_proxy(config)]
    if isinstance(response, TransportFailure):
        return [*found, _report_unreachable(config, response)]
    return [*found, *_check_status(config, response), *_check_clock(response, now())]


def send_test_run(config: Config) -> list[Finding]:
    """Send a run that has nothing but its name, and report whether it was accepted.

    Args:
        config: with credentials.
    """
    # Imported here: it imports the search for credentials.
    from infinium_otel.delivery.client import InfiniumClient  # noqa: PLC0415 - as above

    description = "A test run, sent by `infinium-otel doctor --send`."
    with InfiniumClient(config=config, max_retries=0) as client:
        try:
            response = client.send_task("infinium-otel doctor", description, 0.0)
        except InfiniumError as error:
            return [
                Finding(
                    TEST_RUN, "error", f"the service did not accept a test run: {error}"
                )
            ]
    trace_id = (response.data or {}).get("traceId", "no id was returned")
    return [Finding(TEST_RUN, "ok", f"the service accepted a test run ({trace_id})")]


def _name_proxy(config: Config) -> Iterator[Finding]:
    """Name the proxy that requests go through: its variable is easily forgotten."""
    proxy = urlsplit(find_proxy(config.base_url) or "")
    if proxy.hostname:
        address = proxy.netloc.rpartition("@")[2]
        yield Finding(TOPIC, "ok", f"requests go through the proxy {address}")


def _report_unreachable(config: Config, failure: TransportFailure) -> Finding:
    """Report why there was no response, with what helps or shows more."""
    url, message = config.base_url, failure.detail
    fix = f"curl -sv {url}"
    trusted = os.environ.get("SSL_CERT_FILE", "")
    if failure.reason == "tls" and "WRONG_VERSION_NUMBER" in failure.detail:
        fix = f"export INFINIUM_BASE_URL=http{url.removeprefix('https')}"
    elif failure.reason == "tls" and trusted and not Path(trusted).is_file():
        message += f"; SSL_CERT_FILE is no file: {trusted}"
        fix = "unset SSL_CERT_FILE"
    elif failure.reason == "tls":
        fix = "export SSL_CERT_FILE=/path/to/the/certificates/of/your/network.pem"
    return Finding(TOPIC, "error", f"{url} failed: {message}", fix)


def _check_status(config: Config, response: Response) -> list[Finding]:
    status = response.status
    kind = classify_response(response, 0.0).kind
    reached = Finding(TOPIC, "ok", f"{config.base_url} is reachable")
    if kind == "credentials":
        message = f"it rejects the credentials ({status})"
        fix = "export INFINIUM_AGENT_ID=... INFINIUM_AGENT_SECRET=..."
        return [reached, Finding(TOPIC, "error", message, fix)]
    if kind == "unavailable":
        message = f"it is failing now ({status}); tasks wait and are sent later"
        return [reached, Finding(TOPIC, "warning", message)]
    if status in REDIRECTS:
        message = f"it redirects ({status}), which is never followed with the secret"
        return [
            reached,
            Finding(TOPIC, "error", message, "export INFINIUM_BASE_URL=..."),
        ]
    path, usual = (urlsplit(url).path for url in (config.base_url, Config().base_url))
    if status == NOT_FOUND and not path.endswith(usual):
        message = f"404: no such trace, or a wrong address: the API is under {usual}"
        address = urlsplit(config.base_url)._replace(path=usual).geturl()
        return [
            reached,
            Finding(TOPIC, "warning", message, f"export INFINIUM_BASE_URL={address}"),
        ]
    shown = f"{status}: no such trace, as expected" if status == NOT_FOUND else status
    return [reached, Finding(TOPIC, "ok", f"it accepts the credentials ({shown})")]


def _check_clock(response: Response, now_s: float) -> list[Finding]:
    """Compare the clocks: a run is shown at the time its spans contain, ours."""
    try:
        theirs = parsedate_to_datetime(response.headers["date"]).timestamp()
    except (KeyError, ValueError):
        return []
    skew_s = now_s - theirs
    if abs(skew_s) <= MAX_SKEW_S:
        return [Finding(TOPIC, "ok", "this machine's clock agrees with its clock")]
    direction = "ahead" if skew_s > 0 else "behind"
    message = f"this machine's clock is {abs(skew_s):.0f} s {direction}"
    return [Finding(TOPIC, "warning", message, "sudo timedatectl set-ntp true")]
