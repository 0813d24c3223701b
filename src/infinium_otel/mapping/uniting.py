"""Two tellings of one thing become one reading that knows what either knows."""

from __future__ import annotations

from dataclasses import fields, replace

from infinium_otel.records import Failure, Reading, Usage

_UNEQUAL = ("kind", "usage", "failure", "extra", "problems", "dialects", "expected")


def united(first: Reading, other: Reading) -> Reading:
    """*first* with whatever only *other* knows."""
    if first == other:
        return first
    told = {
        f.name: getattr(other, f.name)
        for f in fields(Reading)
        if f.name not in _UNEQUAL
        and getattr(first, f.name) in (None, (), False)
        and getattr(other, f.name) not in (None, (), False)
    }
    if _is_version(other.model, first.model):
        told |= {"model": other.model, "model_requested": first.model}
    return replace(
        first,
        usage=_united_usage(first.usage, other.usage),
        failure=_united_failure(first.failure, other.failure),
        extra={**other.extra, **first.extra},
        problems=(*first.problems, *other.problems),
        dialects=tuple(dict.fromkeys((*first.dialects, *other.dialects))),
        **told,
    )


def _is_version(model: str | None, family: str | None) -> bool:
    """Whether *model* is what answered to the name *family*: a dated version of it."""
    return bool(model and family and model.startswith(f"{family}-"))


def _united_usage(first: Usage | None, other: Usage | None) -> Usage | None:
    """The details of *other* count only where it tells of the same tokens."""
    if first is None or other is None:
        return first or other
    if (first.input or other.input) != (other.input or first.input):
        return first
    return Usage(
        *(
            getattr(other if getattr(first, f.name) is None else first, f.name)
            for f in fields(Usage)
        )
    )


def _united_failure(first: Failure | None, other: Failure | None) -> Failure | None:
    if first is None or other is None:
        # A wrapper that failed around a call that did not is the wrapper's own matter.
        return first
    rich, poor = (first, other) if _says_more(first, other) else (other, first)
    code = rich.code or poor.code
    if poor.type not in (rich.type, "error") and (not code or code.isdecimal()):
        code = poor.type
    return replace(
        rich,
        code=code,
        stack_trace=rich.stack_trace or poor.stack_trace,
        handled=first.handled,
    )


def _says_more(first: Failure, other: Failure) -> bool:
    """Whether *first* explains more; a stack trace does, then the longer message."""
    return (bool(first.stack_trace), len(first.message)) >= (
        bool(other.stack_trace),
        len(other.message),
    )
