"""Words that arrive as log records join the call they were said in.

    pip install infinium-otel openai opentelemetry-instrumentation-genai-openai
    python examples/logs_agent.py

Some instrumentations write what was said not on the span but as log records beside it
(here because it is asked to). `register()` takes both, and the task has the words.
"""

from __future__ import annotations

import os

import openai
from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
from scripted_llm import Reply, ScriptedLlm

from infinium_otel import register

SCRIPT = (Reply("Bom dia, Ada!", prompt_tokens=19, completion_tokens=6),)


def main() -> None:
    """Greet somebody, with the words in the logs only."""
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
