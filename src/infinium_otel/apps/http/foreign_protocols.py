"""Other protocols than HTTP/1 on the port of OTLP/HTTP, recognized by their first bytes."""

from __future__ import annotations

import json
from dataclasses import dataclass

HTTP2_PREFACE = b"PRI * HTTP/2.0"
"""Source: RFC 9113, 3.4."""

TLS_HANDSHAKE = b"\x16\x03"
"""A record of TLS, any version. Source: RFC 8446, 5.1."""

SETTINGS = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
GOAWAY, HTTP_1_1_REQUIRED = 7, 13
"""Source: RFC 9113, 6.5, 6.8 and 7."""


@dataclass(frozen=True, slots=True)
class ForeignProtocol:
    """A protocol that is not spoken here.

    Args:
        kind: its name among the mistakes.
        message: what to change, for the log.
        response: what its clients understand.
    """

    kind: str
    message: str
    response: bytes


def recognize(data: bytes, grpc_port: int | None) -> ForeignProtocol | None:
    """The protocol of a connection by its first bytes; None for HTTP/1.

    Args:
        data: what was received first.
        grpc_port: where OTLP/gRPC is received; None if it is not.
    """
    if data.startswith(HTTP2_PREFACE):
        advice = "set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"
        if grpc_port is not None:
            advice += f", or send to port {grpc_port}"
        message = f"sends OTLP/gRPC to the port of OTLP/HTTP: {advice}"
        return ForeignProtocol("grpc on the http port", message, _go_away(message))
    if data.startswith(TLS_HANDSHAKE):
        message = "sends TLS, and this port is plain HTTP: use http:// in the address"
        return ForeignProtocol("tls on the http port", message, _respond_400(message))
    return None


def _go_away(message: str) -> bytes:
    """The frames that make an HTTP/2 client report *message* and close."""
    payload = bytes(4) + HTTP_1_1_REQUIRED.to_bytes(4, "big") + message.encode()
    head = len(payload).to_bytes(3, "big") + bytes((GOAWAY, 0, 0, 0, 0, 0))
    return SETTINGS + head + payload


def _respond_400(message: str) -> bytes:
    body = json.dumps({"code": 3, "message": message}).encode()
    head = (
        "HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body
