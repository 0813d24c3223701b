"""What a price depends on beside the plain counts, under any key."""

from __future__ import annotations

import json

import pytest

from infinium_otel.dialects import read
from support.records import make_span

CALL = {
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "m",
    "gen_ai.usage.input_tokens": 100,
    "gen_ai.usage.output_tokens": 20,
}


def read_call(attributes):
    return read(make_span("a", attributes={**CALL, **attributes}))


@pytest.mark.parametrize(
    ("key", "part"),
    [
        ("gen_ai.usage.audio.output_tokens", "output_audio_tokens"),
        ("gen_ai.usage.input_audio_tokens", "input_audio_tokens"),
        ("llm.token_count.prompt_details.audio", "input_audio_tokens"),
        ("llm.token_count.completion_details.audio", "output_audio_tokens"),
        ("ai.usage.inputTokenDetails.imageTokens", "input_image_tokens"),
        ("acme.usage.promptVideoTokens", "input_video_tokens"),
        ("acme.usage.cached_audio_tokens", "cache_audio_read_tokens"),
        ("anthropic.usage.cache_creation.ephemeral_1h", "cache_write_1h_tokens"),
        (
            "gen_ai.usage.cache_creation.ephemeral_5m_input_tokens",
            "cache_write_5m_tokens",
        ),
        ("gemini.usage.toolUsePromptTokenCount", "input_tool_tokens"),
        ("anthropic.usage.server_tool_use.web_search_requests", "web_searches"),
        ("perplexity.usage.num_search_queries", "web_searches"),
        ("gen_ai.usage.duration_seconds", "audio_seconds"),
        ("gen_ai.request.max_audio_tokens", None),
        ("gen_ai.usage.audio_cost", None),
        ("session.usage.input_audio_tokens", None),
        ("gen_ai.usage.accepted_prediction_tokens", None),
        ("gen_ai.usage.cache_miss_tokens", None),
    ],
)
def test_parts_by_the_words_of_a_key(key, part):
    """A part is found by the words of its key, whatever their spelling and order."""
    assert dict(read_call({key: 7}).usage.parts) == ({part: 7} if part else {})


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(0, id="zero"),
        pytest.param(-1, id="negative"),
        pytest.param("many", id="text"),
        pytest.param(2.0**60, id="beyond-reason"),
        pytest.param(None, id="null"),
    ],
)
def test_no_part(value):
    """Zero, negative and unreasonable numbers are no parts."""
    assert not read_call({"gen_ai.usage.input_audio_tokens": value}).usage.parts


def test_parts_in_objects():
    """Usage objects are read to the bottom, also Google's lists by modality."""
    usage = {
        "promptTokensDetails": [
            {"modality": "TEXT", "tokenCount": 70},
            {"modality": "AUDIO", "tokenCount": 30},
        ],
        "cache_creation": {"ephemeral_1h_input_tokens": 5},
        "service_tier": "Flex",
        "speed": "fast",
    }
    for given in (usage, json.dumps(usage)):
        found = read_call({"acme.usage": given})
        assert dict(found.usage.parts) == {
            "input_audio_tokens": 30,
            "cache_write_1h_tokens": 5,
        }
        assert found.usage.cache_write == 5
        assert (found.extra["service_tier"], found.extra["speed"]) == ("flex", "fast")


def test_searches_in_an_object_of_details():
    """Langfuse's details name no tokens."""
    details = {"input": 12_000, "output": 600, "web_search_requests": 3}
    found = read_call({"langfuse.observation.usage_details": json.dumps(details)})
    assert dict(found.usage.parts) == {"web_searches": 3}


@pytest.mark.parametrize(
    ("attributes", "tier"),
    [
        ({"openai.response.service_tier": "priority"}, "priority"),
        ({"gen_ai.openai.request.service_tier": "flex"}, "flex"),
        (
            {
                "gen_ai.openai.request.service_tier": "auto",
                "gen_ai.openai.response.service_tier": "default",
            },
            "default",
        ),
        (
            {"ai.response.providerMetadata": '{"openai": {"serviceTier": "flex"}}'},
            "flex",
        ),
        ({"llm.invocation_parameters": '{"service_tier": "flex"}'}, "flex"),
        ({"metadata": "x" * 30_000}, None),
    ],
)
def test_service_tier(attributes, tier):
    """The tier that served the call wins over the requested one."""
    assert read_call(attributes).extra.get("service_tier") == tier


def test_cached_tokens_in_metadata_complete_the_input():
    """Counts in an object of metadata are read where no attribute has them."""
    metadata = {
        "gen_ai.usage.cache_read_input_tokens": 35,
        "gen_ai.usage.cache_write_input_tokens": 17,
    }
    found = read_call(
        {"gen_ai.usage.total_tokens": 172, "metadata": json.dumps(metadata)}
    )
    assert (found.usage.input, found.usage.cache_read, found.usage.cache_write) == (
        152,
        35,
        17,
    )


@pytest.mark.parametrize(
    ("counts", "input_tokens", "total"),
    [
        pytest.param({"input": 170, "total": 180}, 100, 110, id="reads-added-again"),
        pytest.param({"input": 170, "total": 999}, 100, 999, id="another-total"),
        pytest.param({"input": 170}, 100, None, id="no-total"),
        pytest.param({"input": 100}, 100, None, id="the-sum"),
        pytest.param({"input": 150}, 150, None, id="unexplained"),
    ],
)
@pytest.mark.parametrize(
    "key",
    ["vercel.ai.usage.inputTokenDetails.noCacheTokens", "x.uncached_input_tokens"],
)
def test_input_whose_parts_are_reported(key, counts, input_tokens, total):
    """An exporter that adds cache reads to a count with them inside is seen by the parts."""
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.usage.output_tokens": 10,
        "gen_ai.usage.cache_read.input_tokens": 70,
        "gen_ai.usage.cache_creation.input_tokens": 20,
        key: 10,
        **{f"gen_ai.usage.{name}_tokens": number for name, number in counts.items()},
    }
    usage = read(make_span("a", attributes=attributes)).usage
    assert (usage.input, usage.total) == (input_tokens, total)


def test_uncached_input_without_a_cache():
    """The uncached part alone changes nothing."""
    usage = read_call({"x.uncached_input_tokens": 30}).usage
    assert usage.input == 100


def test_anthropics_own_object_excludes_cached_tokens():
    """Where the input is that of Anthropic's usage object, the cached ones are beside it."""
    usage = {
        "anthropic": {"usage": {"input_tokens": 100, "cache_read_input_tokens": 9}}
    }
    found = read_call({"ai.response.providerMetadata": json.dumps(usage)})
    assert found.usage.input == 109
