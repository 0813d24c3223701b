"""Compares configurations, hooks by what they do: a rerun script makes new ones."""

from __future__ import annotations

from dataclasses import fields
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from infinium_otel.config import Config


def list_changes(earlier: Config, later: Config) -> list[str]:
    """The names of the settings that differ.

    Functions are equal if their code, their defaults and what they enclose are equal:
    Streamlit runs a script again for every interaction, and so defines them again.
    """
    return [
        setting.name
        for setting in fields(earlier)
        if not _is_same(getattr(earlier, setting.name), getattr(later, setting.name))
    ]


def _is_same(one: Any, other: Any) -> bool:
    if one is other:
        return True
    if isinstance(one, partial) and isinstance(other, partial):
        return (
            _is_same(one.func, other.func)
            and one.args == other.args
            and one.keywords == other.keywords
        )
    if hasattr(one, "__closure__") and hasattr(other, "__closure__"):
        return _describe(one) == _describe(other)
    return bool(one == other)


def _describe(function: Any) -> tuple[Any, ...]:
    """All that makes two functions of one name do the same."""
    return (
        function.__module__,
        function.__code__,
        function.__defaults__,
        function.__kwdefaults__,
        function.__closure__,  # cells are compared by what they contain
    )
