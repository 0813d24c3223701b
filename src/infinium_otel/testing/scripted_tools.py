"""Tools that return their recorded results instead of doing anything."""

from __future__ import annotations

import builtins
import functools
import inspect
import json
import re
import threading
from collections import Counter
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pytest

    from infinium_otel.testing.script import ToolResult

TARGET = re.compile(r"(.+?)(?:\[([^\[\]]+)\])?")


class ScriptedTools:
    """The recorded results; a call gets that of its arguments, else the tool's next one.

    Args:
        results: in the order of the calls.
    """

    def __init__(self, results: Sequence[ToolResult]) -> None:
        self._left = list(results)
        self._recorded = Counter(each.name for each in results)
        self._places: dict[str, str] = {}
        self._missing: list[str] = []
        self._lock = threading.Lock()

    def replace(
        self, monkeypatch: pytest.MonkeyPatch, places: Mapping[str, str]
    ) -> None:
        """Replace the functions of the tools, for the time of a test.

        Args:
            places: by the tool's name, where its function is: `module.function`,
                `module.object.function`, or `module.TABLE[key]` for a dict of functions.

        Raises:
            LookupError: there is nothing at that place, or a recorded tool has no place:
                the tool itself would run.
        """
        unplaced = sorted(self._recorded.keys() - places.keys())
        if unplaced:
            raise LookupError(
                f"no place of the tools {', '.join(unplaced)}: the real ones would run"
            )
        self._places = dict(places)
        for name, place in places.items():
            holder, key, original = _find(place)
            scripted = self.make(name, original)
            if isinstance(holder, dict):
                monkeypatch.setitem(holder, key, scripted)
            else:
                monkeypatch.setattr(holder, key, scripted)

    def make(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        """A function in place of *original*, with its name, signature and kind."""

        def perform(*args: Any, **kwargs: Any) -> Any:
            result = self._take(name, _bind(original, args, kwargs))
            if result.error is not None:
                raise _make_error(*result.error)
            return _convert(result.result, original)

        if inspect.iscoroutinefunction(original):

            @functools.wraps(original)
            async def perform_async(*args: Any, **kwargs: Any) -> Any:
                return perform(*args, **kwargs)

            return perform_async
        return functools.wraps(original)(perform)

    def find_problems(self) -> list[str]:
        """The results that were not used, and the calls without one; empty if none."""
        with self._lock:
            left = [f"a result of {each.name} was not used" for each in self._left]
            reasons = map(
                self._explain, dict.fromkeys(each.name for each in self._left)
            )
            return [*left, *filter(None, reasons), *self._missing]

    def _explain(self, name: str) -> str:
        """The usual reason, for a tool of which no result was used."""
        unused = sum(each.name == name for each in self._left)
        if name not in self._places or unused < self._recorded[name]:
            return ""
        return (
            f"nothing called {self._places[name]}: if the agent has {name} by another "
            "name, the real one has run"
        )

    def _take(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        with self._lock:
            own = [i for i, each in enumerate(self._left) if each.name == name]
            if not own:
                self._missing.append(f"{name} was called once more than recorded")
                raise LookupError(self._missing[-1])
            same = (i for i in own if self._left[i].arguments == arguments)
            return self._left.pop(next(same, own[0]))


def _find(place: str) -> tuple[Any, str, Any]:
    """What holds the function at *place*, under which key, and the function."""
    match = TARGET.fullmatch(place)
    path, key = (match[1], match[2]) if match else (place, None)
    names = path.split(".") if key is not None or "." in path else []
    for count in range(len(names) if all(names) else 0, 0, -1):
        try:
            found: Any = import_module(".".join(names[:count]))
        except ModuleNotFoundError as error:
            if error.name is None or not path.startswith(error.name):
                raise
            continue
        holder, last = found, names[count - 1]
        try:
            for last in names[count:]:
                holder, found = found, getattr(found, last)
            return (holder, last, found) if key is None else (found, key, found[key])
        except (AttributeError, LookupError, TypeError):
            break
    raise LookupError(f"there is no function at {place!r}")


def _bind(
    original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> dict[str, Any]:
    """The arguments of a call by name, as a model gives them."""
    try:
        return dict(inspect.signature(original).bind(*args, **kwargs).arguments)
    except (TypeError, ValueError):
        return kwargs


def _convert(result: Any, original: Callable[..., Any]) -> Any:
    """The result in the type that the function declares, as far as JSON shows it."""
    declared = getattr(original, "__annotations__", {}).get("return")
    is_text = declared in (str, "str")
    if is_text and not isinstance(result, str):
        return json.dumps(result, ensure_ascii=False)
    if declared is not None and not is_text and isinstance(result, str):
        try:
            return json.loads(result)
        except ValueError:
            return result
    return result


def _make_error(kind: str, message: str) -> Exception:
    """The exception of a built-in class by its name, else a RuntimeError that names it."""
    found = getattr(builtins, kind.rpartition(".")[2], None)
    if isinstance(found, type) and issubclass(found, Exception):
        try:
            return found(message)
        except TypeError:  # a class that wants more than a message
            return RuntimeError(f"{kind}: {message}")
    return RuntimeError(f"{kind}: {message}")
