"""Pydantic AI, which brings its own instrumentation.

pip install infinium-otel 'pydantic-ai-slim[openai]'
python examples/pydantic_ai_agent.py
"""

from __future__ import annotations

from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
from scripted_llm import Reply, ScriptedLlm

from infinium_otel import register

SCRIPT = (
    Reply(
        tools=(("find_invoice", {"number": "2026-11"}),),
        prompt_tokens=88,
        completion_tokens=15,
    ),
    Reply(
        "Invoice 2026-11 is over 120 euros and unpaid.",
        prompt_tokens=131,
        completion_tokens=14,
    ),
)


def find_invoice(number: str) -> dict[str, str]:
    """Look an invoice up by its number."""
    return {"number": number, "amount": "120 EUR", "state": "unpaid"}


def main() -> None:
    """Answer one question with one tool."""
    provider = register()
    Agent.instrument_all()
    with ScriptedLlm(SCRIPT) as llm:
        service = OpenAIProvider(base_url=llm.base_url, api_key="none-needed")
        clerk = Agent(
            OpenAIChatModel("gpt-4o", provider=service),
            name="clerk",
            tools=[find_invoice],
        )
        print(clerk.run_sync("What about invoice 2026-11?").output)
    print("delivered" if provider.force_flush() else "not delivered")


if __name__ == "__main__":
    main()
