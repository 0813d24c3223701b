"""Every setting once: its default, its environment variables, its meaning, its check."""

from infinium_otel.config.checks import UUID
from infinium_otel.config.config import (
    CREDENTIALS,
    DEFAULT_BASE_URL,
    Config,
    describe_unknown,
    find_unknown_variables,
    get_variables,
    read_environment,
)
from infinium_otel.config.secret import Secret, hide_secrets
from infinium_otel.config.settings import Settings

__all__ = [
    "CREDENTIALS",
    "DEFAULT_BASE_URL",
    "UUID",
    "Config",
    "Secret",
    "Settings",
    "describe_unknown",
    "find_unknown_variables",
    "get_variables",
    "hide_secrets",
    "read_environment",
]
