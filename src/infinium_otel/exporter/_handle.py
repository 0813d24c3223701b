"""Base class of the four classes: their configuration, their runner and shutdown."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from infinium_otel.config import (
    Config,
    checks,
    describe_unknown,
    find_unknown_variables,
    hide_secrets,
)
from infinium_otel.errors import ConfigurationError
from infinium_otel.exporter._green_exit import protect_exit
from infinium_otel.runtime import Stats, registry
from infinium_otel.runtime.closed_streams import guard_loggers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from typing_extensions import Unpack

    from infinium_otel.config import Settings
    from infinium_otel.runtime import PipelineRunner

logger = logging.getLogger(__name__)

FLUSH_MILLIS = 30_000
"""The SDK's default timeout of a flush or a shutdown."""
SWITCH_S = 1.0
"""Seconds a change of settings may wait for the delivery of what came before."""

_warned: set[str] = set()
_forced: dict[str, Any] = {}
"""Settings that replace all others, while a test records its runs."""
_replaced: list[PipelineRunner] = []
"""Runners that could not deliver everything when they were replaced; drained at exit."""


def build_config(
    config: Config | None,
    client: Any,
    settings: Mapping[str, Any],
    *,
    needs_credentials: bool = True,
) -> Config:
    """Build and validate the configuration; it needs credentials unless *client* sends.

    Unknown variables with our prefix are logged, each once.

    Args:
        config: None reads the environment.
        client: sends instead of our own transport; has its own credentials.
        settings: fields of `Config`, which override *config* and the environment.
        needs_credentials: False accepts a configuration without them.

    Raises:
        ConfigurationError: names every mistake.
    """
    guard_loggers()  # before anything is logged
    _warn_unknown_variables()
    needs_credentials = needs_credentials and client is None
    address = getattr(client, "base_url", None)
    if checks.url(address) is None:  # the client has its own address
        settings = {"base_url": address, **settings}
    if config is None:
        config = Config.from_env(os.environ, sending=needs_credentials, **settings)
        return config.but(**_forced) if _forced else config
    names = {setting.name for setting in fields(Config)}
    unknown = [describe_unknown(name) for name in settings if name not in names]
    if unknown:
        raise ConfigurationError(unknown)
    if settings or _forced:
        config = config.but(**{**settings, **_forced})
    return config.require_credentials() if needs_credentials else config


@contextmanager
def forcing(settings: Mapping[str, Any]) -> Iterator[None]:
    """Let *settings* replace those of every configuration built meanwhile."""
    _forced.update(settings)
    try:
        yield
    finally:
        _forced.clear()


def _warn_unknown_variables() -> None:
    for name, sentence in find_unknown_variables(os.environ).items():
        if name not in _warned:
            _warned.add(name)
            logger.warning("Ignored: %s", sentence)


class Handle:
    """A reference to a runner, which handles with the same configuration share.

    Args:
        config: the settings; None takes them from the environment.
        client: anything with `send_task_data(task)`, used instead of our transport.
        settings: fields of `Config`, which override *config*.

    Raises:
        ConfigurationError: the configuration is invalid; names every mistake.
    """

    _runner: PipelineRunner
    _has_failed = False

    def __init__(
        self,
        config: Config | None = None,
        *,
        client: Any = None,
        **settings: Unpack[Settings],
    ) -> None:
        hide_secrets(settings)
        resolved = build_config(config, client, settings)
        self._use(registry.get_shared_runner(resolved, client))
        self.is_shut_down = False
        protect_exit()

    def _report_failure(self, error: Exception) -> None:
        """Log *error*, once: what is logged may come back to this handle."""
        if not self._has_failed:
            self._has_failed = True
            logger.error("Spans or log records could not be processed", exc_info=error)

    def _use(self, runner: PipelineRunner) -> None:
        self._runner = runner

    def reconfigure(self, config: Config, client: Any = None) -> None:
        """Use other settings from now on.

        Everything received before is delivered with the earlier settings: now, or at
        exit if that takes too long.

        Args:
            config: the complete settings, with credentials unless *client* sends.
            client: sends instead of our own transport.
        """
        earlier = self._runner
        self._use(registry.get_shared_runner(config, client))
        if earlier.flush(SWITCH_S, everything=True):
            registry.release(earlier, SWITCH_S)
        else:
            _replaced.append(earlier)

    @property
    def stats(self) -> Stats:
        """Where every span and every task is at this moment."""
        return self._runner.stats()

    def force_flush(self, timeout_millis: float = FLUSH_MILLIS) -> bool:
        """Deliver everything that has ended, incomplete traces in part.

        With a spool, incomplete traces stay open: they are safe in the journal.

        Args:
            timeout_millis: how long this may take.

        Returns:
            True only if everything that ended before is delivered or in the spool, and
            nothing was lost since the previous flush. It does not raise.
        """
        try:
            return self._runner.flush(timeout_millis / 1000)
        except Exception:  # such as a module that cannot be read: no file descriptor
            logger.exception("A flush failed; the next one goes on")
            return False

    def shutdown(self, timeout_millis: float = FLUSH_MILLIS) -> None:
        """Deliver the rest, open traces as incomplete, then refuse what comes later.

        It does not raise.

        Args:
            timeout_millis: how long this may take.
        """
        if self.is_shut_down:
            return
        self.is_shut_down = True
        try:
            registry.release(self._runner, timeout_millis / 1000)
        except Exception:
            logger.exception("A shutdown failed")
