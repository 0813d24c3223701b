"""Remove credentials from a task's server configuration."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_SECRET = re.compile(
    r"header|authori[sz]ation|api[-_]?key|token|secret|passw|credential|cookie|^env$|^auth",
    re.IGNORECASE,
)
_FLAG = re.compile(
    r"(--?[\w-]*(?:key|token|secret|passw|auth|header)[\w-]*)(=.*)?", re.IGNORECASE
)
_IN_URL = re.compile(
    r"^([a-z][\w+.-]*://)(?:[^/@?#]*@)?([^?#]*).*$", re.IGNORECASE | re.DOTALL
)

REMOVED = "[removed]"


def remove_secrets(config: Any) -> Any:
    """An `mcp_config` (or any part of it) without credentials.

    Headers, environments, keys, tokens and the like are removed with their keys; a URL
    loses user and query; the value after a flag like `--api-key` is replaced.
    """
    if isinstance(config, Mapping):
        return {
            str(key): remove_secrets(value)
            for key, value in config.items()
            if not _SECRET.search(str(key))
        }
    if isinstance(config, (list, tuple)):
        return _remove_flag_values([remove_secrets(item) for item in config])
    return _IN_URL.sub(r"\1\2", config) if isinstance(config, str) else config


def _remove_flag_values(items: list[Any]) -> list[Any]:
    cleaned: list[Any] = []
    follows = False
    for item in items:
        match = _FLAG.fullmatch(item) if isinstance(item, str) else None
        if follows:
            cleaned.append(REMOVED)
        elif match and match[2]:
            cleaned.append(f"{match[1]}={REMOVED}")
        else:
            cleaned.append(item)
        follows = bool(match and not match[2])
    return cleaned
