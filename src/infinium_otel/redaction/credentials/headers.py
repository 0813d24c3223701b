"""Headers: `Authorization` by its scheme, in a header or alone, and cookies."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from infinium_otel.redaction.credentials.finder import Finder, LatePattern
from infinium_otel.redaction.credentials.quoting import OPEN
from infinium_otel.redaction.secret_names import (
    LONGEST_WORD,
    Claim,
    is_mixed,
    is_placeholder,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infinium_otel.redaction.credentials.assignments import Assignment
    from infinium_otel.redaction.credentials.finder import Span, Text

_SCHEME = LatePattern(
    r"b(?:earer|asic)(?<![a-z0-9_-]bearer)(?<![a-z0-9_-]basic)\s{1,3}(?:\\{0,64}[\"'])?"
)
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=:-]{8,4096}")
_LONG_WORD = re.compile(r"[A-Za-z]{20}")


def _look_at_scheme(text: Text, match: re.Match[str]) -> Iterator[Span]:
    token = _TOKEN.match(text.whole, match.end())
    if token and _is_token(token[0]):
        yield token.span()


def _is_token(token: str) -> bool:
    """Whether it is not a word: it has a digit, or is longer than words are."""
    if is_placeholder(token):
        return False
    known = any(letter.isdigit() or letter == "=" for letter in token)
    return known or _LONG_WORD.search(token) is not None


SCHEME_FINDER = Finder(
    _SCHEME, _look_at_scheme, lowered=True, marks=("bearer", "basic")
)


# Values of headers.

_COOKIE = re.compile(r"[^\s\"'`\\<=]{1,256}=[^\r\n\"'`\\<]{0,4096}")
_DIGIT = re.compile("[0-9]")
_SCHEMED = re.compile(r"([A-Za-z][A-Za-z0-9_-]{1,40})[ \t]{1,8}(?=\S)")
_ENCODING = re.compile(r"base64(?:\(|[ _-]?encoded)", re.IGNORECASE)
"""How a credential is made, in a manual: `ApiKey base64(id:api_key)`."""
_CREDENTIALS = re.compile(r"[^\s\"'`\\<]{1,4096}")
_PARAMS = re.compile(
    r"(?:,?\s{0,8}[A-Za-z0-9_-]{1,40}=(?:\\{0,64}\"[^\"\\\r\n]{0,2048}\\{0,64}\""
    r"|[^\s\"'`\\<,]{1,2048})){1,32}"
)
_PARAM_SCHEMES = frozenset(
    "digest oauth aws4-hmac-sha256 hawk signature sharedkey sharedkeylite hmac-sha256 "
    "token hmac mac gnap vapid acs3-hmac-sha256 tc3-hmac-sha256 mediabrowser".split()
)


_SCHEMES = _PARAM_SCHEMES | frozenset(
    "bearer basic token apikey api-key key geniekey ssws bot negotiate ntlm splunk "
    "snowflake jwt deepl-auth-key client-id pveapitoken discogs zoho-oauthtoken".split()
)


def find_in_header(assignment: Assignment, claim: Claim) -> Iterator[Span]:
    """The secret of a header: after its scheme, or all pairs of a cookie."""
    if not assignment.is_header():
        return
    whole, start = assignment.text.whole, assignment.value_start
    opened = OPEN.match(whole, start)
    start = opened.end() if opened else start
    if claim is Claim.COOKIE:
        yield from _find_in_cookie(assignment, start)
    else:
        yield from _find_in_authorization(whole, start)


def _find_in_cookie(assignment: Assignment, start: int) -> Iterator[Span]:
    whole = assignment.text.whole
    pairs = _COOKIE.match(whole, start)
    if pairs is None and whole[assignment.name_start : assignment.match.start()]:
        pairs = _CREDENTIALS.match(whole, start)  # as in `Set-Cookie`
        pairs = pairs if pairs and is_mixed(pairs[0]) else None
    if pairs and not is_placeholder(pairs[0]):
        yield start, pairs.end()


def _find_in_authorization(whole: str, start: int) -> Iterator[Span]:
    """The secret of an `Authorization` whose value begins at *start*."""
    schemed = _SCHEMED.match(whole, start)
    scheme = schemed[1].lower() if schemed else ""
    if schemed and (scheme in _SCHEMES or not _DIGIT.search(scheme)):
        start = schemed.end()
    params = _PARAMS.match(whole, start) if scheme in _PARAM_SCHEMES else None
    found = params or _CREDENTIALS.match(whole, start)
    if found is None:
        return
    value = found[0].rstrip(",;")
    if len(value) < 4 or is_placeholder(value) or _ENCODING.match(value):
        return
    if scheme in _SCHEMES:
        if value.isalpha() and value.islower() and len(value) < 12:
            return
    elif not (len(value) > LONGEST_WORD or is_mixed(value) or _LONG_WORD.search(value)):
        return
    yield start, start + len(value)
