"""An agent with a real client library: what the how-to's applications call."""

from __future__ import annotations

import os

import openai
from opentelemetry import trace


def answer(question: str) -> str:
    """One run, reported under *question*, with one call of a model."""
    agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": question}
    with trace.get_tracer("agent").start_as_current_span("run", attributes=agent):
        client = openai.OpenAI(base_url=os.environ["MODEL_URL"], api_key="x")
        messages = [{"role": "user", "content": question}]
        reply = client.chat.completions.create(model="gpt-5", messages=messages)
    return reply.choices[0].message.content
