"""A function of the user, found by its import path."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from infinium_otel.config import checks
from infinium_otel.delivery.foreign_code import guard

if TYPE_CHECKING:
    from collections.abc import Callable


def load_hook(path: Any) -> Callable[[Any], bool]:
    """Import the function that `module:name` refers to.

    Raises:
        ValueError: there is none; the message describes why.
    """
    if not isinstance(path, str) or path.count(":") != 1:
        raise ValueError('must be the import path of a function: "module:name"')
    module, _, name = path.partition(":")
    try:
        found = import_module(module)
    except Exception as error:  # the user's module may raise anything
        raise ValueError(
            f"{module} cannot be imported ({type(error).__name__}: {error})"
        ) from error
    hook: Callable[[Any], bool] | None = getattr(found, name, None)
    if hook is None:
        raise ValueError(f"{module} has no function {name}")
    complaint = checks.hook(hook)
    if complaint:
        raise ValueError(complaint)
    return guard(hook)
