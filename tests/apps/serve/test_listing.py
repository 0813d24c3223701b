"""Queries for the list."""

from __future__ import annotations

import pytest

from infinium_otel.apps.serve.checks import RejectedError
from infinium_otel.apps.serve.listing import ORDERS, Query, to_match_query

NOW_MS = 1_000_000_000


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        pytest.param({}, Query(), id="nothing"),
        pytest.param({"limit": "5", "offset": "10"}, Query(5, 10), id="page"),
        pytest.param({"limit": "", "q": " "}, Query(), id="empty-is-nothing"),
        pytest.param({"q": " a b "}, Query(words="a b"), id="words"),
        pytest.param({"errors": "1"}, Query(errors="1"), id="errors"),
        pytest.param({"errors": "fatal"}, Query(errors="fatal"), id="fatal"),
        pytest.param({"errors": "0"}, Query(), id="errors-off"),
        pytest.param(
            {"model": "m", "agent": "a"}, Query(model="m", agent="a"), id="ids"
        ),
        pytest.param({"since": "15m"}, Query(since_ms=NOW_MS - 900_000), id="ago"),
        pytest.param(
            {"since": "1970-01-02T00:00:00Z"}, Query(since_ms=86_400_000), id="iso"
        ),
        pytest.param(
            {"session": "s", "user": "u", "tag": "a:b:c"},
            Query(session="s", user="u", tag=("a", "b:c")),
            id="who",
        ),
        pytest.param(
            {"min_cost": "0.25", "min_duration": "30"},
            Query(min_cost_usd=0.25, min_duration_s=30.0),
            id="amounts",
        ),
        pytest.param({"sort": "cost"}, Query(order="cost"), id="order"),
    ],
)
def test_query(params, expected):
    """Every parameter of the URL is one part of the query."""
    assert Query.from_params(params, NOW_MS) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("limit", "0", id="limit-zero"),
        pytest.param("limit", "501", id="limit-high"),
        pytest.param("limit", "ten", id="limit-word"),
        pytest.param("limit", "٣", id="limit-other-digits"),
        pytest.param("offset", "-1", id="offset-negative"),
        pytest.param("offset", "9" * 30, id="offset-huge"),
        pytest.param("since", "lately", id="since"),
        pytest.param("tag", "only", id="tag"),
        pytest.param("min_cost", "1e9", id="cost"),
        pytest.param("min_duration", "nan", id="duration"),
        pytest.param("sort", "name; DROP TABLE tasks", id="sort"),
    ],
)
def test_invalid_parameter(name, value):
    """An invalid parameter is named, with 400."""
    with pytest.raises(RejectedError, match=name) as caught:
        Query.from_params({name: value}, NOW_MS)
    assert caught.value.status_code == 400


def test_words_are_quoted():
    """Words are literal, whatever they contain, and match as prefixes."""
    assert to_match_query("heat pu") == '"heat"* AND "pu"*'
    assert (
        to_match_query('say "hi" OR x*') == '"say"* AND """hi"""* AND "OR"* AND "x*"*'
    )
    assert to_match_query("退款") == '"退  款"*'


def test_orders_end_in_one_order():
    """Equal rows never swap places between pages: every order ends with the number."""
    assert all("seq" in order for order in ORDERS.values())
