"""Credentials out of every text of a task.

A text is searched only for what it can hold: each pattern is tried where its mark, a
short literal in lower case, stands in the text. All patterns take linear time.
"""

from __future__ import annotations

import re
from dataclasses import is_dataclass
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING, Any

from infinium_otel.taskdata.shapes import shape_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from infinium_otel.config import Config
    from infinium_otel.taskdata import TaskData

REDACTED = "[redacted]"
UNREADABLE = "[redaction failed]"

_SECRETS = {
    "key": ("api", "access", "secret", "private", "account", "signing", "encryption"),
    "token": ("access", "refresh", "auth", "id", "session", "bearer", "security"),
    "cookie": ("set",),
    "secret": (),
    "password": (),
    "passwd": (),
    "passphrase": (),
    "authorization": (),
}
"""Last words of a secret's name, with the words of which one must stand before."""


def _behind(name: str, before: tuple[str, ...]) -> str:
    """A pattern of one of *before* and *name*, all of it before the place it is at."""
    ends = [f"{word}{mark}{name}" for word in before for mark in ("", "_", "-")]
    by_length = sorted(ends, key=len)  # of one length each, as a look back must be
    looks = [f"(?<={'|'.join(same)})" for _, same in groupby(by_length, key=len)]
    return f"(?:{'|'.join(looks)})" if looks else ""


def _named() -> str:
    """A pattern of the end of a secret's name, which begins where few letters match.

    To search for whole names takes ten times as long.
    """
    initials = "".join(sorted({name[0] for name in _SECRETS}))
    ends = (
        f"(?<={name[0]}){name[1:]}{_behind(name, before)}"
        for name, before in _SECRETS.items()
    )
    return f"[{initials}{initials.upper()}](?i:{'|'.join(ends)})"


_ASSIGNED = rf"""({_named()}\\?["']?\s{{0,4}}[:=]\s{{0,4}}\\?["']?)"""
_VALUE = r"""(?!\[redacted\])[^\s"'\\,;&)}\]]{6,4096}"""

PATTERNS: tuple[tuple[str, tuple[str, ...], str, str], ...] = (
    (
        "private key",
        ("private key-----",),
        (
            r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[^-]{0,16384}(?:-----END [A-Z ]{0,30}"
            r"PRIVATE KEY-----)?"
        ),
        REDACTED,
    ),
    (
        "authorization header",
        ("bearer ", "basic "),
        # Words are no tokens: one has a digit or is longer than words are.
        (
            r"(?i)\b(bearer|basic) (?!\[redacted\])"
            r"(?=[a-z._~+/-]{0,64}[0-9=_]|[a-z._~+/-]{20})[a-z0-9._~+/=-]{8,4096}"
        ),
        rf"\1 {REDACTED}",
    ),
    (
        "JSON web token",
        ("eyj",),
        r"\beyJ[A-Za-z0-9_-]{8,4096}\.[A-Za-z0-9_-]{4,4096}\.[A-Za-z0-9_-]{4,4096}",
        REDACTED,
    ),
    (
        "password in an address",
        ("://",),
        r"(://[^\s/:@\"']{0,256}:)(?!\[redacted\])[^\s/@\"']{1,256}@",
        rf"\1{REDACTED}@",
    ),
    (
        "AI provider's key",
        ("sk-", "sk_", "rk_", "pk_", "gsk_", "xai-", "pplx-", "hf_", "r8_"),
        (
            r"\b(?:sk-|(?:sk|rk|pk)_(?:live|test)_|gsk_|xai-|pplx-|hf_|r8_)"
            r"[A-Za-z0-9_-]{16,512}"
        ),
        REDACTED,
    ),
    (
        "cloud key",
        ("akia", "asia", "aiza", "ya29.", "accountkey="),
        (
            r"\b(?:(?:AKIA|ASIA)[0-9A-Z]{16}|AIza[0-9A-Za-z_-]{30,64}"
            r"|ya29\.[0-9A-Za-z_.-]{16,2048}|AccountKey=[A-Za-z0-9+/=]{16,512})"
        ),
        REDACTED,
    ),
    (
        "service token",
        tuple(
            "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_ glpat- xox npm_ sg. dop_v1_ shpat_".split()
        ),
        (
            r"\b(?:gh[pousr]_[A-Za-z0-9]{20,255}|github_pat_[A-Za-z0-9_]{20,255}"
            r"|glpat-[A-Za-z0-9_-]{16,255}|xox[a-z]-[A-Za-z0-9-]{10,255}"
            r"|npm_[A-Za-z0-9]{30,64}|SG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,128}"
            r"|dop_v1_[a-f0-9]{40,128}|shpat_[a-fA-F0-9]{20,64})"
        ),
        REDACTED,
    ),
    (
        "named secret",
        tuple(sorted(_SECRETS)),
        _ASSIGNED + _VALUE,
        rf"\1{REDACTED}",
    ),
)
"""What is removed: a name, the marks that let it be searched for, pattern, what stays."""

Searched = tuple[tuple[str, ...], re.Pattern[str], str]
_COMPILED: tuple[Searched, ...] = tuple(
    (marks, re.compile(pattern), instead) for _, marks, pattern, instead in PATTERNS
)
_SECRET_NAME = re.compile(
    "(?i)(?:^|[._-])(?:"
    + "|".join(
        f"(?:{'|'.join(before)})[_-]?{name}" if before else f"[a-z]{{0,20}}{name}"
        for name, before in _SECRETS.items()
    )
    + ")$"
)
_OURS = frozenset(
    "otel.span_id otel.parent_span_id otel.folded_span_ids start_time dialect "
    "gen_ai.response.finish_reasons gen_ai.operation.name".split()
)
"""Metadata that this package made itself, of ids, times and words of a vocabulary."""

LONG_KEY = 20
SHORTEST = 8
"""No pattern matches a text shorter than this."""


def redact(task: TaskData, config: Config) -> TaskData:
    """*task* without credentials, changed in place.

    Args:
        config: `redact` true removes what `PATTERNS` find; false nothing; a callable
            (key, text) -> text runs after them, *key* being the path to the text
            ("steps.input_preview"). One that fails, or gives no text, blanks that text.
    """
    if config.redact is False:
        return task
    hook = config.redact if callable(config.redact) else None
    gathered = _Gathered()
    gathered.add(task)
    patterns = _possible("\n".join(gathered.texts))
    if patterns or hook is not None or gathered.has_secret_name:
        _Redaction(patterns, hook).walk(task, "")
    return task


def _possible(text: str) -> tuple[Searched, ...]:
    """The patterns that find something in *text*: for nearly all tasks there is none."""
    lowered = text.lower()
    return tuple(
        (marks, pattern, instead)
        for marks, pattern, instead in _COMPILED
        if _is_marked(lowered, marks) and pattern.search(text)
    )


def _is_marked(lowered: str, marks: tuple[str, ...]) -> bool:
    return any(mark in lowered for mark in marks)


class _Gathered:
    """Every text of a task that is not of our own making, each once."""

    def __init__(self) -> None:
        self.texts: set[str] = set()
        self.has_secret_name = False

    def add(self, value: Any) -> None:
        """Gather from a text, dataclass, list or mapping."""
        waiting = [value]
        while waiting:
            value = waiting.pop()
            kind = type(value)
            if kind is str:
                if len(value) >= SHORTEST:
                    self.texts.add(value)
            elif kind is list:
                waiting += value
            elif kind is dict:
                waiting += self._members(value)
            elif kind not in _PLAIN:
                waiting += shape_of(kind)[1](value)

    def _members(self, value: dict[Any, Any]) -> list[Any]:
        """The values to look into; the keys are looked at here."""
        members = []
        for key, inner in value.items():
            if key in _OURS:
                continue
            if type(key) is str:
                if _is_secret_name(key):
                    self.has_secret_name = True
                elif len(key) >= LONG_KEY and _is_suspect(key):
                    self.texts.add(key)
            members.append(inner)
        return members


_PLAIN = frozenset({int, float, bool, type(None)})


@lru_cache(maxsize=4096)
def _is_secret_name(key: str) -> bool:
    """Whether a key names a secret, so that its value is one whatever it looks like."""
    return bool(_SECRET_NAME.search(key[-100:]))


@lru_cache(maxsize=4096)
def _is_suspect(key: str) -> bool:
    """Whether a pattern may find something in a key; keys recur, so ask once."""
    return bool(_possible(key))


def without_credentials(text: str, patterns: tuple[Searched, ...] = _COMPILED) -> str:
    """*text* with every credential in it replaced."""
    if len(text) < SHORTEST:
        return text
    lowered = text.lower()
    for marks, pattern, instead in patterns:
        if _is_marked(lowered, marks):
            text = pattern.sub(instead, text)
    return text


class _Redaction:
    """One pass over a task; texts that recur are looked at once."""

    def __init__(
        self, patterns: tuple[Searched, ...], hook: Callable[[str, str], str] | None
    ) -> None:
        self._patterns = patterns
        self._hook = hook
        self._known: dict[str, str] = {}

    def walk(self, value: Any, path: str) -> None:
        """Redact the texts in a dataclass, in place."""
        names, values_of = shape_of(type(value))
        for name, inner in zip(names, values_of(value), strict=True):
            if inner is None or isinstance(inner, (int, float)):
                continue
            redacted = self._value(inner, f"{path}.{name}" if path else name)
            if redacted is not inner:
                setattr(value, name, redacted)

    def _value(self, value: Any, path: str) -> Any:
        if isinstance(value, str):
            return self._text(value, path)
        if isinstance(value, list):
            for index, item in enumerate(value):
                value[index] = self._value(item, path)
        elif isinstance(value, dict):
            return self._mapping(value, path)
        elif is_dataclass(value):
            self.walk(value, path)
        return value

    def _mapping(self, value: dict[Any, Any], path: str) -> dict[Any, Any]:
        redacted = {}
        for key, inner in value.items():
            if key in _OURS:
                redacted[key] = inner
            elif isinstance(inner, str) and _is_secret_name(str(key)):
                redacted[key] = REDACTED
            else:
                name = self._text(key, path) if isinstance(key, str) else key
                redacted[name] = self._value(inner, f"{path}.{key}")
        return redacted

    def _text(self, text: str, path: str) -> str:
        clean = self._known.get(text)
        if clean is None:
            clean = self._known[text] = without_credentials(text, self._patterns)
        return clean if self._hook is None else self._hooked(path, clean)

    def _hooked(self, path: str, text: str) -> str:
        try:
            said = self._hook(path, text) if self._hook else text
        except Exception:  # noqa: BLE001 - the user's own code: fail closed, lose one text
            return UNREADABLE
        return said if isinstance(said, str) else UNREADABLE
