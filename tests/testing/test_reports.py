"""What public reports say of tracing in tests and of listing runs, rebuilt against ours."""

import json
import os
import subprocess
import sys
import textwrap

import pytest

from infinium_otel.testing import FakeInfinium, Run
from support.corpus import recording

pytest_plugins = ["pytester"]

AGENT = """
from opentelemetry import trace

AGENT = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "planner"}
TOOL = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"}


def ask(tracer=None):
    start = (tracer or trace.get_tracer("app")).start_as_current_span
    with start("plan", attributes=AGENT), start("search", attributes=TOOL):
        pass
"""


@pytest.fixture
def run_tests(pytester):
    """Run test modules beside the agent above; gives what was printed."""

    def run(*arguments, passed=0, failed=0, **files):
        sources = {"agent": AGENT, **files}
        pytester.makepyfile(**{k: textwrap.dedent(v) for k, v in sources.items()})
        result = pytester.runpytest_subprocess("-pno:cacheprovider", *arguments)
        counts = result.parseoutcomes()
        counts.pop("warning", None)
        counts.pop("warnings", None)
        expected = {"passed": passed, "failed": failed}
        assert counts == {name: n for name, n in expected.items() if n}
        assert "Logging error" not in result.stderr.str()
        return result.stdout.str()

    return run


def test_other_tests_may_have_set_the_provider(run_tests):
    """Two modules that each set a global provider do not empty a third one's recording.

    Source: posit-dev/py-shiny#2389, Metabuilder-Labs/tokenjam#641.
    """
    other = """
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider

        trace.set_tracer_provider(TracerProvider())

        def test_other():
            with trace.get_tracer("other").start_as_current_span("other"):
                pass
            trace.get_tracer_provider().shutdown()
    """
    ours = """
        from agent import ask

        def test_ours(infinium):
            ask()
            infinium.run("planner").called("search")
    """
    run_tests(passed=3, test_a=other, test_b=other, test_c=ours)


def test_tests_send_nothing_to_the_service(run_tests, monkeypatch):
    """Credentials and a register() of the application do not bring a test's runs there.

    Source: langfuse/langfuse#5856.
    """
    tests = """
        from agent import ask
        from infinium_otel import register

        register()

        def test_one(infinium):
            ask()
            infinium.run("planner")

        def test_two(infinium):
            ask()
            infinium.fake.script(503)
    """
    with FakeInfinium() as service:
        monkeypatch.setenv("INFINIUM_AGENT_ID", service.agent_id)
        monkeypatch.setenv("INFINIUM_AGENT_SECRET", service.agent_secret)
        monkeypatch.setenv("INFINIUM_BASE_URL", service.base_url)
        run_tests(passed=2, test_a=tests)
        assert service.requests == []


def test_the_plugin_is_disabled_by_its_obvious_name(run_tests):
    """`-p no:infinium` does it: the entry point has the name of the fixture.

    Source: PostHog/posthog#69936.
    """
    tests = """
        import sys

        def test_absent(request):
            assert "infinium_otel.testing.pytest_plugin" not in sys.modules
    """
    run_tests("-pno:infinium", passed=1, test_a=tests)


def test_the_plugin_imports_nothing_heavy():
    """Pytest is not slower for having it installed.

    Source: patrick-kidger/jaxtyping#220.
    """
    program = (
        "import sys, pytest\n"
        "before = set(sys.modules)\n"
        "import infinium_otel.testing.pytest_plugin\n"
        "print(len({m.partition('.')[0] for m in set(sys.modules) - before}))\n"
    )
    child = [sys.executable, "-c", program]
    done = subprocess.run(child, capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"


def test_trees_arrive_from_the_workers(run_tests):
    """It works with pytest-xdist, which runs the tests in other processes, and without.

    Source: chrisguidry/pytest-opentelemetry#9.
    """
    tests = """
        from agent import ask

        def test_one(infinium):
            ask()
            infinium.run().failed_with("KeyError")
    """
    for arguments in (["-n1"], ["-pno:xdist"]):
        text = run_tests("--infinium-tree", *arguments, failed=1, test_a=tests)
        assert "- Infinium runs -" in text
        assert "├─ 1. Called search()  " in text


def test_a_thread_that_goes_on_does_no_harm(run_tests):
    """Spans of a thread that outlives its test go nowhere, and nothing is logged then.

    Source: pytest-dev/pytest-xdist#1019.
    """
    tests = """
        import atexit, threading
        from agent import ask
        from opentelemetry import trace

        stop, spans = threading.Event(), threading.Semaphore(0)

        def work():
            while not stop.wait(0.01):
                ask()
                spans.release()

        thread = threading.Thread(target=work)

        def test_one(infinium):
            thread.start()
            spans.acquire(timeout=60)
            assert infinium.runs

        def test_two():
            for _ in range(50):
                spans.acquire(timeout=60)
            stop.set()
            thread.join()

        def test_three(infinium):
            assert infinium.runs == []
    """
    run_tests("-Werror", passed=3, test_a=tests)


def test_a_tree_of_all_traces(run_tests):
    """What a test recorded is one text of nested traces, without ids and times.

    Source: pydantic/logfire#523.
    """
    tests = """
        from agent import ask

        EXPECTED = '''planner
        ├─ 1. Called search()
        └─ total: 0 model calls, 1 tool call, 0 errors

        planner
        ├─ 1. Called search()
        └─ total: 0 model calls, 1 tool call, 0 errors'''

        def test_one(infinium):
            ask()
            ask()
            assert infinium.tree() == EXPECTED.replace("        ", "")
    """
    run_tests(passed=1, test_a=tests)


@pytest.mark.parametrize("arguments", ["{}", "[]", '""', "", None])
def test_a_tool_without_arguments(arguments):
    """A call without arguments is a call.

    Source: confident-ai/deepeval#1608.
    """
    call = {"tool_name": "now", "input_summary": arguments}
    run = Run({"name": "x", "steps": [{"tool_call": call}]})
    run.called("now").called_times(1, "now").not_called("now", zone="UTC")


def test_what_was_expected_comes_first():
    """The message has what was expected, then what was called.

    Source: confident-ai/deepeval#1410.
    """
    steps = [{"tool_call": {"tool_name": name}} for name in ("WebSearch", "ToolQuery")]
    with pytest.raises(AssertionError) as caught:
        Run({"name": "x", "steps": steps}).called("Weather")
    reason = str(caught.value).partition("\n")[0]
    assert reason == "x did not call Weather(); it called WebSearch, ToolQuery"


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "cp950"])
@pytest.mark.parametrize("command", [["runs"], ["show", "last"]], ids=["runs", "show"])
def test_output_that_cannot_show_every_character(command, encoding, tmp_path):
    """A pipe of another encoding gets question marks, and whole names.

    Source: KaykCaputo/oracletrace#86, thefrederiksen/devthrottle#3338.
    """
    name = "a name that is longer than a column \u2603 \U0001f527"
    spans = recording("genai-langchain/tool_loop").spans
    for each in spans["resourceSpans"]:
        for scope in each["scopeSpans"]:
            for span in scope["spans"]:
                span["attributes"].append(
                    {"key": "infinium.task.name", "value": {"stringValue": name}}
                )
    file = tmp_path / "spans.json"
    file.write_text(json.dumps(spans), "utf-8")
    child = [sys.executable, "-m", "infinium_otel", *command, str(file)]
    environ = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    done = subprocess.run(child, capture_output=True, env=environ, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"a name that is longer than a column ?" in done.stdout
