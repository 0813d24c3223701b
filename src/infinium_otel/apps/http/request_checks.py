"""What a request's head decides, before its body is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from infinium_otel.apps.http.content_encoding import (
    explain_unsupported,
    get_accepted,
    normalize_encoding,
)
from infinium_otel.apps.http.export_response import JSON, PROTOBUF, parse_encoding
from infinium_otel.apps.http.otlp_paths import (
    SIGNALS,
    explain_path,
    find_signal,
    show,
)
from infinium_otel.apps.http.outcomes import (
    INVALID_ARGUMENT,
    UNIMPLEMENTED,
    Rejection,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Accepted:
    """A request whose body is worth reading.

    Args:
        signal: "traces", "logs" or "metrics".
        encoding: `JSON` or `PROTOBUF`.
        compression: the Content-Encoding as `content_encoding` has it.
    """

    signal: str
    encoding: str
    compression: str


def check_head(
    method: str,
    path: str,
    http_version: str,
    headers: Mapping[str, str],
    paths: Mapping[str, str] = SIGNALS,
) -> Accepted | Rejection:
    """Decide on a request by its head.

    Args:
        method: in upper case.
        path: without the query.
        http_version: "1.0" or "1.1".
        headers: names in lower case.
        paths: the signal of each path.
    """
    signal = find_signal(path, paths)
    if signal is None:
        return Rejection(404, UNIMPLEMENTED, explain_path(path), mistake="wrong path")
    if method != "POST":
        return _reject_method(method, path, headers)
    if http_version == "1.0" and "content-length" not in headers:
        message = "HTTP/1.0 needs a Content-Length"
        return Rejection(411, INVALID_ARGUMENT, message, mistake="no length")
    return _check_content(signal, headers)


def _check_content(signal: str, headers: Mapping[str, str]) -> Accepted | Rejection:
    encoding = parse_encoding(headers.get("content-type", ""))
    if signal == "metrics":
        return Accepted(signal, encoding or JSON, "")
    if encoding is None:
        message = f"unsupported Content-Type; send {PROTOBUF} or {JSON}"
        return Rejection(415, INVALID_ARGUMENT, message, mistake="content type")
    given = headers.get("content-encoding", "")
    compression = normalize_encoding(given)
    if compression is None:
        return _reject_encoding(given)
    return Accepted(signal, encoding, compression)


def _reject_method(method: str, path: str, headers: Mapping[str, str]) -> Rejection:
    message = f"{show(method)} is not allowed at {show(path)}: send with POST"
    mistake = "wrong method"
    if method == "OPTIONS" and "origin" in headers:
        message = (
            f"pages of {show(headers['origin'])} may not send here: "
            "allow them with --cors-origin"
        )
        mistake = "origin not allowed"
    return Rejection(
        405, UNIMPLEMENTED, message, headers={"allow": "POST"}, mistake=mistake
    )


def _reject_encoding(given: str) -> Rejection:
    message = explain_unsupported(given)
    # Source: RFC 9110, 12.5.3: Accept-Encoding in a 415 names what is accepted.
    headers = {"accept-encoding": ", ".join(get_accepted())}
    return Rejection(
        415, INVALID_ARGUMENT, message, headers=headers, mistake="content encoding"
    )
