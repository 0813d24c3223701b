"""What the parent gives a worker at its start: as JSON, as an argument of its process."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from infinium_otel.config import Config

DIVIDED = (
    "burst",
    "concurrency",
    "max_queued_tasks",
    "max_queued_bytes",
    "max_open_traces",
    "max_open_spans",
    "max_open_bytes",
)
"""The settings of which each worker gets its share. That of the spool is not divided:
all workers use the same file."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """One worker's part.

    Args:
        args: the command's arguments.
        count: of workers.
        directory: contains the sockets on which workers listen for each other.
        listener: descriptor of the socket on which senders connect.
        grpc_port: where OTLP/gRPC is received; None if it is not.
        index: of this worker, from 0.
        peer_listener: descriptor of the socket on which other workers connect.
        channel: descriptor of the connection to the parent.
    """

    args: dict[str, Any]
    count: int
    directory: str
    listener: int
    grpc_port: int | None = None
    index: int = 0
    peer_listener: int = -1
    channel: int = -1

    def for_worker(self, index: int, peer_listener: int, channel: int) -> Assignment:
        """This one, completed for one process."""
        return replace(self, index=index, peer_listener=peer_listener, channel=channel)

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What the process inherits."""
        return (self.listener, self.peer_listener, self.channel)

    def to_json(self) -> str:
        """As the argument of a process."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Assignment:
        """Read the argument of this process."""
        return cls(**json.loads(text))


def get_peer_path(directory: str, index: int) -> str:
    """Where a worker listens for the others."""
    return os.path.join(directory, f"{index}.sock")  # noqa: PTH118 - as a socket takes it


def divide(config: Config, count: int) -> Config:
    """The settings of one of *count* workers: rate and bounds add up to those given."""
    shares = {name: max(1, getattr(config, name) // count) for name in DIVIDED}
    return config.but(requests_per_second=config.requests_per_second / count, **shares)
