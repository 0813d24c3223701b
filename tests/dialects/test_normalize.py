"""How a span is read: by which dialects, in which order, to which reading."""

from __future__ import annotations

import pytest

from infinium_otel.dialects import (
    DIALECTS,
    FACTS,
    Dialect,
    count,
    first,
    put,
    text,
)
from infinium_otel.dialects._failures import split_description
from infinium_otel.dialects._providers import ALIASES, normalize_provider
from infinium_otel.dialects._usage import read_usage
from infinium_otel.records import Usage
from support.records import assert_fields, event, exception_event, read_span


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda d: d.name)
def test_every_dialect_is_complete(dialect):
    """A dialect has a mark, a source and only facts of the table."""
    assert dialect.key_segments or dialect.scopes
    assert dialect.source
    assert set(dialect.fields) <= FACTS


def test_an_unknown_fact_is_refused():
    """A table with an unknown fact is an error."""
    with pytest.raises(ValueError, match="no such fact: \\['colour'\\]"):
        Dialect("x", {"colour": first(text, "x.colour")})


def test_the_first_dialect_decides():
    """A span with two dialects is read by both, fact by fact."""
    found = read_span(
        {
            "openinference.span.kind": "LLM",
            "llm.model_name": "gpt-4o",
            "gen_ai.request.model": "other",
            "gen_ai.usage.input_tokens": 7,
        }
    )
    assert_fields(found, model="gpt-4o", model_requested="other", usage=Usage(7))
    assert found.dialects == ("openinference", "gen_ai")


def test_a_plain_kind_gives_way():
    """A generic kind never beats a specific one of a later dialect."""
    found = read_span(
        {"openinference.span.kind": "CHAIN", "gen_ai.operation.name": "execute_tool"}
    )
    assert found.kind == "tool"


def fails(_record, _facts):
    raise RuntimeError


def adds(_record, facts):
    put(facts, "label", "by another")
    put(facts, "label", "too late")
    put(facts, "purpose", None)


def test_foreign_dialects_come_last():
    """A foreign dialect adds the facts that the built-in ones do not have."""
    mine = Dialect("mine", {"model": first(text, "my.model")}, ("my",), refine=adds)
    found = read_span({"my.model": "x", "gen_ai.response.model": "y"}, readers=(mine,))
    assert_fields(found, model="y", label="by another", purpose=None)
    assert found.dialects == ("gen_ai", "mine")


def test_a_dialect_that_raises_is_a_problem():
    """A dialect that raises is a problem; the others are still read."""
    broken = Dialect("broken", {}, ("my",), refine=fails)
    found = read_span({"my.x": 1, "gen_ai.response.model": "y"}, readers=(broken,))
    assert_fields(found, model="y", problems=("broken: RuntimeError while reading",))


def test_a_value_of_the_wrong_type_is_a_problem():
    """It counts as absent, and the next key is read."""
    found = read_span(
        {"gen_ai.usage.input_tokens": [1], "gen_ai.usage.prompt_tokens": 7}
    )
    assert found.usage == Usage(7)
    assert "gen_ai.usage.input_tokens: not understood" in found.problems


def test_a_scope_alone_selects_a_dialect():
    """A library without keys of its own is selected by its scope, whole or beginning."""
    mine = Dialect("mine", {"model": first(text, "model")}, scopes=("acme",))
    assert read_span({"model": "x"}, scope="acme.tracing", readers=(mine,)).model == "x"
    assert read_span({"model": "x"}, scope="acme", readers=(mine,)).model == "x"
    assert read_span({"model": "x"}, scope="other", readers=(mine,)).model is None


@pytest.mark.parametrize("operation", ["rerank", "embeddings"])
@pytest.mark.parametrize("counts", [{"output": 320}, {"input": 0, "output": 320}])
def test_nothing_that_is_read_is_generated(operation, counts):
    """Tokens of a reranker or an embedding model are input, whichever count has them."""
    usage = {f"gen_ai.usage.{side}_tokens": number for side, number in counts.items()}
    found = read_span({"gen_ai.operation.name": operation, **usage})
    assert found.usage == Usage(input=320)


def test_the_conversations_of_two_platforms():
    """The first is the conversation's id; the others stand in the metadata."""
    found = read_span(
        {"langwatch.thread.id": "a", "wandb.thread_id": "b", "acme.thread_id": "c"}
    )
    assert found.conversation_id == "a"
    assert found.metadata == {"session.id": "b", "acme.thread_id": "c"}


def test_an_event_can_tell():
    """A span without any attribute may have its content in events."""
    found = read_span({}, events=(event("gen_ai.user.message", {"content": "hi"}),))
    assert found.input


# Tokens


@pytest.mark.parametrize(
    ("facts", "usage"),
    [
        pytest.param({}, None, id="none"),
        pytest.param(
            {"input_tokens": 100, "cache_read": 80}, Usage(100, None, None, 80), id="in"
        ),
        pytest.param(
            {"input_tokens": 20, "cache_read": 80},
            Usage(100, None, None, 80),
            id="more-cached-than-read",
        ),
        pytest.param(
            {
                "input_tokens": 100,
                "output_tokens": 5,
                "total_tokens": 105,
                "cache_read": 80,
                "excludes_cache": True,
            },
            Usage(100, 5, 105, 80),
            id="the-total-says-inside",
        ),
        pytest.param(
            {
                "input_tokens": 100,
                "output_tokens": 5,
                "total_tokens": 145,
                "cache_read": 30,
                "cache_write": 10,
            },
            Usage(140, 5, 145, 30, 10),
            id="the-total-says-beside",
        ),
        pytest.param(
            {
                "input_tokens": 100,
                "output_tokens": 5,
                "total_tokens": 999,
                "cache_read": 30,
            },
            Usage(100, 5, 999, 30),
            id="the-total-says-nothing",
        ),
        pytest.param(
            {"input_tokens": 100, "cache_read": 30, "excludes_cache": True},
            Usage(130, None, None, 30),
            id="the-emitter-says-beside",
        ),
        pytest.param({"cache_read": 30}, Usage(cache_read=30), id="cache-alone"),
        pytest.param(
            {"output_tokens": 10, "reasoning": 4},
            Usage(None, 10, reasoning=4),
            id="reasoning-inside",
        ),
        pytest.param(
            {"output_tokens": 4, "reasoning": 10},
            Usage(None, 14, reasoning=10),
            id="more-reasoning-than-output",
        ),
        pytest.param(
            {"output_tokens": 10, "reasoning": 4, "excludes_reasoning": True},
            Usage(None, 14, reasoning=4),
            id="the-emitter-says-reasoning-beside",
        ),
        pytest.param(
            {
                "input_tokens": 1,
                "output_tokens": 10,
                "total_tokens": 15,
                "reasoning": 4,
            },
            Usage(1, 14, 15, reasoning=4),
            id="the-total-says-reasoning-beside",
        ),
        pytest.param(
            {
                "input_tokens": 1,
                "output_tokens": 10,
                "total_tokens": 11,
                "reasoning": 4,
            },
            Usage(1, 10, 11, reasoning=4),
            id="the-total-says-reasoning-inside",
        ),
        pytest.param(
            {
                "input_tokens": 341,
                "output_tokens": 6709,
                "total_tokens": 3703,
                "reasoning": 3347,
            },
            Usage(341, 3362, 3703, reasoning=3347),
            id="the-total-says-reasoning-was-added-twice",
        ),
        pytest.param({"input_tokens": None}, None, id="a-reader-that-says-unknown"),
        pytest.param(
            {
                "input_tokens": 5010,
                "output_tokens": 100,
                "total_tokens": 7110,
                "cache_read": 5000,
                "cache_write": 2000,
            },
            Usage(7010, 100, 7110, 5000, 2000),
            id="the-total-says-only-writes-beside",
        ),
        pytest.param(
            {
                "input_tokens": 20,
                "output_tokens": 198,
                "total_tokens": 723,
                "reasoning": 405,
                "usage_parts": {"input_tool_tokens": 100},
            },
            Usage(120, 603, 723, reasoning=405, parts={"input_tool_tokens": 100}),
            id="googles-tools-and-thoughts-beside",
        ),
        pytest.param(
            {"input_tokens": 20, "usage_parts": {"input_tool_tokens": 100}},
            Usage(120, parts={"input_tool_tokens": 100}),
            id="tools-results-beside-without-a-total",
        ),
        pytest.param(
            {"input_tokens": 9, "usage_parts": {"cache_write_1h_tokens": 5}},
            Usage(9, cache_write=5, parts={"cache_write_1h_tokens": 5}),
            id="writes-by-their-lifetime",
        ),
    ],
)
def test_which_counts_include_which(facts, usage):
    """Cached and reasoning tokens end up inside the totals, once."""
    assert read_usage(facts) == usage


# Providers


@pytest.mark.parametrize(
    ("name", "server", "model", "provider"),
    [
        ("OpenAI", None, None, "openai"),
        (" openai ", None, None, "openai"),
        ("openai.chat", None, None, "openai"),
        ("google-vertex", None, None, "google"),
        ("api.mistral.ai", None, None, "mistral_ai"),
        ("acme-llm", None, None, "acme-llm"),
        ("langchain", None, None, None),
        (None, "my.openai.azure.com", None, "azure"),
        (None, "api.openai.com", "claude-3", "openai"),
        (None, "bedrock-runtime.us-east-1.amazonaws.com", None, "aws.bedrock"),
        (None, "europe-west1-aiplatform.googleapis.com", None, "google"),
        (None, "example.com", None, None),
        (None, None, "gpt-4o", "openai"),
        (None, None, "o3-mini", "openai"),
        (None, None, "claude-sonnet-4", "anthropic"),
        (None, None, "us.anthropic.claude-3", "aws.bedrock"),
        (None, None, "mistral/large", "mistral_ai"),
        (None, None, "groq:some-model", None),
        (None, None, "nobody/knows", None),
        (None, None, "openai/anything", "openai"),
        (None, None, "unheard-of", None),
        (None, None, None, None),
    ],
)
def test_providers(name, server, model, provider):
    """The name decides, else the server, else the model; a framework's name never does."""
    assert normalize_provider(name, server, model) == provider


def test_every_alias_is_its_own_providers():
    """Each alias, in any case, becomes its provider's name."""
    for alias, provider in ALIASES.items():
        assert normalize_provider(alias.upper()) == provider


def test_only_calls_guess_their_provider():
    """A tool's server is not a model provider."""
    attributes = {
        "server.address": "api.openai.com",
        "gen_ai.operation.name": "execute_tool",
    }
    assert read_span(attributes).provider is None


# Failures


@pytest.mark.parametrize(
    ("description", "parts"),
    [
        ("ValueError: no city", ("ValueError", "no city")),
        ("openai.RateLimitError: slow", ("openai.RateLimitError", "slow")),
        ("rate_limit_error: slow", ("rate_limit_error", "slow")),
        ("Error running tool: {'x': 1}", (None, "Error running tool: {'x': 1}")),
        ("note: all is well", (None, "note: all is well")),
        ("ValueError: ", ("ValueError", None)),
        pytest.param(
            f"ValueError: {'x' * 30_000}", ("ValueError", "x" * 30_000), id="long"
        ),
        ("", (None, None)),
    ],
)
def test_descriptions(description, parts):
    """A description may begin with the exception's name."""
    assert split_description(description) == parts


@pytest.mark.parametrize(
    ("more", "failure"),
    [
        pytest.param({}, None, id="none"),
        pytest.param(
            {"status": "error"}, ("error", "s failed", None, False), id="status-alone"
        ),
        pytest.param(
            {"status": "error", "status_message": "KeyError: 'a'"},
            ("KeyError", "'a'", None, False),
            id="status-message",
        ),
        pytest.param(
            {"status": "error", "events": (exception_event(),)},
            ("ValueError", "no city", None, False),
            id="event",
        ),
        pytest.param(
            {"events": (exception_event(),)},
            ("ValueError", "no city", None, True),
            id="handled",
        ),
        pytest.param(
            {"attributes": {"error.type": "timeout"}},
            ("timeout", "timeout", None, False),
            id="type-alone",
        ),
        pytest.param(
            {"attributes": {"error.type": "timeout"}, "status": "ok"},
            None,
            id="type-on-a-success",
        ),
        pytest.param(
            {
                "attributes": {"error.type": "429", "error.message": "slow"},
                "status": "error",
            },
            ("429", "slow", "429", False),
            id="a-status-as-type",
        ),
        pytest.param(
            {
                "attributes": {"error.type": "E", "http.response.status_code": 503},
                "status": "error",
            },
            ("E", "E (503)", "503", False),
            id="http-status",
        ),
        pytest.param(
            {
                "attributes": {"error.type": "E", "error.code": "quota"},
                "status": "error",
            },
            ("E", "E (quota)", "quota", False),
            id="a-code",
        ),
        pytest.param(
            {
                "attributes": {"error.type": "rate_limit_error"},
                "status": "error",
                "events": (exception_event("RateLimitError", "slow"),),
            },
            ("RateLimitError", "slow", "rate_limit_error", False),
            id="event-and-vendors-word",
        ),
        pytest.param(
            {
                "attributes": {"error.type": "openai.RateLimitError"},
                "status": "error",
                "events": (exception_event("RateLimitError", "slow"),),
            },
            ("RateLimitError", "slow", None, False),
            id="event-and-class",
        ),
        pytest.param(
            {"events": (exception_event("GraphInterrupt", "wait"),), "status": "error"},
            None,
            id="control-flow",
        ),
    ],
)
def test_failures(more, failure):
    """A failure is found in any of its places."""
    found = read_span(more.pop("attributes", None), **more).failure
    fields = found and (found.type, found.message, found.code, found.handled)
    assert fields == failure


def test_the_cause_behind_a_wrapper():
    """The cause of a wrapped exception is added if the wrapper's message lacks it."""
    stack = (
        "Traceback (most recent call last):\n  ...\nValueError: no city\n\n"
        "The above exception was the direct cause of the following exception:\n\n"
        "Traceback (most recent call last):\n  ...\nToolError: the tool failed"
    )
    found = read_span(
        {}, events=(exception_event("ToolError", "the tool failed", stack),)
    )
    assert found.failure.message == "the tool failed (caused by ValueError: no city)"
    plain = stack.replace("ValueError: no city", "1 of 2 failed")
    found = read_span(
        {}, events=(exception_event("ToolError", "the tool failed", plain),)
    )
    assert found.failure.message == "the tool failed"
    named = read_span({}, events=(exception_event("ToolError", "a ValueError", stack),))
    assert named.failure.message == "a ValueError"


# Shapes


@pytest.mark.parametrize(
    ("name", "attributes", "kind"),
    [
        ("s", {"tool.name": "f"}, "tool"),
        ("s", {"gen_ai.tool.call.id": "c"}, "tool"),
        (
            "s",
            {"gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 1},
            "llm",
        ),
        ("s", {"gen_ai.request.model": "m"}, ""),
        (
            "s",
            {
                "gen_ai.request.model": "m",
                "gen_ai.usage.input_tokens": 1,
                "gen_ai.agent.name": "a",
            },
            "",
        ),
        ("chat gpt-4o", {}, "llm"),
        ("embeddings text-embedding-3-small", {}, "embedding"),
        ("execute_tool f", {}, "tool"),
        ("invoke_agent helper", {}, "agent"),
        ("invoke_workflow w", {}, "workflow"),
        ("retrieval docs", {}, "retrieval"),
        ("chatter", {}, ""),
        ("GET", {"http.request.method": "GET"}, "http"),
        ("query", {"db.system": "sqlite"}, "db"),
        ("send", {"messaging.system": "kafka"}, "messaging"),
    ],
)
def test_shapes(name, attributes, kind):
    """If no dialect has a kind, keys, names and protocols decide."""
    assert read_span(attributes, name=name).kind == kind


def test_the_shape_of_what_was_evicted():
    """An answer and its tokens are a call whose model the limits took."""
    left = {"llm.token_count.completion": 5, "output.value": "yo"}
    assert read_span(left, dropped_attributes=3).kind == "llm"
    assert read_span(left).kind == ""


def test_finish_reasons_have_one_spelling():
    """Each provider's reason becomes the conventions' word."""
    attributes = {
        "gen_ai.response.finish_reasons": ("end_turn", "FinishReason.MAX_TOKENS")
    }
    assert read_span(attributes).finish_reasons == ("stop", "length")


def test_several_choices_that_are_not_listed():
    """Without a list of choices the output is unchanged."""
    attributes = {"gen_ai.response.finish_reasons": ("stop", "stop")}
    assert read_span(attributes | {"gen_ai.output.messages": "text"}).output == "text"


def test_requests_have_no_usage():
    """Counts on a tool or a request neither call nor sum."""
    attributes = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.usage.input_tokens": 7,
    }
    assert read_span(attributes).usage is None


def test_count_is_a_public_coercion():
    """The names for writing a dialect are exported."""
    assert count("7") == 7


def test_a_vendors_code_in_the_stack():
    """A gateway may pass the provider's answer on only in the exception's text."""
    answer = (
        "openai.RateLimitError: 429 - {'error': {'message': 'slow', 'code': 'rpm'}}"
    )
    events = (exception_event("RateLimitError", "slow", f"Traceback:\n{answer}"),)
    assert read_span(
        {"error.code": "429"}, status="error", events=events
    ).failure.code == ("rpm")
    bare = read_span({"error.code": "429"}, status="error", events=(exception_event(),))
    assert bare.failure.code == "429"


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ("{'message': 'Max turns exceeded', 'data': {'max_turns': 1}}",
         "Max turns exceeded"),
        ("{'message': 'Error running tool', 'data': {'error': 'no city'}}", "no city"),
        ('{"message": "slow down"}', "slow down"),
        ("Error running tool: {'tool_name': 'f', 'error': 'no city'}", "no city"),
        ("Max turns exceeded: {'max_turns': 1}", "Max turns exceeded: {'max_turns': 1}"),
        ("429 {'error': 'x'}", "429 {'error': 'x'}"),
        ("{'code': 7}", "{'code': 7}"),
        ("{not an object", "{not an object"),
    ],
)  # fmt: skip
def test_an_error_object_as_description(description, message):
    """Of an object that was written down whole the reason in it is the message."""
    failure = read_span(status="error", status_message=description).failure
    assert failure.message == message


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("Error code: 429 - {'error': {'message': 'slow'}}", "429"),
        ("status_code: 500, model_name: gpt-4o", "500"),
        ("API error occurred: Status 503. Body: x", "503"),
        ("400 INVALID_ARGUMENT. {'error': {}}", "400"),
        ("400 bad lines", None),
        ("took 429 ms", None),
        ("x" * 500 + " Error code: 429", None),
    ],
)
def test_a_status_in_a_message(message, code):
    """Clients put the HTTP status into an exception's text, where no key has it."""
    found = read_span(status="error", events=(exception_event("APIError", message),))
    assert found.failure.code == code


def test_who_hands_over_is_not_who_takes_over():
    """The agent on a handoff is the one that hands over; the other has a key of its own."""
    attributes = {"gen_ai.operation.name": "handoff", "gen_ai.agent.name": "triage"}
    assert read_span(attributes).agent_name is None
    assert (
        read_span(attributes | {"gen_ai.handoff.to_agent": "expert"}).agent_name
        == "expert"
    )


def test_known_keys_are_bounded(monkeypatch):
    """Keys with ids in them do not pile up."""
    monkeypatch.setattr("infinium_otel.dialects.MAX_CACHED_KEYS", 0)
    assert read_span({"gen_ai.response.model": "never seen before"}).model


def test_the_first_of_several_choices():
    """Of several answers to one request the first is the answer."""
    attributes = {
        "gen_ai.response.finish_reasons": ("stop", "stop"),
        "gen_ai.output.messages": '["one","two"]',
    }
    assert read_span(attributes).output == ["one"]
