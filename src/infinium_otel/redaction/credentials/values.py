"""The secrets in the value that is assigned to a secret's name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from infinium_otel.redaction.credentials.quoting import (
    OPEN,
    QUOTE,
    find_end_of_quoted,
)
from infinium_otel.redaction.secret_names import Claim, is_placeholder, is_secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infinium_otel.redaction.credentials.assignments import Assignment
    from infinium_otel.redaction.credentials.finder import Span

MAX_MISSES = 8
"""Texts in a row that are not secrets, after which a list is not read further."""

_TYPED = re.compile(
    r"(?:optional\[[\w.]{1,40}\]|(?:\w{1,20}\.)?(?:&(?:'static )?str|str|string|bytes|text|secretstr|any|final|"
    r"var|char|nvarchar)(?:\([0-9]{1,5}\))?)(?: ?\| ?none|\?)?\s{0,4}=\s{0,4}"
)
_WRAPPED = re.compile(
    rf"(?:\w{{1,30}}\.){{0,3}}(?:secretstr|secret|str|quote|bytes|b64encode|sensitive|from|"
    rf"encode|urlencode|escape|string|of|new)\(\s{{0,4}}(?=[bru]?{QUOTE})"
)
_LIST = re.compile(rf"\[\s{{0,40}}(?={QUOTE})")
_NEXT = re.compile(r"\s{0,40},\s{0,40}")
_RULE = re.compile(r"[a-z_]+(?::[\w,.]*)?(?:\|.*)?")


def find_in_value(assignment: Assignment, claim: Claim) -> Iterator[Span]:
    """The secrets of a plain value: a text, or each text in a list.

    Args:
        claim: what the name implies about its value.
    """
    claim = assignment.weaken(claim)
    if claim is Claim.NOTHING:
        return
    whole, lowered = assignment.text
    place = _skip_wrapping(assignment)
    listed = _LIST.match(lowered, place)
    if listed and claim >= Claim.MIXED:
        yield from _find_in_list(whole, listed.end(), claim)
        return
    opened = OPEN.match(whole, place)
    if opened:
        yield from _find_in_quoted(whole, opened, claim)
    elif assignment.match["break"]:
        yield from _find_in_items(assignment, place, claim)
    else:
        yield from _find_in_bare(assignment, place, claim)


def _skip_wrapping(assignment: Assignment) -> int:
    """Where a value begins behind its type and a call: `key: str = SecretStr("x")`."""
    lowered, place = assignment.text.lowered, assignment.value_start
    if assignment.separator in (":", "::"):
        place = _find_end(_TYPED.match(lowered, place), place)
    return _find_end(_WRAPPED.match(lowered, place), place)


def _find_end(match: re.Match[str] | None, place: int) -> int:
    return match.end() if match else place


def _find_in_list(whole: str, place: int, claim: Claim) -> Iterator[Span]:
    misses = 0
    while misses < MAX_MISSES:
        opened = OPEN.match(whole, place)
        if opened is None:
            return
        end = find_end_of_quoted(whole, opened)
        value = whole[opened.end() : end]
        if is_secret(value, claim, quoted=True) and not _is_rule(value):
            yield opened.end(), end
            misses = 0
        misses += 1
        more = _NEXT.match(whole, end + len(opened["quote"]))
        if more is None:
            return
        place = more.end()


def _is_rule(value: str) -> bool:
    """Whether an item of a list is a rule of a form: `min:8`."""
    return ":" in value and _RULE.fullmatch(value) is not None


def _find_in_quoted(whole: str, opened: re.Match[str], claim: Claim) -> Iterator[Span]:
    for _ in range(2):
        end = find_end_of_quoted(whole, opened)
        if is_secret(whole[opened.end() : end], claim, quoted=True):
            yield opened.end(), end
        changed = _CHANGED.match(whole, end)
        if changed is None:
            return
        opened = changed


# Values without quotes.

_BARE = re.compile(r"[^\s\"'\\,;&<>`|()\[\]{}]{1,4096}")
_WIDE = re.compile(r"[^\s\"'\\,;&<>`|]{1,4096}")
_LINE = re.compile(r"\S{1,4096}")
_LINE_START = re.compile(r"(?:^|\n)[ \t]*(?:export |set |ENV |ARG )?[A-Z][A-Z0-9_]*$")
_GOES_ON_BEHIND = re.compile(
    r"[,;&|<>](?!amp;|quot;|[\w.-]{0,40}\s?[=:])[^\s\"'\\,;&<>`|]{1,4096}"
)
_GOES_ON = re.compile(r"[.,]? [A-Za-z(]|[-/][A-Za-z]|, [A-Za-z]")
_IDENTIFIER_START = re.compile(r"[A-Za-z_$][A-Za-z_$.]*$")
_OPENED_WORD = re.compile(r"[(\[{][A-Za-z]+[(\[]?")
_APP_PASSWORD = re.compile(r"(?:[a-z]{4} ){3}[a-z]{4}(?=[\r\n\"'\\]|$)")
_CHANGED = re.compile(r"[\"'] ?->\s{1,8}(?P<quote>[\"'])")
"""From the old value to the new one, in a plan of Terraform."""
_MORE = re.compile(r"\r?\n[ \t]{0,40}- ")
_TAIL = ".,:;!?)]}"


def _find_in_bare(assignment: Assignment, place: int, claim: Claim) -> Iterator[Span]:
    """A value without quotes: to the end of its line, or of its word."""
    whole = assignment.text.whole
    line = _LINE.match(whole, place) if _is_line(assignment) else None
    if line and line[0].rstrip(",;")[-1:] not in ('"', "'"):
        yield from _find_in_line(line, claim)
        return
    words = _APP_PASSWORD.match(whole, place)
    if words and claim >= Claim.SECRET:
        yield words.span()
        return
    yield from _find_in_word(assignment, place, claim)


def _find_in_items(assignment: Assignment, place: int, claim: Claim) -> Iterator[Span]:
    """A value in the next line, or each item of a list in YAML."""
    while True:
        found = list(_find_in_bare(assignment, place, claim))
        yield from found
        more = _MORE.match(assignment.text.whole, found[-1][1]) if found else None
        if more is None:
            return
        place = more.end()


def _is_line(assignment: Assignment) -> bool:
    """Whether this is a line of an environment file, whose value is all of it."""
    if assignment.separator != "=":
        return False
    whole, start = assignment.text.whole, assignment.value_start
    name_end = assignment.match.end("more")
    if not _LINE_START.search(whole[max(0, assignment.name_start - 12) : name_end]):
        return False
    limit = start + 4096
    end = whole.find("\n", start, limit)
    return not whole[start : end if end >= 0 else limit].rstrip().count(" ")


def _find_in_line(line: re.Match[str], claim: Claim) -> Iterator[Span]:
    value = line[0]
    if is_placeholder(value) or _begins_call(value):
        return
    if claim >= Claim.SECRET or is_secret(value, claim, quoted=True):
        yield line.span()


def _find_in_word(assignment: Assignment, place: int, claim: Claim) -> Iterator[Span]:
    whole = assignment.text.whole
    if _begins_call(whole[place : place + 256]):
        return
    value = whole[place : _find_end_of_bare(whole, place, claim)].rstrip(_TAIL)
    end = place + len(value)
    if (
        not value
        or _is_syntax(whole, place, end)
        or _is_sentence(assignment, value, end)
    ):
        return
    if is_secret(value, claim, quoted=False):
        yield place, end


def _is_syntax(whole: str, place: int, end: int) -> bool:
    """Whether a word is a template, an attribute, a type or a remark: `(sensitive`."""
    value = whole[place:end]
    return (
        _OPENED_WORD.fullmatch(value) is not None
        or is_placeholder(whole[place : end + 1])
        or (
            value[-1] == "="
            and value[:-1].isalpha()
            and whole[end : end + 1] in ('"', "'")
        )
    )


def _begins_call(value: str) -> bool:
    """Whether code begins a value: `os.environ[`, `get_secret(`."""
    name = _BARE.match(value)
    return bool(
        name
        and value[name.end() : name.end() + 1] in ("(", "[")
        and _IDENTIFIER_START.match(name[0])
    )


def _find_end_of_bare(whole: str, place: int, claim: Claim) -> int:
    """Where a word ends; a password may continue after a comma or the like."""
    end = _find_end(_WIDE.match(whole, place), place)
    if claim is not Claim.PASSWORD:
        return end
    for _ in range(8):
        more = _GOES_ON_BEHIND.match(whole, end)
        if more is None or "=" in more[0]:
            break
        end = more.end()
    return end


def _is_sentence(assignment: Assignment, value: str, end: int) -> bool:
    """Whether the value is a word in a sentence about secrets."""
    if not value.isalpha() or assignment.separator not in (":", "="):
        return False
    return bool(_GOES_ON.match(assignment.text.whole[end : end + 3]))
