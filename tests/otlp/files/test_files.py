"""OTLP from files and streams."""

from __future__ import annotations

import gzip
import io
import json
import logging
import struct
import zlib

import pytest

from infinium_otel.errors import DecodingError
from infinium_otel.otlp import from_json
from infinium_otel.otlp.files import decompress_chunks, load_otlp, read_otlp
from infinium_otel.otlp.files.decompression import CHUNK
from support.corpus import recording
from support.otlp_requests import logs, protobuf, span, traces

RECORDED = recording("genai-openai/tool_loop").spans
RECORDS = from_json(RECORDED).records
LOG = logs({"traceId": "1" * 32, "spanId": "2" * 16})
LINE = json.dumps(RECORDED).encode()


def framed(*messages):
    return b"".join(struct.pack(">I", len(body)) + body for body in messages)


FORMS = [
    pytest.param(LINE, 1, id="one-line"),
    pytest.param(json.dumps(RECORDED, indent=1).encode(), 1, id="indented"),
    pytest.param(b"\xef\xbb\xbf\n " + LINE, 1, id="byte-order-mark"),
    pytest.param(LINE + b"\n\n" + LINE + b"\n", 2, id="json-lines"),
    pytest.param(b"[" + LINE + b"," + LINE + b"]", 2, id="list-of-requests"),
    pytest.param(protobuf(RECORDED), 1, id="protobuf"),
    pytest.param(framed(protobuf(RECORDED), protobuf(RECORDED)), 2, id="collector"),
]


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize(("content", "times"), FORMS)
def test_every_format_is_recognized_by_its_content(content, times, packed, tmp_path):
    """JSON, JSON Lines and protobuf, each plain or gzip, give the same records."""
    path = tmp_path / "no-extension"
    path.write_bytes(gzip.compress(content) if packed else content)
    assert load_otlp(path) == RECORDS * times


def test_logs_and_traces_are_distinguished_in_protobuf():
    """The bytes do not name their signal; only the right one yields usable items."""
    decoded = list(read_otlp(io.BytesIO(protobuf(LOG))))
    assert [len(request.records) for request in decoded] == [1]
    unrelated = list(read_otlp(io.BytesIO(protobuf(logs({"severityNumber": 9})))))
    assert [request.unrelated_logs for request in unrelated] == [1]


def test_useless_spans_in_protobuf_are_counted_as_spans():
    """A message that is usable as neither signal is read as traces."""
    body = protobuf(traces({"name": "no ids"}))
    assert [request.rejected_spans for request in read_otlp(io.BytesIO(body))] == [1]


def test_several_files_are_read_in_order(tmp_path):
    """Records come in the order of the paths and, in each, of the file."""
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_text(json.dumps(traces(span(name="1"), span(name="2"))))
    second.write_text(json.dumps(traces(span(name="3"))))
    assert [record.name for record in load_otlp(first, second)] == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"hello", "invalid OTLP", id="text"),
        pytest.param(b"\n\x0ahello", "invalid OTLP", id="text-that-begins-as-protobuf"),
        pytest.param(LINE[:-20], "damaged or was cut", id="cut-json"),
        pytest.param(b'{"a": ' * 100_000, "nested too deep", id="deep-json"),
        pytest.param(b'{"name": "a task"}\n', "invalid OTLP", id="another-json"),
        pytest.param(b"[1]", "invalid OTLP", id="list-of-numbers"),
        pytest.param(protobuf(RECORDED)[:-5], "invalid OTLP", id="cut-protobuf"),
        pytest.param(framed(b"abc")[:-1], "cut", id="cut-collector-file"),
        pytest.param(gzip.compress(LINE)[:-20], "was cut", id="cut-gzip"),
        pytest.param(
            gzip.compress(LINE)[:30] + b"\0" * 90 + LINE, "damaged", id="damaged-gzip"
        ),
        pytest.param(b"\x28\xb5\x2f\xfd...", "zstd", id="zstd"),
        pytest.param(bytes(100), "nothing but zero bytes", id="few-zeros"),
        pytest.param(bytes(2 * CHUNK + 1), "nothing but zero bytes", id="zeros"),
    ],
)
def test_what_is_no_otlp_is_one_clear_error(content, message, tmp_path):
    """The error names the file and the problem."""
    path = tmp_path / "spans.json"
    path.write_bytes(content)
    with pytest.raises(DecodingError, match=message) as raised:
        load_otlp(path)
    assert str(raised.value).startswith(str(path))


@pytest.mark.parametrize(
    "content",
    [b"", b"\n \n", gzip.compress(b"")],
    ids=["nothing", "blank-lines", "gzip-of-nothing"],
)
def test_an_empty_input_holds_nothing(content):
    """No input is no error."""
    assert list(read_otlp(io.BytesIO(content))) == []


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(b"{ cut", id="cut"),
        pytest.param(b'{"name": "a task"}', id="another-object"),
        pytest.param(b"\xff\xfe", id="no-utf-8"),
        pytest.param(b"[" * 100_000, id="deep"),
    ],
)
def test_a_bad_line_is_skipped_with_a_warning(bad, tmp_path, caplog):
    """The lines before and after it are read, and one warning counts the lost ones."""
    path = tmp_path / "spans.jsonl"
    path.write_bytes(LINE + b"\n" + bad + b"\n" + LINE)
    with caplog.at_level(logging.WARNING):
        assert load_otlp(path) == RECORDS * 2
    assert [record.getMessage() for record in caplog.records] == [
        f"{path}: skipped items that cannot be read: 1"
    ]


ZEROS = [
    pytest.param(LINE + b"\n" + bytes(4096), 1, 1, id="at-the-end"),
    pytest.param(LINE + b"\n" + bytes(50) + LINE + b"\n", 2, 0, id="before-a-line"),
    pytest.param(LINE + b"\n" + bytes(50) + b"\n" + LINE, 2, 1, id="as-a-line"),
    pytest.param(LINE + bytes(50) + b"\n" + LINE, 2, 0, id="after-a-line"),
    pytest.param(bytes(CHUNK + 1) + LINE + b"\n" + LINE, 2, 0, id="at-the-start"),
    pytest.param(bytes(2002) + LINE, 1, 0, id="at-the-start-of-one"),
    pytest.param(bytes(4000) + framed(protobuf(RECORDED)), 1, 0, id="protobuf"),
]


@pytest.mark.parametrize(("content", "times", "lost"), ZEROS)
def test_zero_bytes_cost_no_line_that_is_whole(content, times, lost):
    """They are left where a line was not on disk yet, and where a file was truncated.

    gastownhall/gascity#5336, moby/moby#29511, fluent/fluent-bit#427: after a loss of power
    the next line follows them. fluent/fluent-bit#3117: `copytruncate` puts them in front.
    """
    decoded = list(read_otlp(io.BytesIO(content)))
    assert [r for request in decoded for r in request.records] == RECORDS * times
    assert sum(request.unreadable for request in decoded) == lost


class Dripping(io.RawIOBase):
    """A pipe that delivers one byte at a time."""

    def __init__(self, content):
        self._rest = iter(content)

    def read(self, _size=-1):
        return bytes(byte for byte in [next(self._rest, None)] if byte is not None)


def test_a_dripping_pipe_is_read_to_its_end():
    """The format is recognized after some bytes, even if they come one by one."""
    content = gzip.compress(LINE + b"\n" + LINE)
    decoded = list(read_otlp(Dripping(content)))
    assert [request.records for request in decoded] == [RECORDS, RECORDS]


def test_gzip_may_be_in_members():
    """Files that were appended to are several members one after the other."""
    stream = io.BytesIO(gzip.compress(LINE + b"\n") + gzip.compress(LINE))
    assert [request.records for request in read_otlp(stream)] == [RECORDS, RECORDS]


def test_messages_are_handed_on_as_they_are_read():
    """So are protobuf messages in a Collector's file, wherever a chunk ends."""
    messages = framed(*[protobuf(RECORDED)] * 3)
    requests = read_otlp(Dripping(messages + b"\0\0\1\0" + b"cut"))
    assert [next(requests).records for _ in range(3)] == [RECORDS] * 3
    with pytest.raises(DecodingError, match="cut"):
        next(requests)


def test_lines_are_handed_on_as_they_are_read():
    """The first request is there before the input has ended: nothing is held."""

    class Endless(io.RawIOBase):
        def read(self, _size=-1):
            return LINE + b"\n"

    requests = read_otlp(Endless())
    assert [next(requests).records for _ in range(100)] == [RECORDS] * 100


def test_a_bomb_is_decompressed_in_bounded_pieces():
    """Compressed data becomes chunks of bounded size, whatever it claims to hold."""
    bomb = zlib.compress(bytes(50 * CHUNK))
    sizes = [len(chunk) for chunk in decompress_chunks((bomb,))]
    assert max(sizes) <= CHUNK
    assert sum(sizes) == 50 * CHUNK
