"""Texts out of objects that a tracer could only print."""

from __future__ import annotations

import ast

PRINTED_TEXT = r"""'[^'\\]*(?:\\.[^'\\]*)*'|"[^"\\]*(?:\\.[^"\\]*)*\""""
"""A pattern of a text as Python prints it."""


def unquoted(printed: str) -> str:
    """The text that was printed."""
    try:
        return str(ast.literal_eval(printed))
    except (ValueError, SyntaxError):
        return printed[1:-1]
