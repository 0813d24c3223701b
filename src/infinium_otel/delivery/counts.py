"""Where every task and span that was handed to delivery is now."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Tally:
    """Numbers of one kind of thing: tasks, or the spans in them.

    `submitted == delivered + queued + sum(refused.values()) + sum(lost.values())`.

    Args:
        submitted: handed to the sender by this process.
        delivered: answered with success.
        queued: waiting or under way; safe over a crash only if there is a spool.
        refused: the service refused it for good, by reason ("400", "413").
        lost: given up here, by reason ("queue full", "shutdown", "spool full").
    """

    submitted: int = 0
    delivered: int = 0
    queued: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    lost: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Counts:
    """The tallies of tasks and of their spans, taken at one moment.

    Args:
        shrunk: how many tasks were cut to fit into a request.
    """

    tasks: Tally = field(default_factory=Tally)
    spans: Tally = field(default_factory=Tally)
    shrunk: int = 0
