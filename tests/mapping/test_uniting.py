"""Two tellings of one thing."""

from __future__ import annotations

import pytest

from infinium_otel.mapping.uniting import united
from infinium_otel.records import Failure, Reading, Usage

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
def test_two_tellings_of_a_failure(first, other, expected):
    """The fuller telling wins; the other's word becomes the code."""
    both = united(Reading(failure=first), Reading(kind="llm", failure=other))
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
def test_two_tellings_of_usage(first, other, expected):
    """Details are taken over only from a telling of the same tokens."""
    both = united(Reading(usage=first), Reading(kind="llm", usage=other))
    assert both.usage == expected


def test_a_reading_united_with_itself_is_itself():
    """A span delivered twice adds nothing."""
    reading = Reading(kind="llm", model="m")
    assert united(reading, reading) is reading


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
    """The version that answered says more than the name that was asked for."""
    both = united(Reading(kind="llm", model=first), Reading(kind="llm", model=other))
    assert (both.model, both.model_requested) == (model, requested)
