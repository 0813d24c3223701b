"""What cannot be delivered, kept with its reason: in a topic, or in a file.

Each dead letter is a JSON object; in a file, one a line.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import threading
import time
from base64 import b64decode, b64encode
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from infinium_otel.apps.consume.buffered_sender import Source
from infinium_otel.delivery.storage.file_lock import try_lock
from infinium_otel.delivery.storage.private_files import open_private
from infinium_otel.errors import DecodingError, InfiniumError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from infinium_otel.apps.consume.buffered_sender import BufferedSender
    from infinium_otel.delivery.queue import Item

logger = logging.getLogger(__name__)

MESSAGE, TASK = "message", "task"
TOPIC_PREFIX = "topic:"
LOCK_S = 2.0
"""Seconds to wait for another process that uses the file."""

FLUSH_S = 2.0
"""Seconds to wait for the broker to confirm dead letters; they are retried after that."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that could not be read, or a task that could not be delivered.

    Args:
        kind: "message" or "task".
        reason: one or two words, to count by.
        detail: a sentence.
        at_s: when it was given up, in seconds since the epoch.
        source: where it comes from; None if that is not known.
        key: the key of the message in hex, or the task's idempotency key; "" if none.
        value: the message as it was read, or the body of the request.
        agent_id: whose task it is; "" if that is not known.
    """

    kind: str
    reason: str
    detail: str
    at_s: float
    source: Source | None
    key: str
    value: bytes
    agent_id: str = ""

    @classmethod
    def of_task(
        cls, agent_id: str, item: Item, reason: str, detail: str, source: Source | None
    ) -> DeadLetter:
        """That of a queued task, given up now."""
        return cls(
            TASK, reason, detail, time.time(), source, item.key, item.body, agent_id
        )

    def to_json(self) -> bytes:
        """The dead letter as one line of JSON, without the line end."""
        source = self.source
        found: dict[str, Any] = {
            "kind": self.kind,
            "reason": self.reason,
            "detail": self.detail,
            "at_s": round(self.at_s, 3),
            "topic": source.topic if source else None,
            "partition": source.partition if source else None,
            "offset": source.offset if source else None,
            "key": self.key,
            "agent_id": self.agent_id,
            "value_base64": b64encode(self.value).decode(),
        }
        return json.dumps(found, ensure_ascii=False).encode()


def read_dead_letter(line: bytes) -> DeadLetter:
    """The dead letter that `to_json` wrote.

    Raises:
        DecodingError: it is not one.
    """
    try:
        found = json.loads(line)
        place = (found["topic"], found["partition"], found["offset"])
        source = None if None in place else Source(*place)
        return DeadLetter(
            found["kind"],
            found["reason"],
            found["detail"],
            found["at_s"],
            source,
            found["key"],
            b64decode(found["value_base64"], validate=True),
            found.get("agent_id", ""),  # absent before there were several agents
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        raise DecodingError("not a dead letter of infinium-otel") from None


class DeadLetters(Protocol):
    """Where dead letters are kept. Thread-safe."""

    def write(self, letter: DeadLetter) -> None:
        """Take a dead letter; it is safe once `flush` has returned True."""
        ...

    def flush(self) -> bool:
        """Whether everything written so far is safe; waits for it for a while."""
        ...


def keep_refused_tasks(sender: BufferedSender, letters: DeadLetters) -> None:
    """Have *sender* write the tasks that will not be delivered to *letters*."""

    def keep(agent_id: str, item: Item, reason: str, message: str) -> bool:
        source = sender.sources.get(item.key)
        letters.write(DeadLetter.of_task(agent_id, item, reason, message, source))
        return letters.flush()

    for each in sender.by_name.values():
        each.keep_refused = partial(keep, each.agent_id)


@contextmanager
def locking(file: int) -> Iterator[None]:
    """Lock an open file against other processes; the end of its use unlocks it.

    Raises:
        OSError: another process did not unlock it in time.
    """
    deadline = time.monotonic() + LOCK_S
    while not try_lock(file):
        if time.monotonic() > deadline:
            raise OSError(errno.EAGAIN, "another process has locked it")
        time.sleep(LOCK_S / 100)
    yield


class DeadLetterFile:
    """Dead letters in a file that only its owner can read.

    Raises:
        OSError: the file cannot be written, or is a link or another user's.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._waiting: list[bytes] = []
        self._is_failing = False
        os.close(open_private(path, append=True))

    def write(self, letter: DeadLetter) -> None:
        """Take a dead letter."""
        self.write_line(letter.to_json())

    def write_line(self, line: bytes) -> None:
        """Take a line as it is, such as one that cannot be read."""
        with self._lock:
            self._waiting.append(line + b"\n")

    def flush(self) -> bool:
        """Write what waits, and have the disk confirm it."""
        with self._lock:
            if not self._waiting:
                return True
            try:
                self._append(b"".join(self._waiting))
            except OSError as error:
                self._log_failure(error)
                return False
            self._is_failing = False
            self._waiting = []
            return True

    def _append(self, lines: bytes) -> None:
        # Opened anew each time: a file that was moved away does not come back.
        is_torn = self._is_torn()
        handle = open_private(self._path, append=True)
        with os.fdopen(handle, "ab") as file, locking(handle):
            file.write(b"\n" * is_torn + lines)
            file.flush()
            os.fsync(file.fileno())

    def _is_torn(self) -> bool:
        """Whether the last line has no end, after a kill or on a disk that was full."""
        try:
            with open(self._path, "rb") as file:  # noqa: PTH123 - the name is a text
                if file.seek(0, os.SEEK_END) == 0:
                    return False
                file.seek(-1, os.SEEK_END)
                return file.read(1) != b"\n"
        except OSError:
            return False  # it is created now, or the write has the reason

    def _log_failure(self, error: OSError) -> None:
        if not self._is_failing:
            self._is_failing = True
            logger.error(
                "The dead letters cannot be written to %s, so that nothing further is "
                "committed: %s",
                self._path,
                error.strerror,
            )


class DeadLetterTopic:
    """Dead letters in a Kafka topic.

    Args:
        topic: its name.
        properties: librdkafka's, of the consumer: how to reach and trust the brokers.
    """

    def __init__(self, topic: str, properties: Mapping[str, Any]) -> None:
        from confluent_kafka import Producer  # noqa: PLC0415 - an extra

        self._topic = topic
        self._producer = Producer(
            select_connection(properties)
            | {"enable.idempotence": True, "log_level": 2, "error_cb": lambda _: None}
        )
        self._unconfirmed: set[bytes] = set()
        self._lock = threading.Lock()
        self._is_failing = False

    def write(self, letter: DeadLetter) -> None:
        """Take a dead letter."""
        self.write_value(letter.to_json())

    def write_value(self, value: bytes) -> None:
        """Take a message as it is."""
        with self._lock:
            self._unconfirmed.add(value)

    def flush(self) -> bool:
        """Produce what is not confirmed, and wait for the brokers."""
        with self._lock:
            for value in self._unconfirmed:
                self._producer.produce(
                    self._topic, value, on_delivery=self._on_delivery
                )
            if self._unconfirmed:
                self._producer.flush(FLUSH_S)
                self._producer.purge()
                self._producer.flush(FLUSH_S)
            if self._unconfirmed and not self._is_failing:
                self._is_failing = True
                logger.error(
                    "The dead letters cannot be written to the topic %s, so that "
                    "nothing further is committed",
                    self._topic,
                )
            return not self._unconfirmed

    def _on_delivery(self, error: Any, message: Any) -> None:
        if error is None:
            self._is_failing = False
            self._unconfirmed.discard(message.value())


CONNECTION = (
    "bootstrap.servers",
    "client.id",
    "security.",
    "ssl.",
    "sasl.",
    "enable.ssl.",
    "socket.",
    "broker.address.",
    "metadata.",
    "https.",
)
"""Beginnings of the properties that describe a connection, for any kind of client."""


def select_connection(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties that describe the connection to the brokers."""
    return {
        name: value for name, value in properties.items() if name.startswith(CONNECTION)
    }


def open_dead_letters(place: str, properties: Mapping[str, Any]) -> DeadLetters:
    """Open `topic:NAME`, or a file.

    Raises:
        InfiniumError: the place has no name.
        OSError: the file cannot be written.
    """
    if not place.startswith(TOPIC_PREFIX):
        return DeadLetterFile(place)
    name = place.removeprefix(TOPIC_PREFIX)
    if not name:
        raise InfiniumError("--dead-letters topic: the topic's name is missing")
    return DeadLetterTopic(name, properties)
