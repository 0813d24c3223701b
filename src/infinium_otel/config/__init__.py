"""Every setting once: its default, its environment variables, its meaning, its check."""

from infinium_otel.config.checks import UUID
from infinium_otel.config.config import (
    DEFAULT_BASE_URL,
    Config,
    from_environment,
    variables,
)
from infinium_otel.config.secret import Secret

__all__ = [
    "DEFAULT_BASE_URL",
    "UUID",
    "Config",
    "Secret",
    "from_environment",
    "variables",
]
