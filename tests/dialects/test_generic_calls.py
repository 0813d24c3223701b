"""Model calls of vocabularies that no dialect knows."""

from __future__ import annotations

import json

import pytest

from infinium_otel.records import Usage
from support.records import assert_fields, read_span

USER = {"role": "user", "content": "Hi?"}
ASSISTANT = {"role": "assistant", "content": "Yo."}
HISTORY = json.dumps([USER, ASSISTANT])
MESSAGES = json.dumps([{"role": "user", "content": "Hi?"}])


def test_the_facts_of_a_call():
    """On a call the last words are enough, in any spelling; zero is a value."""
    found = read_span(
        {
            "acme.span.type": "llm",
            "acme.llm.requestModel": "gpt-4o",
            "acme.llm.response.model": "gpt-4o-2024",
            "acme.vendor": "openai",
            "acme.temperature": 0,
            "acme.topP": 0.0,
            "acme.maxTokens": 7,
            "acme.stop_reason": "end_turn",
            "acme.completion.id": "r1",
            "acme.usage": json.dumps(
                {"prompt_tokens": 9, "completion_tokens": 0, "details": {"cached": 4}}
            ),
            "acme.total_cost": "0.5USD",
            "acme.prompts.0.role": "user",
            "acme.prompts.0.content": "Hi?",
            "acme.response.text": "Yo.",
            "acme.response.tool_calls": '[{"name": "f", "arguments": "{}"}]',
        }
    )
    assert_fields(
        found,
        model="gpt-4o-2024",
        model_requested="gpt-4o",
        provider="openai",
        temperature=0,
        top_p=0,
        max_tokens=7,
        finish_reasons=("stop",),
        response_id="r1",
        usage=Usage(input=9, output=0, cache_read=4),
        cost_usd=0.5,
        input=[{"role": "user", "content": "Hi?"}],
    )
    assert found.output[0]["content"] == "Yo."
    assert found.output[0]["tool_calls"] == [{"name": "f", "arguments": "{}"}]


def test_a_providers_own_request_and_response():
    """A whole request and a whole response contain what has no key of its own."""
    chunk = {"id": "c1", "model": "gpt-4o-2024", "choices": [{"finish_reason": None}]}
    last = {
        "id": "c1",
        "model": "gpt-4o-2024",
        "choices": [{"finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2},
    }
    request = {
        "model": "gpt-4o",
        "config": {"temperature": 0, "stream": True},
        "messages": json.loads(MESSAGES),
    }
    found = read_span(
        {
            "span_type": "LLM",
            "inputs": json.dumps(request),
            "output": json.dumps([chunk, last]),
        }
    )
    assert_fields(
        found,
        model="gpt-4o-2024",
        model_requested="gpt-4o",
        temperature=0,
        streaming=True,
        response_id="c1",
        finish_reasons=("stop",),
        usage=Usage(input=3, output=2),
    )


def test_anthropics_own_response():
    """In Anthropic's response the input lacks the cached tokens."""
    usage = {"input_tokens": 3, "output_tokens": 2, "cache_read_input_tokens": 10}
    response = {"stop_reason": "end_turn", "content": [], "usage": usage}
    found = read_span({"a.span.type": "llm", "a.output": json.dumps(response)})
    assert found.usage == Usage(input=13, output=2, cache_read=10)


@pytest.mark.parametrize(
    ("attributes", "provider"),
    [
        ({"gen_ai.system": "eino", "gen_ai.request.model": "gpt-4o"}, "openai"),
        ({"gen_ai.system": "acme-fw", "gen_ai.request.model": "own"}, None),
        ({"gen_ai.system": "other", "gen_ai.request.model": "own"}, "other"),
    ],
)
def test_a_framework_is_no_provider(attributes, provider):
    """A provider that has the scope's own name is the framework."""
    attributes = {"gen_ai.operation.name": "chat", **attributes}
    found = read_span(attributes, scope="example.org/acme_fw/callbacks")
    assert found.provider == provider


@pytest.mark.parametrize("word", ["none", "unknown", "N/A", "<not specified>"])
def test_words_for_none(word):
    """A placeholder is no name and no id."""
    found = read_span(
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.response.model": word,
            "gen_ai.tool.call.id": word,
            "user.id": word,
        }
    )
    assert_fields(found, model=None, model_requested="gpt-4o", user_id=None)
    assert found.tool_call_id is None


def test_an_objects_counts():
    """An object of counts is read whatever its members are called; embeddings have input."""
    counts = json.dumps({"input_tokens": 5, "output_tokens": 3})
    found = read_span({"llm.model": "m", "a.kind": "llm", "llm.token.counts": counts})
    assert found.usage == Usage(input=5, output=3)
    found = read_span({"a.kind": "embedding", "a.tokens": 5})
    assert found.usage == Usage(input=5, total=5)


def test_a_flag_is_no_content():
    """A switch that is named like content is none."""
    found = read_span({"a.kind": "llm", "a.human_input": "False", "a.prompt": "Hi?"})
    assert found.input == "Hi?"


@pytest.mark.parametrize(
    ("attributes", "input_", "output"),
    [
        ({"v.turns": HISTORY}, [USER], [ASSISTANT]),
        ({"v.turns": HISTORY, "v.answer": "Yo."}, [USER, ASSISTANT], "Yo."),
        ({"v.turns": json.dumps([USER])}, [USER], None),
        ({"v.turns": json.dumps([ASSISTANT])}, None, None),
        ({"v.turns": HISTORY, "v.more": HISTORY}, None, None),
        ({"v.asked": "Is it?", "v.said": "It is."}, "Is it?", "It is."),
        ({"v.asked": "Is it?", "v.said": "It is.", "v.x": "a b"}, None, None),
        ({"v.prompt": "Is it?", "v.said": "It is."}, "Is it?", "It is."),
        ({"v.link": "https://a b", "v.said": "<p> x"}, None, None),
    ],
)
def test_texts_under_unknown_keys(attributes, input_, output):
    """A conversation is known by its form; texts if exactly as many are missing."""
    tokens = {"v.model": "gpt-4o", "v.tokens.in": 3, "v.tokens.out": 2}
    found = read_span({**tokens, **attributes})
    assert_fields(found, kind="llm", input=input_, output=output)


def test_a_models_name_under_an_unknown_key():
    """It is known by its value, if there is only one."""
    tokens = {"v.tokens.in": 3, "v.tokens.out": 2}
    found = read_span({**tokens, "v.engine": "gpt-4o", "v.other": "gpt-4o"})
    assert_fields(found, kind="llm", model_requested="gpt-4o")
    found = read_span({**tokens, "v.engine": "gpt-4o", "v.other": "gpt-4.1"})
    assert_fields(found, kind="", model_requested=None)


@pytest.mark.parametrize(
    ("currency", "cost"),
    [
        pytest.param({}, 0.5, id="none"),
        pytest.param({"acme.cost.currency": "USD"}, 0.5, id="dollars"),
        pytest.param({"acme.cost.cost_currency": "Credits"}, None, id="another"),
    ],
)
def test_a_cost_and_its_currency(currency, cost):
    """A cost is in US dollars, unless the span names another currency."""
    found = read_span({"acme.span.type": "llm", "acme.cost.cost": 0.5, **currency})
    assert found.cost_usd == cost


@pytest.mark.parametrize(
    "flattened",
    [
        {"p.prompts[0].role": "user", "p.prompts[0].content": "Hi?",
         "p.completions[0].role": "assistant", "p.completions[0].content": "Yo."},
        {"input_messages_0_role": "user", "input_messages_0_content": "Hi?",
         "output_messages_0_role": "assistant", "output_messages_0_content": "Yo."},
    ],
)  # fmt: skip
def test_indices_in_other_spellings(flattened):
    """A list's index in brackets or between underscores is an index."""
    found = read_span({"p.model": "gpt-4o", "p.prompt_tokens": 3, **flattened})
    assert found.kind == "llm"
    assert [found.input[0]["content"], found.output[0]["content"]] == ["Hi?", "Yo."]


def test_members_of_a_structured_attribute():
    """An attribute that is an object is read as one that is its JSON."""
    usage = {"prompt_tokens": 3, "completion_tokens": 2}
    found = read_span({"acme": {"model": "gpt-4o", "usage": usage, "tier": "gold"}})
    assert (found.kind, found.model_requested) == ("llm", "gpt-4o")
    assert found.usage == Usage(input=3, output=2)
    assert read_span({"acme": {"tier": "gold"}}).kind == ""


def test_usage_as_the_provider_wrote_it():
    """An object under `usage.raw` is one of counts."""
    usage = json.dumps({"input_tokens": 3, "output_tokens": 2})
    found = read_span({"acme.llm.model": "gpt-4o", "acme.llm.usage.raw": usage})
    assert found.usage == Usage(input=3, output=2)


@pytest.mark.parametrize(
    ("attributes", "name", "kind"),
    [
        ({"llm.http.status_code": 500}, "llm.call", "llm"),
        ({"llm.error.type": "Overloaded"}, "llm.call", "llm"),
        ({"llm.http.status_code": 200}, "llm.call", ""),
        ({"llm.http.status_code": 500}, "settings", ""),
        ({}, "llm.call", ""),
    ],
)
def test_a_call_that_reports_its_failure_as_an_attribute(attributes, name, kind):
    """A model and an error make a failed call of a span that is named after one."""
    model = {"llm.model": "gpt-4o", "llm.provider": "openai"}
    found = read_span({**model, **attributes}, name=name)
    assert found.kind == kind
    assert (found.failure is not None) == (kind == "llm")


@pytest.mark.parametrize(
    ("tokens", "replayed"),
    [
        pytest.param({"input_tokens": 0, "output_tokens": 0}, True, id="no-tokens"),
        pytest.param({}, True, id="no-counts"),
        pytest.param({"input_tokens": 9}, False, id="the-cache-of-a-prompt"),
    ],
)
def test_an_answer_from_a_cache(tokens, replayed):
    """`*.cache_hit` says that the call cost nothing, if it used no tokens."""
    counts = {f"gen_ai.usage.{name}": value for name, value in tokens.items()}
    found = read_span(
        {"gen_ai.operation.name": "chat", "dspy.cache_hit": True, **counts}
    )
    assert found.replayed is replayed


def test_ollamas_own_response():
    """Its counts stand beside the answer."""
    response = (
        '{"model": "llama3", "done": true, "prompt_eval_count": 26, "eval_count": 9}'
    )
    found = read_span({"openinference.span.kind": "LLM", "output.value": response})
    assert (found.usage.input, found.usage.output) == (26, 9)


def test_bedrocks_request_and_ollamas_reason():
    """Settings stand in an object of the request, the reason under `done_reason`."""
    request = '{"modelId": "a.b-v1", "inferenceConfig": {"temperature": 0.3}}'
    response = '{"done": true, "done_reason": "length", "eval_count": 9}'
    found = read_span(
        {
            "openinference.span.kind": "LLM",
            "input.value": request,
            "output.value": response,
        }
    )
    assert (found.temperature, found.finish_reasons) == (0.3, ("length",))


def test_llama_indexs_response_around_the_providers():
    """The provider's response is its member `raw`, whichever vocabulary records it."""
    usage = {"prompt_token_count": 9, "candidates_token_count": 4}
    response = {"message": {"role": "assistant"}, "raw": {"usage_metadata": usage}}
    found = read_span(
        {"openinference.span.kind": "LLM", "output.value": json.dumps(response)}
    )
    assert (found.usage.input, found.usage.output) == (9, 4)


@pytest.mark.parametrize("more", [{}, {"kwargs": {"temperature": 0}}])
def test_a_prompt_beside_no_messages(more):
    """DSPy's request has both members, and those of the call."""
    request = {"prompt": "What is snow?", "messages": None, **more}
    found = read_span(
        {"openinference.span.kind": "LLM", "input.value": json.dumps(request)}
    )
    assert found.input == "What is snow?"
