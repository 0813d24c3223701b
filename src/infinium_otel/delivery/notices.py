"""What the sender says in the log: a line for each change of state, not each failure."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from infinium_otel.delivery.gate import OPEN, REFUSED

if TYPE_CHECKING:
    from infinium_otel.protocol import Outcome

logger = logging.getLogger("infinium_otel.delivery.sender")


def tell(state: str, outcome: Outcome) -> None:
    """Says that the gate is in another state than before."""
    if state == OPEN:
        logger.warning("Infinium takes tasks again")
    elif state == REFUSED:
        logger.error(
            "Infinium refused the agent's credentials (%s); tasks are kept, and one"
            " request in 30 seconds tries again",
            outcome.reason,
        )
    else:
        logger.warning(
            "Infinium is unavailable (%s); tasks are kept and tried again",
            outcome.no_reply.detail if outcome.no_reply else outcome.reason,
        )


def tell_refusal(reason: str, *, kept: bool) -> None:
    """Says that the service refused a task for a reason it had not given before."""
    logger.error(
        "Infinium refused a task (%s); it is %s, and further ones are counted",
        reason,
        "kept in the spool" if kept else "lost",
    )
