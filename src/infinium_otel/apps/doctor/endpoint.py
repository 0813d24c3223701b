"""Whether the service can be reached, knows the credentials, and has our time."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Protocol

from infinium_otel.apps.doctor.findings import Finding
from infinium_otel.protocol import result_request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from infinium_otel.config import Config

TOPIC = "Endpoint"
NOBODYS_TRACE = "00000000-0000-4000-8000-000000000000"
PATIENCE_S = 10.0
MAX_SKEW_S = 60.0
UNAUTHORIZED, FORBIDDEN, SERVER_ERROR = 401, 403, 500


class Reply(Protocol):
    """What is looked at of an HTTP reply; httpx's is one."""

    @property
    def status_code(self) -> int:
        """The status."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, by name in any case."""


def endpoint(config: Config, now: Callable[[], float]) -> list[Finding]:
    """Ask the service for the result of a trace that nobody has sent.

    Nothing is changed there by that, and the answer tells what is asked here: any
    status means that it can be reached, 401 and 403 that it refuses the credentials.

    Args:
        config: with credentials.
        now: the time, in seconds since the epoch.
    """
    import httpx  # noqa: PLC0415 - slow to import, and of no use to --help

    request = result_request(config, NOBODYS_TRACE)
    try:
        reply = httpx.request(
            request.method,
            request.url,
            headers=list(request.headers),
            timeout=min(config.timeout_s, PATIENCE_S),
            verify=config.verify_ssl,
        )
    except httpx.HTTPError as error:
        return [_unreachable(config, type(error).__name__, str(error))]
    return [*_answered(config, reply), *_clock(reply, now())]


def _unreachable(config: Config, kind: str, message: str) -> Finding:
    said = f"{config.base_url} cannot be reached: {kind}: {message}"
    return Finding(TOPIC, "error", said, f"curl -sv {config.base_url}")


def _answered(config: Config, reply: Reply) -> list[Finding]:
    status = reply.status_code
    reached = Finding(TOPIC, "ok", f"{config.base_url} answers")
    if status in (UNAUTHORIZED, FORBIDDEN):
        said = f"it refuses the credentials ({status})"
        mend = "export INFINIUM_AGENT_ID=... INFINIUM_AGENT_SECRET=..."
        return [reached, Finding(TOPIC, "error", said, mend)]
    if status >= SERVER_ERROR:
        said = f"it fails at the moment ({status}); tasks wait and are sent later"
        return [reached, Finding(TOPIC, "warning", said)]
    return [reached, Finding(TOPIC, "ok", f"it accepts the credentials ({status})")]


def _clock(reply: Reply, now_s: float) -> list[Finding]:
    """A run is shown at the time its spans say, which is this machine's."""
    try:
        theirs = parsedate_to_datetime(reply.headers["date"]).timestamp()
    except (KeyError, ValueError):
        return []
    skew_s = now_s - theirs
    if abs(skew_s) <= MAX_SKEW_S:
        return [Finding(TOPIC, "ok", "this machine's clock agrees with its clock")]
    said = f"this machine's clock is {abs(skew_s):.0f} s {'ahead' if skew_s > 0 else 'behind'}"
    return [Finding(TOPIC, "warning", said, "sudo timedatectl set-ntp true")]
