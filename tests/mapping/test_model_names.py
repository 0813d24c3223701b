"""When two spellings of a model's name can be of one model."""

from __future__ import annotations

import pytest

from infinium_otel.mapping.model_names import are_other_models


@pytest.mark.parametrize(
    ("one", "other", "others"),
    [
        pytest.param("gpt-4o", "claude-sonnet-4-5", True, id="two-families"),
        pytest.param("gpt-4o", "gpt-4.1", True, id="two-of-a-family"),
        pytest.param("gpt-4o", "gpt-4o-2024-08-06", False, id="dated"),
        pytest.param("openai/gpt-4o", "gpt-4o", False, id="routed"),
        pytest.param("us.anthropic.claude-sonnet-4-5-20250929-v1:0",
                     "claude-sonnet-4-5", False, id="bedrock"),
        pytest.param("my-deployment", "gpt-4o", False, id="deployment"),
        pytest.param(None, "gpt-4o", False, id="unknown"),
    ],
)  # fmt: skip
def test_names_of_other_models(one, other, others):
    """Only two known models can differ; prefixes and dates do not tell them apart."""
    assert are_other_models(one, other) is others
    assert are_other_models(other, one) is others
