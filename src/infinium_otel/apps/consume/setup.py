"""Builds the loop of a consumer from the arguments and settings of its command."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from infinium_otel.apps import backpressure, routes
from infinium_otel.apps.consume.buffered_sender import BufferedSender
from infinium_otel.apps.consume.dead_letters import open_dead_letters
from infinium_otel.apps.consume.formats import choose_decoder
from infinium_otel.apps.consume.logs_topic import LogsTopic
from infinium_otel.apps.consume.loop import ConsumerLoop
from infinium_otel.apps.consume.properties import build_properties
from infinium_otel.apps.consume.reading import MessageReader
from infinium_otel.delivery.retry_limit import RetryLimit
from infinium_otel.delivery.sender import Sender
from infinium_otel.dialects.plugins import load_readers

if TYPE_CHECKING:
    import argparse

    from infinium_otel.apps.consume.dead_letters import DeadLetters
    from infinium_otel.apps.routes.file import Routes
    from infinium_otel.config import Config
    from infinium_otel.delivery.pace import AdaptivePace


def make_loop(
    args: argparse.Namespace, config: Config, loaded: Routes | None
) -> ConsumerLoop:
    """Make the loop; nothing is connected yet.

    Raises:
        InfiniumError: a property is invalid, or the dead letters cannot be kept.
    """
    properties = build_properties(args)
    letters = (
        open_dead_letters(args.dead_letters, properties) if args.dead_letters else None
    )
    pace = backpressure.make_pace(os.environ, config)

    def make_reader() -> MessageReader:
        return MessageReader(choose_decoder(args.format), letters, args.max_unreadable)

    return ConsumerLoop(
        properties,
        args.topic,
        make_reader(),
        logs=LogsTopic(properties, args.logs_topic) if args.logs_topic else None,
        logs_reader=make_reader(),
        config=config,
        sender=_make_sender(args, config, loaded, letters, pace),
        pace=pace,
        dead_letters=letters,
        rate_of_group=args.rate_of_group,
        router=None if loaded is None else loaded.router,
        readers=load_readers(),
    )


def _make_sender(
    args: argparse.Namespace,
    config: Config,
    loaded: Routes | None,
    letters: DeadLetters | None,
    pace: AdaptivePace,
) -> BufferedSender:
    def make(each: Config, name: str) -> Sender:
        limit = _make_retry_limit(args, letters)
        return Sender(each, pace=pace, retry_limit=limit, label=name)

    return BufferedSender(routes.make_senders(config, loaded, make))


def _make_retry_limit(
    args: argparse.Namespace, letters: DeadLetters | None
) -> RetryLimit | None:
    """Make the limit of attempts at a task; None if nothing could keep the task then."""
    if letters is None:
        return None
    return RetryLimit(args.max_attempts, args.max_retry_minutes * 60, time.monotonic)
