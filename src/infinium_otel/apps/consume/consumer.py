"""From Kafka to Infinium: nothing is committed before it is delivered."""

from __future__ import annotations

import logging
import time
from collections import deque
from typing import TYPE_CHECKING, Any, cast

from confluent_kafka import Consumer, KafkaException, TopicPartition

from infinium_otel.apps.consume.share import Share
from infinium_otel.apps.fleets import FULL, fullness
from infinium_otel.bridge import Load
from infinium_otel.errors import DecodingError, InfiniumError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from confluent_kafka import KafkaError, Message

    from infinium_otel.config import Config
    from infinium_otel.delivery.sender import Sender
    from infinium_otel.dialects import Dialect
    from infinium_otel.otlp import Decoded
    from infinium_otel.pipeline import Finished

logger = logging.getLogger(__name__)

TICK_S = 0.2
"""Seconds a turn waits for a message at most."""

LOOK_S = 0.1
"""Seconds between two looks at what is due."""

COMMIT_S = 1.0
"""Seconds between two commits."""

REVOKE_S = 5.0
"""Seconds to deliver what has left a partition before another consumer gets it."""


class Worker:
    """One consumer of the group, driven by one thread.

    Args:
        properties: of librdkafka; not to commit by itself is one of them.
        topic: to read.
        decode: a message's value to its records.
        config: the settings.
        sender: takes the tasks.
        readers: dialects of third parties.
        clock: seconds, monotonic.

    Raises:
        InfiniumError: a property is none.
    """

    def __init__(  # noqa: PLR0913 - what it works with, each once
        self,
        properties: Mapping[str, Any],
        topic: str,
        decode: Callable[[bytes], Decoded],
        *,
        config: Config,
        sender: Sender,
        readers: Sequence[Dialect] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        try:
            self._consumer = Consumer(
                {
                    **properties,
                    "error_cb": self.complain,
                    "on_commit": self._answered,
                }
            )
        except KafkaException as error:
            raise InfiniumError(f"Kafka: {error.args[0].str()}") from None
        self._topic = topic
        self._decode = decode
        self._config = config
        self._sender = sender
        self._readers = readers
        self._clock = clock
        self._shares: dict[int, Share] = {}
        self._ready: deque[Finished] = deque()
        self._pending: deque[tuple[dict[int, int], Callable[[], bool]]] = deque()
        self._asked: dict[int, int] = {}
        self._paused = False
        self._patience_s = REVOKE_S
        # The first complaint before a broker has answered; then None, and all are told.
        self._heard: str | None = ""
        self._looked_s = self._commits_s = clock()
        self.told: set[int] = set()
        self.unreadable = 0
        self.left_out = 0

    def reach(self, timeout_s: float) -> None:
        """See that a broker answers.

        Raises:
            InfiniumError: none does.
        """
        try:
            self._consumer.list_topics(self._topic, timeout=timeout_s)
        except KafkaException as error:
            self._consumer.close()
            why = self._heard or error.args[0].str()
            raise InfiniumError(f"cannot reach Kafka: {why}") from None
        self._heard = None

    def run(self, asked_to_stop: Callable[[], bool], drain_s: float) -> None:
        """Read and deliver until asked to stop; then deliver what is complete.

        Args:
            asked_to_stop: looked at a few times a second.
            drain_s: seconds the delivery may take at the end. What is not delivered by
                then is not committed: the next consumer reads it again.

        Raises:
            InfiniumError: Kafka does not let us go on.
        """
        self._consumer.subscribe(
            [self._topic],
            on_assign=self._assigned,
            on_revoke=self._revoked,
            on_lost=self._lost,
        )
        self._sender.wake()
        try:
            while not asked_to_stop():
                self._turn()
            self._settle(drain_s)
            self._patience_s = 0.0
        finally:
            self._consumer.close()
            if self._sender.durable:  # what it has in memory is still in Kafka
                self._sender.shutdown(0.0)

    @property
    def undelivered(self) -> int:
        """Tasks that have left their partition and did not arrive yet."""
        return len(self._ready) + self._sender.counts.tasks.queued

    @property
    def refused(self) -> int:
        """Tasks that the service does not want, or that had to be given up."""
        tasks = self._sender.counts.tasks
        return sum(tasks.refused.values()) + sum(tasks.lost.values())

    def _turn(self) -> None:
        message = self._consumer.poll(TICK_S)
        if message is not None:
            self._take(message)
        now_s = self._clock()
        if now_s - self._looked_s >= LOOK_S:
            self._looked_s = now_s
            for share in self._shares.values():
                self._ready.extend(share.pipeline.due(now_s))
        self._submit()
        self._steer(now_s)
        if now_s - self._commits_s >= COMMIT_S:
            self._commits_s = now_s
            self._commit()

    def _take(self, message: Message) -> None:
        error = message.error()
        if error is not None:
            self.complain(error)
            return
        self.told.clear()
        share = self._shares.get(cast("int", message.partition()))
        if share is not None:
            decoded = self._decoded(message)
            records = () if decoded is None else decoded.records
            offset = cast("int", message.offset())
            self._ready.extend(share.feed(offset, records, self._clock()))

    def _decoded(self, message: Message) -> Decoded | None:
        """What a message holds; None for one that nobody will ever be able to read."""
        try:
            decoded = self._decode(message.value() or b"")
        except DecodingError as error:
            if not self.unreadable:
                place = f"{message.partition()}, offset {message.offset()}"
                logger.warning(
                    "partition %s: %s; left out, further ones are counted", place, error
                )
            self.unreadable += 1
            return None
        self.left_out += decoded.left_out
        return decoded

    def complain(self, error: KafkaError) -> None:
        """Say what is wrong once, until messages come again.

        Raises:
            InfiniumError: it will not get better.
        """
        if error.fatal():
            raise InfiniumError(f"Kafka: {error.str()}")
        if self._heard is not None:
            self._heard = self._heard or error.str()
        elif error.code() not in self.told:
            self.told.add(error.code())
            logger.warning("Kafka: %s", error.str())

    # -- no more than can go out ---------------------------------------------------

    def _submit(self) -> None:
        """Hand over what is ready, while there is room for it."""
        before = len(self._ready)
        while self._ready and fullness(self._load(()), self._config) < FULL:
            self._sender.submit(self._ready.popleft())
        if len(self._ready) < before:
            self._sender.wake()

    def _steer(self, now_s: float) -> None:
        """Stop reading where waiting helps, and go on when it has helped."""
        pause = bool(self._ready) or (
            fullness(self._load(self._shares.values()), self._config) >= FULL
            and self._moves(now_s)
        )
        if pause != self._paused:
            turn = self._consumer.pause if pause else self._consumer.resume
            turn(self._consumer.assignment())
            self._paused = pause

    def _moves(self, now_s: float) -> bool:
        """True if something leaves soon; else the bounds on open traces must help."""
        dues = [share.pipeline.next_due() for share in self._shares.values()]
        soonest = min((due for due in dues if due is not None), default=None)
        waits = soonest is not None and soonest - now_s <= self._config.linger_s
        return waits or self._sender.counts.tasks.queued > 0

    def _load(self, shares: Iterable[Share]) -> Load:
        """What waits to be delivered, and what is open in *shares*."""
        pipelines = [share.pipeline for share in shares]
        return Load(
            tasks_queued=self._sender.counts.tasks.queued,
            bytes_queued=self._sender.queued_bytes,
            tasks_open=sum(pipeline.open_traces for pipeline in pipelines),
            spans_open=sum(pipeline.open for pipeline in pipelines),
            bytes_open=sum(pipeline.open_bytes for pipeline in pipelines),
        )

    # -- offsets -------------------------------------------------------------------

    def _commit(self) -> None:
        """Commit as far as every task of before has come to its end."""
        floors = self._floors()
        if floors != self._asked and not self._ready:
            self._asked = floors
            self._pending.append((floors, self._sender.checkpoint()))
        passed: dict[int, int] = {}
        while self._pending and self._pending[0][1]():
            passed, _ = self._pending.popleft()
        if passed:
            offsets = [TopicPartition(self._topic, *floor) for floor in passed.items()]
            # Without a broker the answer takes long; `close` waits where it can come.
            self._consumer.commit(offsets=offsets, asynchronous=True)

    def _answered(self, error: KafkaError | None, _: list[TopicPartition]) -> None:
        """A commit was made, or not; then the next one says as much and more."""
        if error is not None:
            self._asked = {}
            self.complain(error)

    def _floors(self) -> dict[int, int]:
        """Where each partition may be committed, once what has left it is delivered."""
        found = {number: share.floor() for number, share in self._shares.items()}
        return {number: floor for number, floor in found.items() if floor is not None}

    def _settle(self, seconds: float) -> None:
        """Deliver what has left its partition, and commit as far as that goes."""
        deadline = self._clock() + seconds
        left, before = self.undelivered, None
        while left and left != before:
            self._submit()
            self._sender.flush(max(0.0, deadline - self._clock()))
            left, before = self.undelivered, left
        self._commit()

    # -- partitions come and go ----------------------------------------------------

    def _assigned(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        config, count = self._config, len(partitions)
        part = config.but(
            max_open_traces=max(1, config.max_open_traces // max(1, count)),
            max_open_spans=max(1, config.max_open_spans // max(1, count)),
            max_open_bytes=max(1, config.max_open_bytes // max(1, count)),
        )
        for partition in partitions:
            self._shares[partition.partition] = Share(part, self._readers)
        self._paused = False

    def _revoked(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._settle(self._patience_s)
        self._lost(consumer, partitions)

    def _lost(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        """Forget what is open: whoever reads these partitions next reads it again."""
        self._pending.clear()
        self._asked = {}
        for partition in partitions:
            self._shares.pop(partition.partition, None)
