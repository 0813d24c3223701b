"""What public reports say of secrets in traces, rebuilt: each test names its report.

The values are invented; the places are those of the reports.
"""

from __future__ import annotations

import json

import pytest

from infinium_otel import Config, spans_to_tasks, task_to_dict
from infinium_otel.otlp import to_otlp
from infinium_otel.redaction import REDACTED, redact_records, remove_credentials
from support.cpu import little_cpu
from support.records import agent, chat, make_span, tool

TOKEN = "q7LdM2xT9vRkWa4HbN8s4f1ec09ad72b"
HEX = "a41f9c07d2e85b36f0914c7ad3be2568" * 2


def send(attributes, **settings):
    """What is sent of a run whose spans have these attributes, as a task and as spans."""
    spans = [
        agent("root"),
        chat("c", "root", attributes=attributes),
        tool("t", "root", attributes=attributes),
        make_span("odd", "root", attributes=attributes),
    ]
    config = Config(**settings)
    (task,) = spans_to_tasks(spans, config=config)
    records = to_otlp(redact_records(spans, config))
    return json.dumps([task_to_dict(task), records])


@pytest.mark.parametrize(
    ("attributes", "secret"),
    [
        pytest.param(
            {"url.full": f"https://x.example.com/v1beta/models?key={TOKEN}&pageSize=9"},
            TOKEN,
            id="decocms/studio#5628-key-in-the-address",
        ),
        pytest.param(
            {"url.query": f"key={TOKEN}&pageSize=9"},
            TOKEN,
            id="decocms/studio#5628-query-without-a-question-mark",
        ),
        pytest.param(
            {"url.query": f"code={TOKEN}&state=1"},
            TOKEN,
            id="vercube/vercube#1169-code-of-a-login",
        ),
        pytest.param(
            {"http.request.header.dapr-api-token": (TOKEN,), "dapr-api-token": TOKEN},
            TOKEN,
            id="dapr/dapr#2974-header-of-a-sidecar",
        ),
        pytest.param(
            {"url.full": f"https://unleash.example.com/api/admin/api-tokens/*:production.{HEX}"},
            HEX,
            id="nais/unleasherator#748-token-in-the-path",
        ),
        pytest.param(
            {"http.url": f"https://x.example.com/api/v1/secret/{HEX[:62]}"},
            HEX[:62],
            id="onetimesecret/onetimesecret#2962-secret-in-the-path",
        ),
        pytest.param(
            {"llm.prompt_template.variables": json.dumps({"api_key": TOKEN, "city": "Kiel"})},
            TOKEN,
            id="langfuse/langfuse#8306-variables-of-a-template",
        ),
        pytest.param(
            {"exception.message": f"cannot reach https://ada:{TOKEN}@git.example.com/x"},
            TOKEN,
            id="getsentry/sentry#5826-login-in-an-error",
        ),
        pytest.param(
            {"to": f"/cb?x=%7B%22accessToken%22%3A%22{TOKEN}%22%2C%22n%22%3A1%7D"},
            TOKEN,
            id="getsentry/sentry#20151-JSON-in-an-address",
        ),
        pytest.param(
            {"request": f"<Request password={TOKEN}>"},
            TOKEN,
            id="getsentry/sentry#6114-object-as-a-text",
        ),
        pytest.param(
            {"message": f"page loaded csrf=AF1_QpN-{TOKEN} in 3 ms"},
            TOKEN,
            id="teng-lin/notebooklm-py#1165-csrf",
        ),
        pytest.param(
            {"body": json.dumps({"e": json.dumps({"webhook_key": TOKEN}).replace("/", "\\/")})},
            TOKEN,
            id="GetKlai/klai#1399-JSON-in-JSON",
        ),
        pytest.param(
            {"url.full": f"https://app.example.com/cb#access_token={TOKEN}&state=1"},
            TOKEN,
            id="vellum-ai/vellum-assistant#31299-fragment",
        ),
        pytest.param(
            {"previous_models": str([{"model": "gpt-4o", "user_api_key": HEX[:34]}])},
            HEX[:34],
            id="BerriAI/litellm#13705-a-retry-keeps-all-arguments",
        ),
        pytest.param(
            {"http.request.header.authorization": (f"Bearer {TOKEN}",)},
            TOKEN,
            id="adirbenyossef/flusk-dev#67-header-of-the-model-call",
        ),
        pytest.param(
            {"http.url": f"http://localhost:9999/m:generateContent?key={TOKEN}"},
            TOKEN,
            id="ebarti/JobCtrl#41-key-as-a-parameter",
        ),
        pytest.param(
            {"span": f"Span(_state=State(loginToken='{TOKEN}', _apiConn=Conn(token='x')))"},
            TOKEN,
            id="braintrustdata/braintrust-sdk-javascript#912-state-of-a-client",
        ),
        pytest.param(
            {"x-langfuse-public-key": "pk", "x-langfuse-secret-key": TOKEN},
            TOKEN,
            id="langfuse/langfuse#2968-headers-as-attributes",
        ),
        pytest.param(
            {"llm.invocation_parameters": json.dumps({"api_base": "x", "api_key": TOKEN})},
            TOKEN,
            id="Arize-ai/openinference#1170-invocation-parameters",
        ),
        pytest.param(
            {"input.value": str({"model": "gpt-4o-mini", "api_key": TOKEN, "messages": []})},
            TOKEN,
            id="guardrails-ai/guardrails#1213-arguments-of-the-call",
        ),
    ],
)  # fmt: skip
def test_a_secret_of_a_report_is_not_sent(attributes, secret):
    """It would be without redaction."""
    assert secret in send(attributes, redact=False)
    assert secret not in send(attributes)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("User authenticated", id="getsentry/sentry#6114"),
        pytest.param("load_dotenv() reads .env and sets os.environ", id="pydantic/logfire#123"),
        pytest.param("browserSessionId: visible-browser-123", id="pydantic/logfire-js#82"),
        pytest.param('{"key_rotation_days": 90, "keyboard_layout": "de-DE"}', id="GetKlai/klai#1399"),
    ],
)  # fmt: skip
def test_a_text_of_a_report_stays(text):
    """What others redact by mistake is kept."""
    assert remove_credentials(text) == text


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("A" * 256_000, id="sliday/tamp#20"),
        pytest.param("A_" * 128_000, id="NousResearch/hermes-agent#4962"),
        pytest.param("password='" + "\\" * 256_000, id="narailabs/narai-primitives#67"),
        pytest.param("agent-challenge_1.0.1." * 12_000, id="CortexLM/cortex#66"),
        pytest.param("https://" + "a-b.c+" * 40_000, id="Yeachan-Heo/gajae-code#5402"),
    ],
)
def test_a_text_that_stopped_a_scrubber_is_searched(text):
    """With patterns that try again at every letter these take a minute or more."""
    with little_cpu():
        cleaned = remove_credentials(f"{text} ghp_{TOKEN}")
    assert f"ghp_{TOKEN}" not in cleaned


def test_the_rest_of_an_address_stays():
    """getsentry/sentry#3202: only the token is removed, so the address is still of use."""
    text = f"GET https://x.example.com/v2/orders?access_token={TOKEN}&page=2 200"
    expected = f"GET https://x.example.com/v2/orders?access_token={REDACTED}&page=2 200"
    assert remove_credentials(text) == expected


def test_the_mark_contains_nothing_of_the_secret():
    """pydantic/logfire#1909: the mark does not repeat what was found."""
    found = remove_credentials(f"postgresql://admin:{TOKEN}@db.internal:5432/x")
    assert found == f"postgresql://admin:{REDACTED}@db.internal:5432/x"


def test_a_hook_gets_the_texts_of_every_instrumentation():
    """langfuse/langfuse#11222, #7778: not only those of one decorator, and not None."""
    seen = []

    def hook(_path, text):
        seen.append(text)
        return text.replace("SECRET", "removed")

    sent = send({"gcp.vertex.agent.llm_request": "SECRET one", "input.value": "SECRET two",
                 "gen_ai.tool.call.arguments": "SECRET three", "x": "SECRET four"}, redact=hook)  # fmt: skip
    assert "SECRET" not in sent
    assert all(isinstance(text, str) for text in seen)
