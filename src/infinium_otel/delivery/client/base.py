"""The base class of both clients: their arguments and settings."""

from __future__ import annotations

import logging
import os
import re
import time
from typing import TYPE_CHECKING, Any

from infinium_otel.config import Config, hide_secrets
from infinium_otel.delivery.client.api_calls import ApiCalls, create_task, now_iso
from infinium_otel.delivery.protocol import USER_AGENT, RetryPolicy
from infinium_otel.delivery.rate_limit import TokenBucket
from infinium_otel.errors import ClosedError, ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from infinium_otel.taskdata import TaskData

HEADER_TEXT = re.compile(r"[\x20-\x7e]{1,200}")
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


class Client:
    """Base class of both clients: settings, and calls as generators of steps."""

    def __init__(  # noqa: PLR0913, PLR0917 - the arguments of the vendor's SDK, as a drop-in replacement
        self,
        agent_id: str | None = None,
        agent_secret: str | None = None,
        base_url: str | None = None,
        timeout: float | None = None,
        max_retries: int = 3,
        enable_rate_limiting: bool = True,  # noqa: FBT001, FBT002 - as above
        requests_per_second: float | None = None,
        user_agent: str = USER_AGENT,
        enable_logging: bool = False,  # noqa: FBT001, FBT002 - as above
        log_level: str = "INFO",
        verify_ssl: bool | None = None,  # noqa: FBT001 - as above
        *,
        redact: bool | Callable[[str, str], str] | None = None,
        config: Config | None = None,
    ) -> None:
        secrets = {"agent_secret": agent_secret}
        hide_secrets(secrets)
        del agent_secret  # as there
        given = {
            **secrets,
            "agent_id": agent_id,
            "base_url": base_url,
            "timeout_s": timeout,
            "requests_per_second": requests_per_second,
            "verify_ssl": verify_ssl,
            "redact": redact,
        }
        self.config = _load_config(config, given)
        _check_options(max_retries, user_agent, log_level)
        self.max_retries = max_retries
        self.closed = False
        self.calls = ApiCalls(
            self.config,
            RetryPolicy(max_retries, self.config.timeout_s),
            _make_bucket(self.config) if enable_rate_limiting else None,
            user_agent,
        )
        self._connect()
        if enable_logging:
            logging.getLogger("infinium_otel").setLevel(log_level.upper())

    def _connect(self) -> None:
        """Create the transport; opens no connection."""
        raise NotImplementedError

    @property
    def agent_id(self) -> str:
        """The agent this client sends as."""
        return self.config.agent_id or ""

    @property
    def base_url(self) -> str:
        """The base URL of the API."""
        return self.config.base_url

    @property
    def timeout(self) -> float:
        """Seconds one attempt may take."""
        return self.config.timeout_s

    def __repr__(self) -> str:
        name = type(self).__name__
        if not hasattr(self, "config"):  # an error tracker shows what `__init__` has
            return f"{name}()"
        return f"{name}(agent_id={self.agent_id!r}, base_url={self.base_url!r})"

    @staticmethod
    def get_current_iso_datetime() -> str:
        """The current time as ISO 8601 in UTC."""
        return now_iso()

    @staticmethod
    def create_task_data(
        name: str,
        description: str,
        duration: float,
        current_datetime: str | None = None,
        **sections: Any,
    ) -> TaskData:
        """Create a validated task; nested mappings become Infinium's types.

        Args:
            name: at most 500 characters, not blank.
            description: at most 10,000 characters, not blank.
            duration: seconds, 0 to 86,400.
            current_datetime: ISO 8601; None for now.
            sections: further fields of TaskData.

        Raises:
            ValidationError: a field is invalid; `field` names it.
        """
        return create_task(name, description, duration, current_datetime, sections)

    def require_open(self) -> None:
        """Raise ClosedError if the client is closed."""
        if self.closed:
            raise ClosedError(f"this {type(self).__name__} was closed")


def _load_config(config: Config | None, given: Mapping[str, Any]) -> Config:
    if config is None:
        return Config.from_env(os.environ, sending=True, **given)
    changes = {name: value for name, value in given.items() if value is not None}
    return config.but(**changes).require_credentials()


def _make_bucket(config: Config) -> TokenBucket:
    return TokenBucket(config.requests_per_second, config.burst, time.monotonic)


def _check_options(max_retries: Any, user_agent: Any, log_level: Any) -> None:
    mistakes = []
    if (
        isinstance(max_retries, bool)
        or not isinstance(max_retries, int)
        or max_retries < 0
    ):
        mistakes.append("max_retries: must be a whole number, 0 or more")
    if not isinstance(user_agent, str) or not HEADER_TEXT.fullmatch(user_agent):
        mistakes.append("user_agent: must be printable ASCII of at most 200 characters")
    if str(log_level).upper() not in LEVELS:
        mistakes.append(f"log_level: must be one of {', '.join(LEVELS)}")
    if mistakes:
        raise ConfigurationError(mistakes)
