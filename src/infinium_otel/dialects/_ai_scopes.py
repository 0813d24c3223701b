"""Which scopes are named after a library for language models or agents.

Source: OpenInference, OpenLLMetry, Traceloop, Vercel's AI SDK, LangChain4j, Spring AI and
others name their scopes by what they instrument; there are more of them every week.
"""

from __future__ import annotations

import re

from infinium_otel.records.caching import cache_names

MAX_SCOPE = 200

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")

_LIBRARY_WORD = re.compile(
    r"(llama|openai|openinf|openllm|openlit|anthropic|litellm|ollama|smolagents|mistralai"
    r"|vertexai|crewai|beeai|bedrockagent|groq|genkit|mastra|autogen|dspy|promptflow"
    r"|traceloop|semantickernel|agentops|agentcore|agentscope|voltagent|tanstackai"
    r"|generativeai|lang(chain|graph|fuse|smith|watch|trace|flow|serve|mem))\w*"
    r"|llms?|genai|mcp|ai|lmnr|agno|eino"
)
"""Words that name nothing but a library for language models."""

_AMBIGUOUS_WORD = re.compile(
    r"lang\w+|agents?|agent\w+|claude|gemini|gemma|vertex|bedrock|mistral|cohere|haystack"
    r"|instructor|guardrails|copilot|grok|command|strands|\w+(ai|llm|agents)"
)
"""Words that name people, places and programs too: a game, a cache, a telescope."""

_COMPANION = re.compile(r"openinference|arizeai|genai|llms?|ai|aws|amazon")
"""Words beside which an ambiguous one names a library."""

_AI_PAIR = re.compile(
    r"gen_ai|semantic_kernel|agent_framework|agent_sdk|strands_(?:agents|telemetry)"
    r"|claude_code|gemini_cli|copilot_chat|bedrock_(?:agent|runtime)|gcp_vertex"
    r"|instrumentation_(?:lang|agent|claude|gemini|vertex|bedrock|mistral|cohere|haystack"
    r"|instructor|guardrails|strands|copilot|grok)"
)
_NO_AI_WORD = frozenset("language languages agent agents".split())


@cache_names(maxsize=1024)
def split_scope(name: str) -> tuple[str, ...]:
    """The words of a scope's or an event's name."""
    return tuple(word.lower() for word in _WORD.findall(name[:MAX_SCOPE]))


@cache_names(maxsize=1024)
def is_ai_scope(scope: str) -> bool:
    """Whether a scope is named after a library for language models or agents.

    A word that has other meanings counts beside one that has none: `gcp.vertex.agent`,
    `opentelemetry.instrumentation.cohere`, not `oracle.coherence`, `openstack.mistral`.
    """
    words = split_scope(scope)
    if _AI_PAIR.search("_".join(words)):
        return True
    if any(_LIBRARY_WORD.fullmatch(word) for word in words):
        return True
    ambiguous = [word for word in words if _is_ambiguous(word)]
    others = set(words).difference(ambiguous)
    return bool(ambiguous) and any(map(_COMPANION.fullmatch, others))


def _is_ambiguous(word: str) -> bool:
    return word not in _NO_AI_WORD and _AMBIGUOUS_WORD.fullmatch(word) is not None
