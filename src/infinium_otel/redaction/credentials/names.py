"""Finders of what follows the names of secrets, and options of commands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from infinium_otel.redaction.credentials.assignments import (
    NAME_END,
    SEPARATOR,
    Assignment,
)
from infinium_otel.redaction.credentials.budget import give_back
from infinium_otel.redaction.credentials.finder import (
    Finder,
    LatePattern,
    find_start_of_run,
)
from infinium_otel.redaction.credentials.headers import find_in_header
from infinium_otel.redaction.credentials.quoting import OPEN, find_end_of_quoted
from infinium_otel.redaction.credentials.values import find_in_value
from infinium_otel.redaction.secret_names import (
    FOREIGN_PASSWORDS,
    Claim,
    classify_name,
    is_secret,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infinium_otel.redaction.credentials.finder import Span, Text

NAME_ENDINGS = (
    "token", "secret", "pass(?:word|wd|phrase|code|wort)?", "pwd", "key", "key-data",
    "auth", "cred(?:ential)?", "code", "jwt", "otp", "psk", "pat", "pw", "mnemonic",
    "seed[ _-]?phrase", "pswd", "sess(?:ion)?id", "verifier", "bearer", "webhook",
    "kennwort", "senha", "sas", "authorization", "cookie", "secret[_-]?id",
    "csrf", "xsrf", *FOREIGN_PASSWORDS,
)  # fmt: skip
"""How the names of secrets end, in lower case; each begins with some letters."""

_NAME_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-."
_REMOVED = ("[redacted]", '"[redacted]"', "'[redacted]'")
"""What an earlier search has put in the place of a secret."""
_WORD_BEFORE = re.compile(r"[A-Za-z]{2,20} \Z")
_OPTION = LatePattern(r" --?(?P<name>[a-z0-9][a-z0-9_-]{1,40})[ \t]{1,4}(?=[^\s-])")
_WORD_BEHIND = re.compile(r"[^\s\"'`\\<>|;&]{1,4096}")


def make_named_finders() -> tuple[Finder, Finder]:
    """Finders of values after names, and after options of commands.

    There is one check for each ending, because a literal is found fast.
    """
    behind = f"{NAME_END}{SEPARATOR}"
    named = Finder(
        LatePattern(f"(?:{'|'.join(NAME_ENDINGS)}){behind}"),
        _look_at_named,
        lowered=True,
        marks=tuple(_get_mark(ending) for ending in NAME_ENDINGS),
        checks=tuple(LatePattern(ending + behind) for ending in NAME_ENDINGS),
    )
    return named, Finder(_OPTION, _look_at_option, lowered=True, marks=(" -",))


def _get_mark(ending: str) -> str:
    """A literal that is in every text with this ending: a rare letter if it has one."""
    rare = next((letter for letter in ending if not letter.isascii()), "")
    first = "pass" if "passe" in ending else re.split(r"[\[(]", ending)[0][:4]
    return rare or first


def _look_at_named(text: Text, match: re.Match[str]) -> Iterator[Span]:
    if text.whole.startswith(_REMOVED, match.end()):
        give_back()
        return
    assignment = Assignment(text, match, _find_name(text.whole, match.start()))
    claim = _classify(assignment)
    if claim is Claim.NOTHING:
        return
    if claim in (Claim.HEADER, Claim.COOKIE):
        yield from find_in_header(assignment, claim)
    else:
        yield from find_in_value(assignment, claim)


def _classify(assignment: Assignment) -> Claim:
    """What a name implies; the word before a name of one word may change that.

    It does in `API key: x` and in `page token: x`.
    """
    claim = classify_name(assignment.name)
    start = assignment.name_start
    if claim > Claim.MIXED or start != assignment.match.start():
        return claim
    before = _WORD_BEFORE.search(assignment.text.whole, max(0, start - 24), start)
    if before is None:
        return claim
    spaced = classify_name(before[0] + assignment.name)
    return claim if spaced is Claim.RANDOM else min(spaced, Claim.MIXED)


def _find_name(whole: str, end: int) -> int:
    """Where the name begins whose last word begins at *end*."""
    start = find_start_of_run(whole, end, _NAME_LETTERS)
    if start and start < end:
        if whole[start - 1] == "\\":
            start += 5 if whole[start : start + 3] == "u00" else 1
        elif whole[start - 1] == "%":
            start += 2
    return min(start, end)


def _look_at_option(text: Text, match: re.Match[str]) -> Iterator[Span]:
    """The value after an option of a command: `--password x`."""
    claim = classify_name(match["name"])
    if not Claim.NOTHING < claim < Claim.HEADER:
        return
    opened = OPEN.match(text.whole, match.end())
    if opened:
        start, end = opened.end(), find_end_of_quoted(text.whole, opened)
    else:
        word = _WORD_BEHIND.match(text.whole, match.end())
        if word is None:
            return
        start, end = word.span()
    if is_secret(text.whole[start:end], claim, quoted=True):
        yield start, end
