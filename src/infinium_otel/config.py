"""Every setting once: its default, its environment variables, its meaning, its check."""

from __future__ import annotations

import math
import re
from dataclasses import MISSING, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from infinium_otel.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

DEFAULT_BASE_URL = "https://platform.i42m.ai/api/v1"
"""Where the service lives. Source: infinium-o2 1.2.0, `infinium.client`."""

MIB = 1024 * 1024
MIN_SECRET_LENGTH = 8
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Secret:
    """A text that no repr, log or exception shows."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself, for the one place that sends it."""
        return self._text

    def __repr__(self) -> str:
        return "Secret('***')"

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> str:
        raise TypeError("a Secret is not pickled")


def _setting(
    default: Any, meaning: str, check: Callable[[Any], str | None], *env: str
) -> Any:
    """A field of `Config` with everything there is to know of it."""
    return field(
        default=default, metadata={"help": meaning, "check": check, "env": env}
    )


def _is_agent_id(value: Any) -> str | None:
    if value is None or (isinstance(value, str) and UUID.fullmatch(value)):
        return None
    return "must be a UUID with hyphens"


def _is_secret(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, Secret):
        return "must be a text"
    text = value.reveal()
    if len(text) < MIN_SECRET_LENGTH:
        return f"must have at least {MIN_SECRET_LENGTH} characters"
    if not text.isascii() or not text.isprintable() or text != text.strip():
        return "must be printable ASCII without surrounding spaces"
    return None


def _is_url(value: Any) -> str | None:
    complaint = "must be an http:// or https:// address"
    if not isinstance(value, str) or not value.isprintable() or " " in value:
        return complaint
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        return complaint
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return complaint
    if parts.username or parts.password:
        return "must not hold a user name or password"
    if parts.query or parts.fragment:
        return "must not have a query or a fragment"
    return None


def _is_flag(value: Any) -> str | None:
    return None if isinstance(value, bool) else "must be true or false"


def _number(least: float, *, whole: bool = False) -> Callable[[Any], str | None]:
    kinds = (int,) if whole else (int, float)
    noun = "a whole number" if whole else "a number"
    wanted = f"must be {noun}, {least:g} or more"

    def check(value: Any) -> str | None:
        if isinstance(value, bool) or not isinstance(value, kinds):
            return wanted
        return None if math.isfinite(value) and value >= least else wanted

    return check


def _positive(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return "must be a number above 0"
    return None if math.isfinite(value) and value > 0 else "must be a number above 0"


def _one_of(*choices: str) -> Callable[[Any], str | None]:
    wanted = "must be one of " + ", ".join(choices)
    return lambda value: None if value in choices else wanted


def _is_path(value: Any) -> str | None:
    if value is None or (isinstance(value, str) and value and "\0" not in value):
        return None
    return "must be a path"


def _is_redaction(value: Any) -> str | None:
    if isinstance(value, bool) or callable(value):
        return None
    return "must be true, false or a callable (key, text) -> text"


def _is_hook(value: Any) -> str | None:
    return None if value is None or callable(value) else "must be callable"


@dataclass(frozen=True, slots=True)
class Config:
    """All settings, checked. A mistake is a `ConfigurationError` that names them all.

    Build it from the environment with `Config.from_env`; a keyword argument there
    wins over a variable, a variable over the default. Credentials may be missing here:
    whatever sends asks `Config.from_env(..., sending=True)` or `require_credentials`.
    """

    agent_id: str | None = _setting(
        None,
        "The agent's id, a UUID. Required to send.",
        _is_agent_id,
        "INFINIUM_AGENT_ID",
    )
    agent_secret: Secret | None = _setting(
        None,
        "The agent's secret key. Required to send; never shown anywhere.",
        _is_secret,
        "INFINIUM_AGENT_SECRET",
    )
    base_url: str = _setting(
        DEFAULT_BASE_URL, "Where the API lives.", _is_url, "INFINIUM_BASE_URL"
    )
    timeout_s: float = _setting(
        30.0,
        "Seconds one attempt may take, from connecting to the end of the reply.",
        _positive,
        "INFINIUM_TIMEOUT_S",
        "INFINIUM_TIMEOUT",
    )
    verify_ssl: bool = _setting(
        True, "Check the server's certificate.", _is_flag, "INFINIUM_VERIFY_SSL"
    )
    requests_per_second: float = _setting(
        10.0, "Requests a second, at most, over time.", _positive
    )
    burst: int = _setting(
        20, "Requests that may go at once after a quiet time.", _number(1, whole=True)
    )
    concurrency: int = _setting(
        1, "Requests under way at once, at most.", _number(1, whole=True)
    )
    compression: str = _setting(
        "none", "`gzip` compresses request bodies.", _one_of("none", "gzip")
    )
    spool: str | None = _setting(
        None,
        "Path of a SQLite file that keeps tasks until they are delivered; none: memory.",
        _is_path,
    )
    max_spool_bytes: int = _setting(
        1024 * MIB,
        "Bytes of queued tasks the spool holds; past it the oldest are given up.",
        _number(MIB, whole=True),
    )
    max_queued_tasks: int = _setting(
        1_000, "Tasks waiting in memory, at most.", _number(1, whole=True)
    )
    max_queued_bytes: int = _setting(
        64 * MIB, "Bytes of tasks waiting in memory, at most.", _number(1, whole=True)
    )
    max_open_traces: int = _setting(
        1_000,
        "Traces being assembled; past it the oldest leaves early, marked incomplete.",
        _number(1, whole=True),
    )
    max_open_spans: int = _setting(
        100_000, "Spans held in open traces, likewise.", _number(1, whole=True)
    )
    max_open_bytes: int = _setting(
        256 * MIB,
        "Estimated bytes held in open traces, likewise.",
        _number(1, whole=True),
    )
    max_spans_per_trace: int = _setting(
        10_000,
        "Spans one task is made of; a longer trace leaves in parts.",
        _number(1, whole=True),
    )
    linger_s: float = _setting(
        30.0,
        "Seconds a finished root waits for children known to be open.",
        _number(0),
    )
    trace_timeout_s: float = _setting(
        600.0,
        "Seconds a trace without a finished root is kept, then sent as incomplete.",
        _number(0),
    )
    include: str = _setting(
        "agents",
        "`agents`: traces with an LLM, tool or agent span become tasks; `all`: every.",
        _one_of("agents", "all"),
    )
    capture_content: bool = _setting(
        True,
        "Pass on texts that the instrumentation recorded; off: counts and ids only.",
        _is_flag,
    )
    redact: bool | Callable[[str, str], str] = _setting(
        True,
        "Remove credentials from every text; a callable (key, text) -> text runs after.",
        _is_redaction,
    )
    task_per: str = _setting(
        "root",
        "One task per local `root`, or per whole `trace` (gateway and consumer).",
        _one_of("root", "trace"),
    )
    gateway_token: Secret | None = _setting(
        None,
        "What senders must show the gateway as a bearer token; required where others "
        "than this machine can reach it.",
        _is_secret,
    )
    should_send: Callable[[Any], bool] | None = _setting(
        None, "A hook (task) -> bool; False keeps the task back, counted.", _is_hook
    )

    def __post_init__(self) -> None:
        for name in ("agent_secret", "gateway_token"):
            text = getattr(self, name)
            if isinstance(text, str):
                object.__setattr__(self, name, Secret(text))
        if isinstance(self.base_url, str):
            object.__setattr__(self, "base_url", self.base_url.strip().rstrip("/"))
        mistakes = list(_mistakes(self))
        if mistakes:
            raise ConfigurationError(mistakes)

    @classmethod
    def from_env(
        cls, environ: Mapping[str, str], *, sending: bool = False, **settings: Any
    ) -> Config:
        """The configuration that *environ* and *settings* describe.

        Args:
            environ: usually `os.environ`; read here and nowhere else.
            sending: True if credentials must be there.
            settings: fields by name; each wins over its variable. None means unset.

        Raises:
            ConfigurationError: names every mistake: unknown options, values that do
                not fit, missing credentials.
        """
        known = {f.name for f in fields(cls)}
        mistakes = [f"{name}: unknown option" for name in settings if name not in known]
        values: dict[str, Any] = {}
        for name, text in from_environment(environ).items():
            try:
                values[name] = _parsed(name, text)
            except ValueError as error:
                mistakes.append(f"{name}: {error}")
        values |= {k: v for k, v in settings.items() if k in known and v is not None}
        bad = {text.partition(":")[0] for text in mistakes}
        values = {name: value for name, value in values.items() if name not in bad}
        try:
            config = cls(**values)
        except ConfigurationError as error:
            mistakes += error.mistakes
            config = cls()
        if sending:
            named = bad.union(text.partition(":")[0] for text in mistakes)
            given = cls() if mistakes else config
            mistakes += [
                text
                for text in _missing(given, values)
                if text.partition(":")[0] not in named
            ]
        if mistakes:
            raise ConfigurationError(mistakes)
        return config

    def require_credentials(self) -> Config:
        """This configuration, if it can send.

        Raises:
            ConfigurationError: the agent's id or secret is missing.
        """
        missing = list(_missing(self, {}))
        if missing:
            raise ConfigurationError(missing)
        return self

    def but(self, **settings: Any) -> Config:
        """A copy with *settings* changed."""
        return replace(self, **settings)


def variables(name: str) -> tuple[str, ...]:
    """Names of the environment variables of the setting *name*, the first preferred."""
    for setting in fields(Config):
        if setting.name == name:
            named: tuple[str, ...] = setting.metadata["env"]
            return named or (f"INFINIUM_OTEL_{name.upper()}",)
    raise KeyError(name)


def from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What *environ* says, by setting; an empty variable is an unset one."""
    found = {}
    for setting in fields(Config):
        for variable in variables(setting.name):
            text = environ.get(variable, "").strip()
            if text:
                found[setting.name] = text
                break
    return found


def _mistakes(config: Config) -> Iterator[str]:
    for setting in fields(Config):
        complaint = setting.metadata["check"](getattr(config, setting.name))
        if complaint:
            yield f"{setting.name}: {complaint}"


def _missing(config: Config, values: Mapping[str, Any]) -> Iterator[str]:
    for name in ("agent_id", "agent_secret"):
        if not getattr(config, name) and not values.get(name):
            yield f"{name}: missing; pass it or set {variables(name)[0]}"


_FLAGS = {"true": True, "1": True, "yes": True, "on": True} | {
    "false": False,
    "0": False,
    "no": False,
    "off": False,
}


def _parsed(name: str, text: str) -> Any:
    """The value of a variable's *text*, of the type of the setting's default."""
    default = Config.__dataclass_fields__[name].default
    if default is MISSING or default is None or isinstance(default, str):
        return text
    if isinstance(default, bool):
        if text.lower() not in _FLAGS:
            raise ValueError("must be true or false")
        return _FLAGS[text.lower()]
    try:
        return int(text) if isinstance(default, int) else float(text)
    except ValueError:
        noun = "a whole number" if isinstance(default, int) else "a number"
        raise ValueError(f"must be {noun}") from None
