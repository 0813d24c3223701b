"""Credentials, which no span contains."""

from __future__ import annotations

from dataclasses import replace

import pytest

from infinium_otel.models import xpander
from infinium_otel.models.xpander import (
    AgentActivityThreadAuth,
    Task,
)
from support.xpander_runs import AT, SECRET, thread


def test_sign_ins_are_redacted():
    """Tokens and login URLs are on no span and in no repr, and do not come back."""
    login = f"https://user:{SECRET}@auth.example.com/x?code={SECRET}"
    data = {
        "access_token": SECRET,
        "server_name": "mail",
        "server_url": login,
        "url": login,
    }
    entry = AgentActivityThreadAuth("e1", AT, "token_ready", data, {"url": login})
    records = xpander.to_spans(thread(entry))
    assert SECRET not in repr(records)
    assert SECRET not in repr(replace(entry, other={}))
    (event,) = records[0].events
    assert event.attributes["xpander.auth.server_url"] == "https://auth.example.com/x"
    (back,) = xpander.to_activity_thread(records).messages
    assert back.data == {
        "message": "[redacted]",
        "server_name": "mail",
        "server_url": "https://auth.example.com/x",
    }


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        pytest.param("http://h:99/p?q", "http://h:99/p", id="port"),
        pytest.param("http://[", None, id="broken"),
        pytest.param("nothing", None, id="no-host"),
        pytest.param(7, None, id="no-text"),
    ],
)
def test_server_addresses(url, expected):
    """Only scheme, host, port and path of a URL are written."""
    entry = AgentActivityThreadAuth("e1", AT, "token_issue", {"server_url": url})
    (root,) = xpander.to_spans(thread(entry))
    assert root.events[0].attributes.get("xpander.auth.server_url") == expected


def test_a_tasks_credentials_are_removed():
    """A task's credentials are on no span."""
    task = Task(
        "task-1",
        user_oidc_token=SECRET,
        user_tokens={"a": SECRET},
        mcp_servers=({"headers": {"Authorization": SECRET}},),
        pending_eca_request={"auth_url": SECRET},
        other={
            "configuration": {"api_key": SECRET},
            "new": [{"token": SECRET, "a": 1}],
        },
    )
    assert SECRET not in repr(xpander.to_spans(thread(task=task)))
    assert SECRET not in repr(replace(task, other={}))
    finished = {
        "type": "task_finished",
        "task_id": "task-1",
        "data": xpander.dump(task),
    }
    auth = {
        "type": "auth_event",
        "task_id": "task-1",
        "data": {
            "type": "login_required",
            "data": {"url": SECRET, "server_name": "mail"},
        },
    }
    odd = {"type": "auth_event", "task_id": "task-1", "data": SECRET}
    events = [xpander.event_of(each) for each in (auth, odd, finished)]
    assert SECRET not in repr(xpander.from_events(events))
