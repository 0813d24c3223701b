"""Token counts in keys of any vocabulary."""

from __future__ import annotations

import pytest

from infinium_otel.dialects._token_keys import find_count, holds_counts


@pytest.mark.parametrize(
    ("key", "fact"),
    [
        ("gen_ai.usage.cached_input_tokens", "cache_read"),
        ("gen_ai.usage.input_tokens.cached", "cache_read"),
        ("gen_ai.usage.cacheCreationInputTokens", "cache_write"),
        ("gen_ai.usage.output_tokens.reasoning", "reasoning"),
        ("gen_ai.usage.thoughtsTokenCount", "reasoning"),
        ("llm.usage.promptTokens", "input_tokens"),
        ("usage.completion", "output_tokens"),
        ("acme.tokens.in", "input_tokens"),
        ("acme_tokens_out", "output_tokens"),
        ("response.prompt_tokens", "input_tokens"),
        ("acme.tokenCount", "total_tokens"),
        ("usage.total_requests", None),
        ("llm.max_tokens", None),
        ("time_to_first_token", None),
        ("tokens_per_second", None),
        ("access_token", None),
        ("ki.token.eingabe", "input_tokens"),
        ("ia.jetons.entrée", "input_tokens"),
        ("输出tokens", "output_tokens"),
        ("in_tok", "input_tokens"),
        ("acme.tokensSent", "input_tokens"),
        ("acme.tokens_received", "output_tokens"),
        ("output_tokens_sent", "output_tokens"),
        ("ollama.prompt_eval_count", "input_tokens"),
        ("ollama.eval_count", "output_tokens"),
        ("auth.tokens.issued", None),
        ("oauth.token.request.count", None),
        ("ratelimit.tokens.input", None),
        ("lexer.input.tokens", None),
        ("bucket.tokens.in", None),
        ("tiktoken.input_tokens", None),
        ("swap.tokens.out", None),
        ("gen_ai.usage.tool_use_prompt_tokens", None),
        ("usage.input_tokens_details.audio_tokens", None),
        ("cumulative_token_count.prompt", None),
        ("usage.cache_creation.ephemeral_5m_input_tokens", None),
    ],
)
def test_counts_by_words(key, fact):
    """A key with a word for tokens is a count, in any spelling; not a limit or a part."""
    assert find_count(key) == fact


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("acme.usage", True),
        ("langsmith.metadata.usage_metadata", True),
        ("acme.token_details", False),
        ("acme.metadata", False),
    ],
)
def test_objects_of_counts(key, expected):
    """Usage, and what is reported with it, is an object of counts."""
    assert holds_counts(key) is expected
