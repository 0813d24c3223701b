"""What can be used has its entry in the docs, and the README's commands are CI's."""

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

import infinium_otel
from infinium_otel.apps.cli import COMMANDS
from infinium_otel.config import Config, variables
from infinium_otel.dialects import DIALECTS
from infinium_otel.testing import FakeInfinium
from support import corpus

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
LIBRARIES = sorted({name.partition("/")[0] for name in corpus.names()})


@pytest.fixture(scope="module")
def pages():
    """The generated reference, by page."""
    # The commands' own modules may need what only their extras bring.
    pytest.importorskip("starlette")
    sys.path.insert(0, str(ROOT / "docs" / "_ext"))
    try:
        import generated  # noqa: PLC0415 - stands beside Sphinx's configuration
    finally:
        sys.path.pop(0)
    return generated.pages()


@pytest.mark.parametrize("setting", fields(Config), ids=lambda f: f.name)
def test_every_setting_has_its_entry(pages, setting):
    """Each setting stands in the reference with its variable and its meaning."""
    [row] = [r for r in pages["settings"].splitlines() if f"| `{setting.name}` |" in r]
    assert setting.metadata["help"] in row
    assert setting.name == "should_send" or variables(setting.name)[0] in row


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_its_entry(pages, command):
    """Each command stands in the reference with its usage."""
    assert f"\n## {command}\n" in pages["command-line"]
    assert f"\ninfinium-otel {command} [" in pages["command-line"]


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda d: d.name)
def test_every_dialect_has_its_entry(pages, dialect):
    """Each dialect stands in the reference with every key of its table."""
    _, _, entry = pages["dialects"].partition(f"\n## {dialect.name}\n")
    entry = entry.partition("\n## ")[0]
    for row in dialect.fields.values():
        assert all(f"`{key}`" in entry for key, _ in row.places)


@pytest.mark.parametrize("name", infinium_otel.__all__)
def test_every_public_name_has_its_entry(pages, name):
    """Each public name stands in the reference exactly once."""
    entry = rf"^(\.\. auto\w+:: infinium_otel\.{name}|## {name})$"
    entries = re.findall(entry, "\n".join(pages.values()), re.MULTILINE)
    assert len(entries) == 1


def blocks(kind):
    return re.findall(rf"^```{kind}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def test_the_first_two_blocks_are_demo_and_tests():
    """The README's first two command blocks run the demo and all tests, as they stand."""
    demo, tests = blocks("console")[:2]
    assert demo == "python3 examples/demo.py\n"
    assert tests.rstrip().endswith(".venv/bin/tox run")


def test_ci_calls_the_test_command():
    """CI runs exactly the README's second command."""
    assert blocks("console")[1] in (ROOT / ".ci" / "run").read_text("utf-8")


def test_the_readme_s_python_runs(tmp_path):
    """The README's Python blocks run one after the other, as they stand."""
    program = tmp_path / "readme.py"
    program.write_text("\n".join(blocks("python")), "utf-8")
    with FakeInfinium() as fake:
        environ = {
            "INFINIUM_AGENT_ID": fake.agent_id,
            "INFINIUM_AGENT_SECRET": fake.agent_secret,
            "INFINIUM_BASE_URL": fake.base_url,
        }
        subprocess.run([sys.executable, program], env=environ, check=True, timeout=60)


def test_every_link_of_the_readme_leads_somewhere():
    """Each relative link and picture in the README exists."""
    targets = re.findall(r"\]\((?!https?://|#)([^)#]+)", README)
    assert targets
    assert [t for t in targets if not (ROOT / t).exists()] == []


def test_the_readme_counts_the_dialects():
    """The README says how many dialects there are beside what any span may say."""
    own = [dialect for dialect in DIALECTS if not dialect.common]
    assert f"{len(own)} dialects of LLM spans" in README


def test_the_recordings_are_counted():
    """README and CONTRIBUTING say how many recordings there are, and of how many."""
    assert f"\n{len(corpus.names())} recordings of" in README
    said = f"{len(corpus.names())} recordings of what {len(LIBRARIES)} published"
    assert said in (ROOT / "CONTRIBUTING.md").read_text("utf-8")


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_readme_names_what_was_recorded(library):
    """A row has the version that emitted the spans, and those of what it reports on."""
    packages = corpus.recording(corpus.names(library)[0]).truth["packages"]
    (package, version), *others = packages.items()
    name = re.sub("-(core|slim)$", "", package)
    [row] = [row for row in README.splitlines() if re.match(rf"\| {name}[ |]", row)]
    _, _, versions, reported_on, _ = row.split("|")
    assert version in versions
    for other, version_of_it in others:
        assert f" {other} " not in reported_on or version_of_it in reported_on
