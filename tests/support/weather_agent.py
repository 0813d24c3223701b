"""A small agent with OpenAI's client, of which replayed runs are tests."""

from __future__ import annotations

import json

import openai
from opentelemetry import trace

MODEL = "gpt-4o-mini"


def get_weather(city: str) -> str:
    """The weather, which a replayed run never looks up."""
    raise AssertionError(f"the real tool ran, for {city}")


def run(question: str) -> str:
    """Call the model, and the tools that it asks for, until it returns a text."""
    agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "weather"}
    messages = [{"role": "user", "content": question}]
    tracer = trace.get_tracer("weather-agent")
    with (
        tracer.start_as_current_span("invoke_agent weather", attributes=agent),
        openai.OpenAI() as client,
    ):
        while True:
            answer = client.chat.completions.create(model=MODEL, messages=messages)
            message = answer.choices[0].message
            if not message.tool_calls:
                return message.content
            messages.append(message.model_dump(exclude_none=True))
            for call in message.tool_calls:
                result = _call(call.function.name, json.loads(call.function.arguments))
                tool = {"role": "tool", "tool_call_id": call.id, "content": result}
                messages.append(tool)


def _call(name: str, arguments: dict[str, object]) -> str:
    try:
        return str(globals()[name](**arguments))
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        return f"Error: {error}"
