"""The plug-in for pytest, in processes of its own as users have it."""

import sys
import textwrap

import pytest

from infinium_otel.testing import FakeInfinium

pytest_plugins = ["pytester"]

AGENT = """
import json

from opentelemetry import trace

tracer = trace.get_tracer("app")  # at import, as libraries have it


def ask(city="Paris", name="planner", tracer=tracer):
    agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": name}
    arguments = json.dumps({"city": city})
    tool = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "get_weather",
        "gen_ai.tool.call.arguments": arguments,
    }
    with tracer.start_as_current_span("invoke_agent " + name, attributes=agent):
        with tracer.start_as_current_span("execute_tool get_weather", attributes=tool):
            pass
"""


@pytest.fixture
def run_tests(pytester, monkeypatch):
    """Run a test module beside the agent above: (passed, failed, what was printed)."""
    for name in ("INFINIUM_AGENT_ID", "INFINIUM_AGENT_SECRET", "INFINIUM_BASE_URL"):
        monkeypatch.delenv(name, raising=False)

    def run(tests, *arguments, agent=AGENT, **files):
        sources = {"agent": agent, "test_agent": tests, **files}
        pytester.makepyfile(**{k: textwrap.dedent(v) for k, v in sources.items()})
        without = [f"-pno:{name}" for name in ("cacheprovider", "xdist", "sybil")]
        result = pytester.runpytest_subprocess("-Werror", *without, *arguments)
        counts = result.parseoutcomes()
        assert not result.errlines, result.errlines
        text, _, _ = result.stdout.str().partition(" short test summary ")
        return counts.get("passed", 0), counts.get("failed", 0), text

    return run


def test_a_recording_is_of_its_test_only(run_tests):
    """Each test sees its own runs, and what runs between two tests goes nowhere."""
    tests = """
        import os

        import pytest
        from opentelemetry import trace
        from agent import ask

        def test_first(infinium):
            ask()
            ask("Rome", "guide")
            infinium.run("planner").called("get_weather", city="Paris").succeeded()
            infinium.run("guide").called("get_weather", city="Rome")
            assert [run.name for run in infinium.runs] == ["planner", "guide"]
            infinium.clear()
            assert infinium.runs == []

        def test_without_it():
            ask("Oslo")

        def test_second(infinium):
            ask("Bern")
            infinium.run().called("get_weather", city="Bern")

        @pytest.mark.infinium(capture_content=False)
        def test_settings_of_a_marker(infinium):
            ask("Lima")
            assert "Lima" not in infinium.tree()

        def test_settings_end_with_their_test(infinium):
            ask("Lima")
            assert "Lima" in infinium.tree()

        def test_nothing_is_left_behind():
            processor = trace.get_tracer_provider()._active_span_processor
            assert processor._span_processors == ()
            assert not [name for name in os.environ if name.startswith("INFINIUM")]
    """
    assert run_tests(tests)[:2] == (6, 0)


def test_an_application_may_set_up_what_it_likes(run_tests, monkeypatch):
    """Nothing that the application sets up during a test loses a run or sends it away."""
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    monkeypatch.setenv("INFINIUM_OTEL_SPOOL", "spool.db")
    tests = """
        from pathlib import Path
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider
        from agent import ask
        from infinium_otel import register

        REAL = {"agent_id": "0" * 8 + "-0000-4000-8000-" + "0" * 12,
                "agent_secret": "real-secret", "base_url": "https://infinium.invalid/api/v1"}

        def test_its_own_provider_comes_too_late(infinium, caplog):
            trace.set_tracer_provider(TracerProvider())
            assert "not allowed" in caplog.text
            ask()
            infinium.run("planner")

        def test_its_own_register_is_of_no_consequence(infinium):
            register(**REAL, spool="real.db", capture_content=False)
            ask("Cairo")
            assert "Cairo" not in infinium.run("planner").tree()

        def test_a_provider_beside_the_global_one(infinium):
            provider = register(**REAL, set_global=False)
            ask(tracer=provider.get_tracer("other"))
            infinium.run("planner")

        def test_it_ends_the_provider(infinium):
            ask()
            trace.get_tracer_provider().shutdown()
            infinium.run("planner")

        def test_the_provider_goes_on_afterwards(infinium):
            ask()
            infinium.run("planner")
            assert not list(Path().glob("*.db"))
    """
    assert run_tests(tests)[:2] == (5, 0)


def test_an_application_that_is_set_up_keeps_what_it_has(run_tests):
    """An earlier provider is extended for the test; afterwards it is as before."""
    app = """
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import (
            InMemorySpanExporter,
        )
        from infinium_otel import register

        memory = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(memory))
        trace.set_tracer_provider(provider)
        register(SETTINGS)
    """
    tests = """
        from app import memory, provider
        from agent import ask

        def test_recorded(infinium):
            assert infinium.provider is provider
            ask("Paris")
            infinium.run("planner")
            assert len(memory.get_finished_spans()) == 2

        def test_not_recorded():
            ask("Rome")
            assert len(memory.get_finished_spans()) == 4
            assert provider.force_flush()
    """
    with FakeInfinium() as fake:
        arguments = ", ".join(f"{k}={v!r}" for k, v in fake.settings.items())
        app = app.replace("SETTINGS", arguments)
        assert run_tests(tests, app=app)[:2] == (2, 0)
        [task] = fake.tasks
    assert "Rome" in task["steps"][0]["tool_call"]["input_summary"]


def test_failures_show_the_run(run_tests):
    """A failed check shows the run as a tree, and --infinium-tree the runs of others."""
    tests = """
        from agent import ask

        def test_check(infinium):
            ask()
            infinium.run("planner").called("get_weather", city="Rome")

        def test_assert(infinium):
            ask()
            assert infinium.run().tokens == 4

        def test_nothing_recorded(infinium):
            infinium.run("planner")

        def test_other_span(infinium):
            with infinium.provider.get_tracer("app").start_as_current_span("GET /"):
                pass
            infinium.run("planner")

        def test_elsewhere():
            raise ValueError("no fixture")
    """
    passed, failed, text = run_tests(tests, "--infinium-tree", "-k not elsewhere")
    assert (passed, failed) == (0, 4)
    why = "planner did not call get_weather(city='Rome'); it called get_weather(city='Paris')"
    assert f"AssertionError: {why}" in text
    tree = '├─ 1. Called get_weather({"city":"Paris"})'
    assert text.count(f"E       {tree}\n") == 1
    assert text.count(f"\n{tree}") == 2
    assert text.count("- Infinium runs -") == 4
    assert "no run of 'planner': no span was recorded" in text
    assert "spans recorded: 1, but none of a model, tool or agent" in text
    assert "recording.py" not in text  # the failure is in the test
    passed, failed, text = run_tests(tests)
    assert (passed, failed) == (0, 5)
    assert "Infinium runs" not in text


def test_the_scope_is_a_setting(run_tests, pytester):
    """With `infinium_scope = module`, the tests of a module share their runs."""
    pytester.makeini("[pytest]\ninfinium_scope = module")
    conftest = """
        import pytest

        @pytest.fixture(scope="session")
        def infinium_settings():
            return {"include": "all"}
    """
    tests = """
        def test_first(infinium):
            with infinium.provider.get_tracer("app").start_as_current_span("GET /"):
                pass

        def test_second(infinium):
            assert infinium.run().name == "GET /"
    """
    assert run_tests(tests, conftest=conftest)[:2] == (2, 0)


def test_it_costs_nothing_where_it_is_not_used(run_tests):
    """Without the fixture, pytest imports the plug-in and nothing that it needs."""
    tests = """
        import sys

        def test_imports():
            ours = {name for name in sys.modules if name.startswith("infinium_otel")}
            assert ours == {
                "infinium_otel",
                "infinium_otel.testing",
                "infinium_otel.testing.pytest_plugin",
            }
    """
    assert run_tests(tests, agent="")[:2] == (1, 0)


def test_record_runs_needs_no_pytest(pytester):
    """`record_runs` is the fixture for other test frameworks."""
    program = pytester.makepyfile(
        agent=AGENT,
        program="""
            import sys
            from agent import ask
            from infinium_otel.testing import record_runs

            with record_runs() as infinium:
                ask()
                infinium.run("planner").called("get_weather", city="Paris")
            assert "pytest" not in sys.modules
        """,
    )
    result = pytester.run(sys.executable, "-W", "error", program.with_stem("program"))
    assert (result.ret, result.outlines, result.errlines) == (0, [], [])
