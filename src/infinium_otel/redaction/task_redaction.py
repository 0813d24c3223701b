"""Removes credentials from every text of a task.

`credentials.kinds` (prefixes and shapes) and `secret_names` define what is found;
`credentials.search` finds it. All of it takes time linear in a text's length.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import copy
from dataclasses import is_dataclass
from typing import TYPE_CHECKING, Any

from infinium_otel.redaction.credentials.budget import earn, limit_search, withhold
from infinium_otel.redaction.credentials.finder import Rest
from infinium_otel.redaction.credentials.search import (
    BETWEEN,
    find_credentials,
    possible_finders,
)
from infinium_otel.redaction.secret_names import (
    Claim,
    classify_name,
    is_placeholder,
    is_secret,
)
from infinium_otel.redaction.text_collector import (
    MIN_LENGTH,
    QUERIES,
    TextCollector,
    remember_clean,
)
from infinium_otel.taskdata.encoding import PROMPT_STUDIO
from infinium_otel.taskdata.shapes import get_shape
from infinium_otel.taskdata.values import plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from infinium_otel.config import Config
    from infinium_otel.redaction.credentials.finder import Finder
    from infinium_otel.taskdata import TaskData

REDACTED = "[redacted]"
UNREADABLE = "[redaction failed]"

PASSES = 4
"""Searches of one text, at most: what is removed may expose a further name."""

_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,18}(?:Z|[+-][0-9]{2}:[0-9]{2})"
_SPAN_ID = "[0-9a-f]{16}"
_OURS: dict[str, re.Pattern[str]] = {
    "otel.span_id": re.compile(_SPAN_ID),
    "otel.parent_span_id": re.compile(_SPAN_ID),
    "otel.folded_span_ids": re.compile(_SPAN_ID),
    "start_time": re.compile(_TIME),
    "dialect": re.compile(r"[a-z0-9_.-]{1,40}(?:, [a-z0-9_.-]{1,40}){0,8}"),
    "gen_ai.response.finish_reasons": re.compile("[a-z]{1,20}(?:_[a-z]{1,20}){0,3}"),
    "gen_ai.operation.name": re.compile("[a-z]{1,20}(?:_[a-z]{1,20}){0,3}"),
}
"""Metadata of a step that this package made itself, and the shape of each value.

A hook does not get these; not by their name alone, but by their place and shape.
"""
_OUR_PATH = "steps.metadata"


def redact(task: TaskData, config: Config) -> TaskData:
    """*task* without credentials, changed in place.

    Args:
        config: `redact` true removes credentials; false nothing; a callable
            (key, text) -> text runs after that, *key* being the path to the text
            ("steps.input_preview"). One that fails, or gives no text, blanks that text.
    """
    with limit_search():
        redaction = plan_redaction(task, config)
        if redaction is not None:
            redaction.walk(task, "")
    return task


def redact_copy(task: TaskData, config: Config) -> TaskData:
    """As `redact`, but a copy if there is something to redact: *task* stays as it is."""
    with limit_search():
        redaction = plan_redaction(task, config)
        if redaction is None:
            return task
        copied: TaskData = _copy_containers(task)
        redaction.walk(copied, "")
    return copied


def _copy_containers(value: Any) -> Any:
    """*value* with new dataclasses, lists and dicts, but the same texts and numbers."""
    if isinstance(value, list):
        return [_copy_containers(item) for item in value]
    if isinstance(value, dict):
        return {key: _copy_containers(item) for key, item in value.items()}
    if not is_dataclass(value):
        return value
    copied = copy(value)
    names, values_of = get_shape(type(value))
    for name, inner in zip(names, values_of(value), strict=True):
        setattr(copied, name, _copy_containers(inner))
    return copied


def plan_redaction(value: Any, config: Config) -> Redaction | None:
    """What redacts the texts in *value*; None if there is nothing to redact."""
    if config.redact is False:
        return None
    hook = config.redact if callable(config.redact) else None
    collector = TextCollector()
    collector.add(value)
    whole = BETWEEN.join(collector.texts)
    earn(len(whole))
    finders = _find_matching(whole) if whole else ()
    if not finders:
        remember_clean(collector.texts)
    if finders or hook is not None or collector.has_secret_name:
        return Redaction(finders, hook)
    return None


def _find_matching(text: str) -> tuple[Finder, ...]:
    """The finders that find something in *text*; for nearly all tasks there is none."""
    return possible_finders(text)


def remove_credentials(text: str, finders: tuple[Finder, ...] | None = None) -> str:
    """*text* with every credential in it replaced.

    Args:
        finders: those that find something in it, if that is known; None for all.
    """
    if len(text) < MIN_LENGTH:
        return text
    for _ in range(PASSES):
        found = find_credentials(text, finders)
        if not found:
            break
        text = _replace(text, found)
        finders = None
    return text


def _replace(text: str, spans: list[tuple[int, int]]) -> str:
    kept: list[str] = []
    place = 0
    for span in spans:
        start, end = span
        is_rest = type(span) is Rest
        kept += text[place:start], withhold(end - start) if is_rest else REDACTED
        place = end
    return "".join((*kept, text[place:]))


class Redaction:
    """One pass over a task or a span; each distinct text is searched once."""

    def __init__(
        self, finders: tuple[Finder, ...], hook: Callable[[str, str], str] | None
    ) -> None:
        self._finders = finders
        self._hook = hook
        self._cleaned: dict[str, str] = {}

    def walk(self, value: Any, path: str) -> None:
        """Redact the texts in a dataclass, in place."""
        names, values_of = get_shape(type(value))
        for name, inner in zip(names, values_of(value), strict=True):
            if inner is None or isinstance(inner, (int, float)):
                continue
            redacted = self.redact_value(inner, f"{path}.{name}" if path else name)
            if redacted is not inner:
                setattr(value, name, redacted)
        prompts = getattr(value, PROMPT_STUDIO, None)
        if prompts is not None:
            redacted = self.redact_value(plain(prompts), PROMPT_STUDIO.strip("_"))
            setattr(value, PROMPT_STUDIO, redacted)

    def redact_value(self, value: Any, path: str) -> Any:
        """*value* with its texts redacted; dataclasses and lists in place."""
        if isinstance(value, str):
            return self._redact_text(value, path)
        if isinstance(value, (int, float, type(None))):
            return value
        if isinstance(value, list):
            for index, item in enumerate(value):
                value[index] = self.redact_value(item, path)
        elif isinstance(value, tuple):
            return tuple(self.redact_value(item, path) for item in value)
        elif isinstance(value, Mapping):
            return self.redact_mapping(value, path)
        elif is_dataclass(value):
            self.walk(value, path)
        else:
            sent = plain(value)
            return value if sent is value else self.redact_value(sent, path)
        return value

    def redact_mapping(self, value: Mapping[Any, Any], path: str) -> dict[Any, Any]:
        """A new dict with names and values redacted."""
        redacted = {}
        for key, inner in value.items():
            if path == _OUR_PATH and _is_ours(key, inner):
                redacted[key] = inner
                continue
            name = self._redact_text(key, path) if isinstance(key, str) else key
            redacted[name] = self._redact_member(str(key), inner, f"{path}.{key}")
        return redacted

    def _redact_member(self, key: str, value: Any, path: str) -> Any:
        """A value of a mapping, or the texts of a list, after a secret's name."""
        if isinstance(value, str) and _is_named_secret(key, value):
            return REDACTED
        if isinstance(value, str) and key in QUERIES:
            value = remove_credentials(f"?{value}")[1:]
        if isinstance(value, (list, tuple)) and classify_name(key):
            value = [
                REDACTED if isinstance(v, str) and _is_named_secret(key, v) else v
                for v in value
            ]
        return self.redact_value(value, path)

    def _redact_text(self, text: str, path: str) -> str:
        clean = self._cleaned.get(text)
        if clean is None:
            clean = self._cleaned[text] = remove_credentials(text, self._finders)
        return clean if self._hook is None else self._apply_hook(path, clean)

    def _apply_hook(self, path: str, text: str) -> str:
        try:
            result = self._hook(path, text) if self._hook else text
        except Exception:  # noqa: BLE001 - the user's own code: fail closed, lose one text
            return UNREADABLE
        return result if isinstance(result, str) else UNREADABLE


def _is_ours(key: Any, value: Any) -> bool:
    """Whether an entry of a step's metadata is an id, a time or a word that we made."""
    shape = _OURS.get(key)
    if shape is None:
        return False
    texts = value if isinstance(value, list) else [value]
    return all(isinstance(text, str) and shape.fullmatch(text) for text in texts)


_IS_SECRET = re.compile(r"(?i)(?:^|[._-])secrets?$")


def _is_named_secret(key: str, value: str) -> bool:
    """Whether *value* is a secret because of its *key*."""
    claim = classify_name(key)
    outright = claim in (Claim.SECRET, Claim.PASSWORD, Claim.HEADER)
    if outright or _IS_SECRET.search(key):
        return bool(value) and value != REDACTED and not is_placeholder(value)
    if claim is Claim.COOKIE:
        return "=" in value or key.lower().endswith("set-cookie")
    return is_secret(value, claim, quoted=True)
