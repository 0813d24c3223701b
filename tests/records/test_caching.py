"""What is remembered of names is bounded in bytes, not only in entries."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import pytest

from infinium_otel import spans_to_tasks
from infinium_otel.dialects import read
from infinium_otel.dialects._shape import find_shape
from infinium_otel.records.caching import MAX_NAME, cache_names
from support.spans import span, tid

CHAT = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"}
TOOL = {"gen_ai.operation.name": "execute_tool"}
SPANS, CHARACTERS = 20, 40_000


def test_a_long_name_is_found_out_each_time():
    """A short one is found out once."""
    calls = []
    measure = cache_names(8)(lambda name: calls.append(name) or len(name))
    short, long = "n" * MAX_NAME, "n" * (MAX_NAME + 1)
    assert [measure(name) for name in (short, short, long, long)] == [
        200,
        200,
        201,
        201,
    ]
    assert calls == [short, long, long]
    measure.cache_clear()
    assert measure(short) == 200
    assert calls[-1] == short


def make_long(place, number):
    """A run whose span has a long text, unlike any other's, in *place*."""
    text = f"{number}" + "x y." * (CHARACTERS // 4)
    made = span(f"r{number}", trace=tid(number), attributes=CHAT)
    if place == "name":
        return replace(made, name=text)
    if place == "scope":
        return replace(made, scope_name=text)
    if place == "tool":
        return replace(made, name=text, attributes=TOOL)
    key, value = (text, "v") if place == "a new key" else (place, text)
    return replace(made, attributes=CHAT | {key: value})


@pytest.mark.parametrize(
    "place",
    [
        "name",
        "scope",
        "tool",
        "a new key",
        "gen_ai.request.model",
        "gen_ai.provider.name",
        "gen_ai.tool.name",
        "gen_ai.agent.name",
    ],
)
def test_no_long_text_of_a_span_is_kept(place):
    """A sender may put megabytes into each, and new ones into every span."""
    list(spans_to_tasks([make_long(place, 1)]))
    tracemalloc.start()
    try:
        for number in range(2, SPANS + 2):
            list(spans_to_tasks([make_long(place, number)]))
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < SPANS * CHARACTERS / 2


def test_what_is_remembered_with_keys_does_not_grow_with_scopes():
    """A shape is kept for long, and may have any number of scopes."""
    shape = find_shape(CHAT)
    made = span("r", attributes=CHAT)
    read(replace(made, scope_name="scope-0"))
    before = len(shape._derived)
    for number in range(1, 50):
        read(replace(made, scope_name=f"scope-{number}"))
    assert len(shape._derived) == before > 0
