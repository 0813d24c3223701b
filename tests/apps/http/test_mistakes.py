"""What senders do wrong is counted, and logged once for each."""

from __future__ import annotations

import pytest

from infinium_otel.apps.http.cors import parse_origin
from infinium_otel.apps.http.foreign_protocols import recognize
from infinium_otel.apps.http.mistakes import MistakeLog
from infinium_otel.errors import InfiniumError


def test_each_kind_is_logged_once_for_each_sender(caplog):
    """Further ones are only counted."""
    log = MistakeLog()
    for sender in ("10.0.0.1", "10.0.0.2", "10.0.0.1"):
        log.add("path", sender, "wrong path")
        log.add("method", sender, "wrong method")
    assert log.counts == {"path": 3, "method": 3}
    assert sorted(caplog.messages) == [
        "10.0.0.1: wrong method",
        "10.0.0.1: wrong path",
        "10.0.0.2: wrong method",
        "10.0.0.2: wrong path",
    ]


def test_the_log_is_bounded(caplog):
    """Many addresses cannot fill the log, nor the memory; the last line announces it."""
    log = MistakeLog(max_lines=3)
    for number in range(1000):
        log.add("path", f"10.0.0.{number}", "wrong path")
    assert log.counts["path"] == 1000
    assert len(caplog.messages) == 4
    assert "only counted" in caplog.messages[-1]
    assert len(log._logged) == 4


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "grpc", id="http2"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01", "tls", id="tls"),
        pytest.param(b"POST /v1/traces HTTP/1.1\r\n", None, id="http1"),
        pytest.param(b"P", None, id="first-byte"),
        pytest.param(b"", None, id="nothing"),
    ],
)
def test_other_protocols_are_recognized(data, kind):
    """By their first bytes."""
    found = recognize(data, None)
    assert (found is None) if kind is None else found.kind.startswith(kind)


def test_the_port_of_grpc_is_named_if_there_is_one():
    """What to change depends on what is served."""
    preface = b"PRI * HTTP/2.0\r\n\r\n"
    assert "port 4317" in recognize(preface, 4317).message
    assert "port" not in recognize(preface, None).message.partition(":")[2]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("*", "*"),
        ("https://App.example", "https://app.example"),
        ("https://app.example/", "https://app.example"),
        ("http://localhost:3000", "http://localhost:3000"),
    ],
)
def test_an_origin(text, expected):
    """As a browser writes it in the Origin header."""
    assert parse_origin(text) == expected


@pytest.mark.parametrize(
    "text", ["", "app.example", "https://a.example/path", "https://a.example?q", "null"]
)
def test_no_origin(text):
    """The error shows what one looks like."""
    with pytest.raises(InfiniumError, match="is not an origin"):
        parse_origin(text)
