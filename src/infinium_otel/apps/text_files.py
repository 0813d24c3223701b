"""Small files of text that a person wrote: rules, routes, properties."""

from __future__ import annotations

from pathlib import Path

from infinium_otel.errors import ConfigurationError

MAX_BYTES = 1024 * 1024
"""Of a file; one that has no end, such as a device, is not read further."""


def read_small_text(path: str) -> str:
    """The text of a file, without a byte order mark.

    Raises:
        ConfigurationError: it is over 1 MiB, or not UTF-8; names the byte, from 1.
        OSError: it cannot be read.
    """
    with Path(path).open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ConfigurationError([f"{path}: over 1 MiB, so it is another file"])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            [f"{path}, byte {error.start + 1}: not UTF-8"]
        ) from None
