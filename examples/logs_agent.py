"""Message content in log records becomes part of its model call.

    pip install infinium-otel openai opentelemetry-instrumentation-genai-openai
    python examples/logs_agent.py

Some instrumentations write message content to log records instead of the span (here
because of two settings). `register()` reads both, and the task contains the messages.
"""

from __future__ import annotations

import os

import openai
from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
from scripted_llm import Reply, ScriptedLlm

from infinium_otel import register

SCRIPT = (Reply("Bom dia, Ada!", prompt_tokens=19, completion_tokens=6),)


def main() -> None:
    """Send one greeting, with the messages in the logs only."""
    os.environ["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] = "EVENT_ONLY"
    os.environ["OTEL_INSTRUMENTATION_GENAI_EMIT_EVENT"] = "true"
    provider = register()
    OpenAIInstrumentor().instrument()
    with ScriptedLlm(SCRIPT) as llm:
        client = openai.OpenAI(base_url=llm.base_url, api_key="none-needed")
        client.chat.completions.create(
            model="gpt-4o-mini",
            messages=[{"role": "user", "content": "Greet Ada in Portuguese."}],
        )
    print("delivered" if provider.force_flush() else "not delivered")


if __name__ == "__main__":
    main()
