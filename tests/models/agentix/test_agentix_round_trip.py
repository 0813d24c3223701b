from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from infinium_otel.models import agentix
from support.model_values import (
    counts,
    floats,
    json_values,
    mappings,
    maybe,
    names,
    tuples,
    words,
)

calls = st.builds(agentix.ToolCall, name=names, args=mappings, id=maybe(words))
call_dicts = st.fixed_dictionaries(
    {"name": names, "args": mappings, "id": maybe(words)}
)
media = st.builds(
    agentix.MediaPart,
    type=st.sampled_from(["image", "document", "audio"]),
    data=words,
    media_type=st.just("image/png"),
    filename=maybe(words),
) | st.builds(
    agentix.MediaPart,
    type=st.sampled_from(["image", "audio"]),
    url=words,
    media_type=st.sampled_from(["", "audio/wav"]),
)
part_lists = tuples(st.builds(agentix.TextPart, text=words) | media)
meta = mappings | st.fixed_dictionaries(
    {"tool_calls": st.lists(call_dicts, max_size=2)}
)
model_messages = st.builds(
    agentix.Message,
    role=st.sampled_from(["system", "user", "assistant", "critic"]),
    content=words | part_lists,
    trusted=st.booleans(),
    name=maybe(words),
    meta=meta,
)
tool_meta = mappings | st.fixed_dictionaries(
    {
        "call_id": maybe(words),
        "ok": st.booleans(),
        "cost_usd": floats,
        "tokens_used": counts,
    }
)
tool_messages = st.builds(
    agentix.Message,
    role=st.just("tool"),
    content=words
    | part_lists
    | st.just("REFUSED: no")
    | st.just("User declined this action."),
    trusted=st.just(False),
    name=maybe(names),
    meta=tool_meta,
)
outcomes = st.builds(
    agentix.AgentOutcome,
    status=st.sampled_from(["completed", "aborted", "refused", "suspended", "odd"]),
    answer=maybe(words),
    parsed=maybe(json_values),
    reason=maybe(words),
    steps=counts,
    tokens_used=counts,
    cost_usd=floats,
    transcript=tuples(model_messages | tool_messages, 6),
    pending=tuples(st.builds(agentix.PendingApproval, call=calls, reason=words), 2),
    other=st.fixed_dictionaries({}, optional={"run_id": words, "x.more": json_values}),
)


@settings(max_examples=100, deadline=None)
@given(outcomes)
def test_outcomes_survive_spans(outcome):
    """An outcome to spans and back is the same outcome, transcript and all."""
    assert agentix.from_spans(agentix.to_spans(outcome)) == [outcome]


@settings(max_examples=50, deadline=None)
@given(outcomes)
def test_outcomes_survive_json(outcome):
    """An outcome's JSON reads as the same outcome, without loss."""
    assert agentix.load(json.loads(json.dumps(agentix.dump(outcome)))) == outcome


@settings(max_examples=50, deadline=None)
@given(outcomes)
def test_spans_survive_outcomes(outcome):
    """Spans made from an outcome are the same when made from what is read back."""
    spans = agentix.to_spans(outcome, start_ns=5, model="m")
    again = agentix.to_spans(agentix.to_outcome(spans), start_ns=5, model="m")
    assert again == spans
