"""Provider names: many spellings, one name.

Source: the provider registry of the GenAI conventions; the words openai, anthropic,
google and xai are Infinium's own (infinium-o2 1.2.0, `LlmCall.provider`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from infinium_otel.dialects._fact_table import CALLS
from infinium_otel.records.caching import cache_names

if TYPE_CHECKING:
    from infinium_otel.dialects._dialect import Facts

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
    "_other custom none spring_ai spring-ai langchain4j eino genkit mastra voltagent "
    "langwatch langfuse instructor rig goose promptflow beeai livekit".split()
)
"""Frameworks and gateways that instrumentations write in place of a provider."""

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
        (r"^arn:aws[a-z-]*:bedrock:", "aws.bedrock"),
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

_FAMILIES = re.compile(
    r"(^|[/.:])(gpt-|o[134](-|$)|chatgpt|claude|gemini|gemma|llama|mistral|mixtral|codestral"
    r"|ministral|pixtral|magistral|grok|command-|deepseek|qwen|phi-?\d|kimi|glm-|nova-|titan-"
    r"|text-embedding-|davinci|dall-e|whisper)",
    re.IGNORECASE,
)


_NAMES = re.compile(
    r"(?:^|[/.:])(?:gpt-?\d|o[134](?:-|$)|chatgpt-|claude-(?:\w+-)?\d|claude-(?:opus|sonnet"
    r"|haiku|instant)|gemini-(?:\d|pro|flash|ultra|live|exp)|gemma-?\d|(?:code)?llama-?v?\d"
    r"|(?:open-)?mi[sx]tral-(?:\d|v\d|x?large|medium|small|tiny|nemo|saba)|mixtral-8x"
    r"|codestral-|devstral-|ministral-|pixtral-|magistral-|grok-|command-(?:[ra]\b|light"
    r"|nightly)|deepseek-(?:chat|reasoner|coder|llm|[rv]\d)|qwen-?(?:\d|v?l?-?(?:max|plus"
    r"|turbo))|qwq-|phi-?\d|kimi-k\d|glm-\d|nova-(?:lite|micro|pro|premier|sonic)|titan-(?:"
    r"text|embed|tg)|text-embedding-|embed-(?:english|multilingual|v\d)|davinci-\d|dall-e-\d"
    r"|whisper-\d|sonar-(?:pro|small|large|reasoning)|jamba-|yi-\d|falcon-\d|dbrx-)",
    re.IGNORECASE,
)
_NAME = re.compile(r"[\w.:/@+-]{2,120}")


def is_model_name(name: str) -> bool:
    """Whether *name* can only be a language model's: of a known family, with a version.

    A family alone has other meanings: `Gemini North`, `claude`, `command-line`.
    """
    return _NAME.fullmatch(name) is not None and _NAMES.search(name) is not None


def is_model_family(name: str) -> bool:
    """Whether *name* is that of a language model whose family is known."""
    return _FAMILIES.search(name[:200]) is not None


@cache_names(maxsize=1024)
def normalize_provider(
    name: str | None,
    server: str | None = None,
    model: str | None = None,
    scope: str = "",
) -> str | None:
    """The provider, in one spelling.

    Args:
        name: the span's own name for it; a framework's name is ignored.
        scope: the instrumentation scope; an unknown name that is in it is a framework's.
        server: host that responded.
        model: model's name, considered last.

    Returns:
        None if none of them identifies a provider.
    """
    found = _find_by_name(name)
    if found is not None and _is_framework(found, scope):
        found = None
    if found is None and server:
        found = _match(_HOSTS, server.lower())
    return found or (_find_by_model(model.lower()) if model else None)


_LOCAL = re.compile(r"(?:localhost|[\d.]{7,15}|\[[0-9a-f:]+\])(?::\d+)?")
"""A host without a name, which some write in place of a provider (LiveKit)."""


def _find_by_name(name: str | None) -> str | None:
    spelled = (name or "").strip().lower()
    if not spelled or spelled in NOT_PROVIDERS or _LOCAL.fullmatch(spelled):
        return None
    if spelled in ALIASES:
        return ALIASES[spelled]
    head = _PREFIX.split(spelled, maxsplit=1)[0]
    if head in ALIASES:
        return ALIASES[head]
    return _match(_HOSTS, spelled) or spelled


def _match(patterns: tuple[tuple[re.Pattern[str], str], ...], name: str) -> str | None:
    for pattern, provider in patterns:
        if pattern.search(name):
            return provider
    return None


def _find_by_model(model: str) -> str | None:
    known = _match(_MODELS, model)
    if known:
        return known
    head, separator, rest = model.partition("/" if "/" in model else ":")
    return ALIASES.get(head) if separator and rest else None


_SEPARATORS = re.compile(r"[^a-z0-9]+")
_PROVIDERS = frozenset(ALIASES.values()) | {provider for _, provider in _HOSTS}


def _is_framework(name: str, scope: str) -> bool:
    """Whether *name* is no known provider's, and the scope's own: `eino`, `spring_ai`."""
    if not scope or name in _PROVIDERS or "instrumentation" in scope:
        return False  # a provider's instrumentation is named after it too
    own = _SEPARATORS.sub("", name)
    return own in _SEPARATORS.sub("", scope.lower())


def find_provider_alias(name: str) -> str | None:
    """The provider that *name*, in lower case, is a spelling of; None if it is not one."""
    return ALIASES.get(name) or (name if name in _PROVIDERS else None)


def identify_provider(kind: str, facts: Facts, scope: str = "") -> str | None:
    """The provider of a call; of other work only the one the span names."""
    if kind not in CALLS:
        return normalize_provider(facts.get("provider"), None, None, scope)
    model = facts.get("model") or facts.get("model_requested")
    return normalize_provider(facts.get("provider"), facts.get("server"), model, scope)
