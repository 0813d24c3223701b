"""Provider names: many spellings, one word.

Source: the provider registry of the GenAI conventions; the words openai, anthropic,
google and xai are Infinium's own (infinium-o2 1.2.0, `LlmCall.provider`).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_SPELLINGS = {
    "openai": "openai open_ai openai_codex openai-chat openai-responses",
    "azure": (
        "az.ai.openai azure.ai.openai azure_openai azure-openai azureopenai azure "
        "az.ai.inference azure.ai.inference azure_ai azure_ai_inference "
        "microsoft.foundry az.ai.agents azure.ai.agents"
    ),
    "anthropic": "anthropic claude vertex_anthropic",
    "google": (
        "gcp.gen_ai gcp.gemini gemini google google_genai google.generative-ai "
        "google-gla google_ai google_ai_gemini google_ai_studio gcp.vertex_ai "
        "vertex_ai vertexai google_vertexai google_vertex google-vertex googleai"
    ),
    "aws.bedrock": (
        "aws.bedrock aws_bedrock bedrock amazon_bedrock amazon-bedrock aws "
        "bedrock_converse amazon"
    ),
    "mistral_ai": "mistral_ai mistralai mistral",
    "xai": "xai x_ai x-ai x.ai grok",
    "cohere": "cohere cohere_ai",
    "moonshot_ai": "moonshot_ai moonshot moonshotai",
    "together": "together together_ai togetherai",
    "fireworks": "fireworks fireworks_ai",
    "huggingface": "huggingface hugging_face",
    "ibm.watsonx.ai": "ibm.watsonx.ai watsonx ibm.watson.ai",
}
ALIASES = {
    alias: provider for provider, line in _SPELLINGS.items() for alias in line.split()
}

NOT_PROVIDERS = frozenset(
    "langchain langgraph crewai autogen ag2 strands-agents strands_agents strands "
    "microsoft.agent_framework agent_framework gcp.vertex.agent google_adk llama_index "
    "llamaindex haystack litellm openai_agents pydantic_ai pydantic-ai agno smolagents "
    "dspy mem0 controlflow claude_agent_sdk semantic_kernel vercel portkey unknown "
    "_other custom".split()
)
"""Frameworks and gateways that instrumentations put where a provider belongs."""

_HOSTS = tuple(
    (re.compile(pattern), provider)
    for pattern, provider in (
        (r"(^|\.)openai\.azure\.com$", "azure"),
        (r"(^|\.)(cognitiveservices|services\.ai|models\.ai)\.azure\.com$", "azure"),
        (r"(^|\.)openai\.com$", "openai"),
        (r"(^|\.)anthropic\.com$", "anthropic"),
        (r"(^|[.-])(generativelanguage|aiplatform)\.googleapis\.com$", "google"),
        (r"^bedrock(-runtime)?\..*amazonaws\.com$", "aws.bedrock"),
        (r"(^|\.)mistral\.ai$", "mistral_ai"),
        (r"(^|\.)x\.ai$", "xai"),
        (r"(^|\.)groq\.com$", "groq"),
        (r"(^|\.)deepseek\.com$", "deepseek"),
        (r"(^|\.)perplexity\.ai$", "perplexity"),
        (r"(^|\.)cohere\.(com|ai)$", "cohere"),
        (r"(^|\.)together\.(xyz|ai)$", "together"),
        (r"(^|\.)fireworks\.ai$", "fireworks"),
        (r"(^|\.)openrouter\.ai$", "openrouter"),
    )
)

_MODELS = tuple(
    (re.compile(pattern), provider)
    for pattern, provider in (
        (r"^(([a-z]{2,4}\.)?(anthropic|amazon|meta|cohere|mistral)\.)", "aws.bedrock"),
        (r"^(gpt-|o[134](-|$)|chatgpt|text-embedding-|davinci|dall-e)", "openai"),
        (r"^claude", "anthropic"),
        (r"^(gemini|gemma)", "google"),
        (r"^(mistral|mixtral|codestral|ministral|pixtral)", "mistral_ai"),
        (r"^grok", "xai"),
        (r"^command", "cohere"),
        (r"^deepseek", "deepseek"),
    )
)

_PREFIX = re.compile(r"[./:-]")


@lru_cache(maxsize=1024)
def provider_of(
    name: str | None, server: str | None = None, model: str | None = None
) -> str | None:
    """The provider, in one spelling.

    Args:
        name: what a span calls it; a framework's name there is passed over.
        server: host that answered.
        model: model's name, asked last.

    Returns:
        None where nothing tells.
    """
    found = _by_name(name)
    if found is None and server:
        found = _by_pattern(_HOSTS, server.lower())
    return found or (_by_model(model.lower()) if model else None)


def _by_name(name: str | None) -> str | None:
    spelled = (name or "").strip().lower()
    if not spelled or spelled in NOT_PROVIDERS:
        return None
    if spelled in ALIASES:
        return ALIASES[spelled]
    head = _PREFIX.split(spelled, maxsplit=1)[0]
    if head in ALIASES:
        return ALIASES[head]
    return _by_pattern(_HOSTS, spelled) or spelled


def _by_pattern(
    patterns: tuple[tuple[re.Pattern[str], str], ...], name: str
) -> str | None:
    for pattern, provider in patterns:
        if pattern.search(name):
            return provider
    return None


def _by_model(model: str) -> str | None:
    known = _by_pattern(_MODELS, model)
    if known:
        return known
    head, separator, rest = model.partition("/" if "/" in model else ":")
    return ALIASES.get(head) if separator and rest else None


def spellings() -> Mapping[str, str]:
    """Every alias and the word it becomes, for the reference pages."""
    return dict(sorted(ALIASES.items()))
