"""Passwords and signatures in URLs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from infinium_otel.redaction.credentials.finder import Finder, LatePattern
from infinium_otel.redaction.secret_names import is_placeholder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infinium_otel.redaction.credentials.finder import Span, Text


_ADDRESS = LatePattern(r"://[^\s/?#:@\"'<>`\[\]\\]{0,128}:")
_ADDRESS_REST = re.compile(r"[^\s\"'<>`\\]{0,512}")
_HOST = re.compile(r"@(?:[A-Za-z0-9_.-]{1,253}|\[[0-9a-f:]{2,40}\]|[${<{])")
_PORT = re.compile(r"[0-9]{1,5}(?![A-Za-z0-9!-.@])")


def _look_at_address(text: Text, match: re.Match[str]) -> Iterator[Span]:
    """From the colon after a user's name to the last `@` that a host follows."""
    whole, start = text.whole, match.end()
    port = _PORT.match(whole, start)
    rest = _ADDRESS_REST.match(whole, start)
    if rest is None or (
        port and whole[port.end() : port.end() + 1] in ("/", "?", "#", "")
    ):
        return
    end = _find_end_of_password(whole, start, rest.end())
    if end > start and not is_placeholder(whole[start:end]):
        yield start, end


def _find_end_of_password(whole: str, start: int, limit: int) -> int:
    another = whole.find("://", start, limit)
    limit = another if another > 0 else limit
    at = whole.rfind("@", start, limit)
    for _ in range(4):
        if at < 0 or _HOST.match(whole, at):
            break
        at = whole.rfind("@", start, at)
    return at


ADDRESS_FINDER = Finder(_ADDRESS, _look_at_address, lowered=False, marks=("://",))


# Parameters that sign an address, or log in by it.

_PARAM_NAMES = (
    "sig key code signature x-amz-signature x-goog-signature x-amz-credential hmac auth "
    "ticket jwt appid app_id assertion hdnea hdnts hdntl code_verifier policy st se_sig "
    "x-oss-signature q-signature x-cos-security-token token_hint id_token_hint sas cid_sig "
    "magic otp reset invite verify"
).split()
_PARAM = LatePattern(
    r"=(?=[^\s&\"'<>\\#;,)`=]{8})(?:"
    + "|".join(rf"(?<=[?&;6\#]{name}=)" for name in _PARAM_NAMES)
    + r")"
    r"(?P<value>[^\s&\"'<>\\#;,)`]{8,4096})"
)


def _look_at_param(text: Text, match: re.Match[str]) -> Iterator[Span]:
    start, end = match.span("value")
    value = text.whole[start:end]
    if is_placeholder(value) or not any(letter.isdigit() for letter in value):
        return
    if len(value) >= 16 and any(letter.isalpha() for letter in value):
        yield start, end


PARAM_FINDER = Finder(_PARAM, _look_at_param, lowered=True, marks=("=",))
