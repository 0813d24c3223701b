"""Responses that are read without `http.client`: as it would read them, or not at all."""

from __future__ import annotations

import http.client
import io

import pytest

from infinium_otel.delivery.transport.simple_responses import MAX_FIELDS, read_simple

OK = b"HTTP/1.1 200 OK\r\n"


def respond(*fields, status=OK, body=b"{}"):
    lines = b"".join(field + b"\r\n" for field in fields)
    return status + b"Content-Length: %d\r\n" % len(body) + lines + b"\r\n" + body


class Source:
    """What `http.client` reads a response from."""

    def __init__(self, data):
        self.data = data

    def makefile(self, _):
        return io.BytesIO(self.data)


def read_by_library(data):
    response = http.client.HTTPResponse(Source(data), method="POST")
    response.begin()
    body = response.read()
    fields = {name.lower(): text for name, text in response.getheaders()}
    return response.status, fields, body, response.will_close


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(respond(), id="ok"),
        pytest.param(respond(b"Connection: keep-alive"), id="kept-open"),
        pytest.param(respond(body=b""), id="no-body"),
        pytest.param(respond(b"A:b", b"C-D: \t e: f ", b"E:"), id="spaces"),
        pytest.param(respond(b"Retry-After: 3", status=b"HTTP/1.1 429 \r\n"), id="429"),
        pytest.param(respond(status=b"HTTP/1.1 503 Not now\r\n"), id="503"),
        pytest.param(respond(body="ä\r\n\r\n".encode()), id="body-like-a-header"),
        pytest.param(
            respond(*(b"X-%d: 1" % n for n in range(MAX_FIELDS - 1))), id="fields"
        ),
    ],
)
def test_a_simple_response_is_read_as_the_library_reads_it(data):
    """Status, fields and body are those of `http.client`, and the connection stays open."""
    found = read_simple(data)
    assert found is not None
    read = (found.status, found.headers, found.body)
    assert (*read, False) == read_by_library(data)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(respond()[:-1], id="body-not-whole"),
        pytest.param(OK + b"Content-Length: 2\r\n", id="head-not-whole"),
        pytest.param(respond() + b"x", id="more-follows"),
        pytest.param(respond(b"Connection: close"), id="closes"),
        pytest.param(respond(b"Transfer-Encoding: chunked"), id="chunked"),
        pytest.param(respond(b"Content-Encoding: gzip"), id="encoded"),
        pytest.param(respond(b"Content-Length: 2"), id="a-field-twice"),
        pytest.param(OK + b"A: b\r\n\r\n", id="no-length"),
        pytest.param(OK + b"Content-Length: -2\r\n\r\n{}", id="negative-length"),
        pytest.param(
            OK + b"Content-Length: " + b"2" * 5_000 + b"\r\n\r\n{}", id="huge"
        ),
        pytest.param(OK + b"Content-Length: 2 \r\n\r\n{}", id="length-with-a-space"),
        pytest.param(OK + b"\r\n", id="no-field"),
        pytest.param(respond(b"A: b", b" folded"), id="folded"),
        pytest.param(respond("A: ä".encode("latin-1")), id="not-ascii"),
        pytest.param(respond(b"A : b"), id="space-in-a-name"),
        pytest.param(respond(status=b"HTTP/1.1 200\r\n"), id="no-reason"),
        pytest.param(respond(status=b"HTTP/1.0 200 OK\r\n"), id="http-1.0"),
        pytest.param(respond(status=b"HTTP/1.1 100 Go on\r\n"), id="interim"),
        pytest.param(respond(status=b"HTTP/1.1 204 No\r\n", body=b""), id="204"),
        pytest.param(respond(status=b"HTTP/1.1 304 No\r\n", body=b""), id="304"),
        pytest.param(
            respond(*(b"X-%d: 1" % n for n in range(MAX_FIELDS))), id="many-fields"
        ),
    ],
)
def test_anything_else_is_left_to_the_library(data):
    """What is not whole, not simple or not right is not read here."""
    assert read_simple(data) is None
