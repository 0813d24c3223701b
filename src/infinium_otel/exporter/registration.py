"""register(): the complete setup in one call."""

from __future__ import annotations

import atexit
import logging
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from infinium_otel.config import hide_secrets
from infinium_otel.delivery.locks import RLock
from infinium_otel.errors import ConfigurationError
from infinium_otel.exporter import InfiniumSpanProcessor, _neighbours
from infinium_otel.exporter import _providers as providers
from infinium_otel.exporter._handle import build_config
from infinium_otel.runtime import instrumentors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from opentelemetry.sdk.trace import TracerProvider
    from typing_extensions import Unpack

    from infinium_otel.config import Config, Settings

logger = logging.getLogger(__name__)

LOCK_S = 30.0
"""Seconds a call may wait for one in another thread. Not forever: in the child of a fork
that thread may be missing."""

_lock = RLock()
_warned: set[str] = set()


def register(  # noqa: PLR0913 - each is a decision of its own, and has a default
    config: Config | None = None,
    *,
    set_global: bool = True,
    enabled: bool | Literal["if-configured"] = "if-configured",
    instrument: bool | Sequence[str] = False,
    flush_on_sigterm: bool = False,
    client: Any = None,
    **settings: Unpack[Settings],
) -> TracerProvider:
    """Send the agent runs of this process to Infinium: spans, and the logs beside them.

    Extends the tracer and logger providers of this process, or creates them. A provider
    created here keeps all attributes of a span: the SDK's limit of 128 drops the oldest,
    usually model and kind. A second call with the same settings changes nothing; one
    with other settings replaces them.

    Nothing happens, without a word, if `OTEL_SDK_DISABLED` is true.

    Args:
        config: the settings; None takes them from the environment.
        set_global: False creates a separate tracer provider, does not touch the global
            ones, and does not receive logs.
        enabled: "if-configured" sends if there are credentials, else logs a warning and
            changes nothing; True raises an error without them; False changes nothing.
        instrument: True activates the installed instrumentors of AI libraries, one per
            library; names of libraries or packages select some.
        flush_on_sigterm: deliver what has ended when SIGTERM arrives, then call the
            earlier handler. Main thread only.
        client: anything with `send_task_data(task)`, which sends instead of our
            transport and needs no credentials here.
        settings: fields of `Config`, which override *config*.

    Returns:
        The tracer provider that now sends to Infinium. If nothing is sent: the present
        one, or one that is not global.

    Raises:
        ConfigurationError: the configuration is invalid; names every mistake.
    """
    hide_secrets(settings)
    if enabled not in (True, False, "if-configured"):
        raise ConfigurationError(["enabled: must be True, False or 'if-configured'"])
    if enabled is False or _is_sdk_disabled():
        return providers.get_idle_provider(set_global=set_global)
    resolved = build_config(config, client, settings, needs_credentials=enabled is True)
    if not _can_send(resolved, client):
        return providers.get_idle_provider(set_global=set_global)
    with _locked():
        provider = providers.get_tracer_provider(set_global=set_global)
        changes = providers.attach(provider, InfiniumSpanProcessor, resolved, client)
        if set_global:
            changes += _attach_logs(resolved, client, provider)
        if changes:
            logger.info(
                "register() was called again with other settings, which replace the "
                "earlier ones: %s",
                ", ".join(dict.fromkeys(changes)),
            )
        if instrument:
            names = None if instrument is True else _list_names(instrument)
            instrumentors.activate(
                names,
                capture_content=resolved.capture_content,
                tracer_provider=provider,
            )
    if flush_on_sigterm:
        from infinium_otel.exporter import _sigterm  # noqa: PLC0415 - by choice

        _sigterm.flush_on_sigterm(_flush_all)
    return provider


def _is_sdk_disabled() -> bool:
    """Source: OpenTelemetry's specification, general SDK configuration."""
    return os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"


def _can_send(config: Config, client: Any) -> bool:
    """Whether there are credentials; logs once what is missing."""
    if client is not None:
        return True
    try:
        config.require_credentials()
    except ConfigurationError as error:
        if str(error) not in _warned:
            _warned.add(str(error))
            logger.warning("No runs are sent to Infinium: %s", error)
        return False
    return True


@contextmanager
def _locked() -> Iterator[None]:
    """Let one thread at a time change the providers."""
    held = _lock.acquire(timeout=LOCK_S)
    try:
        yield
    finally:
        if held:
            _lock.release()


def _attach_logs(config: Config, client: Any, tracers: TracerProvider) -> list[str]:
    from infinium_otel.exporter import InfiniumLogRecordProcessor  # noqa: PLC0415 - as there

    provider = providers.get_logger_provider(tracers)
    return providers.attach(provider, InfiniumLogRecordProcessor, config, client)


def _list_names(instrument: Sequence[str]) -> Sequence[str]:
    return (instrument,) if isinstance(instrument, str) else instrument


def _flush_all(timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    for attachment in list(providers.attachments):
        left_s = max(0.0, deadline - time.monotonic())
        attachment.handle.force_flush(left_s * 1000)


def _after_fork_in_child() -> None:
    global _lock  # noqa: PLW0603 - another thread of the parent may hold it
    _lock = RLock()


if hasattr(os, "register_at_fork"):  # pragma: no branch - not on Windows
    os.register_at_fork(after_in_child=_after_fork_in_child)
atexit.register(_neighbours.report)
