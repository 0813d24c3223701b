"""What is configured, and where each setting comes from."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from infinium_otel.apps.doctor.findings import Finding
from infinium_otel.config import Config, Secret, from_environment, variables
from infinium_otel.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TOPIC = "Configuration"

EXAMPLES = {
    "agent_id": "00000000-0000-0000-0000-000000000000",
    "agent_secret": "...",
}
"""What to write in place of a value that only the user knows."""

ALWAYS_SHOWN = ("agent_id", "agent_secret", "base_url", "spool", "include")


def configuration(environ: Mapping[str, str]) -> tuple[Config | None, list[Finding]]:
    """The configuration that *environ* describes, and what is to be said of it.

    Returns:
        None in place of a configuration that cannot send.
    """
    try:
        config = Config.from_env(environ, sending=True)
    except ConfigurationError as error:
        return None, [*_unknown(environ), *_mistakes(error)]
    return config, [*_unknown(environ), *_values(config, environ)]


def _mistakes(error: ConfigurationError) -> Iterator[Finding]:
    for mistake in error.mistakes:
        name = mistake.partition(":")[0]
        variable = variables(name)[0]
        default = getattr(Config(), name)
        example = EXAMPLES.get(name, "" if default is None else str(default))
        mend = f"export {variable}={example}" if example else f"unset {variable}"
        yield Finding(TOPIC, "error", mistake, mend)


def _values(config: Config, environ: Mapping[str, str]) -> Iterator[Finding]:
    given = from_environment(environ)
    for setting in fields(Config):
        if setting.name in given or setting.name in ALWAYS_SHOWN:
            value = getattr(config, setting.name)
            source = "default"
            if setting.name in given:
                named = (v for v in variables(setting.name) if environ.get(v, ""))
                source = f"from {next(named)}"
            yield Finding(TOPIC, "ok", f"{setting.name} = {_shown(value)} ({source})")


def _shown(value: object) -> str:
    return "***" if isinstance(value, Secret) else str(value)


def _unknown(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Variables that look like ours and are none: most often a slip of the pen."""
    known = {name for setting in fields(Config) for name in variables(setting.name)}
    for name in sorted(environ):
        if name.startswith("INFINIUM_OTEL_") and name not in known:
            yield Finding(TOPIC, "warning", f"{name} is no setting", f"unset {name}")
