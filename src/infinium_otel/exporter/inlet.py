"""What the four classes share: a configuration, a bridge, and one way to close."""

from __future__ import annotations

import os
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from infinium_otel.bridge import Stats, registry
from infinium_otel.config import Config, checks
from infinium_otel.errors import ConfigurationError

if TYPE_CHECKING:
    from infinium_otel.bridge import Bridge

FLUSH_MILLIS = 30_000
"""What the SDK allows a flush or a shutdown where nobody says otherwise."""


def configured(config: Config | None, client: Any, settings: dict[str, Any]) -> Config:
    """The configuration for an inlet, checked; without *client* it can send.

    Args:
        config: None reads the environment.
        client: sends instead of our own transport, and needs no credentials here.
        settings: fields of `Config` that win over *config* and the environment.

    Raises:
        ConfigurationError: names every mistake.
    """
    address = getattr(client, "base_url", None)
    if checks.url(address) is None:  # it knows where it sends to
        settings = {"base_url": address, **settings}
    if config is None:
        return Config.from_env(os.environ, sending=client is None, **settings)
    known = {setting.name for setting in fields(Config)}
    unknown = [f"{name}: unknown option" for name in settings if name not in known]
    if unknown:
        raise ConfigurationError(unknown)
    if settings:
        config = config.but(**settings)
    return config if client is not None else config.require_credentials()


class Inlet:
    """One way into a bridge. Inlets that are configured alike share one.

    Args:
        config: the settings; None takes them from the environment.
        client: anything with `send_task_data(task)`, used instead of our own.
        settings: fields of `Config`, which win.

    Raises:
        ConfigurationError: the configuration cannot work; names every mistake.
    """

    def __init__(
        self, config: Config | None = None, *, client: Any = None, **settings: Any
    ) -> None:
        resolved = configured(config, client, settings)
        self._bridge: Bridge = registry.shared_bridge(resolved, client)
        self.is_shut_down = False

    @property
    def stats(self) -> Stats:
        """Where every span and every task is, at this moment."""
        return self._bridge.stats()

    def force_flush(self, timeout_millis: float = FLUSH_MILLIS) -> bool:
        """Deliver everything that has ended, traces that are still open as parts.

        With a spool, what is still open stays open: it is safe in the journal.

        Args:
            timeout_millis: how long this may take.

        Returns:
            True only if everything that ended before is delivered, or safe in the
            spool, and nothing was lost since the last flush.
        """
        return self._bridge.flush(timeout_millis / 1000)

    def _leave(self, timeout_millis: float) -> bool:
        """Shut down, once; True if nothing was left undone."""
        if self.is_shut_down:
            return True
        self.is_shut_down = True
        return registry.leave(self._bridge, timeout_millis / 1000)
