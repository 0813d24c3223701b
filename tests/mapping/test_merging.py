"""Two reports of one piece of work."""

from __future__ import annotations

import pytest

from infinium_otel.mapping.merging import merge
from infinium_otel.records import Failure, NormalizedSpan, Usage

FULL = Failure("RateLimitError", "slow down, please", "Traceback ...")


@pytest.mark.parametrize(
    ("first", "other", "expected"),
    [
        pytest.param(None, FULL, None, id="a-wrappers-own-failure"),
        pytest.param(FULL, None, FULL, id="only-one"),
        pytest.param(
            Failure("rate_limit_error", "rate_limit_error (429)", None, "429"),
            FULL,
            Failure(
                "RateLimitError", FULL.message, FULL.stack_trace, "rate_limit_error"
            ),
            id="type-becomes-code",
        ),
        pytest.param(
            FULL,
            Failure("error", "no", None, "E7"),
            Failure("RateLimitError", FULL.message, FULL.stack_trace, "E7"),
            id="code-kept",
        ),
    ],
)
def test_two_reports_of_a_failure(first, other, expected):
    """The richer report wins; the other's type becomes the code."""
    both = merge(
        NormalizedSpan(failure=first), NormalizedSpan(kind="llm", failure=other)
    )
    assert both.failure == expected


@pytest.mark.parametrize(
    ("first", "other", "expected"),
    [
        pytest.param(Usage(10, 5), Usage(10, cache_read=4),
                     Usage(10, 5, cache_read=4), id="same-tokens"),
        pytest.param(Usage(10, 5), Usage(20, cache_read=4), Usage(10, 5),
                     id="other-tokens"),
        pytest.param(None, Usage(20), Usage(20), id="only-one"),
    ],
)  # fmt: skip
def test_two_reports_of_usage(first, other, expected):
    """Details are merged only from a report of the same tokens."""
    both = merge(NormalizedSpan(usage=first), NormalizedSpan(kind="llm", usage=other))
    assert both.usage == expected


def test_a_span_merged_with_itself_is_itself():
    """A span received twice adds nothing."""
    reading = NormalizedSpan(kind="llm", model="m")
    assert merge(reading, reading) is reading


@pytest.mark.parametrize(
    ("first", "other", "model", "requested"),
    [
        pytest.param("gpt-4o", "gpt-4o-2024", "gpt-4o-2024", "gpt-4o", id="a-version"),
        pytest.param("gpt-4o-2024", "gpt-4o", "gpt-4o-2024", None, id="the-family"),
        pytest.param("gpt-4o", "gpt-4omni", "gpt-4o", None, id="another-model"),
        pytest.param("gpt-4o", None, "gpt-4o", None, id="unknown"),
        pytest.param(None, "gpt-4o", "gpt-4o", None, id="only-one"),
    ],
)
def test_two_names_of_a_model(first, other, model, requested):
    """The model of the response is more specific than the requested one."""
    both = merge(
        NormalizedSpan(kind="llm", model=first), NormalizedSpan(kind="llm", model=other)
    )
    assert (both.model, both.model_requested) == (model, requested)


def test_an_explicit_fact_replaces_a_derived_one():
    """Of two reports the name that is stated wins; what neither states stays derived."""
    derived = NormalizedSpan(
        tool_name="f", input="x", agent_name="a", weak=("tool_name", "agent_name")
    )
    stated = NormalizedSpan(
        tool_name="get_weather", agent_name="b", weak=("agent_name",)
    )
    merged = merge(derived, stated)
    assert (merged.tool_name, merged.agent_name) == ("get_weather", "a")
    assert merged.weak == ("agent_name",)
    assert merge(stated, derived).tool_name == "get_weather"


def test_zero_is_a_value():
    """Zeros and false options are facts; a switch that is off is none."""
    first = NormalizedSpan(temperature=0.0, streaming=False, tags=())
    other = NormalizedSpan(
        temperature=1.0, streaming=True, tags=("t",), utility=True, top_p=0
    )
    merged = merge(first, other)
    assert (merged.temperature, merged.streaming, merged.top_p) == (0.0, False, 0)
    assert (merged.tags, merged.utility) == (("t",), True)


def test_metadata_of_both():
    """What the application added to either span is kept."""
    merged = merge(
        NormalizedSpan(metadata={"a": 1}), NormalizedSpan(metadata={"a": 2, "b": 3})
    )
    assert merged.metadata == {"a": 1, "b": 3}


def test_a_requested_model_that_only_repeats_the_answers_gives_way():
    """The request's own name is a fact, the answer's name a second time is none."""
    first = NormalizedSpan(model="m-2026-01-01", model_requested="m-2026-01-01")
    other = NormalizedSpan(model="m-2026-01-01", model_requested="m")
    assert merge(first, other).model_requested == "m"


def test_parts_of_the_usage_are_merged():
    """What two reports of the same tokens have of its parts is kept."""
    first = NormalizedSpan(usage=Usage(10, 5, parts={"input_audio_tokens": 3}))
    other = NormalizedSpan(usage=Usage(10, 5, parts={"output_audio_tokens": 2}))
    assert dict(merge(first, other).usage.parts) == {
        "input_audio_tokens": 3,
        "output_audio_tokens": 2,
    }
