"""LlamaIndex's own events."""

from __future__ import annotations

import pytest

from infinium_otel.records import Usage
from support.records import assert_fields, event, read_span


def llama(name="OpenAI.achat", events=(), **attributes):
    scope = "llamaindex.opentelemetry.tracer"
    return read_span(attributes, name=name, events=events, scope=scope)


def test_llama_indexs_call():
    """A pair of events holds a call's request and its response."""
    start = event(
        "LLMChatStartEvent",
        {
            "model_dict.model_name": "gpt-4o-mini",
            "model_dict.temperature": "0.0",
            "messages": '[{"role": "user", "blocks": []}]',
        },
    )
    end = event(
        "LLMChatEndEvent",
        {
            "response.message.role": "assistant",
            "response.message.blocks": '[{"block_type": "text", "text": "Hi"}]',
            "response.raw.id": "c1",
            "response.raw.model": "gpt-4o-mini-2024",
            "response.raw.choices": '[{"finish_reason": "stop"}]',
            "response.raw.usage.prompt_tokens": "113",
            "response.raw.usage.completion_tokens": "17",
            "response.raw.usage.prompt_tokens_details.cached_tokens": "0",
            "response.additional_kwargs.total_tokens": "130",
            "response.additional_kwargs.other": "x",
        },
    )
    found = llama("OpenAI.stream_chat", (start, end))
    assert_fields(
        found,
        kind="llm",
        model="gpt-4o-mini-2024",
        model_requested="gpt-4o-mini",
        temperature=0,
        response_id="c1",
        finish_reasons=("stop",),
        streaming=True,
        usage=Usage(input=113, output=17, total=130, cache_read=0),
        input='[{"role": "user", "blocks": []}]',
        output=[
            {"role": "assistant", "blocks": [{"block_type": "text", "text": "Hi"}]}
        ],
    )


def test_llama_indexs_completion():
    """A completion has a prompt and a text."""
    events = (
        event("LLMCompletionStartEvent", {"prompt": "Hi?"}),
        event("LLMCompletionEndEvent", {"response.text": "Yo."}),
        event("SpanDropEvent", {"err_str": "x"}),
    )
    assert_fields(llama("OpenAI.complete", events), input="Hi?", output="Yo.")


def test_llama_indexs_search():
    """An embedding has its texts, a retrieval its query and its documents."""
    embedding = llama(events=(event("EmbeddingEndEvent", {"chunks": "['a', 'b']"}),))
    assert_fields(embedding, kind="embedding", input=["a", "b"])
    query = {"str_or_query_bundle.query_str": "What?", "nodes": '[{"node": {}}]'}
    retrieval = llama(events=(event("RetrievalEndEvent", query),))
    assert_fields(retrieval, kind="retrieval", input="What?")
    assert retrieval.extra["gen_ai.retrieval.documents"] == [{"node": {}}]
    engine = llama(events=(event("QueryEndEvent", {"response.response": "Yo."}),))
    assert_fields(engine, kind="workflow", output="Yo.")


PRINTED_CALL = "ToolCall(tool_name='f', tool_kwargs={'a': 1}, tool_id='c1')"


PRINTED_RESULT = (
    "ToolCallResult(tool_output=ToolOutput(blocks=[TextBlock(block_type='text', "
    "text='it\\'s 18C')], tool_name..."
)


@pytest.mark.parametrize(
    ("summary", "arguments"),
    [(PRINTED_CALL, {"a": 1}), ("ToolCall(tool_name='f', tool_kwargs={'a': ...", None)],
)
def test_llama_indexs_tool(summary, arguments):
    """A tool's run is printed, and may be cut."""
    found = llama(
        "BaseWorkflowAgent.call_tool",
        (event("step.output", {"output": PRINTED_RESULT}),),
        **{"llamaindex.step.input_summary": summary},
    )
    assert_fields(found, kind="tool", tool_name="f", arguments=arguments)
    assert found.result == "it's 18C"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("FunctionAgent.run", "agent"),
        ("AgentWorkflow.run", "workflow"),
        ("SentenceSplitter.__call__", "step"),
        ("FunctionTool.acall", "step"),
    ],
)
def test_llama_indexs_frames(name, kind):
    """An agent's run answers with its last event; its name is in the steps' inputs."""
    answer = "StopEvent(blocks=[TextBlock(block_type='text', text='Yo.')]), str..."
    events = (event("workflow.output", {"output": answer}), event("workflow.output"))
    summary = {"llamaindex.step.input_summary": "AgentInput(current_agent_name='geo')"}
    found = llama(name, events, **summary)
    assert_fields(found, kind=kind, output="Yo.", agent_name="geo")
