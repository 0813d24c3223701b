"""The vendor's own clients against the local server."""

from __future__ import annotations

import asyncio

import infinium
import pytest

from support.local_server import serving
from support.runs import AGENT_ID

SECRET = "a-secret-of-mine"
NOW = "2026-01-02T03:04:05Z"
PROMPT_ID = "3f0c1f6e-0000-4000-8000-00000000abcd"


@pytest.fixture
def served(tmp_path):
    prompt = tmp_path / "prompts" / PROMPT_ID
    prompt.mkdir(parents=True)
    (prompt / "1.md").write_text("Be kind.", "utf-8")
    (prompt / "2.md").write_text("Be kind to {{name}}.", "utf-8")
    with serving(tmp_path / "t.db", "--prompts", str(tmp_path / "prompts")) as found:
        yield found


@pytest.fixture
def client(served):
    url = f"{served.url}/api/v1"
    with infinium.InfiniumClient(AGENT_ID, SECRET, base_url=url) as found:
        yield found


def task(name: str) -> infinium.TaskData:
    return infinium.TaskData(name, "One run", NOW, 1.5)


def names(served) -> list[str]:
    return sorted(row["name"] for row in served.get("/api/tasks")["tasks"])


def test_a_task_and_its_result(served, client):
    """A task that the vendor's client sends is stored, and its result can be read."""
    reply = client.send_task("One", "A run", 2, llm_usage=infinium.LlmUsage("gpt-4o"))
    assert reply.success
    trace_id = reply.data["traceId"]
    assert served.get(f"/api/tasks/{trace_id}")["models"] == ["gpt-4o"]
    result = client.wait_for_interpretation(trace_id, timeout=5, poll_interval=0.1)
    assert result.data["interpretedTraceResult"]["local"] is True


def test_a_batch(served, client):
    """A batch of the vendor's client arrives completely."""
    result = client.send_tasks_batch([task(f"{n}") for n in range(3)])
    assert (result.successful, result.failed) == (3, 0)
    assert names(served) == ["0", "1", "2"]


def test_async_clients(served):
    """The vendor's asynchronous client sends tasks and batches too."""

    async def play():
        url = f"{served.url}/api/v1"
        async with infinium.AsyncInfiniumClient(
            AGENT_ID, SECRET, base_url=url
        ) as client:
            one = await client.send_task_data(task("one"))
            batch = await client.send_tasks_batch([task("two"), task("three")])
            response = await client.get_interpreted_task_result(one.data["traceId"])
            return batch.successful, response.data["interpretedTraceResult"]["local"]

    assert asyncio.run(play()) == (2, True)
    assert names(served) == ["one", "three", "two"]


def test_prompts(client):
    """Prompts of the folder are read by version and rendered by the vendor's client."""
    latest = client.get_prompt(PROMPT_ID, "a-prompt-key")
    assert (latest.version, latest.content) == (2, "Be kind to {{name}}.")
    first = client.get_prompt(PROMPT_ID, "a-prompt-key", version=1)
    assert first.content == "Be kind."


def test_errors_of_the_vendors_client(client):
    """A missing task raises NotFoundError, as with the service."""
    with pytest.raises(infinium.NotFoundError):
        client.get_interpreted_task_result(PROMPT_ID)
