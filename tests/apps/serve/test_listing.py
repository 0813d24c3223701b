"""What the address of the list asks for."""

from __future__ import annotations

import pytest

from infinium_otel.apps.serve.checks import RefusedError
from infinium_otel.apps.serve.listing import ORDERS, Query, match_of

NOW_MS = 1_000_000_000


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        pytest.param({}, Query(), id="nothing"),
        pytest.param({"limit": "5", "offset": "10"}, Query(5, 10), id="page"),
        pytest.param({"limit": "", "q": " "}, Query(), id="empty-is-nothing"),
        pytest.param({"q": " a b "}, Query(words="a b"), id="words"),
        pytest.param({"errors": "1"}, Query(errors=True), id="errors"),
        pytest.param({"errors": "0"}, Query(), id="no-errors-asked"),
        pytest.param(
            {"model": "m", "agent": "a"}, Query(model="m", agent="a"), id="ids"
        ),
        pytest.param({"since": "15m"}, Query(since_ms=NOW_MS - 900_000), id="ago"),
        pytest.param(
            {"since": "1970-01-02T00:00:00Z"}, Query(since_ms=86_400_000), id="iso"
        ),
        pytest.param({"sort": "cost"}, Query(order="cost"), id="order"),
    ],
)
def test_question(params, expected):
    """Every parameter of the address is one part of the question."""
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
        pytest.param("sort", "name; DROP TABLE tasks", id="sort"),
    ],
)
def test_not_understood(name, value):
    """A parameter that makes no sense is named, with 400."""
    with pytest.raises(RefusedError, match=name) as caught:
        Query.from_params({name: value}, NOW_MS)
    assert caught.value.status_code == 400


def test_words_are_quoted():
    """Words are words, whatever signs they hold, and match as beginnings."""
    assert match_of("heat pu") == '"heat"* AND "pu"*'
    assert match_of('say "hi" OR x*') == '"say"* AND """hi"""* AND "OR"* AND "x*"*'
    assert match_of("退款") == '"退  款"*'


def test_orders_end_in_one_order():
    """Equal rows never swap places between pages: every order ends in the number."""
    assert all("seq" in order for order in ORDERS.values())
