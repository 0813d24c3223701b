"""What is found once for all spans with the same keys is what each span has alone."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infinium_otel import otlp
from infinium_otel.dialects import DIALECTS, _shape, read
from infinium_otel.dialects._shape import Shape, find_shape
from infinium_otel.records import SpanEvent, SpanRecord
from support import corpus
from support.records import make_span


class Forgetful(_shape._Shapes):
    """Keeps no shape, so that everything is found anew for each span."""

    def _keep(self, shape):
        pass


@pytest.fixture
def read_alone(monkeypatch):
    """Reads a span as if it were the first one."""

    def read_alone(record):
        with monkeypatch.context() as patch:
            patch.setattr(_shape, "_SHAPES", Forgetful())
            return read(record)

    return read_alone


@pytest.mark.slow
@pytest.mark.parametrize("archive", corpus.CORPORA)
def test_recorded_spans_are_read_alike(archive, read_alone):
    """With what is known of the keys, and without, each recorded span reads the same."""
    for recording in corpus.recordings(corpus=archive):
        for record in otlp.from_json(recording.spans).records:
            if isinstance(record, SpanRecord):
                read(record)
                assert read(record) == read_alone(record)


KEYS = (
    "gen_ai.operation.name gen_ai.request.model gen_ai.usage.input_tokens "
    "gen_ai.usage.details llm.input_messages.0.message.role input.value output.value "
    "llm.input_messages.0.message.content openinference.span.kind metadata "
    "metadata.tenant session.id app.usage my.tokens.total my.model my.outcome "
    "evaluation.score tool.name my.params my.messages.0.role http.method tag.tags"
).split()
VALUES = st.one_of(
    st.sampled_from(["chat", "LLM", "cancelled", "gpt-4o", "7", "user", '{"a": 1}']),
    st.sampled_from(['[{"role": "user", "content": "x"}]', '{"total_tokens": 3}']),
    st.integers(-1, 10),
    st.none(),
    st.booleans(),
    st.lists(st.text(max_size=3), max_size=2),
)


@given(
    st.lists(st.one_of(st.sampled_from(KEYS), st.text(max_size=8)), unique=True),
    st.data(),
)
def test_spans_with_the_same_keys_are_read_alike(keys, data):
    """A span reads the same after another one with its keys and other values."""
    first, second = (
        make_span("1", attributes={key: data.draw(VALUES) for key in keys})
        for _ in range(2)
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_shape, "_SHAPES", Forgetful())
        alone = [read(record) for record in (first, second)]
        patch.setattr(_shape, "_SHAPES", _shape._Shapes())
        after = [read(record) for record in (first, second, first)]
    assert after == [*alone, alone[0]]


def test_a_span_is_not_changed_by_another(read_alone):
    """Reading a span leaves nothing of it in what is read of the next."""
    keys = ["my.tool_calls", "my.model", "my.prompt_tokens", "my.model_requested"]
    one = make_span("1", attributes=dict.fromkeys(keys, "a"))
    other = make_span("1", attributes=dict.fromkeys(keys, "b"))
    before = repr(read(one))
    read(other)
    assert repr(read(one)) == before
    assert read(other) == read_alone(other)


def test_equal_keys_have_one_shape():
    """The same keys in the same order have one shape; in another order another."""
    assert find_shape({"a": 1, "b": 2}) is find_shape({"a": 3, "b": 4})
    assert find_shape({"a": 1, "b": 2}) is not find_shape({"b": 2, "a": 1})


def test_a_rule_sees_each_key_once():
    """A rule is applied once to each key, and what it returns is kept."""
    seen = []

    def find_length(key):
        seen.append(key)
        return len(key) if len(key) > 1 else None

    shape = Shape(("a", "bb"))
    assert shape.select(find_length) == shape.select(find_length) == (("bb", 2),)
    assert seen == ["a", "bb"]


def test_the_shapes_that_are_kept_are_bounded():
    """However many shapes there are, and however long, few keys are kept."""
    shapes = _shape._Shapes()
    for number in range(20_000):
        shapes.find(tuple(f"key.{number}.{n}" for n in range(20)))
        assert shapes._keys <= _shape.MAX_KEYS
    for number in range(1_000):
        shapes.find((f"{number}" * 5_000,))
        assert shapes._length <= _shape.MAX_LENGTH


@pytest.mark.parametrize("keys", [tuple(map(str, range(2_000))), ("k" * 50_000,)])
def test_a_large_shape_is_not_kept(keys):
    """A shape that would take a large part of the bounds is found anew each time."""
    shapes = _shape._Shapes()
    assert shapes.find(keys) is not shapes.find(keys)


def test_what_is_kept_of_one_shape_is_bounded():
    """Beyond the bound a shape finds the right thing, but anew each time."""
    shape = Shape(("a", "bb"))
    for number in range(2 * _shape.MAX_DERIVED):
        assert shape.derive(_join, str(number)) == f"a{number}bb"
    assert len(shape._derived) == _shape.MAX_DERIVED


def _join(keys, more):
    return more.join(keys)


def test_events_cannot_fill_what_is_kept_of_a_shape():
    """Spans of one shape whose events select other dialects each time stay bounded."""
    segments = [d.key_segments[0] for d in DIALECTS if d.key_segments]
    attributes = {"my.model": "gpt-4o", "my.prompt_tokens": 3}
    random = Random(1)
    for _ in range(3_000):
        names = random.sample(segments, 5)
        events = tuple(SpanEvent(f"{name}.event", 0) for name in names)
        read(make_span("1", attributes=attributes, events=events))
    assert len(find_shape(attributes)._derived) <= _shape.MAX_DERIVED
