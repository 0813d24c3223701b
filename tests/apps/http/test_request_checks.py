"""What a request's head decides."""

from __future__ import annotations

import pytest

from infinium_otel.apps.http.export_response import JSON, PROTOBUF
from infinium_otel.apps.http.otlp_paths import (
    explain_path,
    find_signal,
    normalize_path,
    show,
)
from infinium_otel.apps.http.outcomes import Rejection, reject
from infinium_otel.apps.http.request_checks import Accepted, check_head

TRACES = {"content-type": PROTOBUF}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1/traces", "traces"),
        ("/v1/traces/", "traces"),
        ("//v1/traces", "traces"),
        ("/v1//logs//", "logs"),
        ("/v1/metrics", "metrics"),
        ("/", None),
        ("", None),
        ("/v1/tracesx", None),
        ("/V1/traces", None),
        ("/v1/traces/v1/traces", None),
    ],
)
def test_the_signal_of_a_path(path, expected):
    """Slashes too many do no harm."""
    assert find_signal(path) == expected


def test_a_clean_path():
    """One slash between parts, none at the end."""
    assert normalize_path("///a//b/") == "/a/b"
    assert normalize_path("//") == normalize_path("") == "/"


@pytest.mark.parametrize(
    ("path", "advice"),
    [
        pytest.param("/", "add /v1/traces", id="no-path"),
        pytest.param("/v1/traces/v1/traces", "without a path", id="appended-twice"),
        pytest.param("/v1/traces/v1/logs", "without a path", id="another-signal"),
        pytest.param("/v1/v1/traces", "without a path", id="half-appended"),
        pytest.param("/otlp/v1/traces", "before /v1", id="prefix"),
        pytest.param("/api/v2/spans", "Zipkin", id="zipkin"),
        pytest.param("/api/traces", "Jaeger", id="jaeger"),
        pytest.param(
            "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            "OTLP/gRPC has a port of its own",
            id="grpc-path",
        ),
        pytest.param("/favicon.ico", "spans go to /v1/traces", id="other"),
    ],
)
def test_a_wrong_path_is_explained(path, advice):
    """The right paths are named, and what led to the wrong one."""
    message = explain_path(path)
    assert "spans go to /v1/traces and logs to /v1/logs" in message
    assert advice in message


def test_what_is_shown_is_printable_and_short():
    """A path is the sender's text, and appears in logs."""
    assert show("a\x1b[2Jb\n") == "a?[2Jb?"
    assert show("x" * 1000) == "x" * 80 + "..."


@pytest.mark.parametrize(
    ("method", "path", "version", "headers", "expected"),
    [
        pytest.param(
            "POST", "/v1/traces", "1.1", TRACES, ("traces", PROTOBUF, ""), id="plain"
        ),
        pytest.param(
            "POST",
            "/v1/logs/",
            "1.1",
            {
                "content-type": "application/json; charset=utf-8",
                "content-encoding": "GZIP",
            },
            ("logs", JSON, "gzip"),
            id="gzip",
        ),
        pytest.param(
            "POST",
            "/v1/traces",
            "1.0",
            {**TRACES, "content-length": "0", "content-encoding": "x-gzip"},
            ("traces", PROTOBUF, "gzip"),
            id="http-1.0",
        ),
        pytest.param(
            "POST", "/v1/metrics", "1.1", {}, ("metrics", JSON, ""), id="metrics"
        ),
    ],
)
def test_accepted(method, path, version, headers, expected):
    """Signal, encoding and compression."""
    assert check_head(method, path, version, headers) == Accepted(*expected)


@pytest.mark.parametrize(
    ("method", "path", "version", "headers", "status", "mistake"),
    [
        pytest.param("POST", "/", "1.1", TRACES, 404, "wrong path", id="path"),
        pytest.param("GET", "/", "1.1", {}, 404, "wrong path", id="path-first"),
        pytest.param("GET", "/v1/traces", "1.1", {}, 405, "wrong method", id="method"),
        pytest.param(
            "OPTIONS",
            "/v1/traces",
            "1.1",
            {"origin": "https://app.example"},
            405,
            "origin not allowed",
            id="preflight",
        ),
        pytest.param(
            "POST", "/v1/traces", "1.0", TRACES, 411, "no length", id="length"
        ),
        pytest.param(
            "POST",
            "/v1/traces",
            "1.1",
            {"content-type": "text/plain"},
            415,
            "content type",
            id="type",
        ),
        pytest.param(
            "POST",
            "/v1/traces",
            "1.1",
            {**TRACES, "content-encoding": "gzip, gzip"},
            415,
            "content encoding",
            id="two-encodings",
        ),
    ],
)
def test_rejected(method, path, version, headers, status, mistake):  # noqa: PLR0913, PLR0917 - one row
    """Each with a status, a mistake to count, and a message."""
    rejection = check_head(method, path, version, headers)
    assert isinstance(rejection, Rejection)
    assert (rejection.status, rejection.mistake) == (status, mistake)
    assert rejection.message
    if status == 405:
        assert rejection.headers == {"allow": "POST"}
    if mistake == "content encoding":
        assert rejection.headers["accept-encoding"].startswith("gzip, deflate")
    if mistake == "origin not allowed":
        assert "https://app.example" in rejection.message
        assert "--cors-origin" in rejection.message


@pytest.mark.parametrize(
    ("wait_s", "expected"), [(0.01, 1), (2.2, 3), (5.0, 5), (19.0, 5), (60.0, 5)]
)
def test_no_sender_waits_longer_than_it_can(wait_s, expected):
    """An exporter has ten seconds for all its attempts."""
    from infinium_otel.apps.http.body_limiter import BusyError  # noqa: PLC0415

    assert reject(BusyError(wait_s)).retry_after_s == expected
