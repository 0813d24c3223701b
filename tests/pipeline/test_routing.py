"""Rules: which agent a run is for, what is dropped, what is sampled."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infinium_otel.config import Config
from infinium_otel.pipeline import (
    DROPPED,
    NO_RULE,
    SAMPLED_OUT,
    Condition,
    Pipeline,
    Router,
    Rule,
)
from infinium_otel.pipeline.routing import (
    NO_RULE_NAME,
    REJECTED,
    SENT,
    is_in_share,
    match,
)
from support.spans import span, tid

SERVICE = "service.name"
AGENT = {"gen_ai.operation.name": "invoke_agent"}


def of_service(name, **options):
    return Rule(name, (Condition(SERVICE, (name,)),), **options)


def run_of(number, service="shop", **changes):
    attributes = AGENT | changes.pop("attributes", {})
    resource = {SERVICE: service}
    return span(
        f"a{number}",
        None,
        trace=tid(number),
        attributes=attributes,
        resource=resource,
        **changes,
    )


def feed(router, *records, now_s=0.0, pipeline=None):
    pipeline = pipeline or Pipeline(Config(task_per="root"), router=router)
    return [*pipeline.feed(records, now_s), *pipeline.flush(now_s)], pipeline


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("shop", "shop", True),
        ("shop", "shops", False),
        ("shop*", "shop", True),
        ("shop*", "shop-eu", True),
        ("*shop", "the shop", True),
        ("*", "", True),
        ("a*b*c", "a-b-b-c", True),
        ("a*b*c", "a-c", False),
        ("ab*ba", "aba", False),  # the ends must not overlap
        ("*[a]*", "x[a]y", True),  # nothing but the asterisk is special
        ("", "", True),
        ("", "x", False),
    ],
)
def test_patterns(pattern, text, fits):
    """Only `*` is special; it stands for any characters, also none."""
    assert match(pattern, text) is fits


@pytest.mark.parametrize(
    ("value", "pattern"),
    [
        ("shop", "shop"),
        (True, "true"),
        (False, "false"),
        (3, "3"),
        (0.5, "0.5"),
        (["a", "b"], "b"),
        (("a", 3), "3"),
    ],
)
def test_values_of_any_type(value, pattern):
    """Attributes are compared as texts; of a list any element may fit."""
    assert Condition("k", (pattern,)).fits({"k": value})
    assert not Condition("k", ("other",)).fits({"k": value})


@pytest.mark.parametrize("value", [None, {"a": 1}, b"shop", [None], []])
def test_values_that_never_fit(value):
    """An absent attribute fits no pattern, and neither does one without a text.

    Source: open-telemetry/opentelemetry-collector-contrib#44386: a value that a condition
    cannot compare sent every other record to the default route as well.
    """
    assert not Condition("k", ("*",)).fits({"k": value})
    assert not Condition("k", ("*",)).fits({})


def test_the_first_rule_that_fits_decides():
    """By resource or by attribute of the root; the rest goes to the default agent.

    Source: open-telemetry/opentelemetry-collector-contrib#27020: a rule by an attribute of
    the record fits nothing, as only those of the resource are compared.
    """
    router = Router(
        [
            of_service("shop", agent="a"),
            Rule("gold", span=(Condition("tier", ("gold",)),), agent="b"),
        ]
    )
    records = [
        run_of(1),
        run_of(2, "bank", attributes={"tier": "gold"}),
        run_of(3, "bank"),
        run_of(4, "shop", attributes={"tier": "gold"}),
    ]
    done, _ = feed(router, *records)
    assert [each.agent for each in done] == ["a", "b", "", "a"]
    assert router.summarize() == {
        "shop": {SENT: 2},
        "gold": {SENT: 1},
        NO_RULE_NAME: {SENT: 1},
    }


def test_all_conditions_must_hold():
    """Two attributes, or a resource and a span, are an "and"; a list is an "or"."""
    rule = Rule(
        "r",
        (Condition(SERVICE, ("shop", "bank")),),
        (Condition("tier", ("gold",)),),
    )
    assert rule.fits(run_of(1, "bank", attributes={"tier": "gold"}))
    assert not rule.fits(run_of(1, "bank"))
    assert not rule.fits(run_of(1, "post", attributes={"tier": "gold"}))


def test_dropped_runs_are_counted():
    """A rule with `drop` sends none, failed ones included."""
    router = Router([of_service("shop", drop=True)])
    done, pipeline = feed(router, run_of(1, status="error"), run_of(2, "bank"))
    assert [each.trace_id for each in done] == [tid(2)]
    assert pipeline.filtered_tasks == {DROPPED: 1}
    assert pipeline.filtered == {DROPPED: 1}
    assert router.summarize()["shop"] == {DROPPED: 1}


def test_failed_runs_are_always_in_the_sample():
    """A share of 0 sends the failed ones alone, though only a tool failed."""
    router = Router([of_service("shop", share=0.0)])
    tool = span(
        "t",
        "a2",
        trace=tid(2),
        attributes={"gen_ai.operation.name": "execute_tool"},
        status="error",
    )
    done, pipeline = feed(router, run_of(1), tool, run_of(2), run_of(3, status="error"))
    assert {each.trace_id for each in done} == {tid(2), tid(3)}
    assert pipeline.filtered_tasks == {SAMPLED_OUT: 1}
    assert router.summarize()["shop"] == {SENT: 2, SAMPLED_OUT: 1}


@given(st.binary(min_size=16, max_size=16), st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_contains_the_smaller(raw, one, other):
    """All members decide the same, and raising a share only adds runs."""
    small, large = sorted((one, other))
    trace_id = raw.hex()
    if is_in_share(trace_id, small):
        assert is_in_share(trace_id, large)
    assert is_in_share(trace_id, 1.0)
    assert not is_in_share(trace_id, 0.0)


def test_the_share_is_about_what_it_is_called():
    """Also of trace ids that a Collector has sampled by their last bytes.

    Source: open-telemetry/opentelemetry-collector-contrib#42188,
    census-instrumentation/opencensus-service#583: two layers of samplers with one hash
    decide the same, or let nothing through.
    """
    sampled_before = [f"{n:025x}{n % 1000:07x}" for n in range(20_000)]
    kept = sum(is_in_share(each, 0.1) for each in sampled_before)
    assert 1_800 < kept < 2_200


def test_a_late_part_shares_the_decision():
    """It lacks the root, so it would fit another rule, or none.

    Source: open-telemetry/opentelemetry-collector-contrib#14760: late spans got another
    decision than their trace.
    """
    router = Router([Rule("gold", span=(Condition("tier", ("gold",)),), agent="b")])
    first, pipeline = feed(router, run_of(1, attributes={"tier": "gold"}))
    late = span("c", "a1", trace=tid(1), attributes=AGENT)
    second, _ = feed(router, late, now_s=1.0, pipeline=pipeline)
    assert [each.part for each in (*first, *second)] == [0, 1]
    assert [each.agent for each in (*first, *second)] == ["b", "b"]


def test_a_late_part_of_a_run_that_was_not_sent():
    """It is not sent either."""
    router = Router([of_service("shop", share=0.0)])
    _, pipeline = feed(router, run_of(1))
    late = span("c", "a1", trace=tid(1), attributes=AGENT)
    done, _ = feed(router, late, now_s=1.0, pipeline=pipeline)
    assert not done
    assert pipeline.filtered_tasks == {SAMPLED_OUT: 2}


def test_a_failure_that_comes_late_is_sent():
    """The run was sampled out before its root ended, and failed after that.

    Source: open-telemetry/opentelemetry-collector-contrib#17280: a root that ends after
    the decision of the tail sampler is judged without its policies.
    """
    router = Router([of_service("shop", share=0.0)])
    tool = span("t", "a1", trace=tid(1), attributes=AGENT, resource={SERVICE: "shop"})
    early, pipeline = feed(router, tool)
    assert not early
    done, _ = feed(router, run_of(1, status="error"), now_s=700.0, pipeline=pipeline)
    assert [each.trace_id for each in done] == [tid(1)]
    assert router.summarize()["shop"] == {SAMPLED_OUT: 1, SENT: 1}


def test_without_a_default_agent(caplog):
    """What no rule fits is dropped, counted and reported once, with the cure.

    Source: nsoft/jesterj#109: what the default route drops is not reported.
    """
    router = Router([of_service("shop", agent="a")], has_default=False)
    done, pipeline = feed(router, run_of(1, "bank"), run_of(2, "post"), run_of(3))
    assert [each.agent for each in done] == ["a"]
    assert pipeline.filtered_tasks == {NO_RULE: 2}
    (record,) = caplog.records
    assert "(service bank)" in record.getMessage()
    assert "INFINIUM_AGENT_ID" in record.getMessage()


def test_what_is_no_run_needs_no_rule(caplog):
    """A health check without a model is not reported as a run without a rule."""
    caplog.set_level(logging.WARNING)
    router = Router([of_service("shop", agent="a")], has_default=False)
    _, pipeline = feed(router, span("h", None, trace=tid(9), attributes={}))
    assert pipeline.filtered_tasks == {"not_included": 1}
    assert not caplog.records


def test_a_hook_decides_over_the_runs_of_its_rule():
    """It gets the task; False drops it."""
    seen = []

    def keep(task):
        seen.append(task.name)
        return task.name == "a1"

    router = Router([of_service("shop", should_send=keep)])
    done, pipeline = feed(router, run_of(1), run_of(2), run_of(3, "bank"))
    assert len(seen) == 2
    assert {each.trace_id for each in done} == {tid(1), tid(3)}
    assert pipeline.filtered_tasks == {REJECTED: 1}


def test_a_hook_that_raises(caplog):
    """The runs are sent, and it is reported once, without the exception's text."""

    def fail(_):
        raise RuntimeError("secret content")

    router = Router([of_service("shop", should_send=fail)])
    done, _ = feed(router, run_of(1), run_of(2))
    assert len(done) == 2
    (record,) = caplog.records
    assert "RuntimeError" in record.getMessage()
    assert "secret content" not in caplog.text


def test_few_decisions_are_remembered(monkeypatch):
    """A late part of a run that is forgotten is decided anew."""
    monkeypatch.setattr("infinium_otel.pipeline.routing.MAX_DECIDED", 2)
    router = Router([Rule("gold", span=(Condition("tier", ("gold",)),), agent="b")])
    runs = [run_of(n, attributes={"tier": "gold"}) for n in (1, 2, 3)]
    _, pipeline = feed(router, *runs)
    late = [span(f"c{n}", f"a{n}", trace=tid(n), attributes=AGENT) for n in (1, 3)]
    done, _ = feed(router, *late, now_s=1.0, pipeline=pipeline)
    assert {each.trace_id: each.agent for each in done} == {tid(1): "", tid(3): "b"}
