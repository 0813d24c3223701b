"""`--routes FILE`: several agents in one process, and what is dropped or sampled."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from infinium_otel.apps.observe.samples import Sample
    from infinium_otel.apps.routes.file import Routes
    from infinium_otel.config import Config
    from infinium_otel.delivery.agent_senders import AgentSenders
    from infinium_otel.delivery.sender import Sender

logger = logging.getLogger(__name__)

DEFAULT = "(default)"
"""How the agent of the settings is called among others."""


MEANING = "TOML file with rules: which runs go to which agent, are dropped or sampled"


def add_arguments(parser: argparse.ArgumentParser, meaning: str = MEANING) -> None:
    """Declare the file of the routes."""
    parser.add_argument("--routes", metavar="FILE", help=meaning)


def load(args: argparse.Namespace, config: Config) -> Routes | None:
    """Read the file of `--routes`; None without one.

    Raises:
        ConfigurationError: the file has mistakes, or a secret cannot be used.
        MissingExtraError: Python cannot read TOML.
        OSError: the file cannot be read.
    """
    if args.routes is None:
        return None
    from infinium_otel.apps.routes.file import read_routes  # noqa: PLC0415 - not for --help

    found = read_routes(args.routes, config)
    if config.verdicts:
        logger.warning(
            "With --routes, interpretations are fetched for runs of the default agent "
            "only, not for those of the %d others",
            len(found.agents),
        )
    return found


def make_senders(
    config: Config, routes: Routes | None, make: Callable[[Config, str], Sender]
) -> dict[str, Sender]:
    """Make the sender of each agent.

    Args:
        config: the settings; with an agent, that is the default one.
        routes: the others.
        make: makes a sender of an agent's settings and its name in the log.
    """
    if routes is None:
        return {"": make(config, "")}
    agents = {"": config} if config.agent_id is not None else {}
    agents |= {
        name: config.but(
            agent_id=agent.agent_id,
            agent_secret=agent.secret,
            # Another agent's tasks must not be sent with these credentials.
            spool=config.spool and f"{config.spool}.{agent.agent_id}",
        )
        for name, agent in routes.agents.items()
    }
    return {name: make(each, name or DEFAULT) for name, each in agents.items()}


def describe(routes: Routes | None) -> list[str]:
    """What a command prints of its routes at the start: one line, or none."""
    if routes is None:
        return []
    agents, rules = len(routes.agents), len(routes.router.names)
    default = "and a default agent" if routes.has_default else "without a default agent"
    return [f"Routes:    {rules} rules, {agents} agents {default}"]


def describe_agents(senders: AgentSenders) -> Iterator[Sample]:
    """The samples of each agent; only where there are several."""
    from infinium_otel.apps.observe.samples import Sample  # noqa: PLC0415 - not for --help

    by_name = {name or DEFAULT: sender for name, sender in senders.by_name.items()}
    if len(by_name) == 1 and DEFAULT in by_name:
        return
    tasks = {name: sender.counts.tasks for name, sender in by_name.items()}
    yield Sample(
        "infinium.agent.tasks.delivered",
        "counter",
        "{task}",
        "Tasks delivered, by agent of --routes.",
        {name: each.delivered for name, each in tasks.items()},
        "agent",
    )
    yield Sample(
        "infinium.agent.tasks.queued",
        "gauge",
        "{task}",
        "Tasks that wait or are being sent, by agent of --routes.",
        {name: each.queued for name, each in tasks.items()},
        "agent",
    )
    yield Sample(
        "infinium.agent.accepted",
        "gauge",
        "1",
        "1 while Infinium accepts the tasks of an agent of --routes.",
        {name: float(each.state == "closed") for name, each in by_name.items()},
        "agent",
    )
