"""Where dead letters are, read and taken from there while a consumer adds more."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from infinium_otel.apps.consume.dead_letters import (
    DeadLetterFile,
    DeadLetterTopic,
    locking,
    read_dead_letter,
)
from infinium_otel.delivery.storage.private_files import open_private
from infinium_otel.errors import DecodingError, InfiniumError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from confluent_kafka import Message

    from infinium_otel.apps.consume.dead_letters import DeadLetter

    Send = Callable[[DeadLetter], bool]

GROUP = "infinium-otel-dead-letters"
"""The group whose offset is where the dead letters begin that were not sent again."""

WAIT_S = 10.0
"""Seconds to wait for a broker, or for the next message."""


class Place(Protocol):
    """A place with dead letters."""

    damaged: list[str]
    """What was found that is no dead letter, by its place; it stays where it is."""

    def read(self) -> Iterator[DeadLetter]:
        """The dead letters, oldest first."""
        ...

    def resend(self, send: Send) -> None:
        """Pass each to *send*; those for which it returns False are kept."""
        ...


class FilePlace:
    """Dead letters in a file.

    While they are sent again they are in a file beside it, which a second run picks up
    if the first one was killed.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._taken = Path(f"{path}.sending")
        self.damaged: list[str] = []
        self._damaged_lines: list[bytes] = []

    def read(self) -> Iterator[DeadLetter]:
        """The dead letters, oldest first.

        A line that is none is passed over: a consumer may have been killed in the middle
        of it.

        Raises:
            DecodingError: no line is a dead letter; this is another file.
            OSError: there is no such file.
        """
        paths = [self._taken, self._path] if self._taken.exists() else [self._path]
        lines = [
            (f"{path}, line {number}", line)
            for path in paths
            for number, line in enumerate(path.read_bytes().split(b"\n"), 1)
            if line.strip()
        ]
        self.damaged, self._damaged_lines = [], []
        letters = []
        for place, line in lines:
            try:
                letters.append(read_dead_letter(line))
            except DecodingError as error:
                self.damaged.append(f"{place}: {error}")
                self._damaged_lines.append(line)
        if self.damaged and not letters:
            raise DecodingError(self.damaged[0])
        yield from letters

    def resend(self, send: Send) -> None:
        """Pass each to *send*; those for which it returns False are kept."""
        letters = [*self.read()]
        self._take()
        kept = [letter for letter in letters if not send(letter)]
        file = DeadLetterFile(str(self._path))
        for letter in kept:
            file.write(letter)
        for line in self._damaged_lines:
            file.write_line(line)
        if not file.flush():
            raise InfiniumError(f"{self._taken}: what could not be sent is kept here")
        self._taken.unlink()

    def _take(self) -> None:
        """Move what is in the file, so that a consumer may go on adding to it."""
        with self._path.open("rb+") as file, locking(file.fileno()):
            before = self._taken.read_bytes() if self._taken.exists() else b""
            with os.fdopen(open_private(str(self._taken)), "wb") as taken:
                taken.write(before + file.read())
                taken.flush()
                os.fsync(taken.fileno())
            file.truncate(0)


class TopicPlace:
    """Dead letters in a Kafka topic.

    Args:
        topic: its name.
        properties: librdkafka's.
    """

    def __init__(self, topic: str, properties: dict[str, str]) -> None:
        from confluent_kafka import (  # noqa: PLC0415 - an extra
            Consumer,
            KafkaException,
            TopicPartition,
        )

        self.damaged: list[str] = []
        self._topic = topic
        self._properties = properties
        self._consumer: Any = Consumer(
            {
                "log_level": 2,
                "error_cb": lambda _: None,
                **properties,
                "group.id": GROUP,
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
            }
        )
        try:
            found = self._consumer.list_topics(topic, timeout=WAIT_S).topics[topic]
            places = [TopicPartition(topic, number) for number in found.partitions]
            self._starts = self._consumer.committed(places, timeout=WAIT_S)
        except KafkaException as error:
            raise InfiniumError(f"Kafka: {error.args[0].str()}") from None

    def read(self) -> Iterator[DeadLetter]:
        """The dead letters that were not sent again, oldest first in each partition.

        Raises:
            DecodingError: no message is a dead letter; this is another topic.
            InfiniumError: the brokers do not respond.
        """
        for _, letter in self._iter_letters():
            if letter is not None:
                yield letter
        self._consumer.close()

    def resend(self, send: Send) -> None:
        """Pass each to *send*; those for which it returns False are written again.

        So is what is no dead letter: it must not be in the way of those behind it.
        """
        kept = DeadLetterTopic(self._topic, self._properties)
        last: dict[int, Message] = {}
        for message, letter in self._iter_letters():
            last[message.partition() or 0] = message
            if letter is None:
                kept.write_value(message.value() or b"")
            elif not send(letter):
                kept.write(letter)
        # After the last one: what is written again must not be read in this run.
        if not kept.flush():
            raise InfiniumError("Kafka: what could not be sent is not confirmed")
        for message in last.values():
            self._consumer.commit(message, asynchronous=False)
        self._consumer.close()

    def _iter_letters(self) -> Iterator[tuple[Message, DeadLetter | None]]:
        """Every message that is there now, with its dead letter; None if it is none."""
        self.damaged = []
        has_letters = False
        for message in self._iter_messages():
            try:
                letter = read_dead_letter(message.value() or b"")
            except DecodingError as error:
                place = f"{self._topic} {message.partition()}:{message.offset()}"
                self.damaged.append(f"{place}: {error}")
                yield message, None
            else:
                has_letters = True
                yield message, letter
        if self.damaged and not has_letters:
            raise DecodingError(self.damaged[0])

    def _iter_messages(self) -> Iterator[Message]:
        """Every message that is there now."""
        from confluent_kafka import KafkaError  # noqa: PLC0415 - an extra

        left = {place.partition for place in self._starts}
        self._consumer.assign(self._starts)
        while left:
            message = self._consumer.poll(WAIT_S)
            error = None if message is None else message.error()
            if message is not None and error is None:
                yield message
            elif error is not None and error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - the public name of the code
                left.discard(message.partition())
            else:
                reason = "no response" if error is None else error.str()
                raise InfiniumError(f"Kafka: {reason}")
