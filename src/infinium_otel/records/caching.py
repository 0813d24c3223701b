"""A cache of what is found out about names, which anybody may have chosen."""

from __future__ import annotations

from functools import lru_cache, wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")

MAX_NAME = 200
"""Characters of a name that is remembered: names recur, long texts do not."""


class _TooLongError(Exception):
    """A name is too long to be remembered."""


def cache_names(maxsize: int) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """As `functools.lru_cache`, for a function of names; a long one is not remembered.

    A bound on entries alone is no bound on memory: an attribute's key may have megabytes.

    Args:
        maxsize: how many results are remembered.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        @lru_cache(maxsize)
        def remember(*names: Any, **more: Any) -> Any:
            if any(name is not None and len(name) > MAX_NAME for name in names):
                raise _TooLongError  # so that nothing is remembered
            return function(*names, **more)

        @wraps(function)
        def find(*names: Any, **more: Any) -> Any:
            try:  # most names are remembered, and were checked then
                return remember(*names, **more)
            except _TooLongError:
                return function(*names, **more)

        find.cache_clear = remember.cache_clear  # type: ignore[attr-defined]
        return find

    return decorate
