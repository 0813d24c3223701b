"""Messages to records; what cannot be read goes to the dead letters."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, cast

from infinium_otel.apps.consume.buffered_sender import Source
from infinium_otel.apps.consume.dead_letters import MESSAGE, DeadLetter
from infinium_otel.errors import DecodingError, InfiniumError

if TYPE_CHECKING:
    from collections.abc import Callable

    from confluent_kafka import Message

    from infinium_otel.apps.consume.dead_letters import DeadLetters
    from infinium_otel.otlp import Decoded, Record

logger = logging.getLogger(__name__)

UNREADABLE = "unreadable"
MAX_UNREADABLE = 100
"""Messages in a row without anything readable after which the consumer stops."""


class MessageReader:
    """Decodes messages, and notices when none can be decoded.

    Args:
        decode: decodes a message's value.
        dead_letters: keeps what cannot be read; None skips it.
        max_unreadable: unreadable messages in a row after which to stop; 0 for no limit.

    Attributes:
        unreadable: messages that could not be read.
        left_out: spans and log records that could not be read, in messages that could.
        in_a_row: unreadable messages since the last readable one.
    """

    def __init__(
        self,
        decode: Callable[[bytes], Decoded],
        dead_letters: DeadLetters | None = None,
        max_unreadable: int = MAX_UNREADABLE,
    ) -> None:
        self._decode = decode
        self._dead_letters = dead_letters
        self._max_unreadable = max_unreadable
        self._has_read = False
        self.unreadable = 0
        self.left_out = 0
        self.in_a_row = 0

    @property
    def is_holding(self) -> bool:
        """Whether the last messages were unreadable, and nothing keeps them.

        Then they must not be committed: perhaps the format is not what we expect, and
        the rest of the topic is no better.
        """
        if self._max_unreadable and not self._has_read:
            return self.in_a_row > 0
        return self._dead_letters is None and self.in_a_row > 0

    def read(self, message: Message) -> list[Record]:
        """The records of a message; none, and it is counted, if it cannot be read.

        Raises:
            InfiniumError: too many messages in a row cannot be read.
        """
        value = message.value() or b""
        try:
            decoded = self._decode(value)
        except DecodingError as error:
            self._reject(message, str(error))
            return []
        self.left_out += decoded.skipped
        if decoded.records:
            self._has_read = True
            self.in_a_row = 0
        elif decoded.skipped and not self._has_read:
            self._reject(message, f"nothing in it can be read: {decoded.problems[0]}")
        return decoded.records

    def _reject(self, message: Message, detail: str) -> None:
        source = Source(
            cast("str", message.topic()),
            cast("int", message.partition()),
            cast("int", message.offset()),
        )
        kept = "skipped" if self._dead_letters is None else "kept as a dead letter"
        if not self.unreadable:
            logger.warning(
                "partition %d, offset %d: %s; %s, further ones are only counted",
                source.partition,
                source.offset,
                detail,
                kept,
            )
        self.unreadable += 1
        self.in_a_row += 1
        if self._dead_letters is not None:
            self._dead_letters.write(_make_letter(message, source, detail))
        self._stop_if_hopeless(detail)

    def _stop_if_hopeless(self, detail: str) -> None:
        if not self._max_unreadable or self.in_a_row < self._max_unreadable:
            return
        if self._has_read and self._dead_letters is not None:
            return
        raise InfiniumError(
            f"the last {self.in_a_row} messages cannot be read ({detail}); they are not "
            "committed. Check --topic and --format; to go on all the same, use "
            "--dead-letters and --max-unreadable 0"
        )


def _make_letter(message: Message, source: Source, detail: str) -> DeadLetter:
    key = message.key() or b""
    raw = key.encode() if isinstance(key, str) else key
    value = message.value() or b""
    return DeadLetter(
        MESSAGE,
        UNREADABLE,
        detail,
        time.time(),
        source,
        raw.hex(),
        value.encode() if isinstance(value, str) else value,
    )
