"""The settings as keyword arguments, for type checkers and completion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from collections.abc import Callable

    from infinium_otel.config.secret import Secret


class Settings(TypedDict, total=False):
    """The fields of `Config`, each optional; None is the same as not given."""

    agent_id: str | None
    agent_secret: str | Secret | None
    base_url: str | None
    timeout_s: float | None
    verify_ssl: bool | None
    requests_per_second: float | None
    burst: int | None
    concurrency: int | None
    compression: str | None
    spool: str | None
    journal: str | None
    send_spans: str | None
    max_spool_bytes: int | None
    max_queued_tasks: int | None
    max_queued_bytes: int | None
    max_open_traces: int | None
    max_open_spans: int | None
    max_open_bytes: int | None
    max_spans_per_trace: int | None
    linger_s: float | None
    trace_timeout_s: float | None
    include: str | None
    capture_content: bool | None
    redact: bool | Callable[[str, str], str] | None
    task_per: str | None
    trust: str | None
    verdicts: bool | None
    verdicts_timeout_s: float | None
    verdicts_in_process: bool | None
    gateway_token: str | Secret | None
    should_send: Callable[[Any], bool] | None
