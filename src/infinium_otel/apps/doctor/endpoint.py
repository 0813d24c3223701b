"""Whether the service is reachable, accepts the credentials, and has the same time."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Protocol

from infinium_otel.apps.doctor.findings import Finding
from infinium_otel.delivery import protocol
from infinium_otel.delivery.protocol import build_result_request, classify_response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from infinium_otel.config import Config

TOPIC = "Endpoint"
UNUSED_TRACE_ID = "00000000-0000-4000-8000-000000000000"
TIMEOUT_S = 10.0
MAX_SKEW_S = 60.0
REDIRECTS = range(300, 400)
NOT_FOUND = 404


class Response(Protocol):
    """The parts of an HTTP response that are checked; `httpx.Response` has them."""

    @property
    def status_code(self) -> int:
        """The status."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, by name in any case."""


def check_endpoint(config: Config, now: Callable[[], float]) -> list[Finding]:
    """Request the result of a trace that was never sent.

    This changes nothing on the service. Any status means that it is reachable, 401 and
    403 that it rejects the credentials.

    Args:
        config: with credentials.
        now: the time, in seconds since the epoch.
    """
    import httpx  # noqa: PLC0415 - slow to import, and not needed for --help

    request = build_result_request(config, UNUSED_TRACE_ID)
    try:
        response = httpx.request(
            request.method,
            request.url,
            headers=list(request.headers),
            timeout=min(config.timeout_s, TIMEOUT_S),
            verify=config.verify_ssl,
        )
    except httpx.HTTPError as error:
        return [_report_unreachable(config, type(error).__name__, str(error))]
    return [*_check_status(config, response), *_check_clock(response, now())]


def _report_unreachable(config: Config, kind: str, message: str) -> Finding:
    text = f"{config.base_url} cannot be reached: {kind}: {message}"
    return Finding(TOPIC, "error", text, f"curl -sv {config.base_url}")


def _check_status(config: Config, response: Response) -> list[Finding]:
    status = response.status_code
    kind = classify_response(protocol.Response(status), 0.0).kind
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
