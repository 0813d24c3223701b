"""What a key of any vocabulary names, by its last words.

Vocabularies differ in their prefixes and in how they write words (`llm.usage.promptTokens`,
`acme_prompt_tokens`, `ki.modell`), hardly in the words themselves. Nothing here looks at
values.
"""

from __future__ import annotations

from infinium_otel.dialects._token_keys import find_count
from infinium_otel.dialects._words import MAX_CACHED_KEYS, split_words
from infinium_otel.records.caching import cache_names

_PHRASES = {
    "model": "response.model.name response.model model.used",
    "model_requested": (
        "request.model.name request.model requested.model model.name model.id "
        "modelname llm.name deployment.name model"
    ),
    "provider": "provider.name model.provider provider llm.vendor vendor llm.system",
    "temperature": "temperature",
    "top_p": "top.p topp",
    "max_tokens": (
        "max.tokens max.completion.tokens max.output.tokens max.new.tokens "
        "maxtokens max.tokens.to.sample"
    ),
    "seed": "request.seed parameters.seed params.seed",
    "streaming": "is.streaming streaming stream",
    "response_id": (
        "response.id completion.id generation.id message.id provider.request.id"
    ),
    "finish_reasons": "finish.reasons finish.reason stop.reason",
    "replayed": "cache.hit",
    "cost_usd": (
        "total.cost.usd cost.usd estimated.cost total.cost cost.total costs.total "
        "price.usd tokens.cost cost.cost ai.cost llm.cost usage.cost call.cost "
        "generation.cost request.cost response.cost"
    ),
    "tool_name": "tool.name mcp.tool tool.definition.name function.name tool",
    "tool_call_id": "tool.call.id tool.use.id call.id tool.id",
    "agent_name": "subagent.name agent.name agent.role",
    "agent_id": "subagent.id agent.id",
    "arguments": (
        "tool.call.arguments tool.arguments arguments tool.args args tool.input "
        "input.value input.data input inputs params tool.parameters parameters query"
    ),
    "result": (
        "tool.call.result tool.result result tool.output output.value output.data "
        "output outputs tool.response response return.value result.content.0.text"
    ),
    "input": (
        "input.messages request.messages prompt.messages chat.history messages "
        "input.value input.data input.text input inputs user.message user.prompt "
        "prompt.text prompt.content prompt prompts question query.content query.text "
        "query request.body llm.request inputs.default message.content task.summary "
        "input.task input.query input.question input.prompt"
    ),
    "output": (
        "output.messages response.messages response.message generated.message "
        "completion.message output.value output.data output.text response.text "
        "response.content completion.text completion.content output outputs "
        "completion completions answer reply response.body responses response "
        "outputs.default"
    ),
    "tool_calls": "response.tool.calls output.tool.calls completion.tool.calls",
    "system": "system.prompt system.instructions system.instruction system.message",
    "documents": (
        "retrieved.documents retrieval.documents documents retrieved.contexts "
        "retrieved.chunks"
    ),
    "error_type": "error.type exception.type error.class error.name",
    "error_message": "error.message exception.message error.description error",
    "error_code": "error.code",
    "http_status": "error.status http.status.code status.code",
    "outcome": "outcome success status ok",
    "worker_role": "disagg.role disaggregation.role",
    "kind": (
        "span.type span.kind observation.type run.type step.type node.type type.node "
        "component.type activity.type sentry.op kind entity.type"
    ),
    "conversation_id": (
        "conversation.id session.id chat.session.id thread.id chat.id conversation "
        "agentic.session"
    ),
    "user_id": "user.id enduser.id end.user.id enduser.pseudo.id user.identifier",
    "handoff_to": (
        "handoff.to.agent handoff.target.name handoff.target.agent handoff.target "
        "handoff.to.name handoff.to to.agent.name to.agent target.agent.name target.agent"
    ),
    "task_name": "workflow.name flow.name crew.name",
    "tags": "trace.tags run.tags span.tags tag.tags tags",
    "tenant": (
        "tenant.id tenant tenant.name organization.id org.id workspace.id customer.id"
    ),
    "release": "release",
    "environment": "deployment.environment.name deployment.environment environment",
}
"""The facts that keys can hold, each with its phrases of words, the best first."""

_BY_PHRASE: dict[tuple[str, ...], list[tuple[str, int]]] = {}
for _fact, _line in _PHRASES.items():
    for _rank, _phrase in enumerate(_line.split()):
        _BY_PHRASE.setdefault(tuple(_phrase.split(".")), []).append((_fact, _rank))
MAX_PHRASE = max(map(len, _BY_PHRASE))

_OTHER_PREFIXES = frozenset(
    "http url db rpc messaging net network server client aws gcp cloud code thread "
    "otel process host os k8s container faas device browser telemetry user_agent "
    "infinium".split()
)
"""First segments of keys in which those words mean something else."""
_OF_ANOTHER = frozenset(
    "parent previous prev next source caller upstream fallback default available "
    "supported allowed".split()
)
"""Words of keys that name another span's agent, session or model, or a choice of them."""


@cache_names(maxsize=MAX_CACHED_KEYS)
def find_facts(key: str) -> tuple[tuple[str, int], ...]:
    """The facts that *key* can hold, each with its rank; 0 is the best.

    A key can hold several: `output` is a tool's result and any other span's output.
    """
    if is_of_another(key):
        return ()
    words = split_words(key)
    if words[-1:] in _ENCODINGS:
        words = words[:-1]
    for length in range(min(MAX_PHRASE, len(words)), 0, -1):
        found = _BY_PHRASE.get(words[-length:])
        if found is not None:
            return tuple((fact, rank) for fact, rank in found if _fits(fact, words))
    count = find_count(key)
    return ((count, 0),) if count else ()


_ENCODINGS = frozenset({("json",), ("str",), ("string",), ("serialized",)})
"""Last words of keys that only tell how the value is written: `input-json`."""


def is_of_another(key: str) -> bool:
    """Whether a key is a protocol's, or names what belongs to another span."""
    if key.partition(".")[0] in _OTHER_PREFIXES:
        return True
    return not _OF_ANOTHER.isdisjoint(split_words(key)[:-1])


_LABELS = frozenset(
    "id ids name type kind version url uri path file time timestamp date status state code "
    "reason error description title label host hostname email key hash language locale "
    "currency region zone agent address country city owner author source target step".split()
)


def may_hold_text(key: str) -> bool:
    """Whether a key without a known meaning can hold a question or an answer."""
    words = split_words(key)
    return words[-1:] == () or (words[-1] not in _LABELS and not is_of_another(key))


def _fits(fact: str, words: tuple[str, ...]) -> bool:
    """Whether the words before the phrase leave it the meaning it has alone."""
    if fact == "cost_usd":
        parts = _COST_PARTS - {"unit"} if "total" in words else _COST_PARTS
        return parts.isdisjoint(words)
    if fact in ("conversation_id", "user_id"):
        return _OTHER_SESSIONS.isdisjoint(words)
    return True


_COST_PARTS = frozenset(
    "input output prompt completion cache cached reasoning cents micros eur gbp "
    "limit budget max saved per rate unit".split()
)
_OTHER_SESSIONS = frozenset("mcp trace database transport browser".split())
"""MCP's sessions are connections, LangSmith's of a trace are projects."""
