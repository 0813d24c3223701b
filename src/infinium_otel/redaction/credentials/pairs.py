"""Secrets whose name is near them, but not right before: in markup, objects and calls."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from infinium_otel.redaction.credentials.finder import (
    Finder,
    LatePattern,
    find_start_of_run,
)
from infinium_otel.redaction.secret_names import (
    Claim,
    classify_name,
    is_placeholder,
    is_secret,
)

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

    from infinium_otel.redaction.credentials.finder import Span, Text

_ENDINGS = (
    "token|secret|pass(?:word|wd|phrase|code)?|pwd|key|auth|cred(?:ential)?|jwt|otp|psk|"
    "pat|pw|sess(?:ion)?id|session|sid|authorization|cookie"
)
"""More names than these do not occur in such pairs."""
_NAME = rf"(?P<name>[a-z0-9_./:@\[-]{{0,64}}?(?:{_ENDINGS})s?[0-9_]{{0,4}}\]?)"
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-."

_BETWEEN = " :\t\r\n\"'\\"
_QUOTE = r"\\{0,16}[\"']"
_VALUE = r"(?P<secret>[^\"'\\\n]{3,4096})"
_ASSIGNED = rf"(?:{_QUOTE})?\s{{0,4}}[:=]\s{{0,4}}{_QUOTE}"
_MEMBER = (
    rf",\s{{0,40}}{_QUOTE}[a-z_]{{1,24}}{_QUOTE}\s{{0,4}}:\s{{0,4}}"
    rf"(?:{_QUOTE}[^\"'\\\n]{{0,64}}{_QUOTE}|true|false)"
)
_LINE_END = r"(?:\r?\n|\\r\\n|\\n)"

_NAMED = (
    # a value before its name, in HTML and JSON: value="x" name="csrf_token"
    ("value", rf"value{_ASSIGNED}{_VALUE}{_QUOTE}[\s,]{{1,8}}(?:{_QUOTE})?(?:name|key)"
     rf"{_ASSIGNED}{_NAME}{_QUOTE}"),
    # <meta name="csrf-token" content="x">
    ("content=", rf"name={_QUOTE}{_NAME}{_QUOTE} content={_QUOTE}{_VALUE}{_QUOTE}"),
    # a name and a value with members in between: "name": "x", "type": "y", "value": "z"
    ("value", rf"name{_ASSIGNED}{_NAME}{_QUOTE}(?:{_MEMBER}){{0,3}},\s{{0,40}}{_QUOTE}value"
     rf"{_ASSIGNED}{_VALUE}{_QUOTE}"),
    # <key>API_TOKEN</key><string>x</string>
    ("<string>", rf"<key>{_NAME}</key>\s{{0,40}}<string>(?P<secret>[^<]{{3,4096}})</string>"),
    # <apiKey type="x"> x </apiKey>, <password><![CDATA[x]]></password>
    ("</", rf"<{_NAME}(?: [^<>]{{1,256}})?>\s{{0,80}}(?:<!\[cdata\[)?"
     r"(?P<secret>[^<>\s]{1,4096}?)(?:\]\]>)?\s{0,80}</"),
    # a field of a form: name="password", an empty line, and the value
    ("form-data", rf"form-data; name={_QUOTE}{_NAME}{_QUOTE}{_LINE_END}{{2}}"
     r"(?P<secret>[^\s\\]{1,4096})"),
    # setx API_TOKEN "x"
    ("setx ", rf"setx {_NAME} {_QUOTE}{_VALUE}{_QUOTE}"),
)  # fmt: skip
"""A mark, and a pattern with the groups `name` and `secret`."""

_BEHIND_NAME = (
    # an object with a value: "API_TOKEN": {"value": "x"}
    ("value", rf"{{\s{{0,40}}{_QUOTE}value{_ASSIGNED}{_VALUE}{_QUOTE}", ""),
    # setPassword("x"), .withToken("x")
    ('("', r"\(\"(?P<secret>[^\"\\\n]{3,1024})\"\)", "set with add"),
    # printf 'password=%s' 'x'
    ("=%s", rf"=%s(?:\\n)?{_QUOTE} {{1,4}}{_QUOTE}{_VALUE}{_QUOTE}", ""),
)  # fmt: skip
"""A mark, a pattern that begins behind the name, and what the name begins with."""


def make_pair_finders() -> Iterator[Finder]:
    """One finder for each way in which a name and its secret are apart."""
    for mark, pattern in _NAMED:
        yield Finder(LatePattern(pattern), _look_at_named, lowered=True, marks=(mark,))
    for mark, pattern, heads in _BEHIND_NAME:
        look = partial(_look_behind_name, tuple(heads.split()))
        yield Finder(LatePattern(pattern), look, lowered=True, marks=(mark,))


def _look_at_named(text: Text, match: re.Match[str]) -> Iterator[Span]:
    name = text.whole[slice(*match.span("name"))].rpartition("/")[2]
    yield from _find_secret(text, match, name)


def _look_behind_name(
    heads: tuple[str, ...], text: Text, match: re.Match[str]
) -> Iterator[Span]:
    near = text.whole[max(0, match.start() - 16) : match.start()]
    end = match.start() - len(near) + len(near.rstrip(_BETWEEN))
    name = text.whole[find_start_of_run(text.whole, end, _LETTERS) : end]
    if not heads or name.rpartition(".")[2].startswith(heads):
        yield from _find_secret(text, match, name)


def _find_secret(text: Text, match: re.Match[str], name: str) -> Iterator[Span]:
    start, end = match.span("secret")
    value = text.whole[start:end]
    claim = Claim.RANDOM if name.lower() in ("session", "sid") else classify_name(name)
    if claim is Claim.COOKIE:
        found = "=" in value and not is_placeholder(value)
    else:
        found = claim < Claim.HEADER and is_secret(value, claim, quoted=True)
    if found:
        yield start, end
