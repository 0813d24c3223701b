"""Which prompt version a span names, in each vocabulary."""

from __future__ import annotations

import json

import pytest

from infinium_otel.dialects import read
from infinium_otel.records import StoredPrompt
from support.records import event, make_span

COMMIT = "c18672812789a3b9"


def prompts(attributes, **more):
    return read(make_span("s", None, attributes, **more)).prompts


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        pytest.param(
            {
                "langfuse.observation.prompt.name": "critic",
                "langfuse.observation.prompt.version": 2,
            },
            StoredPrompt("langfuse", "critic", 2),
            id="langfuse",
        ),
        pytest.param(
            {"langfuse.prompt.name": "critic", "langfuse.prompt.version": "2"},
            StoredPrompt("langfuse", "critic", 2),
            id="langfuse-older langfuse/langfuse#6973",
        ),
        pytest.param(
            {"langfuse.observation.prompt.name": "critic"},
            StoredPrompt("langfuse", "critic"),
            id="name-only ncosentino/needlr#15",
        ),
        pytest.param(
            {"ai.telemetry.metadata.langfusePrompt": '{"name":"critic","version":3}'},
            StoredPrompt("langfuse", "critic", 3),
            id="vercel langfuse/langfuse#8982",
        ),
        pytest.param(
            {"gen_ai.prompt.name": "support", "gen_ai.prompt.version": "v1.2.3"},
            StoredPrompt("gen_ai", "support", "v1.2.3"),
            id="conventions open-telemetry/semantic-conventions-genai#137",
        ),
        pytest.param(
            {"traceloop.prompt.key": "joke", "traceloop.prompt.version": 5},
            StoredPrompt("traceloop", "joke", 5),
            id="traceloop traceloop/openllmetry#1425",
        ),
        pytest.param(
            {
                "openinference.span.kind": "LLM",
                "llm.prompt_template.version": "v1.0",
                "llm.prompt_template.template": "Tell me of {city}",
            },
            StoredPrompt("openinference", None, "v1.0"),
            id="openinference Arize-ai/phoenix#1079",
        ),
        pytest.param(
            {
                "langsmith.metadata.lc_hub_owner": "rlm",
                "langsmith.metadata.lc_hub_repo": "rag-prompt",
                "langsmith.metadata.lc_hub_commit_hash": COMMIT,
            },
            StoredPrompt("langsmith", "rlm/rag-prompt", COMMIT),
            id="langsmith langchain-ai/langchain#14720",
        ),
        pytest.param(
            {
                "metadata": json.dumps(
                    {"lc_hub_repo": "rag", "lc_hub_commit_hash": COMMIT}
                )
            },
            StoredPrompt("langsmith", "rag", COMMIT),
            id="langchain-metadata",
        ),
        pytest.param(
            {"mlflow.linkedPrompts": '[{"name": "router", "version": "4"}]'},
            StoredPrompt("mlflow", "router", 4),
            id="mlflow mlflow/mlflow#23888",
        ),
    ],
)
def test_vocabularies(attributes, expected):
    """Name and version are read, whatever they are called."""
    assert prompts(attributes) == (expected,)


@pytest.mark.parametrize(
    ("attributes", "scope"),
    [
        pytest.param({"prompt.id": "user-message-1"}, "", id="claude-code"),
        pytest.param({"gen_ai.prompt.name": "s#####0"}, "gemini-cli", id="gemini-cli"),
        pytest.param(
            {
                "ai.telemetry.metadata.langfusePrompt": '{"name":"critic","version":1,"isFallback":true}'
            },
            "",
            id="fallback langfuse/langfuse-python#1750",
        ),
        pytest.param({"gen_ai.prompt": "Say hello"}, "", id="a-text"),
        pytest.param({"llm.prompt_template.template": "Hi {x}"}, "", id="a-template"),
        pytest.param({"metadata": '{"lc_hub_commit_hash": "abc"}'}, "", id="no-repo"),
        pytest.param({"metadata.lc_hub_commit_hash": "abc"}, "", id="only-a-commit"),
        pytest.param({"metadata.lc_hub_other": "abc"}, "", id="another-member"),
        pytest.param({"mlflow.linkedPrompts": "[1, {}]"}, "", id="not-prompts"),
        pytest.param({"mlflow.linkedPrompts": "x" * 30_000}, "", id="too-long"),
        pytest.param(
            {"langfuse.observation.prompt.name": "n" * 201}, "", id="long-name"
        ),
        pytest.param({"langfuse.observation.prompt.version": -1}, "", id="negative"),
        pytest.param({"langfuse.observation.prompt.version": True}, "", id="a-flag"),
    ],
)
def test_what_names_no_prompt(attributes, scope):
    """What may mean something else, or has no valid name or version, is none."""
    assert prompts(attributes, scope=scope) == ()


def test_our_own():
    """Parallel sequences are several prompts; an unknown version is None."""
    found = prompts(
        {
            "infinium.prompt.id": ("a", "b", ""),
            "infinium.prompt.name": ("one", "two", ""),
            "infinium.prompt.version": (1, 0, 0),
            "infinium.prompt.variables": ("x,y", "", ","),
            "infinium.prompt.fetched_at": ("2026-01-01T00:00:00Z", ""),
        }
    )
    assert found == (
        StoredPrompt(
            "prompt_studio", "one", 1, "a", ("x", "y"), "2026-01-01T00:00:00Z"
        ),
        StoredPrompt("prompt_studio", "two", None, "b"),
    )


def test_the_vendors_event():
    """The event of infinium-o2's spans is a prompt of Infinium's store."""
    fetch = event(
        "prompt_studio.fetch",
        {"prompt.id": "a", "prompt.name": "one", "prompt.version": 2},
    )
    found = prompts({}, events=(event("other"), fetch))
    assert found == (StoredPrompt("prompt_studio", "one", 2, "a"),)


def test_two_vocabularies():
    """A prompt named twice is one; Infinium's own record of it wins."""
    found = prompts(
        {
            "langfuse.observation.prompt.name": "one",
            "langfuse.observation.prompt.version": 2,
            "infinium.prompt.id": "a",
            "infinium.prompt.name": "one",
            "infinium.prompt.version": 2,
        }
    )
    assert found == (StoredPrompt("prompt_studio", "one", 2, "a"),)


def test_bounds():
    """At most twenty prompts and fifty variables are read of a span."""
    linked = [{"name": f"p{n}", "version": n} for n in range(100)]
    assert len(prompts({"mlflow.linkedPrompts": json.dumps(linked)})) == 20
    names = ",".join(f"v{n}" for n in range(99))
    [found] = prompts({"infinium.prompt.id": "a", "infinium.prompt.variables": names})
    assert len(found.variables) == 50
