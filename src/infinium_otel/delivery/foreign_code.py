"""Code of others that runs in our threads: hooks, clients, dialects.

`except Exception` does not catch everything such code raises: a panic of a library in
Rust, `sys.exit()`, and the exceptions that cancel tasks derive from `BaseException`. In a
thread of the application these may be meant for the application (Ctrl-C, a time limit),
so they go on to it. In a thread of ours nobody waits for them, and they would end it.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, TypeVar

from infinium_otel.delivery.locks import is_own_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import ParamSpec

    P = ParamSpec("P")
R = TypeVar("R")

PANIC_MODULE = "pyo3_runtime"
"""Where the class of a panic in Rust is; each extension has its own, and none can be
imported. Source: PyO3/pyo3#2880, PyO3/pyo3#3918."""


def is_interruption(error: BaseException) -> bool:
    """Whether *error* ends what this thread does, and is no failure of what it called."""
    if isinstance(error, Exception) or is_own_thread():
        return False
    return type(error).__module__ != PANIC_MODULE


def as_exception(error: BaseException) -> Exception:
    """*error*, or an `Exception` with the same name and text."""
    if isinstance(error, Exception):
        return error
    kind = type(type(error).__name__, (RuntimeError,), {})
    found: Exception = kind(*error.args)
    return found


def guard(call: Callable[P, R]) -> Callable[P, R]:
    """*call*, which raises nothing but an `Exception` or an interruption."""

    @wraps(call)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return call(*args, **kwargs)
        except Exception:
            raise
        except BaseException as error:
            if is_interruption(error):
                raise
            raise as_exception(error) from error

    return guarded
