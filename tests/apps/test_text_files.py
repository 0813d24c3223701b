"""Files of text that a person wrote."""

from __future__ import annotations

import re

import pytest

from infinium_otel.apps.text_files import MAX_BYTES, read_small_text
from infinium_otel.errors import ConfigurationError


def test_the_text(tmp_path):
    """UTF-8, without a byte order mark."""
    path = tmp_path / "text with spaces \u00e4.txt"
    path.write_bytes(b"\xef\xbb\xbfcost>1 # \xc3\xa4\r\n")
    assert read_small_text(str(path)) == "cost>1 # \u00e4\r\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"ab\xffc", "byte 3: not UTF-8", id="binary"),
        pytest.param(b"error\n" * MAX_BYTES, "over 1 MiB", id="huge"),
    ],
)
def test_other_files(content, message, tmp_path):
    """Refused with the place, after a bounded part of them was read."""
    path = tmp_path / "other"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=f"^{re.escape(str(path))}.*{message}"):
        read_small_text(str(path))


def test_a_device_without_an_end():
    """Reading stops at the bound."""
    with pytest.raises(ConfigurationError, match="over 1 MiB"):
        read_small_text("/dev/zero")
