"""A task's server configuration without what opens the servers' doors."""

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


def without_secrets(config: Any) -> Any:
    """An `mcp_config` (or any part of it) that can be shown.

    Headers, environments, keys, tokens and the like are gone with their keys; an
    address keeps neither user nor query; of a command line the value after a flag
    like `--api-key` is replaced.
    """
    if isinstance(config, Mapping):
        return {
            str(key): without_secrets(value)
            for key, value in config.items()
            if not _SECRET.search(str(key))
        }
    if isinstance(config, (list, tuple)):
        return _arguments([without_secrets(item) for item in config])
    return _IN_URL.sub(r"\1\2", config) if isinstance(config, str) else config


def _arguments(items: list[Any]) -> list[Any]:
    shown: list[Any] = []
    follows = False
    for item in items:
        match = _FLAG.fullmatch(item) if isinstance(item, str) else None
        if follows:
            shown.append(REMOVED)
        elif match and match[2]:
            shown.append(f"{match[1]}={REMOVED}")
        else:
            shown.append(item)
        follows = bool(match and not match[2])
    return shown
