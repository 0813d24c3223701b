"""Whatever value an attribute has, the rest of its span is read."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infinium_otel import otlp
from infinium_otel.config import Config
from infinium_otel.dialects import _shape, read
from infinium_otel.pipeline import Pipeline
from infinium_otel.records import SpanRecord
from infinium_otel.taskdata.limits import encode_task
from infinium_otel.testing.contract import find_complaints
from support.corpus import names, recording

CYCLE: list = []
CYCLE.append(CYCLE)

BENT = (
    None, True, 0, -1, 2**70, 10**5_000, 1e308, float("nan"), float("inf"), "", " ", "\ud800",
    '{"a":', "[[[[", '"' * 5, "null", "[]", "{}", "[null]", "[" * 2_000, '{"a":' * 500,
    '{"role":null}', '[{"role":1,"content":{"x":[1]}}]', '[{"role":"user","parts":null}]',
    '[{"role":"assistant","tool_calls":{"a":1}}]', '[{"type":{},"content":[{"type":[]}]}]',
    '[{"role":"assistant","tool_calls":[null,1,"x",{"function":"f"}]}]',
    '[{"role":"tool","content":[{"type":"tool_result","content":{}}]}]',
    '{"id":{},"kwargs":{}}', '{"error":{"message":{}}}', '{"usage":[1]}', '{"choices":[1]}',
    '{"generations":[[{"generation_info":[1],"message":{"kwargs":{"usage_metadata":[1]}}}]]}',
    b"\xff\x00", (), ("a", None, 1), [[]], {}, {"a": {"b": None}}, {1: 2}, CYCLE, object(),
)  # fmt: skip
"""Values that no convention allows and every exporter sends."""


@cache
def spans_of(name):
    decoded = otlp.from_json(recording(name).spans)
    return [record for record in decoded.records if isinstance(record, SpanRecord)]


@cache
def keys():
    """Every key that some instrumentation writes, and some that unfold without end."""
    found = {key for name in names() for s in spans_of(name) for key in s.attributes}
    deep = ("gen_ai.prompt" + ".0" * 5_000, f"llm.input_messages.{'9' * 5_000}.a")
    sections = (
        "task.name",
        "task.description",
        "skip",
        "customer.customer_name",
        "step.action",
    )
    return [*sorted(found), *deep, *(f"infinium.{name}" for name in sections)]


@st.composite
def bent_runs(draw):
    """A recording in which some attributes hold what they should not."""
    random = draw(st.randoms(use_true_random=False))
    spans = spans_of(random.choice(names()))
    return [replace(s, attributes=_bent(s.attributes, random)) for s in spans]


def _bent(attributes, random):
    bent = {key: _value(value, random) for key, value in attributes.items()}
    for _ in range(random.randrange(3)):
        bent[random.choice(keys())] = random.choice(BENT)
    return bent


def _value(value, random):
    if random.random() < 0.06:
        return random.choice(BENT)
    if isinstance(value, str) and value[:1] in "[{" and random.random() < 0.2:
        return _bent_json(value, random)
    return value


def _bent_json(text, random):
    """JSON with members of the wrong type, some of it cut short."""
    try:
        bent = json.dumps(_bent_member(json.loads(text), random))
    except ValueError:
        return text
    return bent[: random.randrange(len(bent) + 1)] if random.random() < 0.2 else bent


def _bent_member(value, random):
    if random.random() < 0.08:
        return random.choice((None, 1, "x", [], {}, [[]], {"a": 1}, -5, {"role": []}))
    if isinstance(value, dict):
        return {key: _bent_member(inner, random) for key, inner in value.items()}
    if isinstance(value, list):
        return [_bent_member(inner, random) for inner in value]
    return value


@settings(max_examples=300, deadline=None)
@given(spans=bent_runs(), captured=st.booleans())
def test_bad_input_is_normal_input(spans, captured):
    """No reader fails, no run needs a fallback task, no task breaks the contract."""
    pipeline = Pipeline(Config(include="all", capture_content=captured))
    finished = [*pipeline.feed(spans, 0.0), *pipeline.flush(0.0)]
    assert not pipeline.problems
    assert sum(done.spans for done in finished) == pipeline.finished
    for done in finished:
        assert find_complaints(encode_task(done.task).body) == ()
        assert "while reading" not in str(_problems(done.task))


class Forgetful(_shape._Shapes):
    """Keeps no shape, so that what the keys decide is found anew for each span."""

    def _keep(self, shape):
        pass


@settings(max_examples=200, deadline=None)
@given(spans=bent_runs())
def test_bent_spans_read_alike_with_and_without_their_shape(spans):
    """What was found for the keys of a span holds for any values that they have."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_shape, "_SHAPES", Forgetful())
        alone = [read(span) for span in spans]
        patch.setattr(_shape, "_SHAPES", _shape._Shapes())
        first, again = ([read(span) for span in spans] for _ in range(2))
    assert alone == first == again


def _problems(task):
    return [(step.metadata or {}).get("problems") for step in task.steps or ()]
