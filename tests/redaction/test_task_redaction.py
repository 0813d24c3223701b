"""Credentials are never sent."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infinium_otel import Config, spans_to_tasks, task_to_dict
from infinium_otel.redaction import (
    REDACTED,
    UNREADABLE,
    redact,
    remove_credentials,
)
from infinium_otel.taskdata import EnvironmentContext, TaskData
from support.records import agent, chat, exception_event, make_span, task_of, tool

SECRETS = {
    "openai": "sk-proj-abcdefghij0123456789ABCDEFGHIJ",
    "anthropic": "sk-ant-api03-abcdefghijklmnopqrstuvwxyz",
    "stripe": "sk" + "_live_abcdefghijklmnopqrstuvwx",
    "huggingface": "hf_abcdefghijklmnopqrstuvwxyz0123456789",
    "aws": "AKIAIOSFODNN7EXAMPLE",
    "google": "AIzaSyA-abcdefghijklmnopqrstuvwxyz012345",
    "google-oauth": "ya29.a0AfH6SMBabcdefghijklmnop",
    "azure": "AccountKey=abcdefghijklmnopqrstuvwxyz0123456789==",
    "github": "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    "github-fine": "github_pat_11ABCDEFG0abcdefghijklmnop",
    "gitlab": "glpat-abcdefghij0123456789",
    "slack": "xoxb-123456789012-abcdefghijkl",
    "npm": "npm_abcdefghijklmnopqrstuvwxyz0123456789",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abcDEF0123456789",
    "bearer": "Bearer abcdefghijklmno7",
    "basic": "Basic dXNlcjpwYXNzd29yZA==",
    "pem": "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----",
}


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_known_shapes_of_credentials_are_removed(secret):
    """A credential of a known shape is replaced, the text around it is kept."""
    clean = remove_credentials(f"before {secret} after")
    assert secret.partition(" ")[2] or secret not in clean
    assert REDACTED in clean
    assert clean.startswith("before ")
    assert clean.endswith(" after")


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("password: hunter22", f"password: {REDACTED}"),
        ('{"api_key": "topsecret1"}', f'{{"api_key": "{REDACTED}"}}'),
        ('{\\"password\\": \\"topsecret1\\"}', f'{{\\"password\\": \\"{REDACTED}\\"}}'),
        ("access_token=topsecret1&x=1", f"access_token={REDACTED}&x=1"),
        ("postgres://me:topsecret@db/x", f"postgres://me:{REDACTED}@db/x"),
        ("next page \ntoken: topsecret1", f"next page \ntoken: {REDACTED}"),
    ],
)
def test_named_secrets_are_removed(text, clean):
    """A value after a secret's name is replaced, whatever it looks like."""
    assert remove_credentials(text) == clean


NAMES = (
    "api_key x-api-key apikey OPENAI_API_KEY accessKey private-key signing_key "
    "secret client_secret clientSecret app-secret password PASSWD db.passphrase "
    "authorization access_token refreshToken id-token session_token Set-Cookie"
).split()


@pytest.mark.parametrize("name", NAMES)
def test_every_spelling_of_a_name(name):
    """Names of secrets match in upper and lower case, with any separator."""
    assert remove_credentials(f"a {name}=topsecret1 b") == f"a {name}={REDACTED} b"
    task = task_of(chat("c"), make_span("odd", attributes={name: "horse"}))
    assert "horse" not in json.dumps(task_to_dict(task))


@pytest.mark.parametrize(
    "name", ["max_tokens", "key", "monkey", "cookie", "paid_token"]
)
def test_other_names(name):
    """A name that only ends like a secret's is not one."""
    task = task_of(chat("c"), make_span("odd", attributes={name: "horse"}))
    assert "horse" in json.dumps(task_to_dict(task))


@pytest.mark.parametrize(
    "text",
    [
        "max_tokens: 1000000",
        "token_count = 12345678",
        "the secret: be kind to everyone",
        "key: value1234",
        "a basic question about bearer authentication",
        "https://example.org/path?q=1",
        "sk-short",
        "asking about ghp_ prefixes",
        "password",
    ],
)
def test_ordinary_text_stays(text):
    """Words about tokens, keys and secrets are not credentials."""
    assert remove_credentials(text) == text


@given(st.text(max_size=300), st.sampled_from(sorted(SECRETS.values())), st.text())
def test_redaction_is_idempotent(before, secret, after):
    """Redacting twice changes nothing more."""
    once = remove_credentials(f"{before}\n{secret}\n{after}")
    assert remove_credentials(once) == once


KEY = SECRETS["openai"]
EVERYWHERE = [
    pytest.param(chat("c", name=f"chat {KEY}"), id="span-name"),
    pytest.param(chat("c", attributes={"gen_ai.agent.name": KEY}), id="agent"),
    pytest.param(
        chat("c", attributes={"gen_ai.input.messages": json.dumps(
            [{"role": "user", "content": f"my key is {KEY}"}])}), id="message"),
    pytest.param(
        tool("c", attributes={"gen_ai.tool.call.arguments": f'{{"k": "{KEY}"}}'}),
        id="arguments"),
    pytest.param(
        chat("c", status="error", events=(exception_event(message=f"bad key {KEY}"),)),
        id="exception"),
    pytest.param(chat("c", status="error", status_message=f"bad {KEY}"), id="status"),
    pytest.param(chat("c", attributes={"infinium.general.tags": (KEY,)}), id="section"),
    pytest.param(chat("c", attributes={"session.id": KEY}), id="tag"),
    pytest.param(chat("c", resource={"service.name": KEY}), id="resource"),
]  # fmt: skip


@pytest.mark.parametrize("span", EVERYWHERE)
def test_nothing_of_a_span_carries_a_credential(span):
    """Names, status, events, resource, attributes and messages are all searched."""
    sent = json.dumps([task_to_dict(t) for t in spans_to_tasks([span])])
    assert "task_name" not in sent
    assert KEY not in sent
    assert REDACTED in sent


@pytest.mark.parametrize(
    ("attributes", "key"),
    [
        ({"app.password": "swordfish"}, "app.password"),
        ({"http.request.header.authorization": "swordfish"}, None),
        ({"x." * 20 + KEY: 1}, None),
    ],
)
def test_values_of_secret_names_go_whole(attributes, key):
    """An attribute with the name of a secret loses its value; names are searched too."""
    task = task_of(
        agent("root"), make_span("odd", "root", attributes), chat("c", "root")
    )
    sent = json.dumps(task_to_dict(task))
    assert "swordfish" not in sent
    assert KEY not in sent
    if key:
        (step,) = (step for step in task.steps if key in str(step.metadata))
        assert step.metadata["attributes"][key] == REDACTED


def test_mappings_of_any_key_are_searched():
    """A mapping's texts are searched whatever its keys are."""
    metrics = {"infinium.development.performance_metrics": {1: KEY, "a": "fine"}}
    task = task_of(chat("c", attributes=metrics))
    assert task.development.performance_metrics == {1: REDACTED, "a": "fine"}


def test_redaction_can_be_switched_off():
    """`redact=False` keeps texts unchanged."""
    (task,) = spans_to_tasks(
        [chat("c", name=f"chat {KEY}")], config=Config(redact=False)
    )
    assert KEY in json.dumps(task_to_dict(task))


def test_a_hook_sees_every_text_after_the_patterns():
    """A callable (key, text) -> text runs after the patterns, for every text."""
    seen = {}

    def hook(key, text):
        seen[key] = text
        return text.upper()

    (task,) = spans_to_tasks(
        [chat("c", attributes={"gen_ai.agent.name": f"bot {KEY}"})],
        config=Config(redact=hook),
    )
    assert task.steps[0].action == "LLM_INFERENCE"
    assert seen["environment.custom_tags.gen_ai.agent.name"] == f"bot {REDACTED}"


@pytest.mark.parametrize("hook", [lambda key, text: None, lambda key, text: 1 / 0])
def test_a_hook_that_fails_blanks_the_text(hook):
    """A hook that fails, or returns no text, blanks that text, not the task."""
    (task,) = spans_to_tasks([chat("c")], config=Config(redact=hook))
    assert task.steps[0].description == UNREADABLE
    assert task.llm_usage.prompt_tokens == 10


def test_keys_that_are_no_texts_stay():
    """A caller's own tags may have any key; the texts beside it are searched."""
    task = TaskData("n", "d", "2026-01-01T00:00:00Z", 1.0)
    task.environment = EnvironmentContext(custom_tags={1: f"see {KEY}"})
    tags = redact(task, Config()).environment.custom_tags
    assert tags == {1: f"see {REDACTED}"}
