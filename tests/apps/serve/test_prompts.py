"""Prompts from a folder."""

from __future__ import annotations

import os

import pytest

from infinium_otel.apps.serve.checks import RejectedError
from infinium_otel.apps.serve.prompts import PromptFolder

PROMPT_ID = "3f0c1f6e-0000-4000-8000-00000000abcd"


@pytest.fixture
def folder(tmp_path):
    prompt = tmp_path / "prompts" / PROMPT_ID
    prompt.mkdir(parents=True)
    (prompt / "1.md").write_text("first", "utf-8")
    (prompt / "12.txt").write_text("twelfth é", "utf-8")
    (prompt / "name.txt").write_text("Greeting\n", "utf-8")
    (prompt / "13.png").write_text("no prompt", "utf-8")
    (prompt / "draft.md").write_text("no version", "utf-8")
    return tmp_path / "prompts"


def test_versions(folder):
    """A prompt is read by version, or the latest; its name is in a file beside it."""
    os.utime(folder / PROMPT_ID / "1.md", (0, 0))
    prompts = PromptFolder(str(folder))
    assert prompts.find(PROMPT_ID.upper(), "1") == {
        "promptId": PROMPT_ID.upper(),
        "name": "Greeting",
        "version": 1,
        "content": "first",
        "createdAt": "1970-01-01T00:00:00Z",
    }
    latest = prompts.find(PROMPT_ID, "latest")
    assert (latest["version"], latest["content"]) == (12, "twelfth é")


def test_without_a_name(folder):
    """A prompt without a name has its id as name."""
    (folder / PROMPT_ID / "name.txt").unlink()
    assert PromptFolder(str(folder)).find(PROMPT_ID, "1")["name"] == PROMPT_ID


@pytest.mark.parametrize(
    ("prompt_id", "version", "status"),
    [
        pytest.param(PROMPT_ID, "2", 404, id="no-such-version"),
        pytest.param(PROMPT_ID[:-1] + "0", "latest", 404, id="no-such-prompt"),
        pytest.param(PROMPT_ID, "0", 400, id="zero"),
        pytest.param(PROMPT_ID, "-1", 400, id="negative"),
        pytest.param(PROMPT_ID, "../1", 400, id="path"),
        pytest.param(PROMPT_ID, "9" * 5000, 400, id="huge"),
        pytest.param(PROMPT_ID, "newest", 400, id="word"),
    ],
)
def test_missing(folder, prompt_id, version, status):
    """A missing prompt is an error with a reason."""
    with pytest.raises(RejectedError) as caught:
        PromptFolder(str(folder)).find(prompt_id, version)
    assert caught.value.status_code == status


def test_no_folder():
    """A server without a prompt folder has no prompts."""
    with pytest.raises(RejectedError, match="no prompt"):
        PromptFolder(None).find(PROMPT_ID, "latest")


def test_links_out_of_the_folder(folder, tmp_path):
    """A link out of the prompt folder is ignored."""
    secret = tmp_path / "secret.md"
    secret.write_text("a secret", "utf-8")
    prompt = folder / PROMPT_ID
    (prompt / "14.md").symlink_to(secret)
    (prompt / "name.txt").unlink()
    (prompt / "name.txt").symlink_to(secret)
    found = PromptFolder(str(folder)).find(PROMPT_ID, "latest")
    assert found["version"] == 12
    assert "secret" not in str(found)
    with pytest.raises(RejectedError):
        PromptFolder(str(folder)).find(PROMPT_ID, "14")
