"""The file of `--routes`: read, checked, and every mistake reported with its line."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infinium_otel.apps.routes.hooks import load_hook
from infinium_otel.apps.routes.mistakes import Mistakes, Place
from infinium_otel.apps.routes.secrets import read_secret
from infinium_otel.apps.text_files import read_small_text
from infinium_otel.config import checks
from infinium_otel.config.suggestion import suggest
from infinium_otel.errors import ConfigurationError, MissingExtraError
from infinium_otel.pipeline import Condition, Router, Rule
from infinium_otel.pipeline.routing import NO_RULE_NAME, to_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from infinium_otel.config import Config
    from infinium_otel.config.secret import Secret

TOP = ("agents", "rules")
AGENT = ("agent_id", "secret_file")
RULE = ("name", "resource", "span", "agent", "drop", "sample", "should_send")

Table = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent of the service.

    Args:
        agent_id: a UUID.
        secret: its key.
    """

    agent_id: str
    secret: Secret


@dataclass(frozen=True, slots=True)
class Routes:
    """What the file describes.

    Args:
        agents: by name.
        router: the rules.
        has_default: whether the settings have an agent too, for all other runs.
    """

    agents: Mapping[str, Agent]
    router: Router
    has_default: bool


def read_routes(path: str, config: Config) -> Routes:
    """Read and check a file.

    Args:
        path: of the file; the paths of secrets in it are relative to its folder.
        config: the settings, whose agent is the default one.

    Raises:
        ConfigurationError: lists every mistake, with its line and key.
        MissingExtraError: Python cannot read TOML.
        OSError: the file cannot be read.
    """
    text = read_small_text(path)
    mistakes = Mistakes(path, text)
    document = _parse(path, text)
    has_default = config.agent_id is not None
    _check_keys(document, TOP, (), mistakes)
    agents = _read_agents(document, Path(path).parent, mistakes)
    reader = _RuleReader(
        _get_names(document.get("agents")), mistakes, has_default=has_default
    )
    rules = reader.read(document.get("rules", []))
    mistakes.raise_any()
    return Routes(agents, Router(rules, has_default=has_default), has_default)


def _parse(path: str, text: str) -> Table:
    toml = _import_toml()
    try:
        document: Table = toml.loads(text)
    except (toml.TOMLDecodeError, RecursionError) as error:
        raise ConfigurationError([f"{path}: not TOML: {error}"]) from None
    return document


def _import_toml() -> Any:
    """The parser: Python's own since 3.11, before that the package it comes from."""
    for name in ("tomllib", "tomli"):
        try:
            return import_module(name)
        except ImportError:
            continue
    raise MissingExtraError("--routes before Python 3.11", "routes")


def _check_keys(
    table: Table, known: tuple[str, ...], where: Place, to: Mistakes
) -> None:
    for key in table:
        if key not in known:
            hint = suggest(key, known) or f"; known are {', '.join(known)}"
            to.add((*where, key), f"unknown{hint}")


def _get_names(agents: Any) -> tuple[str, ...]:
    return tuple(agents) if isinstance(agents, dict) else ()


# -- agents ------------------------------------------------------------------------


def _read_agents(document: Table, folder: Path, mistakes: Mistakes) -> dict[str, Agent]:
    tables = document.get("agents", {})
    if not isinstance(tables, dict):
        mistakes.add(("agents",), "must be tables: [agents.NAME]")
        return {}
    found = {}
    for name, table in tables.items():
        if not isinstance(table, dict):
            mistakes.add(("agents", name), "must be a table: [agents.NAME]")
            continue
        _check_keys(table, AGENT, ("agents", name), mistakes)
        agent = _read_agent(name, table, folder, mistakes)
        if agent is not None:
            found[name] = agent
    return found


def _read_agent(
    name: str, table: Table, folder: Path, mistakes: Mistakes
) -> Agent | None:
    for key in AGENT:
        if not isinstance(table.get(key), str):
            what = "must be a text" if key in table else "missing"
            mistakes.add(("agents", name, key), what)
    agent_id, path = (table.get(key) for key in AGENT)
    if not (isinstance(agent_id, str) and isinstance(path, str)):
        return None
    complaint = checks.agent_id(agent_id)
    if complaint:
        mistakes.add(("agents", name, "agent_id"), complaint)
    try:
        secret = read_secret(folder / path)
    except OSError as error:
        mistakes.add(("agents", name, "secret_file"), f"{path}: {error.strerror}")
    except ValueError as error:
        mistakes.add(("agents", name, "secret_file"), str(error))
    else:
        complaint = checks.secret(secret)
        if complaint:
            mistakes.add(("agents", name, "secret_file"), f"{path}: {complaint}")
        return Agent(agent_id, secret)
    return None


# -- rules -------------------------------------------------------------------------


class _RuleReader:
    """Reads the rules.

    Args:
        agents: names of all agents, also of those with mistakes.
        mistakes: collects them.
        has_default: whether a rule may lack an agent.
    """

    def __init__(
        self, agents: tuple[str, ...], mistakes: Mistakes, *, has_default: bool
    ) -> None:
        self._agents = agents
        self._has_default = has_default
        self._mistakes = mistakes
        self._names = {NO_RULE_NAME}
        self._where: Place = ()
        self._table: Table = {}

    def read(self, tables: Any) -> list[Rule]:
        """The rules of a list of tables; those with mistakes are not complete."""
        if not isinstance(tables, list) or not tables:
            self._mistakes.add(("rules",), "there must be rules: [[rules]]")
            return []
        rules: list[Rule] = []
        for number, table in enumerate(tables, 1):
            self._where = ("rules", number)
            if not isinstance(table, dict):
                self._mistakes.add(self._where, "must be a table: [[rules]]")
                continue
            _check_keys(table, RULE, self._where, self._mistakes)
            self._table = table
            if rules and not (rules[-1].resource or rules[-1].span):
                self._complain("", "never used: the rule before it has no conditions")
            rules.append(self._read_rule(f"rule {number}"))
        return rules

    def _complain(self, key: str, what: str) -> None:
        self._mistakes.add((*self._where, key) if key else self._where, what)

    def _read_rule(self, name: str) -> Rule:
        return Rule(
            self._read_name(name),
            self._read_conditions("resource"),
            self._read_conditions("span"),
            self._read_agent_name(),
            self._read_drop(),
            self._read_share(),
            self._read_hook(),
        )

    def _read_name(self, default: str) -> str:
        name = self._table.get("name", default)
        if not isinstance(name, str) or not name:
            self._complain("name", "must be a text")
            return default
        if name in self._names:
            self._complain("name", f"{name} is the name of another rule")
        self._names.add(name)
        return name

    def _read_conditions(self, key: str) -> tuple[Condition, ...]:
        table = self._table.get(key, {})
        if not isinstance(table, dict):
            self._complain(
                key, 'must be a table of attributes: { "service.name" = "…" }'
            )
            return ()
        return tuple(
            Condition(name, self._read_patterns(key, name, value))
            for name, value in _flatten(table)
        )

    def _read_patterns(self, key: str, name: str, value: Any) -> tuple[str, ...]:
        values = value if isinstance(value, list) else [value]
        texts = [to_text(each) for each in values]
        if not texts or None in texts:
            self._complain(
                key, f"{name} must be a text, a number, a boolean, or a list of these"
            )
        return tuple(text for text in texts if text is not None)

    def _read_agent_name(self) -> str:
        name = self._table.get("agent", "")
        if "agent" in self._table and name not in self._agents:
            hint = suggest(str(name), self._agents)
            self._complain("agent", f"there is no [agents.{name}]{hint}")
        elif not name and not self._has_default and self._table.get("drop") is not True:
            self._complain(
                "",
                "needs an agent, or drop = true: INFINIUM_AGENT_ID and "
                "INFINIUM_AGENT_SECRET, the default one, are not set",
            )
        return str(name)

    def _read_drop(self) -> bool:
        drop = self._table.get("drop", False)
        if not isinstance(drop, bool):
            self._complain("drop", "must be true or false")
        for key in ("agent", "sample", "should_send"):
            if drop and key in self._table:
                self._complain(key, "has no effect beside drop = true")
        return drop is True

    def _read_share(self) -> float:
        share = self._table.get("sample", 1.0)
        is_number = isinstance(share, (int, float)) and not isinstance(share, bool)
        if not is_number or not 0 <= share <= 1:
            self._complain("sample", "must be a share of the runs, 0 to 1")
            share = 1.0
        return float(share)

    def _read_hook(self) -> Callable[[Any], bool] | None:
        path = self._table.get("should_send")
        if path is None:
            return None
        try:
            return load_hook(path)
        except ValueError as error:
            self._complain("should_send", str(error))
            return None


def _flatten(table: Table, prefix: str = "") -> Iterable[tuple[str, Any]]:
    """Attributes by their whole key: `service.name = "a"` is a table in TOML."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
