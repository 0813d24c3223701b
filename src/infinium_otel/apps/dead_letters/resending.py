"""Dead letters on their way again: messages to Kafka, tasks to Infinium."""

from __future__ import annotations

import time
from collections import Counter
from types import MappingProxyType
from typing import TYPE_CHECKING

from infinium_otel.apps.consume.dead_letters import (
    FLUSH_S,
    MESSAGE,
    select_connection,
)
from infinium_otel.config import Config
from infinium_otel.delivery.backend import TransportBackend
from infinium_otel.delivery.queue import Item
from infinium_otel.delivery.rate_limit import TokenBucket

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infinium_otel.apps.consume.dead_letters import DeadLetter
    from infinium_otel.config import Secret

NO_AGENTS: Mapping[str, Secret] = MappingProxyType({})


class Resender:
    """Sends dead letters again, each once.

    Args:
        environ: the settings, needed for tasks only.
        properties: librdkafka's, needed for messages only; empty without brokers.
        agents: secrets of further agents, by their id.

    Attributes:
        sent: dead letters that arrived.
        kept: those that did not, by reason.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        properties: Mapping[str, str],
        agents: Mapping[str, Secret] = NO_AGENTS,
    ) -> None:
        self._environ = environ
        self._properties = properties
        self._agents = agents
        self._config: Config | None = None
        self._backends: dict[str, TransportBackend] = {}
        self.sent = 0
        self.kept: Counter[str] = Counter()

    def send(self, letter: DeadLetter) -> bool:
        """Send one; False if it must be kept.

        Raises:
            ConfigurationError: it is a task, and the settings do not suffice to send it.
        """
        reason = (
            self._produce(letter) if letter.kind == MESSAGE else self._deliver(letter)
        )
        if reason:
            self.kept[reason] += 1
        else:
            self.sent += 1
        return not reason

    def close(self) -> None:
        """Close the connections to Infinium."""
        for backend in self._backends.values():
            backend.close()

    def _deliver(self, letter: DeadLetter) -> str:
        """Send a task under its first key; returns why it failed, "" if it did not."""
        if self._config is None:
            config = self._config = Config.from_env(
                self._environ, sending=not self._agents
            )
            self._bucket = TokenBucket(
                config.requests_per_second, config.burst, time.monotonic
            )
        backend = self._get_backend(letter.agent_id, self._config)
        if backend is None:
            return f"a task of the agent {letter.agent_id}: name it in --routes"
        time.sleep(self._bucket.reserve())
        item = Item(0, letter.key, letter.value, 0)
        result = backend.deliver(item, self._config.timeout_s)
        return (
            "" if result.kind == "delivered" else f"{result.reason}: {result.message}"
        )

    def _get_backend(self, agent_id: str, config: Config) -> TransportBackend | None:
        """What sends the tasks of an agent; None if its secret is not known."""
        found = self._backends.get(agent_id)
        if found is None:
            if agent_id in self._agents:
                secret = self._agents[agent_id]
                config = config.but(agent_id=agent_id, agent_secret=secret)
            elif agent_id not in ("", config.agent_id):
                return None
            found = self._backends[agent_id] = TransportBackend(
                config.require_credentials()
            )
        return found

    def _produce(self, letter: DeadLetter) -> str:
        """Write a message into its topic; returns why it failed, "" if it did not."""
        if not self._properties:
            return "messages need --brokers"
        if letter.source is None:
            return "the topic it comes from is not known"
        from confluent_kafka import Producer  # noqa: PLC0415 - an extra

        failures: list[str] = ["no broker confirmed it"]

        def on_delivery(error: object, _: object) -> None:
            failures[:] = [] if error is None else [str(error)]

        producer = Producer(select_connection(self._properties) | {"log_level": 2})
        producer.produce(
            letter.source.topic,
            letter.value,
            key=bytes.fromhex(letter.key) or None,
            partition=letter.source.partition,
            on_delivery=on_delivery,
        )
        producer.flush(2 * FLUSH_S)
        return failures[0] if failures else ""
