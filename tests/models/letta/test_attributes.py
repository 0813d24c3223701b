"""The attributes that hold a step's fields."""

from __future__ import annotations

import pytest

from infinium_otel.models import letta
from infinium_otel.models.letta import (
    Step,
    StepProgression,
)
from infinium_otel.models.letta.attributes import to_letta_provider
from support.letta_runs import chat, from_steps


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        pytest.param("https://api.x.ai/v1", ("api.x.ai", None), id="url"),
        pytest.param("h:8080", ("h", 8080), id="host-and-port"),
        pytest.param("http://[", (None, None), id="broken"),
        pytest.param(None, (None, None), id="none"),
    ],
)
def test_the_endpoint_is_the_server(endpoint, expected):
    """An endpoint is written as the server's address and port."""
    _, call = from_steps(Step("s", model_endpoint=endpoint))
    attributes = call.attributes
    assert (attributes.get("server.address"), attributes.get("server.port")) == expected


def test_providers_have_lettas_names():
    """The conventions' provider names become Letta's."""
    assert to_letta_provider("gcp.vertex_ai") == "google_vertex"
    assert to_letta_provider("anthropic") == "anthropic"
    assert to_letta_provider(None) is None


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        pytest.param(
            chat(letta__step__progression=5),
            StepProgression.LOGGED_TRACE,
            id="reported",
        ),
        pytest.param(
            chat(letta__step__progression=9),
            StepProgression.FINISHED,
            id="reported-wrong",
        ),
        pytest.param(chat(), StepProgression.FINISHED, id="ended"),
        pytest.param(chat(status="error"), StepProgression.START, id="failed"),
        pytest.param(
            chat(status="error", gen_ai__output__messages="[]"),
            StepProgression.RESPONSE_RECEIVED,
            id="response",
        ),
        pytest.param(
            chat(status="error", gen_ai__response__time_to_first_chunk=0.1),
            StepProgression.STREAM_RECEIVED,
            id="streamed",
        ),
    ],
)
def test_progression(record, expected):
    """How far a step got is derived from its span."""
    assert letta.progression_of(record) is expected
