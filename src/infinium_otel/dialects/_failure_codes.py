"""The code of a failure: the vendor's own, else the HTTP status."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING

from infinium_otel.dialects._attributes import count
from infinium_otel.dialects._recorded_exceptions import is_code

if TYPE_CHECKING:
    from infinium_otel.dialects._dialect import Facts


_LOOKS_LIKE_CLASS = re.compile(r"[A-Z]")
MIN_HTTP_ERROR = 400
STATUS_WITHIN = 200


def find_code(
    facts: Facts, name: str | None, stack: str | None, message: str | None
) -> str | None:
    """The vendor's code of the failure, else the HTTP status, as text.

    Args:
        name: the error's type, if it is not the failure's type already.
    """
    code = facts.get("error_code")
    if code is not None and count(code) is None:
        return str(code)
    if name and count(name) is None and _may_be_code(name):
        return name
    response = _RESPONSE_CODE.search(stack or "")
    if response:
        return response[1]
    if code is not None:
        return str(code)
    status = facts.get("http_status")
    if status is not None and status >= MIN_HTTP_ERROR:
        return str(status)
    error_type = facts.get("error_type")
    return error_type if count(error_type) is not None else _find_status(message)


def _may_be_code(name: str) -> bool:
    return is_code(name) or not _LOOKS_LIKE_CLASS.search(name)


_RENAMED = (
    "Request Entity Too Large",
    "Content Too Large",
    "Request-URI Too Long",
    "URI Too Long",
    "Requested Range Not Satisfiable",
    "Range Not Satisfiable",
    "Unprocessable Entity",
    "Unprocessable Content",
)
"""Phrases that RFC 9110 renamed, with their new names; a Python knows one of each."""
_PHRASES = "|".join(
    re.escape(phrase)
    for phrase in (
        *(status.phrase for status in HTTPStatus if status >= MIN_HTTP_ERROR),
        *_RENAMED,
    )
)
_STATUS = re.compile(
    r"(?i:error code|status(?:[_ ]code)?|\bhttp(?:/\d(?:\.\d)?)?|\bapi error)"
    r"[:=]? ?\"?([45]\d\d)\b"
    r"|^(?:[A-Z_]{3,40}: )?([45]\d\d)(?: [A-Z_]{4,40}\b|:| - | \{| status code)"
    rf"|(?:^|[\s\[(>])([45]\d\d) (?i:{_PHRASES})"
    r"|^(?:[A-Z_]{3,40}: )?(4[0-3]\d|5[0-3]\d) [A-Z]"
    r"|^(429|50[0-4]|529) [a-z]+\b(?<!s)"
)
"""The HTTP status in an exception's text, as clients of any language write it."""


def _find_status(message: str | None) -> str | None:
    """The HTTP status that clients put at the beginning of an exception's text."""
    match = _STATUS.search((message or "")[:STATUS_WITHIN])
    return next(filter(None, match.groups()), None) if match else None


_RESPONSE_CODE = re.compile(r"""'error': \{[^}]{0,500}'code': '([a-z][\w.-]{1,60})'""")
"""The code in a provider's response, which gateways repeat only in an exception's text."""
