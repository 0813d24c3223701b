"""What a call costs."""

from __future__ import annotations

import sys
from datetime import datetime, timezone

import pytest

from infinium_otel.mapping import price_list
from infinium_otel.mapping.pricing import find_cost
from infinium_otel.records import Failure, NormalizedSpan, Usage
from support.records import agent, chat, task_of

NOW = 1_760_000_000 * 10**9
LATER = 1_795_000_000 * 10**9
"""When more tiers had a price."""
CALL = NormalizedSpan(
    kind="llm", model="gpt-4o-mini", provider="openai", usage=Usage(input=1000, output=100)
)  # fmt: skip


def but(**changes):
    from dataclasses import replace  # noqa: PLC0415 - one use

    return replace(CALL, **changes)


@pytest.fixture(autouse=True)
def _fresh():
    yield
    clear_caches()


def clear_caches():
    for cached in (
        price_list._import_package,
        price_list.find_priced_model,
        price_list._find_prices,
    ):  # fmt: skip
        cached.cache_clear()


@pytest.mark.parametrize(
    ("reading", "expected"),
    [
        pytest.param(but(cost_usd=0.5), 0.5, id="the-spans-own-figure"),
        pytest.param(but(cost_usd=0.5, usage=None), 0.5, id="that-figure-without-tokens"),
        pytest.param(but(cost_usd=0.0), 0.00021, id="zero-for-tokens-is-unknown"),
        pytest.param(but(cost_usd=0.0, usage=None), 0.0, id="zero-for-nothing"),
        pytest.param(but(replayed=True), 0.0, id="replayed"),
        pytest.param(but(usage=None, failure=Failure("E", "no")), None, id="failed"),
        pytest.param(but(usage=None), None, id="no-usage"),
        pytest.param(but(model=None), None, id="no-model"),
        pytest.param(but(model="no-such-model"), None, id="unknown-model"),
        pytest.param(but(usage=Usage(output=3)), None, id="only-output"),
        pytest.param(but(usage=Usage(input=3)), None, id="only-input"),
        pytest.param(but(usage=Usage(input=0, output=0), output="Long."), None, id="nobody-counted"),
        pytest.param(but(usage=Usage(1000, 100, 1500)), None, id="tokens-of-unknown-price"),
        pytest.param(CALL, 0.00021, id="priced"),
        pytest.param(but(provider=None), 0.00021, id="by-model-alone"),
        pytest.param(
            but(usage=Usage(input=1000, output=100, cache_read=1000)), 0.000135,
            id="cached-is-part-of-input",
        ),
    ],
)  # fmt: skip
def test_cost(reading, expected):
    """The span's cost wins; else the published price; unknown stays None."""
    pytest.importorskip("genai_prices")
    cost = find_cost(reading, NOW)
    assert cost == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(
    ("reading", "expected"),
    [
        pytest.param(
            but(model="gpt-5", extra={"service_tier": "priority"}), 0.0045, id="priority"
        ),
        pytest.param(but(model="gpt-5", extra={"service_tier": "flex"}), 0.001125, id="flex"),
        pytest.param(but(model="gpt-5", extra={"service_tier": "default"}), 0.00225, id="default"),
        pytest.param(but(model="gpt-5", extra={"service_tier": "batch"}), 0.001125, id="batch"),
        pytest.param(
            but(model="gpt-5", extra={"service_tier": "scale"}), None, id="a-tier-without-a-price"
        ),
        pytest.param(
            but(model="gpt-5", provider="azure", extra={"service_tier": "priority"}), None,
            id="another-providers-tier",
        ),
        pytest.param(
            but(model="claude-sonnet-4-5", provider="anthropic", usage=Usage(
                1000, 100, cache_write=1000, parts={"cache_write_1h_tokens": 1000})),
            0.0075, id="an-hour-in-the-cache",
        ),
        pytest.param(
            but(model="claude-sonnet-4-5", provider="anthropic", usage=Usage(
                1000, 100, cache_write=1000, parts={"cache_write_5m_tokens": 1000})),
            0.00525, id="five-minutes-in-the-cache",
        ),
        pytest.param(
            but(usage=Usage(1000, 100, parts={"cache_write_1h_tokens": 1000})), None,
            id="a-lifetime-without-a-price",
        ),
        pytest.param(
            but(usage=Usage(1000, 100, cache_write=10)), None, id="cache-writes-without-a-price"
        ),
        pytest.param(
            but(model="gpt-realtime", usage=Usage(
                420, 180, parts={"input_audio_tokens": 300, "output_audio_tokens": 140})),
            0.01968, id="audio",
        ),
        pytest.param(
            but(usage=Usage(1000, 100, parts={"output_audio_tokens": 9})), None,
            id="audio-without-a-price",
        ),
        pytest.param(
            but(model="gemini-2.5-flash", provider="google", usage=Usage(
                1000, 100, parts={"input_image_tokens": 258})),
            0.00055, id="images-by-the-plain-price",
        ),
        pytest.param(
            but(model="gemini-2.5-flash", provider="google", usage=Usage(
                1000, 100, parts={"input_tool_tokens": 258})),
            0.00055, id="results-of-the-providers-tools-are-input",
        ),
        pytest.param(
            but(model="claude-sonnet-4-5", provider="anthropic", usage=Usage(
                1000, 100, parts={"web_searches": 2})),
            0.0245, id="searches",
        ),
        pytest.param(
            but(model="whisper-1", usage=Usage(parts={"audio_seconds": 60})), 0.006,
            id="seconds-of-audio",
        ),
        pytest.param(
            but(model="deepseek/deepseek-r1:free", provider="openrouter"), 0.0, id="a-free-model"
        ),
    ],
)  # fmt: skip
def test_conditions_and_parts(reading, expected):
    """Each part has the price of its own; a part or a tier without one is unknown."""
    pytest.importorskip("genai_prices")
    cost = find_cost(reading, LATER)
    assert cost == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(
    ("changes", "as_if"),
    [
        pytest.param({"model": "openai/gpt-4o"}, {"model": "gpt-4o"}, id="prefix"),
        pytest.param({"model": "openai:gpt-4o"}, {"model": "gpt-4o"}, id="colon"),
        pytest.param(
            {"model": "azure_ai/claude-opus-4-5", "provider": "azure"},
            {"model": "claude-opus-4-5", "provider": "anthropic"}, id="another-name-of-azure",
        ),
        pytest.param(
            {"model": "models/gemini-2.5-flash", "provider": "google"},
            {"model": "gemini-2.5-flash", "provider": "google"}, id="googles-path",
        ),
        pytest.param(
            {"model": "projects/p/locations/l/publishers/google/models/gemini-2.5-flash",
             "provider": "google"},
            {"model": "gemini-2.5-flash", "provider": "google"}, id="a-resource",
        ),
        pytest.param(
            {"model": "bedrock/converse/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
             "provider": "aws.bedrock"},
            {"model": "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
             "provider": "aws.bedrock"}, id="a-route",
        ),
        pytest.param(
            {"model": "arn:aws:bedrock:us-east-1:1:inference-profile/"
                      "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "provider": None},
            {"model": "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
             "provider": "aws.bedrock"}, id="an-arn",
        ),
        pytest.param({"provider": "litellm_proxy"}, {}, id="a-gateways-name"),
        pytest.param(
            {"model": "groq/llama-3.3-70b-versatile"},
            {"model": "llama-3.3-70b-versatile", "provider": "groq"}, id="a-clients-name",
        ),
        pytest.param(
            {"model": "bedrock/us-east-1/anthropic.claude-3-5-sonnet-20241022-v2:0"},
            {"model": "anthropic.claude-3-5-sonnet-20241022-v2:0",
             "provider": "aws.bedrock"}, id="a-region",
        ),
        pytest.param(
            {"model": "anthropic/claude-sonnet-4-5", "provider": "ai-gateway"},
            {"model": "claude-sonnet-4-5", "provider": "anthropic"}, id="behind-a-gateway",
        ),
        pytest.param(
            {"model": "gpt-4", "model_requested": "gpt-4-1106-preview", "provider": "azure"},
            {"model": "gpt-4-1106-preview"}, id="the-requested-version",
        ),
        pytest.param(
            {"model": "gpt-4o", "model_requested": "gpt-4o-mini"}, {"model": "gpt-4o"},
            id="another-model-was-requested",
        ),
    ],
)  # fmt: skip
def test_spellings(changes, as_if):
    """A model has its price under each name that points to it."""
    pytest.importorskip("genai_prices")
    cost = find_cost(but(**changes), NOW)
    assert cost is not None
    assert cost == find_cost(but(**as_if), NOW)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"model": "ollama/mistral", "provider": None}, id="own-server"),
        pytest.param(
            {"model": "hosted_vllm/gpt-4o", "provider": "hosted_vllm"}, id="vllm"
        ),
        pytest.param(
            {"model": "mistralai/Mistral-7B-Instruct-v0.3"}, id="open-weights"
        ),
        pytest.param({"model": "openai/gpt-oss-20b"}, id="open-weights-of-openai"),
        pytest.param({"provider": "acme"}, id="another-provider"),
        pytest.param(
            {"model": "my-deployment", "provider": "azure"}, id="a-deployment"
        ),
        pytest.param({"model": "/" * 5_000}, id="hostile"),
    ],
)
def test_a_name_that_points_to_no_model_has_no_price(changes):
    """A server of one's own has no list price, whatever the model is called."""
    assert find_cost(but(**changes), NOW) is None


def test_prices_by_the_hour():
    """Where a provider's prices depend on the hour, the call's own time decides."""
    prices = pytest.importorskip("genai_prices")
    reading = but(model="deepseek-chat", provider="deepseek")
    for hour in range(24):
        at = datetime(2026, 8, 31, hour, 40, tzinfo=timezone.utc)
        expected = prices.calc_price(
            prices.Usage(input_tokens=1000, output_tokens=100), "deepseek-chat",
            provider_id="deepseek", genai_request_timestamp=at,
        )  # fmt: skip
        cost = find_cost(reading, int(at.timestamp()) * 10**9)
        assert cost == pytest.approx(float(expected.total_price))


def test_what_was_refused_is_part_of_no_bill():
    """A call that the provider refused leaves the total known; a broken one does not."""
    paid = chat("a", "root", start=2, attributes={"gen_ai.usage.cost": 0.5})
    for status, total in ((429, 0.5), (None, None)):
        more = {"http.response.status_code": status} if status else {}
        failed = chat(
            "b", "root", None, status="error", attributes={"error.type": "E", **more}
        )
        assert (
            task_of(agent("root"), failed, paid).llm_usage.estimated_cost_usd == total
        )
    only = task_of(agent("root"), failed)
    assert only.llm_usage.estimated_cost_usd is None


@pytest.mark.parametrize(
    ("content", "cost"),
    [({"gen_ai.completion": "Yo."}, None), ({}, 0.0)],
    ids=["beside-an-answer", "alone"],
)
def test_a_cost_of_zero_that_was_made_of_zero_tokens(content, cost):
    """A cost of zero beside zero tokens is believed unless there was an answer."""
    counts = {"gen_ai.usage.input_tokens": 0, "gen_ai.usage.output_tokens": 0}
    call = chat("a", None, attributes={**counts, "gen_ai.usage.cost": 0.0, **content})
    assert task_of(call).llm_usage.estimated_cost_usd == cost


def test_a_total_beyond_its_parts_is_reported():
    """Tokens that only the provider's total contains are in the total of the run."""
    call = chat(
        "a", "root",
        attributes={
            "gen_ai.usage.input_tokens": 20,
            "gen_ai.usage.output_tokens": 198,
            "gen_ai.usage.total_tokens": 623,
        },
    )  # fmt: skip
    task = task_of(agent("root"), call)
    assert task.llm_usage.total_tokens == 623
    assert task.llm_usage.estimated_cost_usd is None
    assert task.steps[-1].metadata["gen_ai.usage.total_tokens"] == 623


def test_long_contexts_are_priced_on_their_own():
    """If a price list has tiers, a long context costs its tier's price."""
    pytest.importorskip("genai_prices")
    gemini = NormalizedSpan(
        kind="llm", model="gemini-2.5-pro", provider="google",
        usage=Usage(input=300_000, output=0),
    )  # fmt: skip
    short = NormalizedSpan(
        kind="llm", model="gemini-2.5-pro", provider="google",
        usage=Usage(input=100_000, output=0),
    )  # fmt: skip
    assert find_cost(gemini, NOW) > 3 * find_cost(short, NOW)


@pytest.mark.parametrize("tokens", [1, 199_999, 200_000, 200_001, 300_000])
@pytest.mark.parametrize("model", ["claude-sonnet-4-5", "gemini-2.5-pro"])
def test_a_tier_begins_where_the_price_list_says(model, tokens):
    """Below a tier, at its start and above it a call costs what genai-prices computes."""
    genai_prices = pytest.importorskip("genai_prices")
    provider = "anthropic" if model.startswith("claude") else "google"
    counts = {
        "input_tokens": tokens,
        "output_tokens": 700,
        "cache_read_tokens": tokens // 3,
    }
    expected = genai_prices.calc_price(
        genai_prices.Usage(**counts), model_ref=model, provider_id=provider,
        genai_request_timestamp=datetime.fromtimestamp(NOW // 10**9, tz=timezone.utc),
    )  # fmt: skip
    call = NormalizedSpan(
        kind="llm", model=model, provider=provider,
        usage=Usage(input=tokens, output=700, cache_read=tokens // 3),
    )  # fmt: skip
    assert find_cost(call, NOW) == pytest.approx(float(expected.total_price), abs=1e-12)


def test_without_the_extra_nothing_is_priced(monkeypatch):
    """Without genai-prices only the spans' own costs are known."""
    clear_caches()
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    assert find_cost(CALL, NOW) is None
    assert find_cost(but(cost_usd=0.5), NOW) == 0.5


def test_a_partial_cost_is_not_a_total():
    """The task's cost is known only if every call's is."""
    known = chat("a", "root", attributes={"gen_ai.usage.cost": 0.5})
    unknown = chat("b", "root", start=2, attributes={"gen_ai.request.model": "mine"})
    assert task_of(agent("root"), known).llm_usage.estimated_cost_usd == 0.5
    assert task_of(agent("root"), known, unknown).llm_usage.estimated_cost_usd is None


@pytest.mark.parametrize(("reported", "total"), [(0.25, 0.25), (0.0, None)])
def test_the_cost_of_a_root_counts_where_calls_have_none(reported, total):
    """One of zero, beside calls that used tokens, is a sum over nothing."""
    unknown = chat("b", "root", attributes={"gen_ai.request.model": "mine"})
    root = agent("root", attributes={"gen_ai.usage.cost": reported})
    assert task_of(root, unknown).llm_usage.estimated_cost_usd == total


@pytest.mark.parametrize(
    ("counts", "on_call", "total"),
    [
        pytest.param({}, {}, 0.25, id="no counts"),
        pytest.param((100, 10), {}, 0.25, id="those of all calls"),
        pytest.param((60, 5), {}, None, id="those of some calls"),
        pytest.param({}, {"llm.cost": 0.5}, 0.5, id="a call has its own"),
    ],
)
def test_a_reported_cost_of_the_whole_run_outranks_the_price_list(
    counts, on_call, total
):
    """A run knows what its calls cost, with what the price list does not see."""
    pytest.importorskip("genai_prices")
    usage = "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"
    call = chat(
        "b",
        "root",
        attributes={
            "gen_ai.request.model": "gpt-4o",
            **dict(zip(usage, (100, 10), strict=True)),
            **on_call,
        },
    )
    sums = dict(zip(usage, counts, strict=False))
    root = agent("root", attributes={"gen_ai.usage.cost": 0.25, **sums})
    found = task_of(root, call).llm_usage.estimated_cost_usd
    priced = task_of(agent("root"), call).llm_usage.estimated_cost_usd
    assert found == (priced if total is None else total)


def test_the_cost_of_a_part_is_not_the_runs():
    """An agent inside the run without counts reports what its own part cost."""
    priced = {
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 10,
    }
    own = {"gen_ai.usage.cost": 0.25, "gen_ai.agent.name": "other"}
    inner = agent("a", "root", attributes=own)
    calls = chat("b", "a", attributes=priced), chat("c", "root", attributes=priced)
    alone = task_of(agent("root"), *calls).llm_usage.estimated_cost_usd
    assert task_of(agent("root"), inner, *calls).llm_usage.estimated_cost_usd == alone
