"""Every setting once: its default, its environment variables, its meaning, its check."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from infinium_otel.config import checks
from infinium_otel.config.parsing import expand_home, parse_text
from infinium_otel.config.secret import SECRETS, Secret, hide_secrets
from infinium_otel.config.suggestion import find_meant, suggest
from infinium_otel.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

DEFAULT_BASE_URL = "https://platform.i42m.ai/api/v1"
"""The address of the service. Source: infinium-o2 1.2.0, `infinium.client`."""

MIB = 1024 * 1024
CREDENTIALS = ("agent_id", "agent_secret")
PREFIX = "INFINIUM_OTEL_"
"""With which the variables of most settings begin."""


def _define_setting(
    default: Any, meaning: str, check: Callable[[Any], str | None], *env: str
) -> Any:
    """A field of `Config` with its default, its help, its check and its variables."""
    return field(
        default=default, metadata={"help": meaning, "check": check, "env": env}
    )


@dataclass(frozen=True, slots=True)
class Config:
    """All settings, checked. Mistakes are reported together in one `ConfigurationError`.

    Build it from the environment with `Config.from_env`; a keyword argument there
    wins over a variable, a variable over the default. Credentials may be missing here:
    code that sends calls `Config.from_env(..., sending=True)` or `require_credentials`.
    """

    agent_id: str | None = _define_setting(
        None,
        "The agent's id, a UUID. Required to send.",
        checks.agent_id,
        "INFINIUM_AGENT_ID",
    )
    agent_secret: Secret | None = _define_setting(
        None,
        "The agent's secret key. Required to send; never shown anywhere.",
        checks.secret,
        "INFINIUM_AGENT_SECRET",
    )
    base_url: str = _define_setting(
        DEFAULT_BASE_URL, "Address of the API.", checks.url, "INFINIUM_BASE_URL"
    )
    timeout_s: float = _define_setting(
        30.0,
        "Seconds one attempt may take, from connecting to the end of the response.",
        checks.positive,
        "INFINIUM_TIMEOUT_S",
        "INFINIUM_TIMEOUT",
    )
    verify_ssl: bool = _define_setting(
        True, "Check the server's certificate.", checks.flag, "INFINIUM_VERIFY_SSL"
    )
    requests_per_second: float = _define_setting(
        10.0, "Requests a second, at most, over time.", checks.positive
    )
    burst: int = _define_setting(
        20,
        "Requests that may be sent at once after a quiet time.",
        checks.number(1, whole=True),
    )
    concurrency: int = _define_setting(
        1, "Concurrent requests, at most.", checks.number(1, whole=True)
    )
    compression: str = _define_setting(
        "none", "`gzip` compresses request bodies.", checks.one_of("none", "gzip")
    )
    spool: str | None = _define_setting(
        None,
        "Path of a SQLite file that keeps tasks until they are delivered; if unset, memory.",
        checks.path,
    )
    journal: str = _define_setting(
        "auto",
        "With a spool, whether ended spans of open runs are kept on disk as they were "
        "recorded, until their task is in the spool: `on`, `off`, or `auto`, which is "
        "`on` unless `capture_content` is off.",
        checks.one_of("auto", "on", "off"),
    )
    send_spans: str = _define_setting(
        "auto",
        "Whether whole spans are sent beside the tasks, for its page, if the endpoint is "
        "`infinium-otel serve` on this machine: `auto` or `off`. None are sent with "
        "`capture_content` off, or of a run that is not sent.",
        checks.one_of("auto", "off"),
    )
    max_spool_bytes: int = _define_setting(
        1024 * MIB,
        "Bytes of queued tasks in the spool, at most; beyond that the oldest are dropped.",
        checks.number(MIB, whole=True),
    )
    max_queued_tasks: int = _define_setting(
        1_000, "Tasks waiting in memory, at most.", checks.number(1, whole=True)
    )
    max_queued_bytes: int = _define_setting(
        64 * MIB,
        "Bytes of tasks waiting in memory, at most.",
        checks.number(1, whole=True),
    )
    max_open_traces: int = _define_setting(
        1_000,
        "Traces being assembled, at most; beyond that the oldest is sent early, as incomplete.",
        checks.number(1, whole=True),
    )
    max_open_spans: int = _define_setting(
        100_000,
        "Spans held in open traces, at most; beyond that the oldest trace is sent early.",
        checks.number(1, whole=True),
    )
    max_open_bytes: int = _define_setting(
        256 * MIB,
        "Estimated bytes held in open traces, at most; beyond that the oldest is sent early.",
        checks.number(1, whole=True),
    )
    max_spans_per_trace: int = _define_setting(
        10_000,
        "Spans in one task, at most; a longer trace is sent in parts.",
        checks.number(1, whole=True),
    )
    linger_s: float = _define_setting(
        30.0,
        "Seconds a finished root waits for children known to be open.",
        checks.number(0),
    )
    trace_timeout_s: float = _define_setting(
        600.0,
        "Seconds a trace without a finished root is kept, then sent as incomplete.",
        checks.number(0),
    )
    include: str = _define_setting(
        "agents",
        "`agents`: traces with an LLM, tool or agent span become tasks; `all`: all traces.",
        checks.one_of("agents", "all"),
    )
    capture_content: bool = _define_setting(
        True,
        "Send texts that the instrumentation recorded; if off, only names, numbers and ids.",
        checks.flag,
    )
    redact: bool | Callable[[str, str], str] = _define_setting(
        True,
        "Remove credentials from every text; a callable (key, text) -> text runs after.",
        checks.redaction,
    )
    task_per: str = _define_setting(
        "root",
        "One task per local `root`, per whole `trace` (gateway and consumer), or per "
        "outermost `agent` while its root goes on (a worker's loop, a websocket).",
        checks.one_of("root", "trace", "agent"),
    )
    trust: str = _define_setting(
        "root",
        "Whose `infinium.*` attributes may skip, rename or annotate a run: its `root` and "
        "annotate() in this process, or `all` of its spans.",
        checks.one_of("root", "all"),
    )
    verdicts: bool = _define_setting(
        False,
        "Fetch the interpretation of each delivered run, and emit it as evaluation events "
        "and metrics of this program's OpenTelemetry.",
        checks.flag,
    )
    verdicts_timeout_s: float = _define_setting(
        900.0,
        "Seconds after its delivery in which an interpretation is awaited.",
        checks.positive,
    )
    verdicts_in_process: bool = _define_setting(
        True,
        "Fetch interpretations in this process; if off, `verdicts` only notes delivered "
        "runs in `spool`, for `infinium-otel verdicts --follow` beside it.",
        checks.flag,
    )
    gateway_token: Secret | None = _define_setting(
        None,
        "The bearer token that the gateway requires from senders; must be set if other "
        "machines can reach the gateway.",
        checks.secret,
    )
    should_send: Callable[[Any], bool] | None = _define_setting(
        None,
        "A hook (task) -> bool; False drops the task, which is counted.",
        checks.hook,
    )

    def __post_init__(self) -> None:
        secrets = {name: getattr(self, name) for name in SECRETS}
        hide_secrets(secrets)
        for name, secret in secrets.items():
            object.__setattr__(self, name, secret)
        if isinstance(self.base_url, str):
            object.__setattr__(self, "base_url", self.base_url.strip().rstrip("/"))
        mistakes = list(_find_mistakes(self))
        if mistakes:
            raise ConfigurationError(mistakes)

    @classmethod
    def from_env(
        cls, environ: Mapping[str, str], *, sending: bool = False, **settings: Any
    ) -> Config:
        """The configuration that *environ* and *settings* describe.

        Args:
            environ: usually `os.environ`; read here and nowhere else.
            sending: whether credentials are required.
            settings: fields by name; each wins over its variable. None means unset.

        Raises:
            ConfigurationError: lists every mistake: unknown settings, invalid values,
                missing credentials.
        """
        hide_secrets(settings)
        known = {f.name for f in fields(cls)}
        mistakes = [describe_unknown(name) for name in settings if name not in known]
        values, invalid = _parse_all(environ)
        mistakes += invalid
        values |= {k: v for k, v in settings.items() if k in known and v is not None}
        if isinstance(values.get("spool"), str):
            values["spool"] = expand_home(values["spool"], environ)
        del environ  # as in `hide_secrets`
        for mistake in mistakes:
            values.pop(_get_name(mistake), None)
        config = cls()
        try:
            config = cls(**values)
        except ConfigurationError as error:
            mistakes += error.mistakes
        if sending:
            named = set(map(_get_name, mistakes))
            mistakes += [
                text for text in _find_missing(values) if _get_name(text) not in named
            ]
        if mistakes:
            raise ConfigurationError(mistakes)
        return config

    def require_credentials(self) -> Config:
        """This configuration, if it can send.

        Raises:
            ConfigurationError: the agent's id or secret is missing.
        """
        missing = list(
            _find_missing({name: getattr(self, name) for name in CREDENTIALS})
        )
        if missing:
            raise ConfigurationError(missing)
        return self

    def but(self, **settings: Any) -> Config:
        """A copy with *settings* changed."""
        hide_secrets(settings)
        return replace(self, **settings)


def get_variables(name: str) -> tuple[str, ...]:
    """Names of the environment variables of the setting *name*, the first preferred."""
    for setting in fields(Config):
        if setting.name == name:
            named: tuple[str, ...] = setting.metadata["env"]
            return named or (PREFIX + name.upper(),)
    raise KeyError(name)


def read_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The settings in *environ* by name; an empty variable counts as unset."""
    found = {}
    for setting in fields(Config):
        for variable in get_variables(setting.name):
            text = environ.get(variable, "").strip()
            if text:
                found[setting.name] = text
                break
    return found


def _parse_all(environ: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """The settings in *environ*, and the mistakes in them."""
    values: dict[str, Any] = {}
    mistakes = []
    for name, text in read_environment(environ).items():
        try:
            values[name] = parse_text(text, Config.__dataclass_fields__[name].default)
        except ValueError as error:
            mistakes.append(f"{name}: {error}")
    hide_secrets(values)
    return values, mistakes


def describe_unknown(name: str) -> str:
    """Report that *name* is not a setting, with the most similar one."""
    return f"unknown setting {name}{suggest(name, [f.name for f in fields(Config)])}"


def find_unknown_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Find variables that are not settings, though they were probably meant to be.

    Those are all with our own prefix, and those like INFINIUM_BASEURL if what they mean
    is not set.

    Returns:
        For each variable, a sentence about it with the most similar one.
    """
    names = {name for setting in fields(Config) for name in get_variables(setting.name)}
    meant = {each: find_meant(each, names) for each in environ if each not in names}
    return {
        name: f"unknown setting {name} (did you mean {wanted}?)"
        if wanted
        else f"unknown setting {name}"
        for name, wanted in sorted(meant.items())
        if name.startswith(PREFIX) or (wanted and not environ.get(wanted))
    }


def _find_mistakes(config: Config) -> Iterator[str]:
    for setting in fields(Config):
        complaint = setting.metadata["check"](getattr(config, setting.name))
        if complaint:
            yield f"{setting.name}: {complaint}"
    if config.verdicts and not config.verdicts_in_process and config.spool is None:
        yield "verdicts_in_process: if off, set `spool`, where delivered runs are noted"


def _get_name(mistake: str) -> str:
    """The name of the setting that a mistake is about."""
    return mistake.partition(":")[0]


def _find_missing(values: Mapping[str, Any]) -> Iterator[str]:
    for name in CREDENTIALS:
        if not values.get(name):
            yield f"{name}: missing; set {get_variables(name)[0]}, or pass it in code"
