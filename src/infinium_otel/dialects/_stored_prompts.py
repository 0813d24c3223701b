"""The prompts of a prompt store that a span names: which version of which prompt.

Only attributes whose meaning is certain are read. `prompt.id` alone is not: coding agents
write the id of the user's message there. Neither is the text of a template, which says
nothing about a version.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._attributes import flag, structure, text
from infinium_otel.dialects._words import MAX_CACHED_KEYS
from infinium_otel.dialects.lenient_json import MAPPING
from infinium_otel.records import StoredPrompt
from infinium_otel.records.caching import cache_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from infinium_otel.dialects._shape import Shape
    from infinium_otel.records import SpanRecord

MAX_PROMPTS = 20
"""Prompts that are read of one span."""
MAX_LENGTH = 200
"""Characters of a name, an id or a version; a longer one is none."""
MAX_VARIABLES = 50
MAX_OBJECT = 20_000
STORE = "prompt_studio"

_FIELDS = {
    # Ours, see `use_prompt`; sequences where several prompts apply.
    "infinium.prompt.id": (STORE, "id"),
    "infinium.prompt.name": (STORE, "name"),
    "infinium.prompt.version": (STORE, "version"),
    "infinium.prompt.variables": (STORE, "variables"),
    "infinium.prompt.fetched_at": (STORE, "fetched_at"),
    # Source: langfuse 3, `LangfuseOtelSpanAttributes`; the shorter keys are older.
    "langfuse.observation.prompt.name": ("langfuse", "name"),
    "langfuse.observation.prompt.version": ("langfuse", "version"),
    "langfuse.prompt.name": ("langfuse", "name"),
    "langfuse.prompt.version": ("langfuse", "version"),
    # Source: GenAI conventions, registry; the version was added by
    # open-telemetry/semantic-conventions-genai#179.
    "gen_ai.prompt.name": ("gen_ai", "name"),
    "gen_ai.prompt.version": ("gen_ai", "version"),
    # Source: opentelemetry-semantic-conventions-ai, `SpanAttributes.TRACELOOP_PROMPT_KEY`.
    "traceloop.prompt.key": ("traceloop", "name"),
    "traceloop.prompt.version": ("traceloop", "version"),
    # Source: openinference-semantic-conventions 0.1.42; a template has no name there.
    "llm.prompt_template.version": ("openinference", "version"),
}
_WHOLE = {
    # Source: Langfuse's guide to the Vercel AI SDK: the prompt as JSON.
    "ai.telemetry.metadata.langfusePrompt": "langfuse",
    # Source: mlflow 3, tracing/constant.py; a JSON list of name and version.
    "mlflow.linkedPrompts": "mlflow",
    "mlflow.traceTag.mlflow.linkedPrompts": "mlflow",
}
_HUB = {"lc_hub_repo": "name", "lc_hub_commit_hash": "version", "lc_hub_owner": "owner"}
"""What LangChain adds to the metadata of a prompt from the hub.

Source: langsmith 0.4, client.py, `pull_prompt`."""
_METADATA = re.compile(r"(?:.*\.)?metadata(?:\.(lc_hub_[a-z_]+))?")
_FETCH = "prompt_studio.fetch"
"""The event of the vendor's own spans. Source: infinium-o2 1.2.0, integrations/otel.py."""

_MESSAGE_IDS = frozenset({"gemini-cli"})
"""Scopes that write the id of the user's message as `gen_ai.prompt.name`."""


def read_prompts(record: SpanRecord, shape: Shape) -> tuple[StoredPrompt, ...]:
    """The prompts that *record* names; each once, with the first source that names it.

    Args:
        shape: the shape of its attributes.
    """
    places = shape.select(_find_place)
    if not (places or record.events):
        return ()
    found: dict[tuple[Any, ...], StoredPrompt] = {}
    for prompt in sorted(_iter_prompts(record, places), key=_is_foreign):
        key = (prompt.name or prompt.id, str(prompt.version))
        if len(found) < MAX_PROMPTS:
            found.setdefault(key, prompt)
    return tuple(found.values())


def _is_foreign(prompt: StoredPrompt) -> bool:
    """Whether it is not of Infinium's store, whose record of a version has more."""
    return prompt.source != STORE


@cache_names(maxsize=MAX_CACHED_KEYS)
def _find_place(key: str) -> tuple[str, str] | None:
    """The source and the field that *key* holds; the field "" is the whole prompt."""
    if key in _FIELDS:
        return _FIELDS[key]
    if key in _WHOLE:
        return _WHOLE[key], ""
    match = _METADATA.fullmatch(key)
    if match is None:
        return None
    if match[1] is None:
        return "langsmith", ""
    field = _HUB.get(match[1])
    return ("langsmith", field) if field else None


def _iter_prompts(
    record: SpanRecord, places: tuple[tuple[str, tuple[str, str]], ...]
) -> Iterator[StoredPrompt]:
    fields: dict[str, dict[str, Any]] = {}
    for key, (source, field) in places:
        value = record.attributes[key]
        if source == "gen_ai" and record.scope_name in _MESSAGE_IDS:
            continue
        if field:
            fields.setdefault(source, {}).setdefault(field, value)
        else:
            yield from _iter_whole(source, value)
    for source, values in fields.items():
        yield from _iter_fields(source, values)
    for event in record.events:
        if event.name == _FETCH:
            values = {k.removeprefix("prompt."): v for k, v in event.attributes.items()}
            yield from _iter_fields(STORE, values)


def _iter_whole(source: str, value: Any) -> Iterator[StoredPrompt]:
    """The prompts in one value: an object, or a list of them."""
    is_metadata = source == "langsmith"
    if isinstance(value, str) and (
        len(value) > MAX_OBJECT or (is_metadata and "lc_hub_repo" not in value)
    ):
        return
    found = structure(value)
    for each in found if isinstance(found, (list, tuple)) else (found,):
        # A fallback is a text of the program's own, not a version in the store
        # (langfuse/langfuse-python#1750).
        if isinstance(each, MAPPING) and not flag(each.get("isFallback")):
            names = (
                _HUB.items() if is_metadata else ((k, k) for k in ("name", "version"))
            )
            yield from _iter_fields(source, {f: each.get(k) for k, f in names})


def _iter_fields(source: str, values: Mapping[str, Any]) -> Iterator[StoredPrompt]:
    """The prompts that parallel *values* describe: one of each, or sequences."""
    columns = {name: _to_list(value) for name, value in values.items()}
    count = max(map(len, columns.values()), default=0)
    for index in range(min(count, MAX_PROMPTS)):
        row = {n: column[index] for n, column in columns.items() if index < len(column)}
        prompt = _make_prompt(source, row)
        if prompt is not None:
            yield prompt


def _to_list(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (list, tuple)) else (value,)


def _make_prompt(source: str, row: Mapping[str, Any]) -> StoredPrompt | None:
    """One prompt; None without a name, an id or a version."""
    name, version = _short(row.get("name")), _read_version(row.get("version"))
    if source == STORE:
        version = version or None  # a sequence of numbers has no other word for none
    owner, prompt_id = _short(row.get("owner")), _short(row.get("id"))
    if source == "langsmith" and name is None:
        return None
    if name is None and version is None and prompt_id is None:
        return None
    return StoredPrompt(
        source,
        f"{owner}/{name}" if owner and name else name,
        version,
        prompt_id,
        _read_variables(row.get("variables")),
        _short(row.get("fetched_at")),
    )


def _short(value: Any) -> str | None:
    found = text(value)
    return found if found and len(found) <= MAX_LENGTH else None


def _read_version(value: Any) -> int | str | None:
    """A version: a number that is not negative, also from its text, or a word."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if 0 <= value < 2**53 else None
    found = _short(value)
    is_number = found is not None and found.isascii() and found.isdigit()
    return int(found) if found and is_number and len(found) < 16 else found


def _read_variables(value: Any) -> tuple[str, ...] | None:
    """Names of variables, in JSON or separated by commas; None if there are none."""
    if not isinstance(value, str):
        return None
    names = (_short(name) for name in value.split(","))
    found = tuple(name for name in names if name)[:MAX_VARIABLES]
    return found or None
