"""Every setting once: its default, its environment variables, its meaning, its check."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from infinium_otel.config import checks
from infinium_otel.config.secret import Secret
from infinium_otel.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

DEFAULT_BASE_URL = "https://platform.i42m.ai/api/v1"
"""Where the service lives. Source: infinium-o2 1.2.0, `infinium.client`."""

MIB = 1024 * 1024
CREDENTIALS = ("agent_id", "agent_secret")


def _setting(
    default: Any, meaning: str, check: Callable[[Any], str | None], *env: str
) -> Any:
    """A field of `Config` with everything there is to know of it."""
    return field(
        default=default, metadata={"help": meaning, "check": check, "env": env}
    )


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
        checks.agent_id,
        "INFINIUM_AGENT_ID",
    )
    agent_secret: Secret | None = _setting(
        None,
        "The agent's secret key. Required to send; never shown anywhere.",
        checks.secret,
        "INFINIUM_AGENT_SECRET",
    )
    base_url: str = _setting(
        DEFAULT_BASE_URL, "Where the API lives.", checks.url, "INFINIUM_BASE_URL"
    )
    timeout_s: float = _setting(
        30.0,
        "Seconds one attempt may take, from connecting to the end of the reply.",
        checks.positive,
        "INFINIUM_TIMEOUT_S",
        "INFINIUM_TIMEOUT",
    )
    verify_ssl: bool = _setting(
        True, "Check the server's certificate.", checks.flag, "INFINIUM_VERIFY_SSL"
    )
    requests_per_second: float = _setting(
        10.0, "Requests a second, at most, over time.", checks.positive
    )
    burst: int = _setting(
        20,
        "Requests that may go at once after a quiet time.",
        checks.number(1, whole=True),
    )
    concurrency: int = _setting(
        1, "Requests under way at once, at most.", checks.number(1, whole=True)
    )
    compression: str = _setting(
        "none", "`gzip` compresses request bodies.", checks.one_of("none", "gzip")
    )
    spool: str | None = _setting(
        None,
        "Path of a SQLite file that keeps tasks until they are delivered; none: memory.",
        checks.path,
    )
    max_spool_bytes: int = _setting(
        1024 * MIB,
        "Bytes of queued tasks the spool holds; past it the oldest are given up.",
        checks.number(MIB, whole=True),
    )
    max_queued_tasks: int = _setting(
        1_000, "Tasks waiting in memory, at most.", checks.number(1, whole=True)
    )
    max_queued_bytes: int = _setting(
        64 * MIB,
        "Bytes of tasks waiting in memory, at most.",
        checks.number(1, whole=True),
    )
    max_open_traces: int = _setting(
        1_000,
        "Traces being assembled; past it the oldest leaves early, marked incomplete.",
        checks.number(1, whole=True),
    )
    max_open_spans: int = _setting(
        100_000, "Spans held in open traces, likewise.", checks.number(1, whole=True)
    )
    max_open_bytes: int = _setting(
        256 * MIB,
        "Estimated bytes held in open traces, likewise.",
        checks.number(1, whole=True),
    )
    max_spans_per_trace: int = _setting(
        10_000,
        "Spans one task is made of; a longer trace leaves in parts.",
        checks.number(1, whole=True),
    )
    linger_s: float = _setting(
        30.0,
        "Seconds a finished root waits for children known to be open.",
        checks.number(0),
    )
    trace_timeout_s: float = _setting(
        600.0,
        "Seconds a trace without a finished root is kept, then sent as incomplete.",
        checks.number(0),
    )
    include: str = _setting(
        "agents",
        "`agents`: traces with an LLM, tool or agent span become tasks; `all`: every.",
        checks.one_of("agents", "all"),
    )
    capture_content: bool = _setting(
        True,
        "Pass on texts that the instrumentation recorded; off: counts and ids only.",
        checks.flag,
    )
    redact: bool | Callable[[str, str], str] = _setting(
        True,
        "Remove credentials from every text; a callable (key, text) -> text runs after.",
        checks.redaction,
    )
    task_per: str = _setting(
        "root",
        "One task per local `root`, or per whole `trace` (gateway and consumer).",
        checks.one_of("root", "trace"),
    )
    gateway_token: Secret | None = _setting(
        None,
        "What senders must show the gateway as a bearer token; required where others "
        "than this machine can reach it.",
        checks.secret,
    )
    should_send: Callable[[Any], bool] | None = _setting(
        None, "A hook (task) -> bool; False keeps the task back, counted.", checks.hook
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
        for mistake in mistakes:
            values.pop(_named_by(mistake), None)
        config = cls()
        try:
            config = cls(**values)
        except ConfigurationError as error:
            mistakes += error.mistakes
        if sending:
            named = set(map(_named_by, mistakes))
            mistakes += [
                text for text in _missing(values) if _named_by(text) not in named
            ]
        if mistakes:
            raise ConfigurationError(mistakes)
        return config

    def require_credentials(self) -> Config:
        """This configuration, if it can send.

        Raises:
            ConfigurationError: the agent's id or secret is missing.
        """
        missing = list(_missing({name: getattr(self, name) for name in CREDENTIALS}))
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


def _named_by(mistake: str) -> str:
    """The setting that a mistake is about."""
    return mistake.partition(":")[0]


def _missing(values: Mapping[str, Any]) -> Iterator[str]:
    for name in CREDENTIALS:
        if not values.get(name):
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
