"""librdkafka's properties: ours, and those of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.apps.text_files import read_small_text
from infinium_otel.errors import InfiniumError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator


def build_properties(args: argparse.Namespace) -> dict[str, Any]:
    """Collect librdkafka's properties: defaults, the file's, and those we rely on."""
    required = {
        "bootstrap.servers": args.brokers,
        "group.id": args.group,
        "enable.auto.commit": False,
    }
    return {
        "client.id": "infinium-otel",
        "auto.offset.reset": "earliest",
        # what stays with a consumer is not read again when another one comes
        "partition.assignment.strategy": "cooperative-sticky",
        "queued.max.messages.kbytes": 16_384,
        # a topic may be created after its consumers start
        "topic.metadata.refresh.interval.ms": 30_000,
        # why no partition is assigned stands there only
        "statistics.interval.ms": 10_000,
        # critical only (syslog level 2): errors reach us through `error_cb`
        "log_level": 2,
        **(read_properties(args.properties) if args.properties else {}),
        **required,
    }


def read_properties(path: str) -> dict[str, str]:
    """Read librdkafka's properties from a file.

    Raises:
        InfiniumError: a line is not name=value, or it is no text, or over 1 MiB.
        OSError: the file cannot be read.
    """
    return dict(_iter_properties(path))


def _iter_properties(path: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(read_small_text(path).splitlines(), 1):
        name, equals, value = line.partition("=")
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if not equals:
            raise InfiniumError(f"{path}, line {number}: not name=value")
        yield name.strip(), value.strip()
