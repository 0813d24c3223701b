"""Whole traces of platforms and gateways, from dialect to task."""

from __future__ import annotations

from support.records import calls_of, chat, make_span, task_of, tokens_of, tools_of


def test_f15_logfire():
    """Placeholders are dropped; a template names a tool; a stream's log has its output."""
    request = '{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}'
    task = task_of(
        make_span("root", scope="logfire", end=9),
        make_span(
            "pending",
            "root",
            {"logfire.span_type": "pending_span"},
            name="Function: {name}",
            scope="logfire",
            end=0,
        ),
        make_span(
            "f",
            "root",
            {"name": "f", "input": '{"a":1}', "output": "3", "logfire.msg": "Fn: f"},
            name="Function: {name}",
            scope="logfire",
        ),
        make_span(
            "call",
            "root",
            {
                "request_data": request,
                "gen_ai.system": "openai",
                "gen_ai.request.model": "gpt-4o",
            },
            name="Chat Completion with {request_data[model]!r}",
            scope="logfire.openai",
            start=2,
        ),
        make_span(
            "log",
            "root",
            {
                "logfire.span_type": "log",
                "request_data": request,
                "gen_ai.request.model": "gpt-4o",
                "gen_ai.usage.input_tokens": 10,
                "gen_ai.usage.output_tokens": 5,
                "response_data": '{"combined_chunk_content":"yo"}',
                "duration": 2.5,
            },
            name="streaming response from {request_data[model]!r} took {duration:.2f}s",
            scope="logfire.openai",
            start=5,
            end=5,
        ),
    )
    assert [t.tool_name for t in tools_of(task)] == ["f"]
    assert tokens_of(task) == (10, 5)
    assert len(calls_of(task)) == 1


def test_f25_litellm_on_the_callers_span():
    """LiteLLM writes on the caller's span; its raw request is not a second call."""
    task = task_of(
        make_span(
            "mine",
            name="answer a question",
            attributes={
                "gen_ai.operation.name": "acompletion",
                "llm.request.type": "acompletion",
                "gen_ai.system": "openai",
                "gen_ai.request.model": "gpt-4o",
                "gen_ai.usage.input_tokens": 10,
                "gen_ai.usage.output_tokens": 5,
                "gen_ai.cost.total_cost": 0.002,
                "hidden_params": "{}",
                "litellm.cache_hit": False,
            },
        ),
        make_span(
            "raw",
            "mine",
            {"llm.openai.messages": "[]", "llm.openai.model": "gpt-4o"},
            name="raw_gen_ai_request",
            scope="litellm",
        ),
    )
    assert len(calls_of(task)) == 1
    assert tokens_of(task) == (10, 5)
    assert task.llm_usage.estimated_cost_usd == 0.002


def test_f26_langsmith():
    """A retriever's operation is embeddings; token details are a Python repr."""
    task = task_of(
        make_span(
            "root", attributes={"langsmith.span.kind": "chain"}, name="RAG", end=9
        ),
        make_span(
            "r",
            "root",
            {
                "langsmith.span.kind": "retriever",
                "gen_ai.operation.name": "embeddings",
                "gen_ai.prompt": '{"query":"cities"}',
            },
            name="VectorStoreRetriever",
        ),
        make_span(
            "l",
            "root",
            {
                "langsmith.span.kind": "llm",
                "gen_ai.operation.name": "chat",
                "gen_ai.system": "langchain",
                "langsmith.metadata.ls_provider": "openai",
                "gen_ai.request.model": "gpt-4o",
                "gen_ai.usage.input_tokens": 10,
                "gen_ai.usage.output_tokens": 5,
                "gen_ai.usage.input_token_details": "{'cache_read': 3}",
            },
            name="ChatOpenAI",
            start=2,
        ),
    )
    assert [s.action for s in task.steps] == ["retrieval", "llm_inference"]
    assert calls_of(task)[0].provider == "openai"
    assert task.steps[1].metadata["gen_ai.usage.cache_read.input_tokens"] == 3


def test_f27_langfuse():
    """A generation's usage is JSON, its first token an instant."""
    task = task_of(
        make_span(
            "g",
            attributes={
                "langfuse.observation.type": "generation",
                "langfuse.observation.model.name": "gpt-4o",
                "langfuse.observation.usage_details": '{"input":10,"output":5}',
                "langfuse.observation.completion_start_time": (
                    '"2026-09-21T15:06:40.250000Z"'
                ),
            },
            scope="langfuse-sdk",
            start=0,
        )
    )
    assert tokens_of(task) == (10, 5)
    assert "time_to_first_chunk_ms" in task.steps[0].metadata


def test_f28_mlflow():
    """Every value is JSON, the kind too."""
    task = task_of(
        make_span(
            "c",
            attributes={
                "mlflow.spanType": '"CHAT_MODEL"',
                "mlflow.llm.model": '"gpt-4o"',
                "mlflow.spanInputs": (
                    '{"model":"gpt-4o","temperature":0.5,'
                    '"messages":[{"role":"user","content":"hi"}]}'
                ),
                "mlflow.spanOutputs": (
                    '{"id":"r1","choices":'
                    '[{"message":{"role":"assistant","content":"yo"}}]}'
                ),
                "mlflow.chat.tokenUsage": (
                    '{"input_tokens":10,"output_tokens":5,"total_tokens":15}'
                ),
            },
            name="Completions",
        )
    )
    (call,) = calls_of(task)
    assert (call.model, call.temperature, tokens_of(task)) == ("gpt-4o", 0.5, (10, 5))
    step = task.steps[0]
    assert (step.input_preview, step.output_preview) == ("hi", "yo")


def _raw(key, answer, tokens):
    """LiteLLM's raw request, whose response is a Python repr."""
    return make_span(
        key,
        "mine",
        {
            "llm.openai.id": answer,
            "llm.openai.model": "gpt-4o-2024",
            "llm.openai.messages": "[{'role': 'user', 'content': 'hi'}]",
            "llm.openai.choices": "[{'message': {'role': 'assistant', "
            "'content': 'yo'}}]",
            "llm.openai.usage": f"{{'prompt_tokens': {tokens[0]}, "
            f"'completion_tokens': {tokens[1]}}}",
        },
        name="raw_gen_ai_request",
        scope="litellm",
        start=tokens[0] / 10,
    )


def test_f25_several_calls_on_one_callers_span():
    """The caller's span has only the last call; the raw requests have all of them."""
    task = task_of(
        chat(
            "mine",
            None,
            (20, 8),
            end=9,
            attributes={"gen_ai.response.id": "r2", "litellm.cache_hit": False},
        ),
        _raw("raw1", "r1", (10, 5)),
        _raw("raw2", "r2", (20, 8)),
    )
    assert tokens_of(task) == (30, 13)
    assert len(calls_of(task)) == 2


def test_f25_one_call_and_its_raw_request():
    """One request reported by both is one call."""
    task = task_of(
        chat("mine", None, attributes={"litellm.cache_hit": False}),
        _raw("raw1", "r1", (10, 5)),
    )
    assert (tokens_of(task), len(calls_of(task))) == ((10, 5), 1)
