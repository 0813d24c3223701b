"""One tool under several names: models and servers prefix it with a namespace."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_NAMESPACE = re.compile(r"^.*(?:__|[./:])(?=\w)", re.DOTALL)
_CLASS_NAME = re.compile(r"(?:[A-Z]\w*)?Tool")


def get_bare_name(name: str) -> str:
    """*name* without its namespace: `f` of `mcp__server__f`, `developer__f`, `api.f`."""
    return _NAMESPACE.sub("", name)


def is_class_name(name: str) -> bool:
    """Whether a span has the name of a framework's class, such as `StructuredTool`."""
    return _CLASS_NAME.fullmatch(name) is not None


def is_same_tool_name(first: str | None, second: str | None) -> bool:
    """Whether two names are equal, or one is the other without its namespace."""
    if not first or not second:
        return False
    return first in (second, get_bare_name(second)) or get_bare_name(first) == second


class ToolNames:
    """A set of tool names, in which a name is found with or without its namespace."""

    def __init__(self, names: Iterable[str | None]) -> None:
        self._full = {name for name in names if name}
        self._bare = {get_bare_name(name) for name in self._full}

    def __contains__(self, name: str) -> bool:
        return (
            name in self._full
            or name in self._bare
            or get_bare_name(name) in self._full
        )
