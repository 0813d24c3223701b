"""Two reports of one piece of work become one, with the facts of both."""

from __future__ import annotations

from dataclasses import fields, replace

from infinium_otel.records import Failure, NormalizedSpan, Usage

_MERGED_APART = (
    "kind",
    "usage",
    "failure",
    "extra",
    "problems",
    "dialects",
    "expected",
    "metadata",
    "weak",
    "fallback_kind",
    "maybe_call",
    "unconfirmed",
)
_FACTS = tuple(f.name for f in fields(NormalizedSpan) if f.name not in _MERGED_APART)
_SWITCHES = frozenset({"dropped", "replayed", "utility"})


def merge(first: NormalizedSpan, other: NormalizedSpan) -> NormalizedSpan:
    """*first* with the facts that only *other* has."""
    if first == other:
        return first
    missing = {
        name: getattr(other, name)
        for name in _FACTS
        if not _is_missing(name, other) and _may_replace(name, first, other)
    }
    if _is_version(other.model, first.model):
        missing |= {"model": other.model, "model_requested": first.model}
    elif other.model_requested and first.model_requested == first.model:
        missing["model_requested"] = other.model_requested
    return replace(
        first,
        usage=_merge_usage(first.usage, other.usage),
        failure=merge_failures(first.failure, other.failure),
        extra={**other.extra, **first.extra},
        problems=(*first.problems, *other.problems),
        dialects=tuple(dict.fromkeys((*first.dialects, *other.dialects))),
        weak=tuple(
            name
            for name in dict.fromkeys((*first.weak, *other.weak))
            if name in (other.weak if name in missing else first.weak)
        ),
        metadata={**other.metadata, **first.metadata},
        **missing,
    )


def _is_missing(name: str, span: NormalizedSpan) -> bool:
    """Whether *span* lacks a fact; zero is a value, and so is False for an option."""
    value = getattr(span, name)
    return value is None or value == () or (value is False and name in _SWITCHES)


def _may_replace(name: str, first: NormalizedSpan, other: NormalizedSpan) -> bool:
    """Whether *other*'s fact is wanted: an explicit one in place of a derived one."""
    return _is_missing(name, first) or (name in first.weak and name not in other.weak)


def _is_version(model: str | None, family: str | None) -> bool:
    """Whether *model* is a dated version of *family*."""
    return bool(model and family and model.startswith(f"{family}-"))


def _merge_usage(first: Usage | None, other: Usage | None) -> Usage | None:
    """The details of *other* count only if it reports the same tokens."""
    if first is None or other is None:
        return first or other
    if (first.input or other.input) != (other.input or first.input):
        return first
    facts = {
        f.name: getattr(other if getattr(first, f.name) is None else first, f.name)
        for f in fields(Usage)
    }
    return Usage(**{**facts, "parts": {**other.parts, **first.parts}})


def merge_failures(first: Failure | None, other: Failure | None) -> Failure | None:
    """The failure that two reports of one piece of work describe together."""
    if first is None or other is None:
        # The failure of a wrapper around a successful call is not the call's.
        return first
    rich, poor = (first, other) if _is_richer(first, other) else (other, first)
    code = rich.code or poor.code
    kind = rich.type
    if kind == "error" or kind.isdecimal():  # a status is a code, not a type
        kind = poor.type
    elif poor.type not in (kind, "error") and (not code or code.isdecimal()):
        code = poor.type
    return replace(
        rich,
        type=kind,
        code=code,
        wrapper=rich.wrapper or poor.wrapper,
        stack_trace=rich.stack_trace or poor.stack_trace,
        handled=first.handled,
    )


def _is_richer(first: Failure, other: Failure) -> bool:
    """Whether *first* explains more: by a stack trace, then by the longer message."""
    return (bool(first.stack_trace), len(first.message)) >= (
        bool(other.stack_trace),
        len(other.message),
    )
