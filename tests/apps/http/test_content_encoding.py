"""Compressed bodies, as senders really write them."""

from __future__ import annotations

import gzip
import zlib

import pytest

from infinium_otel.apps.http import content_encoding
from infinium_otel.apps.http.content_encoding import (
    CHUNK,
    decompress,
    get_accepted,
    normalize_encoding,
)
from infinium_otel.errors import DecodingError

BODY = bytes(range(256)) * 5000
zstd = content_encoding._load_zstd()
needs_zstd = pytest.mark.skipif(
    zstd is None, reason="before Python 3.14 zstd is an extra"
)


def raw_deflate(body):
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(body) + compressor.flush()


def read(body, encoding):
    chunks = [*decompress(body, encoding)]
    assert all(len(chunk) <= CHUNK for chunk in chunks)
    return b"".join(chunks)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", ""),
        ("identity", ""),
        ("none", ""),
        (" GZIP ", "gzip"),
        ("x-gzip", "gzip"),
        ("deflate", "deflate"),
        ("zlib", "deflate"),
        ("br", None),
        ("snappy", None),
        ("gzip, gzip", None),
    ],
)
def test_names(given, expected):
    """Aliases are accepted; lists and what is not supported are not."""
    assert normalize_encoding(given) == expected


@pytest.mark.parametrize(
    ("compress", "encoding"),
    [
        pytest.param(gzip.compress, "gzip", id="gzip"),
        pytest.param(
            lambda body: gzip.compress(body[:9]) + gzip.compress(body[9:]),
            "gzip",
            id="two-members",
        ),
        pytest.param(zlib.compress, "deflate", id="zlib"),
        pytest.param(raw_deflate, "deflate", id="raw-deflate"),
        pytest.param(gzip.compress, "deflate", id="gzip-named-deflate"),
    ],
)
def test_decompressed(compress, encoding):
    """In bounded chunks; deflate with and without zlib's header."""
    assert read(compress(BODY), encoding) == BODY


@pytest.mark.parametrize(
    ("body", "encoding", "message"),
    [
        pytest.param(gzip.compress(BODY)[:-9], "gzip", "cut", id="cut"),
        pytest.param(b"{}", "gzip", "damaged", id="not-gzip"),
        pytest.param(b"\xff\xff\xff", "deflate", "damaged", id="not-deflate"),
        pytest.param(b"", "deflate", "cut", id="empty"),
    ],
)
def test_unusable(body, encoding, message):
    """One error, whatever is wrong."""
    with pytest.raises(DecodingError, match=message):
        read(body, encoding)


@needs_zstd
def test_zstd():
    """One frame and several; nothing is kept of what is unused."""
    frames = zstd.compress(BODY[:1000]) + zstd.compress(BODY)
    assert read(frames, "zstd") == BODY[:1000] + BODY
    assert "zstd" in get_accepted()


@needs_zstd
@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(lambda body: body[:-9], "cut", id="cut"),
        pytest.param(lambda body: b"{}" + body, "damaged", id="no-frame"),
        pytest.param(lambda body: body + b"rest", "damaged", id="rest"),
    ],
)
def test_unusable_zstd(change, message):
    """As with the others."""
    with pytest.raises(DecodingError, match=message):
        read(change(zstd.compress(BODY)), "zstd")


@needs_zstd
def test_a_frame_that_needs_a_large_window_is_refused():
    """Its header alone could make the decoder reserve gigabytes."""
    parameter = zstd.CompressionParameter
    options = {parameter.window_log: 27, parameter.content_size_flag: 0}
    compressor = zstd.ZstdCompressor(options=options)
    frame = compressor.compress(b"x" * 100) + compressor.flush()
    with pytest.raises(DecodingError, match="damaged"):
        read(frame, "zstd")


def test_without_zstd_it_is_not_offered(monkeypatch):
    """Neither the standard library's nor the extra: 415 names the others."""
    monkeypatch.setattr(content_encoding, "ZSTD_MODULES", ("no.such.module",))
    content_encoding._load_zstd.cache_clear()
    try:
        assert get_accepted() == ("gzip", "deflate")
        assert normalize_encoding("zstd") is None
    finally:
        content_encoding._load_zstd.cache_clear()
