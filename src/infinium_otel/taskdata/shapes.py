"""The fields of a dataclass, read once: encoding and redaction are hot paths."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Shape = tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]


def get_shape(kind: type[Any]) -> Shape:
    """Names of the fields of *kind*, and a function that reads their values.

    Returns:
        no names if *kind* is not a dataclass.
    """
    return _SHAPES.get(kind) or _read_shape(kind)


_SHAPES: dict[type[Any], Shape] = {}


def _read_shape(kind: type[Any]) -> Shape:
    names = tuple(f.name for f in fields(kind)) if is_dataclass(kind) else ()
    if len(names) > 1:
        shape: Shape = names, attrgetter(*names)
    else:
        shape = names, lambda value: tuple(getattr(value, name) for name in names)
    _SHAPES[kind] = shape
    return shape
