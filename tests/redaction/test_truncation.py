"""No credential is sent in part because a text was cut in it."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import infinium_otel
from infinium_otel import spans_to_tasks
from infinium_otel.redaction import (
    remove_credentials,
    truncate,
    truncate_start,
)
from infinium_otel.taskdata.limits import (
    MAX_INPUT_SUMMARY_LENGTH,
    MAX_OUTPUT_SUMMARY_LENGTH,
    MAX_PREVIEW_LENGTH,
    MAX_TOOL_OUTPUT_LENGTH,
    encode_task,
)
from support.records import agent, chat, exception_event, make_span, tool
from support.redaction_sets import load, survives

PACKAGE = Path(infinium_otel.__file__).parent
PROSE = "The agent reads a page of notes, and then another one.\n" * 400
SHORTEST_PIECE = 8
"""A shorter piece of a secret is worthless, and occurs by chance."""


def find_secrets():
    """Each secret that is found in its text: the text, where it begins, the secret."""
    for row in load("credentials"):
        if any(survives(s, remove_credentials(row["text"])) for s in row["secret"]):
            continue
        for secret in row["secret"]:
            if (start := row["text"].find(secret)) >= 0:
                yield row["text"], start, secret


SECRETS = list(find_secrets())


def pieces(secret):
    """Enough of a secret's beginning, or of its end, to matter."""
    return {
        piece
        for size in (len(secret), max(SHORTEST_PIECE, len(secret) // 2))
        for piece in (secret[:size], secret[-size:])
    }


def place(text, start, offset, limit):
    """A long text with *text* in it, so that *limit* is *offset* after *start*."""
    before = PROSE[: max(0, limit - start - offset - 1)] + "\n"
    return f"{before}{text}\n{PROSE[:300]}", len(before) + start + offset


@pytest.mark.parametrize("cut", [truncate, truncate_start])
def test_no_credential_is_cut(cut):
    """At every offset around the cut, what is left of a secret is found and removed."""
    for text, start, secret in SECRETS:
        step = max(1, len(secret) // 3)
        for offset in (
            *range(-16, 0, 7),
            *range(0, len(secret) + 1, step),
            len(secret),
        ):
            whole, at = place(text, start, offset, MAX_PREVIEW_LENGTH - 3)
            limit = at + 3 if cut is truncate else len(whole) - at + 3
            left = remove_credentials(cut(whole, limit))
            found = [piece for piece in pieces(secret) if piece in left]
            assert not found, (text, offset, left[-100:], left[:100])


@given(st.sampled_from(SECRETS), st.integers(-20, 260), st.data())
def test_every_text_of_a_task(secret_place, offset, data):
    """Previews, summaries, messages, traces, tags and attributes: nothing leaves in part."""
    text, start, secret = secret_place
    limit = data.draw(
        st.sampled_from([
            200, 300, 500, 2_000, 4_000, MAX_PREVIEW_LENGTH, MAX_TOOL_OUTPUT_LENGTH,
            MAX_INPUT_SUMMARY_LENGTH, MAX_OUTPUT_SUMMARY_LENGTH,
        ])
    )  # fmt: skip
    whole, _ = place(text, start, min(offset, len(secret)), limit)
    message = json.dumps([{"role": "user", "content": whole}])
    answer = json.dumps([{"role": "assistant", "content": whole}])
    error = exception_event(message=whole, stack=f"{whole}\n{PROSE[:3_900]}")
    spans = [
        agent("root", attributes={"infinium.task.description": whole}),
        chat("c", "root", attributes={
            "gen_ai.input.messages": message, "gen_ai.output.messages": answer}),
        tool("t", "root", attributes={
            "gen_ai.tool.call.arguments": whole, "gen_ai.tool.call.result": whole}),
        tool("f", "root", status="error", events=(error,)),
        make_span("odd", "root", attributes={"note": whole, "session.id": whole}),
    ]  # fmt: skip
    (task,) = spans_to_tasks(spans)
    for max_bytes in (10**6, 20_000, 6_000, 2_000):
        sent = json.loads(encode_task(task, max_bytes).body)
        dumped = "\n".join(find_texts(sent))
        assert not [piece for piece in pieces(secret) if piece in dumped]


def find_texts(value):
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, dict) else ():
        yield from find_texts(inner)
    for inner in value if isinstance(value, list) else ():
        yield from find_texts(inner)


@given(st.sampled_from(SECRETS), st.integers(10, 3_000))
def test_text_that_was_redacted_stays_safe_at_any_cut(secret_place, limit):
    """Shrinking cuts again: a part of a redacted text has no credential."""
    text, start, secret = secret_place
    clean = remove_credentials(place(text, start, 0, 600)[0])
    for cut in (truncate, truncate_start):
        left = cut(clean, limit)
        assert not [piece for piece in pieces(secret) if piece in left]


@pytest.mark.parametrize("limit", [3, 10, 100, 499, 500, 501])
def test_the_limit_holds(limit):
    """A text is at most as long as its limit; a shorter one stays as it is."""
    text = PROSE[:500]
    assert len(truncate(text, limit)) <= limit
    assert len(truncate_start(text, limit)) <= limit
    if limit >= len(text):
        assert truncate(text, limit) == truncate_start(text, limit) == text
    else:
        assert truncate(text, limit) == text[: limit - 3] + "..."
        assert truncate_start(text, limit) == "..." + text[len(text) - limit + 3 :]


def test_texts_of_spans_are_cut_here_alone():
    """The mapping and the dialects cut no text in a way that may split a credential."""
    for path in (*PACKAGE.glob("mapping/*.py"), *PACKAGE.glob("dialects/**/*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and "limits" in (node.module or ""):
                names = {alias.name for alias in node.names}
                assert not names & {"truncate", "truncate_start"}, path
