"""An agent that uses OpenAI's client and OpenTelemetry's own instrumentation.

    pip install infinium-otel openai opentelemetry-instrumentation-genai-openai
    python examples/openai_agent.py

The two lines that matter are `register()` and `OpenAIInstrumentor().instrument()`.
The agent plans a day out; it gets a city's name wrong, gets an error, and corrects it.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import openai
from opentelemetry import trace
from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
from scripted_llm import Reply, ScriptedLlm

from infinium_otel import ExpectedOutcome, annotate, register

if TYPE_CHECKING:
    from collections.abc import Callable

QUESTION = "What should I do in Lisboa on Saturday? Mind the weather."
ANSWER = (
    "Saturday in Lisbon will be sunny at 24 degrees: walk up to the Castelo de Sao "
    "Jorge in the morning, and take tram 28 through Alfama before dinner."
)
SCRIPT = (
    Reply(
        tools=(("get_weather", {"city": "Lisboa", "day": "Saturday"}),),
        prompt_tokens=412,
        completion_tokens=22,
        seconds=0.31,
    ),
    Reply(
        "In English it is Lisbon. I try again, and look for sights.",
        tools=(
            ("get_weather", {"city": "Lisbon", "day": "Saturday"}),
            ("find_sights", {"city": "Lisbon", "outdoors": True}),
        ),
        prompt_tokens=468,
        completion_tokens=61,
        cached_tokens=384,
        seconds=0.42,
    ),
    Reply(
        "1. Castelo de Sao Jorge (morning)\n2. Tram 28 through Alfama (evening)",
        prompt_tokens=231,
        completion_tokens=38,
        seconds=0.18,
    ),
    Reply(ANSWER, prompt_tokens=640, completion_tokens=47, seconds=0.36),
)

tracer = trace.get_tracer("trip-planner")


def get_weather(city: str, day: str) -> dict[str, Any]:
    """The forecast for a city."""
    if city != "Lisbon":
        raise LookupError(f"unknown city: {city}")
    return {"city": city, "day": day, "sky": "sunny", "high_celsius": 24}


def find_sights(city: str, *, outdoors: bool) -> list[str]:
    """What there is to see."""
    del city, outdoors
    return ["Castelo de Sao Jorge", "Tram 28", "Miradouro da Graca", "Oceanario"]


TOOLS: dict[str, Callable[..., Any]] = {
    "get_weather": get_weather,
    "find_sights": find_sights,
}
SPECIFICATIONS: Any = [
    {
        "type": "function",
        "function": {
            "name": name,
            "description": tool.__doc__,
            "parameters": {"type": "object", "properties": {}},
        },
    }
    for name, tool in TOOLS.items()
]


def run_tool(call: Any) -> str:
    """Run one tool in its own span, following OpenTelemetry's GenAI conventions."""
    name, arguments = call.function.name, call.function.arguments
    attributes = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": name,
        "gen_ai.tool.call.id": call.id,
        "gen_ai.tool.call.arguments": arguments,
    }
    with tracer.start_as_current_span(f"execute_tool {name}", attributes=attributes):
        result = json.dumps(TOOLS[name](**json.loads(arguments)))
        trace.get_current_span().set_attribute("gen_ai.tool.call.result", result)
        return result


def result_of(call: Any) -> str:
    """The result of a tool call for the model; an error message if it failed."""
    try:
        return run_tool(call)
    except LookupError as error:
        return f"Error: {error}"


def plan(client: openai.OpenAI, question: str) -> str:
    """Call the model and run the tools it requests, until it returns text."""
    messages: list[Any] = [
        {"role": "system", "content": "You plan days out. Use the tools."},
        {"role": "user", "content": question},
    ]
    while True:
        reply = client.chat.completions.create(
            model="gpt-4o", messages=messages, tools=SPECIFICATIONS, temperature=0.2
        )
        message = reply.choices[0].message
        if not message.tool_calls:
            return message.content or ""
        messages.append(message.model_dump(exclude_none=True))
        results = [(call.id, result_of(call)) for call in message.tool_calls]
        messages += [
            {"role": "tool", "tool_call_id": id_, "content": text}
            for id_, text in results
        ]
        if any("Oceanario" in text for _, text in results):
            messages.append({"role": "user", "content": rank(client, results)})


def rank(client: openai.OpenAI, results: list[tuple[str, str]]) -> str:
    """A smaller model puts the sights in order."""
    with tracer.start_as_current_span("rank sights"):
        reply = client.chat.completions.create(
            model="gpt-4o-mini",
            messages=[{"role": "user", "content": f"Order these: {results}"}],
            temperature=0,
        )
    return f"Prefer this order: {reply.choices[0].message.content}"


def main(**settings: Any) -> bool:
    """Set up telemetry, run the agent once, and deliver the run.

    Args:
        settings: passed on to `register`; the default is the environment's.

    Returns:
        True if the run has been delivered.
    """
    # The instrumentation does not record message content by default.
    os.environ["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] = "SPAN_ONLY"
    provider = register(**settings)
    OpenAIInstrumentor().instrument()

    with ScriptedLlm(SCRIPT) as llm:
        client = openai.OpenAI(base_url=llm.base_url, api_key="none-needed")
        attributes = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": "trip-planner",
        }
        with tracer.start_as_current_span(
            "invoke_agent trip-planner", attributes=attributes
        ):
            annotate(
                expected_outcome=ExpectedOutcome(
                    task_objective="Plan a Saturday in the city the user means.",
                    required_deliverables=["a plan that fits the weather"],
                )
            )
            plan(client, QUESTION)
    return provider.force_flush()


if __name__ == "__main__":
    print("delivered" if main() else "not delivered")
