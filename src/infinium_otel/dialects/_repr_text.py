"""Reads objects as programs print them; tracers write what they cannot serialize so.

`AIMessage(content='Hi', tool_calls=[])` in Python, `AIMessage { content: 'Hi' }` in Node,
and pydantic's `str()`, `role='user' content='Hi'`.
"""

from __future__ import annotations

import ast
import re
from collections import deque
from typing import Any

from infinium_otel.dialects.lenient_json import may_parse_printed

REPR_STRING = r"""'[^'\\]*(?:\\.[^'\\]*)*'|"[^"\\]*(?:\\.[^"\\]*)*\""""
"""A pattern for a string in a repr, with its quotes."""

CLASS_NAME = "__class__"
"""The member of a parsed object that has the name of its class."""

MAX_LENGTH = 200_000
MAX_DEPTH = 40

_OBJECT = re.compile(
    r"[A-Za-z_$][\w.$]*(?:\((?:[\w$]+=|[\[{'\"]|\w[\w.]*\()| ?\{)|"
    r"\w+=(?:['\"\[{(<\d-]|None\b|True\b|False\b)|[\[{]|\((?=['\"\[{]|\w[\w.]*\()"
)
_TOKEN = re.compile(
    r"""(?P<string>[rbuf]{0,2}(?:'[^'\\]*(?:\\.[^'\\]*)*(?:'|\\?\Z)"""
    r"""|"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|`[^`]*(?:`|\Z)))"""
    r"|(?P<enum><[\w.]+: (?P<value>'[^'>]*'|-?\d+)>)"
    r"|(?P<address><[^<>]*>?)"
    r"|(?P<number>-?\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.])"
    r"|(?P<name>[A-Za-z_$][\w.$-]*)"
    r"|(?P<gap>\.\.\.)"
    r"|(?P<mark>[\[\](){}:=,])"
    r"|(?P<rest>\S)",
    re.DOTALL,
)
"""A string that was cut ends with the text: so every text is read in linear time."""

_CONSTANTS = {
    "None": None,
    "null": None,
    "undefined": None,
    "True": True,
    "true": True,
    "False": False,
    "false": False,
}
_CLOSERS = {"(": ")", "[": "]", "{": "}"}


def parse_repr_string(quoted: str) -> str:
    """The string of which *quoted* is the repr."""
    try:
        return str(ast.literal_eval(quoted))
    except (ValueError, SyntaxError):
        return quoted[1:-1]


def is_repr(text: str) -> bool:
    """Whether *text* begins like a printed object."""
    return _OBJECT.match(text) is not None


def parse_repr(text: str) -> Any:
    """The data of a printed object.

    Returns:
        Objects as dictionaries, with their class as `CLASS_NAME`; None if *text* is not a
        printed object, or was cut: what remains may end within any value.
    """
    if len(text) > MAX_LENGTH or not is_repr(text) or not may_parse_printed(text):
        return None
    parser = _Parser(text)
    try:
        value = parser.parse_members(None) if parser.is_bare() else parser.parse_value()
    except _NotAReprError:
        return None
    return value if parser.is_at_end() else None


class _NotAReprError(Exception):
    """The text is not a printed object."""


class _Parser:
    """A recursive-descent parser for printed objects; linear in the text."""

    def __init__(self, text: str) -> None:
        self._matches = _TOKEN.finditer(text)
        self._ahead: deque[re.Match[str]] = deque()
        self._depth = 0

    def is_bare(self) -> bool:
        """Whether the text is members without a class: `role='user' content='Hi'`."""
        return self._peek() == "name" and self._peek_text(1) == "="

    def is_at_end(self) -> bool:
        return self._look() is None

    def _look(self, ahead: int = 0) -> re.Match[str] | None:
        """The next token but *ahead*; None at the end."""
        while len(self._ahead) <= ahead:
            match = next(self._matches, None)
            if match is None:
                return None
            self._ahead.append(match)
        return self._ahead[ahead]

    def _peek(self, ahead: int = 0) -> str:
        match = self._look(ahead)
        return match.lastgroup or "" if match else "end"

    def _peek_text(self, ahead: int = 0) -> str:
        match = self._look(ahead)
        return match.group() if match else ""

    def _take(self) -> re.Match[str]:
        match = self._look()
        if match is None:
            raise _NotAReprError
        return self._ahead.popleft()

    def parse_value(self) -> Any:
        """The next value."""
        match = self._take()
        kind, text = match.lastgroup, match.group()
        if kind == "string":
            return _read_string(text)
        if kind == "enum":
            return _read_literal(match["value"])
        if kind == "number":
            return _read_literal(text)
        if kind == "name":
            return self._parse_name(text)
        if text in _CLOSERS:
            return self._parse_bracket(text)
        if kind in ("address", "gap"):
            return None
        raise _NotAReprError

    def _parse_name(self, name: str) -> Any:
        """A constant, an object of a class, or a bare word."""
        opener = self._peek_text()
        if opener == "(" or (opener == "{" and name not in _CONSTANTS):
            self._take()
            value = self._parse_nested(_CLOSERS[opener])
            if not isinstance(value, dict):
                return value
            return {CLASS_NAME: name.rpartition(".")[2], **value}
        return _CONSTANTS.get(name, name)

    def _parse_bracket(self, opener: str) -> Any:
        value = self._parse_nested(_CLOSERS[opener])
        return {} if opener == "{" and value == [] else value

    def _parse_nested(self, closer: str) -> Any:
        if self._depth >= MAX_DEPTH:
            raise _NotAReprError
        self._depth += 1
        value = self.parse_members(closer)
        self._depth -= 1
        return value

    def parse_members(self, closer: str | None) -> Any:
        """Named members as a dictionary, others as a list, up to *closer* or the end."""
        named: dict[str, Any] = {}
        items: list[Any] = []
        while not self.is_at_end():
            text = self._peek_text()
            if text == closer:
                self._take()
                return named or items
            if text == ",":
                self._take()
                continue
            value = self._parse_key() if self._peek() == "name" else self.parse_value()
            if self._peek_text() in ("=", ":") and self._peek() == "mark":
                self._take()
                named[str(value)] = self.parse_value()
            else:
                items.append(value)
        if closer is not None:
            raise _NotAReprError
        return named or items

    def _parse_key(self) -> Any:
        """A name before `=` or `:`, as it is; otherwise a value."""
        if self._peek_text(1) in ("=", ":"):
            return self._take().group()
        return self.parse_value()


def _read_string(text: str) -> str:
    quoted = text.lstrip("rbuf")
    if len(quoted) < 2 or not quoted.endswith(quoted[0]):
        raise _NotAReprError
    return quoted[1:-1] if quoted[0] == "`" else parse_repr_string(quoted)


def _read_literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
