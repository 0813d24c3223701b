"""Generated telemetry: spans, log events and their attributes, as hypothesis draws them."""

from __future__ import annotations

from hypothesis import strategies as st

from infinium_otel.records import LogEvent, SpanEvent, SpanLink, SpanRecord

INT64 = st.integers(-(2**63), 2**63 - 1)
TIMES = st.integers(1, 2**63 - 1)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
KEYS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


def ids(digits):
    return st.text("0123456789abcdef", min_size=digits, max_size=digits).filter(
        lambda text: text.strip("0")
    )


TRACE_IDS, SPAN_IDS = ids(32), ids(16)

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    INT64,
    st.floats(allow_nan=False),
    TEXTS,
    st.binary(max_size=8),
)

VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(KEYS, inner, max_size=3),
    ),
    max_leaves=4,
)

ATTRIBUTES = st.dictionaries(KEYS, VALUES, max_size=2)

EVENTS = st.builds(
    SpanEvent, name=TEXTS, time_ns=st.integers(0, 2**63 - 1), attributes=ATTRIBUTES
)
LINKS = st.builds(SpanLink, trace_id=TRACE_IDS, span_id=SPAN_IDS, attributes=ATTRIBUTES)

SPANS = st.builds(
    SpanRecord,
    trace_id=TRACE_IDS,
    span_id=SPAN_IDS,
    parent_id=st.none() | SPAN_IDS,
    name=TEXTS,
    start_ns=TIMES,
    end_ns=TIMES,
    attributes=ATTRIBUTES,
    kind=st.sampled_from(["internal", "server", "client", "producer", "consumer"]),
    status=st.sampled_from(["unset", "ok", "error"]),
    status_message=st.none() | TEXTS.filter(bool),
    events=st.lists(EVENTS, max_size=1).map(tuple),
    links=st.lists(LINKS, max_size=1).map(tuple),
    scope_name=TEXTS,
    scope_version=TEXTS,
    resource=ATTRIBUTES,
    parent_is_remote=st.booleans(),
    dropped_attributes=st.integers(0, 2**32 - 1),
)

LOGS = st.builds(
    LogEvent,
    trace_id=TRACE_IDS,
    span_id=SPAN_IDS,
    name=TEXTS.filter(bool),
    time_ns=TIMES,
    attributes=ATTRIBUTES,
    body=VALUES,
    severity=st.integers(0, 24),
    scope_name=TEXTS,
    resource=ATTRIBUTES,
)
