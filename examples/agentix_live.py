"""Standard spans of an agentix agent while it runs, including a call a guard denied.

pip install infinium-otel agentix-toolkit
python examples/agentix_live.py
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from agentix import Agent, ModelResponse, ToolCall, tool
from agentix.guards import ToolAllowlistGuard

from infinium_otel import register
from infinium_otel.models.agentix.instrumentation import instrument

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentix import Message

SCRIPT = [
    ModelResponse(
        tool_calls=[
            ToolCall("find_order", {"number": "17"}, "call-1"),
            ToolCall("refund", {"number": "17"}, "call-2"),
        ],
        tokens_used=66,
        input_tokens=54,
        output_tokens=12,
    ),
    ModelResponse(
        "Order 17 was sent; I may not refund it.",
        tokens_used=111,
        input_tokens=97,
        output_tokens=14,
    ),
]


async def scripted(
    messages: Sequence[Message],  # noqa: ARG001 - a model takes them
    *,
    tools: Sequence[object] = (),  # noqa: ARG001 - as above
) -> ModelResponse:
    """A model with scripted answers."""
    return SCRIPT.pop(0)


@tool
async def find_order(number: str) -> str:
    """Look an order up by its number."""
    return f"order {number}: sent"


@tool
async def refund(number: str) -> str:
    """Refund an order."""
    return f"refunded {number}"


def main() -> None:
    """Answer one question with two tools, one of them forbidden."""
    provider = register()
    agent = Agent(
        model=scripted,
        system_prompt="You are the shop's clerk.",
        tools=[find_order, refund],
        guards=[ToolAllowlistGuard(["find_order"])],
    )
    instrument(agent, agent_name="clerk", model="gpt-4o", provider="openai")
    outcome = asyncio.run(agent.run("Where is order 17? Refund it."))
    print(outcome.answer)
    print("delivered" if provider.force_flush() else "not delivered")


if __name__ == "__main__":
    main()
