"""The example of a dialect in a distribution of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from infinium_otel import spans_to_tasks
from infinium_otel.dialects.plugins import load_readers
from support.records import make_span, task_of, tokens_of, tools_of

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PACKAGE = Path(__file__).parents[2] / "examples" / "dialect-package"

RUN = (
    make_span("run", None, {"acme.type": "AGENT", "acme.agent": "clerk"}, end=9),
    make_span(
        "think",
        "run",
        {
            "acme.type": "THINK",
            "acme.brain": "gpt-4o",
            "acme.brain.vendor": "OpenAI",
            "acme.prompt_size": 10,
            "acme.pieces.out": "5",
            "acme.settings": '{"heat": 0.5}',
            "acme.input": "Stamp it.",
            "acme.output": "Stamped.",
        },
    ),
    make_span(
        "stamp",
        "run",
        {"acme.type": "ACT", "acme.input": '{"form":7}', "acme.output": "ok"},
        name="act: stamp",
        start=2,
    ),
)


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """The package as if installed: its code and its entry points."""
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text("utf-8"))["project"]
    info = tmp_path / "acme_dialect-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: 0.1.0\n"
    )
    lines = []
    for group, points in project["entry-points"].items():
        lines += [
            f"[{group}]",
            *(f"{name} = {value}" for name, value in points.items()),
        ]
    (info / "entry_points.txt").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(str(PACKAGE / "src"))
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("acme_dialect", None)


def test_an_installed_dialect_is_found(installed):
    """A dialect that another distribution offers is found by its entry point."""
    assert [dialect.name for dialect in load_readers()] == ["acme"]


def test_its_spans_become_a_task(installed):
    """Spans that only this dialect reads give calls, tools and tokens."""
    (task,) = spans_to_tasks(RUN, readers=load_readers())
    assert tokens_of(task) == (10, 5)
    (used,) = tools_of(task)
    assert (used.tool_name, used.input_summary) == ("stamp", '{"form":7}')
    (call,) = [step.llm_call for step in task.steps if step.llm_call]
    assert (call.provider, call.temperature, call.purpose) == ("openai", 0.5, "clerk")


def test_without_it_only_the_model_is_recognized():
    """No built-in dialect reads them: a model's name shows a call, and nothing else."""
    task = task_of(*RUN)
    assert [step.llm_call.model for step in task.steps if step.llm_call] == ["gpt-4o"]
    assert not tools_of(task)
    assert tokens_of(task) != (10, 5)
