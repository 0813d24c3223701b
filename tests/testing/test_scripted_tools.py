"""ScriptedTools and Script: tools return what was recorded, and everything is undone."""

from __future__ import annotations

import asyncio
import inspect
import os
import sys
import types

import httpx
import pytest

from infinium_otel.testing import Answer, Script, ScriptedTools, ToolResult


class Weather:
    """A tool that is a method."""

    def look(self, city):
        raise AssertionError(city)


def real(city: str, day: str = "today") -> str:
    """The real tool."""
    raise AssertionError(city)


async def real_async(city: str) -> dict[str, int]:
    raise AssertionError(city)


@pytest.fixture
def module(monkeypatch):
    found = types.ModuleType("an_agent")
    found.real, found.real_async, found.plain = real, real_async, lambda **_: None
    found.TABLE = {"weather": real}
    found.weather = Weather()
    monkeypatch.setitem(sys.modules, "an_agent", found)
    return found


def test_results_by_arguments(module, monkeypatch):
    """A call gets the result of its arguments, however they are passed, else the next."""
    tools = ScriptedTools(
        [
            ToolResult("real", {"city": "Rome"}, "rain"),
            ToolResult("real", {"city": "Paris"}, "sun"),
            ToolResult("real", None, "snow"),
        ]
    )
    tools.replace(monkeypatch, {"real": "an_agent.real"})
    assert module.real("Paris") == "sun"
    assert module.real(city="Oslo") == "rain"
    assert module.real("Rome", day="Monday") == "snow"
    assert tools.find_problems() == []
    assert inspect.signature(module.real) == inspect.signature(real)
    with pytest.raises(LookupError, match="once more than recorded"):
        module.real("Paris")
    assert tools.find_problems() == ["real was called once more than recorded"]


@pytest.mark.parametrize(
    ("result", "annotated", "expected"),
    [
        pytest.param({"a": 1}, str, '{"a": 1}', id="text-wanted"),
        pytest.param('{"a": 1}', dict, {"a": 1}, id="json-wanted"),
        pytest.param("not json", dict, "not json", id="no-json"),
        pytest.param('{"a": 1}', inspect.Signature.empty, '{"a": 1}', id="as-recorded"),
        pytest.param([1], list, [1], id="a-list"),
        pytest.param("x", "str", "x", id="annotation-as-text"),
    ],
)
def test_types_of_results(result, annotated, expected):
    """A result has the type that the function declares."""

    def tool():
        raise AssertionError

    if annotated is not inspect.Signature.empty:
        tool.__annotations__["return"] = annotated
    scripted = ScriptedTools([ToolResult("f", None, result)]).make("f", tool)
    assert scripted() == expected


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        pytest.param(("ValueError", "no city"), ValueError, "no city", id="built-in"),
        pytest.param(("builtins.KeyError", "x"), KeyError, "'x'", id="qualified"),
        pytest.param(("a.Custom", "x"), RuntimeError, "a.Custom: x", id="another"),
        pytest.param(
            ("UnicodeDecodeError", "x"),
            RuntimeError,
            "UnicodeDecodeError: x",
            id="more-arguments",
        ),
        pytest.param(("SystemExit", "x"), RuntimeError, "SystemExit: x", id="no-error"),
    ],
)
def test_errors(error, kind, message):
    """A tool that failed fails again."""
    scripted = ScriptedTools([ToolResult("f", error=error)]).make("f", lambda: None)
    with pytest.raises(kind) as raised:
        scripted()
    assert str(raised.value) == message


def test_places(module, monkeypatch):
    """A function of a module, of an object in it, or in a dict of functions."""
    results = [ToolResult(name, None, name) for name in ("a", "b", "c")]
    places = {"a": "an_agent.real_async", "b": "an_agent.TABLE[weather]"}
    with monkeypatch.context() as patch:
        tools = ScriptedTools(results)
        tools.replace(patch, {**places, "c": "an_agent.weather.look"})
        assert asyncio.run(module.real_async("Paris")) == "a"
        assert module.TABLE["weather"]("Paris") == "b"
        assert module.weather.look("Paris") == "c"
        assert tools.find_problems() == []
    assert module.real_async is real_async
    assert module.TABLE["weather"] is real


@pytest.mark.parametrize(
    "place",
    [
        "nowhere_at_all.f",
        "an_agent.missing",
        "an_agent.TABLE[x]",
        "an_agent.real[x]",
        "an_agent..real",
        "an_agent",
        "",
    ],
)
def test_places_that_are_none(module, monkeypatch, place):
    """A place without a function is an error that names it."""
    with pytest.raises(LookupError, match="there is no function at"):
        ScriptedTools([]).replace(monkeypatch, {"f": place})
    assert module.real is real


def test_a_module_that_fails(tmp_path, monkeypatch):
    """What a module fails with at its import is not hidden."""
    (tmp_path / "broken_agent.py").write_text("import surely_not_installed\n", "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="surely_not_installed"):
        ScriptedTools([]).replace(monkeypatch, {"f": "broken_agent.f"})


def test_a_tool_without_a_place(monkeypatch):
    """The real tool never runs because a place is missing."""
    tools = ScriptedTools([ToolResult("delete_all")])
    with pytest.raises(LookupError, match="delete_all: the real ones would run"):
        tools.replace(monkeypatch, {})


def test_a_function_without_a_signature():
    """The arguments given by name are those that count."""
    scripted = ScriptedTools([ToolResult("f", {"x": 1}, "ok")]).make("f", dict.update)
    assert scripted(x=1) == "ok"
    scripted = ScriptedTools([ToolResult("f", None, "ok")]).make("f", lambda: None)
    assert scripted("too", "many") == "ok"


# -- Script ------------------------------------------------------------------------

SCRIPT = Script("hi?", [Answer("yes", input="hi?")], [ToolResult("real", None, "sun")])


def ask(question):
    url = f"{os.environ['OPENAI_BASE_URL']}/chat/completions"
    body = {"messages": [{"role": "user", "content": question}]}
    return httpx.post(url, json=body, trust_env=False).json()


def test_a_script(module):
    """The agent is asked the question; afterwards the environment is as before."""
    before = dict(os.environ)
    with (
        pytest.MonkeyPatch.context() as patch,
        SCRIPT.play(patch, {"real": "an_agent.real"}) as replay,
    ):
        assert replay.call(lambda q: (ask(q), module.real("Paris")))[1] == "sun"
    replay.check_complete()
    replay.check_questions()
    assert dict(os.environ) == before


def test_a_coroutine(module, monkeypatch):
    """An agent may be a coroutine function."""

    async def agent(question):
        return await asyncio.to_thread(ask, question + "!")

    with SCRIPT.play(monkeypatch, {"real": "an_agent.real"}) as replay:
        assert replay.call(agent)["choices"]
    with pytest.raises(
        AssertionError,
        match=r"a result of real was not used; nothing called an_agent\.real: if",
    ):
        replay.check_complete()


def test_another_question(module, monkeypatch):
    """A question that is not the recorded one fails the strict check."""
    with SCRIPT.play(monkeypatch, {"real": "an_agent.real"}) as replay:
        replay.call(lambda _: ask("bye"))
    with pytest.raises(AssertionError, match=r"'bye', but the recorded one 'hi\?'"):
        replay.check_questions()


def test_no_tools(monkeypatch):
    """A script without tools needs no places."""
    with Script("hi?").play(monkeypatch) as replay:
        pass
    replay.check_complete()
