"""`infinium-otel dead-letters`: list what the consumer gave up, or send it again."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from infinium_otel.apps import routes
from infinium_otel.config import Config
from infinium_otel.errors import InfiniumError, MissingExtraError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from infinium_otel.apps.consume.dead_letters import DeadLetter
    from infinium_otel.apps.dead_letters.places import Place
    from infinium_otel.config import Secret

COMPLETE, PARTIAL = 0, 1
TOPIC_PREFIX = "topic:"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "place",
        metavar="PLACE",
        help="the file, or topic:NAME, that --dead-letters of the consumer names",
    )
    parser.add_argument(
        "action",
        nargs="?",
        choices=("list", "send"),
        default="list",
        help="list them (the default), or send them again: messages to the topic they "
        "come from, tasks to Infinium",
    )
    parser.add_argument(
        "--brokers",
        metavar="HOST:PORT",
        help="Kafka brokers; required for a topic, and to send messages again",
    )
    parser.add_argument(
        "--properties",
        metavar="FILE",
        help="more librdkafka properties (TLS, credentials), one name=value per line",
    )
    routes.add_arguments(parser, "TOML file of the consumer, for its agents' secrets")
    parser.add_argument(
        "--json", action="store_true", help="list one JSON object per line"
    )


def run(args: argparse.Namespace) -> int:
    """Run the action, and report how many dead letters it is about."""
    properties = _build_properties(args)
    place = _open_place(args.place, properties)
    if args.action == "send":
        return _send(place, properties, _read_agents(args))
    _print_letters(place.read(), as_json=args.json)
    return _report_damaged(place, COMPLETE)


def _build_properties(args: argparse.Namespace) -> dict[str, str]:
    """Collect the properties of librdkafka; empty without brokers."""
    if args.brokers is None:
        return {}
    from infinium_otel.apps.consume.properties import read_properties  # noqa: PLC0415 - not for --help

    found = read_properties(args.properties) if args.properties else {}
    return {**found, "bootstrap.servers": args.brokers}


def _open_place(name: str, properties: dict[str, str]) -> Place:
    from infinium_otel.apps.dead_letters import places  # noqa: PLC0415 - not for --help

    if not name.startswith(TOPIC_PREFIX):
        return places.FilePlace(name)
    if not properties:
        raise InfiniumError("a topic needs --brokers")
    try:
        return places.TopicPlace(name.removeprefix(TOPIC_PREFIX), properties)
    except ImportError:
        raise MissingExtraError("reading from Kafka", "kafka") from None


def _read_agents(args: argparse.Namespace) -> dict[str, Secret]:
    """The secrets of the agents of `--routes`, by agent id."""
    if args.routes is None:
        return {}
    found = routes.load(args, Config.from_env(os.environ))
    agents = found.agents.values() if found else ()
    return {agent.agent_id: agent.secret for agent in agents}


def _send(place: Place, properties: dict[str, str], agents: dict[str, Secret]) -> int:
    from infinium_otel.apps.dead_letters.resending import Resender  # noqa: PLC0415 - not for --help

    resender = Resender(os.environ, properties, agents)
    try:
        place.resend(resender.send)
    finally:
        resender.close()
    sys.stdout.write(f"sent: {resender.sent}\n")
    for reason, count in resender.kept.items():
        sys.stderr.write(f"Kept: {count} ({reason})\n")
    return _report_damaged(place, PARTIAL if resender.kept else COMPLETE)


def _report_damaged(place: Place, code: int) -> int:
    """Report what is no dead letter, and return the exit code."""
    if not place.damaged:
        return code
    sys.stderr.write(f"Damaged, and kept: {len(place.damaged)} ({place.damaged[0]})\n")
    return PARTIAL


def _print_letters(letters: Iterable[DeadLetter], *, as_json: bool) -> None:
    counts: Counter[str] = Counter()
    for letter in letters:
        counts[letter.kind] += 1
        text = letter.to_json().decode() if as_json else _format_line(letter)
        sys.stdout.write(f"{text}\n")
    if not as_json:
        sys.stdout.write(
            f"messages: {counts['message']}, tasks: {counts['task']}\n",
        )


def _format_line(letter: DeadLetter) -> str:
    at = datetime.fromtimestamp(letter.at_s, tz=timezone.utc)
    source = letter.source
    place = (
        "unknown source"
        if source is None
        else f"{source.topic} {source.partition}:{source.offset}"
    )
    # quoted: the service's message may contain control characters
    detail = json.dumps(letter.detail, ensure_ascii=False)
    return (
        f"{letter.kind:7} {at:%Y-%m-%d %H:%M:%S}Z {place} {letter.key or '-'} "
        f"{len(letter.value):>8} bytes, {letter.reason}: {detail}"
    )
