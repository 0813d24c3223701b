"""Runs told twice: a client's own traces of calls that a framework's trace tells.

Where a framework does not make its spans current, the client library's spans under it
become traces of their own. Only the response id ties the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from infinium_otel.taskdata import ExecutionStep, TaskData

RESPONSE = "gen_ai.response.id"


@dataclass(frozen=True, slots=True)
class Account:
    """What one run tells of model calls.

    Args:
        responses: the ids of its calls' answers; empty where one has none.
        steps: how much it tells in all.
        only_calls: whether it tells nothing but calls and what their messages say.
    """

    responses: frozenset[str]
    steps: int
    only_calls: bool


def retold(accounts: Sequence[Account]) -> set[int]:
    """Which of *accounts*, by index, only repeat what another among them tells.

    The one of more steps is kept, of two alike the earlier.
    """
    return {
        index
        for index, account in enumerate(accounts)
        if account.responses
        and account.only_calls
        and any(
            account.responses <= other.responses
            and (other.steps, -place) > (account.steps, -index)
            for place, other in enumerate(accounts)
            if place != index
        )
    }


def responses_of(ids: Iterable[str | None]) -> frozenset[str]:
    """The answers' ids of a run's calls; empty where one has none."""
    known = list(ids)
    return frozenset(i for i in known if i) if all(known) else frozenset()


def copies(tasks: Sequence[TaskData]) -> set[int]:
    """Which of *tasks* that leave together, by index, repeat another among them."""
    return retold([_account(task) for task in tasks]) if len(tasks) > 1 else set()


def _account(task: TaskData) -> Account:
    steps = task.steps or []
    return Account(
        responses_of(_fact(step, RESPONSE) for step in steps if step.llm_call),
        len(steps),
        all(step.llm_call or _fact(step, "source") == "messages" for step in steps),
    )


def _fact(step: ExecutionStep, name: str) -> str | None:
    found = (step.metadata or {}).get(name)
    return found if isinstance(found, str) else None
