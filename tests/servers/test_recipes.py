"""The recipes of the how-to pages, word for word, with the real servers.

Run by `tox run -e servers`.
"""

from __future__ import annotations

import re
import shlex
import signal
import sys
from pathlib import Path

import httpx
import pytest

from support.model_server import serving_model
from support.servers import check_silence

PAGES = Path(__file__).parents[2] / "docs" / "howto"
SCRIPTS = Path(sys.executable).parent
SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
BLOCK = re.compile(r"^```python\n# (\S+\.py)\n(.+?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ (\S+ .*(?:8000|\{port\}).*)$", re.MULTILINE)


def read_recipes():
    """Each section with a file and a command: its name, the file, the command."""
    for page in ("servers.md", "platforms.md"):
        text = (PAGES / page).read_text(encoding="utf-8")
        titles = ["", *SECTION.findall(text)]
        for title, section in zip(titles, SECTION.split(text)[::2], strict=True):
            files, commands = BLOCK.findall(section), COMMAND.findall(section)
            if files and commands:
                name = title or page
                yield pytest.param(files[0], commands[0], id=name.replace(" ", "-"))


RECIPES = list(read_recipes())


@pytest.fixture
def model_url():
    with serving_model() as url:
        yield url


def serve_recipe(serve, folder, recipe, command, model_url):
    name, source = recipe
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(source, encoding="utf-8")
    program, *arguments = shlex.split(command.replace("8000", "{port}"))
    return serve(
        str(SCRIPTS / program),
        *arguments,
        python=(),
        MODEL_URL=model_url,
        NO_PROXY="127.0.0.1",
    )


def ask(server, count):
    questions = [f"question {number}" for number in range(count)]
    with httpx.Client(base_url=server.url, timeout=60, trust_env=False) as http:
        for question in questions:
            reply = http.get("/ask", params={"question": question})
            assert reply.status_code == 200, server.output
            assert "Paris." in reply.text
    return questions


def test_the_pages_have_recipes():
    """Every server of the page has one."""
    assert len(RECIPES) == 6


@pytest.mark.parametrize(("recipe", "command"), RECIPES)
def test_every_run_arrives(fake, serve, tmp_path, model_url, recipe, command):  # noqa: PLR0913, PLR0917 - fixtures
    """Runs arrive with their model calls and content, and the server stops as usual."""
    with serve_recipe(serve, tmp_path, recipe, command, model_url) as server:
        questions = ask(server, 4)
        assert server.stop() in (0, -signal.SIGTERM)
    assert sorted(task["name"] for task in fake.tasks) == questions, server.output
    for task in fake.tasks:
        assert task["llm_usage"]["total_tokens"] == 7
        assert "Paris." in str(task)
    check_silence(server)


def test_a_process_that_is_frozen(fake, serve, tmp_path, model_url):
    """With the recipe for platforms, a run has arrived before its response.

    Azure/azure-sdk-for-python#46154, open-telemetry/opentelemetry-lambda#272
    """
    [recipe] = [each for each in RECIPES if each.id == "platforms.md"]
    with serve_recipe(serve, tmp_path, *recipe.values, model_url) as server:
        for number in range(1, 4):
            ask(server, 1)
            server.send_signal(signal.SIGSTOP)
            assert len(fake.tasks) == number
            server.send_signal(signal.SIGCONT)
