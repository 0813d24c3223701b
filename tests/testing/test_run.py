"""One recorded run: facts, assertions, and what their failure shows."""

import re

import pytest

from infinium_otel import testing
from infinium_otel.testing import Run


def tool(name, arguments=None, **members):
    call = {"tool_name": name, "input_summary": arguments}
    return {"description": f"Called {name}", "tool_call": call, **members}


def ask(model):
    return {"description": f"Asked {model}", "llm_call": {"model": model}}


TASK = {
    "name": "trip",
    "duration": 2.5,
    "input_summary": "Where to?",
    "output_summary": "To Paris, it is sunny.",
    "steps": [
        ask("gpt-4o-2024-08-06"),
        tool("get_weather", '{"city":"Paris","days":[1,2]}'),
        tool("get_weather", '{"city":"Rome"}'),
        tool("search", '{"args": [], "kwargs": {"query": "sights"}}'),
        tool("write", '{"path":"a.txt","text":"Lorem ips...'),
        tool("plain", "just words"),
        tool("silent", metadata={"gen_ai.agent.name": "sub"}),
    ],
    "llm_usage": {
        "prompt_tokens": 400,
        "completion_tokens": 20,
        "estimated_cost_usd": 0.02,
    },
    "errors": [
        {"error_type": "httpx.ReadTimeout", "message": "slow", "recoverable": True}
    ],
    "environment": {"custom_tags": {"gen_ai.agent.name": "planner"}},
}


@pytest.fixture
def run():
    return Run(TASK)


def test_facts(run):
    """The facts of a run; None where nothing is known."""
    assert run.names == {"trip", "planner", "sub"}
    assert (run.tokens, run.input_tokens, run.output_tokens) == (420, 400, 20)
    assert (run.cost, run.duration_s, run.models) == (0.02, 2.5, ["gpt-4o-2024-08-06"])
    assert (run.input, run.output) == ("Where to?", "To Paris, it is sunny.")
    assert [e.type for e in run.errors] == ["httpx.ReadTimeout"]
    assert repr(run) == "<Run 'trip': steps: 7, errors: 1>"
    empty = Run({"name": "x"})
    assert (empty.tokens, empty.cost, empty.errors, empty.steps) == (None, None, [], [])
    assert (empty.input, empty.output, empty.tags) == ("", "", {})


def test_tool_uses(run):
    """Arguments are decoded, as far as they are recorded."""
    uses = {use.name: use for use in run.tool_uses}
    assert uses["write"].arguments == {"path": "a.txt", "text": "Lorem ips"}
    assert [name for name, use in uses.items() if use.is_cut] == ["write"]
    assert (uses["plain"].arguments, uses["silent"].arguments) == ("just words", None)
    failed = {"error": {"error_type": "E", "message": "m"}, **tool("x")}
    [use] = Run({"name": "x", "steps": [failed]}).tool_uses
    assert (use.error.type, use.error.recovered) == ("E", False)


@pytest.mark.parametrize(
    "check",
    [
        lambda r: r.called("get_weather"),
        lambda r: r.called("get_weather", city="Paris").called("search"),
        lambda r: r.called("get_weather", city=re.compile("^Pa"), days=(1, 2)),
        lambda r: r.called("search", query="sights"),
        lambda r: r.called("write", path="a.txt"),
        lambda r: r.not_called("get_weather", city="Oslo").not_called("delete"),
        lambda r: r.called_times(2, "get_weather"),
        lambda r: r.called_times(0, "delete"),
        lambda r: r.called_in_order("get_weather", "get_weather", "write"),
        lambda r: r.used_model("gpt-4o"),
        lambda r: r.output_contains("sunny").output_contains(re.compile("P.ris")),
        lambda r: r.succeeded().failed_with("ReadTimeout", "slow"),
        lambda r: r.within(tokens=420, cost=0.02, steps=7, seconds=2.5),
    ],
)
def test_checks_that_hold(run, check):
    """A check that holds returns the run."""
    assert check(run) is run


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (
            lambda r: r.called("delete"),
            "did not call delete(); it called get_weather, s",
        ),
        (
            lambda r: r.called("get_weather", city="Oslo"),
            "it called get_weather(city='Paris', days=[1, 2]), get_weather(city='Rome')",
        ),
        (lambda r: r.called("write", text="Lorem"), "only the beginning of long arg"),
        (lambda r: r.called("plain", a=1), "it called plain('just words')"),
        (lambda r: r.called("silent", a=1), "it called silent(arguments not recorded)"),
        (lambda r: r.not_called("search"), "called search()"),
        (lambda r: r.called_times(1, "get_weather"), "2 times, not 1"),
        (lambda r: r.called_in_order("search", "get_weather"), "in this order"),
        (lambda r: r.used_model("gpt-4"), "did not use gpt-4; it used ['gpt-4o-"),
        (lambda r: r.output_contains("rain"), "has no 'rain' in its output: 'To Paris"),
        (lambda r: r.failed_with("KeyError"), "did not fail with KeyError; its errors"),
        (lambda r: r.failed_with("ReadTimeout", "x"), "with ReadTimeout: x;"),
        (lambda r: r.within(tokens=419), "is not within 419 tokens: 420"),
        (lambda r: r.within(seconds=1), "is not within 1 seconds: 2.5"),
    ],
)
def test_checks_that_fail(run, check, message):
    """A check that fails names the reason and shows the tree."""
    with pytest.raises(AssertionError) as caught:
        check(run)
    assert message in str(caught.value)
    assert str(caught.value).startswith("trip ")
    assert str(caught.value).endswith(f"\n\n{run.tree()}")


def test_a_fatal_error_is_a_failure():
    """`succeeded` accepts only errors that the run recovered from."""
    task = {"name": "x", "errors": [{"error_type": "E", "message": "m"}]}
    with pytest.raises(AssertionError, match="x failed: E: m"):
        Run(task).succeeded()


@pytest.mark.parametrize("limit", [{"tokens": 5}, {"cost": 1}])
def test_what_is_unknown_is_not_within_a_limit(limit):
    """A limit does not hold by a fact that was never recorded."""
    with pytest.raises(AssertionError, match=r"has no known (tokens|cost)"):
        Run({"name": "x", "duration": 0}).within(**limit)


@pytest.mark.parametrize("name", ["steps", "seconds"])
def test_no_run_is_within_what_is_no_number(name):
    """A limit that came out as NaN is a mistake, not a pass.

    Source: anolilab/lunora#271 (a threshold that was no number decided nothing).
    """
    with pytest.raises(AssertionError, match=f"is not within nan {name}"):
        Run({"name": "x", "duration": 0}).within(**{name: float("nan")})


def test_names_are_imported_on_first_use():
    """Every name of the package exists; another is an AttributeError."""
    assert all(getattr(testing, name) for name in testing.__all__)
    with pytest.raises(AttributeError, match="'Other'"):
        testing.Other  # noqa: B018 - the access is the test
