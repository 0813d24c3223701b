"""LangChain under OpenInference's instrumentation.

    pip install infinium-otel langchain langchain-openai \
        openinference-instrumentation-langchain
    python examples/langchain_agent.py

The tool fails the first time; the model gets the error and calls it again.
"""

from __future__ import annotations

from langchain.agents import create_agent
from langchain_core.tools import ToolException, tool
from langchain_openai import ChatOpenAI
from openinference.instrumentation.langchain import LangChainInstrumentor
from scripted_llm import Reply, ScriptedLlm

from infinium_otel import register

SCRIPT = (
    Reply(
        tools=(("stock_of", {"article": "umbrela"}),),
        prompt_tokens=74,
        completion_tokens=12,
    ),
    Reply(
        tools=(("stock_of", {"article": "umbrella"}),),
        prompt_tokens=102,
        completion_tokens=12,
    ),
    Reply("We have 17 umbrellas.", prompt_tokens=125, completion_tokens=8),
)


@tool
def stock_of(article: str) -> int:
    """How many of an article are in stock."""
    if article != "umbrella":
        message = f"no such article: {article}"
        raise ToolException(message)
    return 17


stock_of.handle_tool_error = True


def main() -> None:
    """Answer one question; one tool call fails, and the next one succeeds."""
    provider = register()
    LangChainInstrumentor().instrument(tracer_provider=provider)
    with ScriptedLlm(SCRIPT) as llm:
        model = ChatOpenAI(
            model="gpt-4o", base_url=llm.base_url, api_key=lambda: "none-needed"
        )
        keeper = create_agent(model, [stock_of], name="shopkeeper")
        question = {"role": "user", "content": "How many umbrellas are there?"}
        answer = keeper.invoke({"messages": [question]})
        print(answer["messages"][-1].content)
    print("delivered" if provider.force_flush() else "not delivered")


if __name__ == "__main__":
    main()
