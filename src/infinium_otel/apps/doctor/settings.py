"""What is configured, and where each setting comes from."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from infinium_otel.apps.doctor.findings import Finding
from infinium_otel.apps.http.auth import is_loopback
from infinium_otel.config import (
    CREDENTIALS,
    Config,
    Secret,
    find_unknown_variables,
    get_variables,
    read_environment,
)
from infinium_otel.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TOPIC = "Configuration"

EXAMPLES = {
    "agent_id": "00000000-0000-0000-0000-000000000000",
    "agent_secret": "...",
}
"""Placeholders for values that only the user has."""

ALWAYS_SHOWN = ("agent_id", "agent_secret", "base_url", "spool", "include")


def check_settings(environ: Mapping[str, str]) -> tuple[Config | None, list[Finding]]:
    """Read the configuration from *environ*, and check it.

    Returns:
        The configuration and the findings; None in place of a configuration that
        cannot send.
    """
    try:
        config = Config.from_env(environ, sending=True)
    except ConfigurationError as error:
        return None, [
            *_find_unknown(environ),
            *_report_mistakes(error),
            *_suggest_local_server(error),
        ]
    return config, [
        *_find_unknown(environ),
        *_list_values(config, environ),
        *_find_unsafe(config),
    ]


def _find_unsafe(config: Config) -> Iterator[Finding]:
    """Report settings with which others can read or change what is sent."""
    address = urlsplit(config.base_url)
    if address.scheme == "http" and not is_loopback(address.hostname or ""):
        yield Finding(
            TOPIC,
            "warning",
            f"{config.base_url} is not encrypted: others can read the agent's secret and "
            "everything that is sent",
            f"export {get_variables('base_url')[0]}=https://{address.netloc}{address.path}",
        )
    if not config.verify_ssl:
        yield Finding(
            TOPIC,
            "warning",
            "the server's certificate is not checked: others can take its place",
            f"unset {get_variables('verify_ssl')[0]}",
        )


def _report_mistakes(error: ConfigurationError) -> Iterator[Finding]:
    for mistake in error.mistakes:
        name = mistake.partition(":")[0]
        variable = get_variables(name)[0]
        default = getattr(Config(), name)
        example = EXAMPLES.get(name, "" if default is None else str(default))
        fix = f"export {variable}={example}" if example else f"unset {variable}"
        yield Finding(TOPIC, "error", mistake, fix)


def _suggest_local_server(error: ConfigurationError) -> Iterator[Finding]:
    """Name what needs no account, to those who have none yet."""
    missing = [f"{name}: missing" for name in CREDENTIALS]
    if all(any(m.startswith(each) for m in error.mistakes) for each in missing):
        message = "no account yet? `infinium-otel serve` takes any id and secret"
        fix = (
            "export INFINIUM_BASE_URL=http://127.0.0.1:4318/api/v1 "
            "INFINIUM_AGENT_ID=00000000-0000-4000-8000-000000000001 "
            "INFINIUM_AGENT_SECRET=any-eight-letters"
        )
        yield Finding(TOPIC, "note", message, fix)


def _list_values(config: Config, environ: Mapping[str, str]) -> Iterator[Finding]:
    from_environ = read_environment(environ)
    for setting in fields(Config):
        if setting.name in from_environ or setting.name in ALWAYS_SHOWN:
            value = getattr(config, setting.name)
            source = "default"
            if setting.name in from_environ:
                named = (v for v in get_variables(setting.name) if environ.get(v, ""))
                source = f"from {next(named)}"
            yield Finding(TOPIC, "ok", f"{setting.name} = {_mask(value)} ({source})")


def _mask(value: object) -> str:
    return "***" if isinstance(value, Secret) else str(value)


def _find_unknown(environ: Mapping[str, str]) -> Iterator[Finding]:
    for name, message in find_unknown_variables(environ).items():
        yield Finding(TOPIC, "warning", message, f"unset {name}")
