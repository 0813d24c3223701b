"""Compressed request bodies: gzip, deflate as senders really write it, and zstd."""

from __future__ import annotations

import zlib
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from infinium_otel.apps.http.otlp_paths import show
from infinium_otel.errors import DecodingError
from infinium_otel.otlp.files import decompress_chunks

if TYPE_CHECKING:
    from collections.abc import Iterator

CHUNK = 256 * 1024

ALIASES = {"": "", "identity": "", "none": "", "x-gzip": "gzip", "zlib": "deflate"}
"""What else stands for an encoding. Source: RFC 9110, 8.4.1.3, for `x-gzip`; the
OpenTelemetry Collector's `configcompression` for `zlib` and `none`."""

MAX_WINDOW_LOG = 23
"""A frame may not need more than 8 MiB to be decoded. Source: RFC 9659."""

ZLIB_METHOD = 8

ZSTD_MODULES = ("compression.zstd", "backports.zstd")
"""In the standard library since Python 3.14; before, the same by the extra `zstd`."""


def normalize_encoding(given: str) -> str | None:
    """The encoding that a Content-Encoding names; "" for none, None if unsupported."""
    name = given.strip().lower()
    name = ALIASES.get(name, name)
    return name if name in ("", *get_accepted()) else None


def get_accepted() -> tuple[str, ...]:
    """The encodings that are supported here."""
    always = ("gzip", "deflate")
    return always if _load_zstd() is None else (*always, "zstd")


def explain_unsupported(given: str) -> str:
    """Why a body with the Content-Encoding *given* is rejected."""
    accepted = ", ".join(get_accepted())
    return f"unsupported Content-Encoding {show(given)!r}; use {accepted} or none"


def decompress(body: bytes, encoding: str) -> Iterator[bytes]:
    """Decompress *body* in chunks of bounded size.

    Args:
        body: as it was sent.
        encoding: as `normalize_encoding` returns it, but not "".

    Raises:
        DecodingError: the data is damaged or was cut; raised when that is reached.
    """
    if encoding == "zstd":
        return _decompress_zstd(body)
    if encoding == "deflate" and not _has_header(body):
        return decompress_chunks((body,), wbits=-zlib.MAX_WBITS)
    return decompress_chunks((body,))


def _has_header(body: bytes) -> bool:
    """Whether *body* is a zlib stream, as `deflate` is defined, or gzip.

    Some senders write deflate without the header of zlib (mlflow/mlflow#19024).
    Source: RFC 1950, 2.2.
    """
    if body.startswith(b"\x1f\x8b"):
        return True
    return body[:1] != b"" and body[0] & 0x0F == ZLIB_METHOD and _is_checked(body[:2])


def _is_checked(head: bytes) -> bool:
    return int.from_bytes(head, "big") % 31 == 0


@cache
def _load_zstd() -> Any:
    """The module that decodes zstd; None if there is none."""
    for name in ZSTD_MODULES:
        try:
            return import_module(name)
        except ImportError:
            continue
    return None


def _decompress_zstd(body: bytes) -> Iterator[bytes]:
    zstd = _load_zstd()
    options = {zstd.DecompressionParameter.window_log_max: MAX_WINDOW_LOG}
    data = body
    try:
        while data:  # a body may have several frames
            frame = zstd.ZstdDecompressor(options=options)
            yield frame.decompress(data, CHUNK)
            while not (frame.eof or frame.needs_input):
                yield frame.decompress(b"", CHUNK)
            if not frame.eof:
                raise DecodingError("compressed data was cut")
            data = frame.unused_data
    except zstd.ZstdError:
        raise DecodingError("compressed data is damaged") from None
