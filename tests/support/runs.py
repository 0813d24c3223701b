"""Runs as they come over the wire: JSON objects, made by hand, the same every time."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from random import Random

BEGAN = datetime(2026, 11, 20, 9, 30, tzinfo=timezone.utc)
AGENT_ID = "11111111-2222-4333-8444-555555555555"

HOSTILE = (
    "<script>window.hit = 1</script>",
    "<img src=x onerror='window.hit = 2'>",
    "javascript:window.hit=3",
    "<a href='javascript:window.hit=4'>press</a>",
    "'\"><svg onload=window.hit=5>",
    "\u202egnp.exe\u202c \u200f\u2066turned\u2069",
    "nul\u0000 bell\u0007 escape\u001b[31m",
    "{{constructor.constructor('window.hit=6')()}}",
    "https://foreign.example/picture.png",
)


def iso(moment: datetime) -> str:
    """*moment* as it is sent."""
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def run(name: str = "Answer a question", **fields) -> dict:
    """A run with the required fields."""
    return {
        "name": name,
        "description": "One run",
        "current_datetime": iso(BEGAN),
        "duration": 1.5,
        **fields,
    }


class Run:
    """Steps with a clock, so that bars and parents agree."""

    def __init__(self, began: datetime = BEGAN) -> None:
        self.began = began
        self.now_ms = 0
        self.steps: list[dict] = []

    def add(self, action: str, description: str, ms: int, **fields) -> str:
        """One step; returns its span id. `parent` and `ahead_ms` are ours."""
        span_id = f"{len(self.steps) + 1:016x}"
        parent = fields.pop("parent", "f" * 16)
        ahead_ms = fields.pop("ahead_ms", ms)
        metadata = {
            "otel.span_id": span_id,
            "otel.parent_span_id": parent,
            "start_time": iso(self.began + timedelta(milliseconds=self.now_ms)),
            **fields.pop("metadata", {}),
        }
        self.now_ms += ahead_ms
        step = {
            "step_number": len(self.steps) + 1,
            "action": action,
            "description": description,
            "duration_ms": ms,
            **fields,
            "metadata": metadata,
        }
        self.steps.append(step)
        return span_id

    def llm(self, model: str, ms: int, tokens: tuple[int, int], **fields) -> str:
        """A model call; *tokens* in and out."""
        cost = tokens[0] * 2.5e-6 + tokens[1] * 1e-5
        if "mini" in model:
            cost /= 15
        call = {
            "model": model,
            "provider": "anthropic" if "claude" in model else "openai",
            "prompt_tokens": tokens[0],
            "completion_tokens": tokens[1],
            "latency_ms": ms,
        }
        return self.add(
            "llm_inference",
            f"Asked {model}",
            ms,
            llm_call=call,
            metadata={"cost_usd": round(cost, 6), "gen_ai.operation.name": "chat"},
            **fields,
        )

    def tool(self, name: str, ms: int, **fields) -> str:
        """A tool call."""
        call = {"tool_name": name, "duration_ms": ms}
        return self.add("tool_use", f"Called {name}", ms, tool_call=call, **fields)

    def done(self, name: str, agent: str, **fields) -> dict:
        """The run as a task."""
        calls = [step["llm_call"] for step in self.steps if "llm_call" in step]
        costs = [step["metadata"].get("cost_usd", 0) for step in self.steps]
        prompt = sum(call["prompt_tokens"] for call in calls)
        completion = sum(call["completion_tokens"] for call in calls)
        errors = [step["error"] for step in self.steps if "error" in step]
        ended = self.began + timedelta(milliseconds=self.now_ms)
        return {
            "name": name,
            "description": fields.pop("description", name),
            "current_datetime": iso(ended),
            "duration": self.now_ms / 1000,
            **fields,
            "steps": self.steps,
            "errors": errors,
            "llm_usage": {
                "prompt_tokens": prompt,
                "completion_tokens": completion,
                "total_tokens": prompt + completion,
                "estimated_cost_usd": round(sum(costs), 6),
                "api_calls_count": len(calls),
                "calls": calls,
            },
            "environment": {
                "framework": "langgraph",
                "framework_version": "1.0.3",
                "python_version": "3.12.7",
                "custom_tags": {
                    "gen_ai.agent.name": agent,
                    "service.name": "assistant",
                    "deployment.environment.name": "laptop",
                },
            },
        }


TIMEOUT = {
    "error_type": "httpx.ReadTimeout",
    "message": "The read operation timed out after 2.0 s",
    "recoverable": True,
    "retry_count": 1,
    "error_code": "504",
    "stack_trace": "Traceback (most recent call last):\n"
    '  File "agent/tools.py", line 41, in fetch_page\n'
    "    reply = client.get(url, timeout=2.0)\n"
    '  File "httpx/_client.py", line 1054, in get\n'
    "    return self.request(\n"
    "httpx.ReadTimeout: The read operation timed out after 2.0 s",
}


def research(began: datetime = BEGAN) -> dict:
    """A run with everything the page can show: nesting, tools, a failure, a retry."""
    run = Run(began)
    question = "Which heat pump suits a 1930s house with 140 m² and old radiators?"
    run.llm(
        "gpt-4o",
        1840,
        (1210, 164),
        input_preview=question,
        output_preview="I will look for field studies first, then compare prices.\n\n"
        'search_web({"query": "heat pump retrofit 1930s house field study"})',
    )
    run.tool(
        "search_web",
        920,
        input_preview='{"query": "heat pump retrofit 1930s house field study"}',
        output_preview='[{"title": "Field study of 77 retrofits", "year": 2024}, '
        '{"title": "Flow temperatures in old houses", "year": 2023}]',
    )
    agent = run.add("subagent", "Ran agent reader", 6200, ahead_ms=120)
    run.llm("claude-sonnet-4-5", 1460, (3850, 212), parent=agent)
    run.tool("fetch_page", 2010, parent=agent, error=TIMEOUT)
    run.tool(
        "fetch_page",
        640,
        parent=agent,
        input_preview='{"url": "https://example.org/field-study"}',
        output_preview="Median seasonal performance 3.1; 12 of 77 houses needed "
        "larger radiators in one room.",
    )
    run.llm("claude-sonnet-4-5", 1890, (5120, 388), parent=agent)
    run.now_ms += 80
    compare = run.add("subagent", "Ran agent comparer", 5300, ahead_ms=60)
    for model, ms in (("AW-8", 410), ("GS-10", 530), ("AW-12", 380)):
        run.tool(
            "price_of",
            ms,
            parent=compare,
            input_preview=json.dumps({"model": model}),
            output_preview=json.dumps({"model": model, "eur": 9_800 + 10 * ms}),
        )
    run.add("retrieval", "Retrieved documents: subsidies", 350, parent=compare)
    run.llm("gpt-4o-mini", 1320, (2480, 301), parent=compare)
    run.add("guardrail", "Checked a guardrail: no_medical_advice", 140, parent=compare)
    run.llm("gpt-4o-mini", 1610, (2930, 402), parent=compare)
    run.now_ms += 100
    run.llm(
        "gpt-4o",
        3140,
        (7420, 655),
        input_preview="Write the recommendation with sources and a cost range.",
        output_preview="An air-to-water unit of 8 kW at 50 °C flow temperature. Expect "
        "a seasonal performance of 3.0 to 3.3 and 16,000 to 21,000 EUR before "
        "subsidies; replace the radiator in the north room.",
    )
    return run.done(
        "Recommend a heat pump",
        "home-advisor",
        description=question,
        input_summary=question,
        output_summary="An air-to-water unit of 8 kW at 50 °C flow temperature. Expect "
        "a seasonal performance of 3.0 to 3.3 and 16,000 to 21,000 EUR before "
        "subsidies; replace the radiator in the north room.",
        expected_outcome={
            "task_objective": "Recommend one unit with a price range and sources.",
            "acceptance_criteria": ["names one unit", "gives a range in EUR"],
        },
        sections={
            "customer": {"customer_name": "J. Vermeer", "client_industry": "home"}
        },
    )


NAMES = (
    ("Summarise the incident report", "incident-scribe"),
    ("Triage a support ticket", "support-triage"),
    ("Plan a trip to Lisbon", "travel-planner"),
    ("Review pull request 482", "code-reviewer"),
    ("Extract invoice lines", "invoice-reader"),
    ("Answer from the handbook", "handbook-chat"),
)
MODELS = ("gpt-4o", "gpt-4o-mini", "claude-sonnet-4-5")
TOOLS = ("search_docs", "read_file", "query_db", "send_mail")


def some(number: int, began: datetime = BEGAN, longest: int = 9) -> dict:
    """The *number*-th of as many runs as one likes."""
    random = Random(number)
    run = Run(began)
    for _ in range(random.randint(1, longest)):
        tokens = random.randint(200, 6000), random.randint(20, 900)
        run.llm(random.choice(MODELS), random.randint(300, 4000), tokens)
        for _ in range(random.randint(0, 2)):
            run.tool(random.choice(TOOLS), random.randint(20, 900))
    if random.random() < 0.15:
        run.steps[-1]["error"] = {"error_type": "RateLimitError", "message": "429"}
    name, agent = NAMES[number % len(NAMES)]
    return run.done(f"{name} {number}", agent)


def long_run(steps: int = 2000) -> dict:
    """One run of very many steps, ten to a branch."""
    run = Run()
    parent = "f" * 16
    for number in range(steps):
        if number % 10 == 0:
            parent = run.add("agent", f"Ran agent worker {number}", 900, ahead_ms=5)
        elif number % 3:
            run.tool(f"tool_{number}", 40 + number % 60, parent=parent)
        else:
            run.llm("gpt-4o", 200 + number % 300, (900, 90), parent=parent)
    return run.done("Index the archive", "archivist")


def hostile() -> dict:
    """A run whose every text wants to be markup."""
    text = " ".join(HOSTILE)
    error = {
        "error_type": HOSTILE[0],
        "message": text,
        "stack_trace": text * 20,
        "error_code": HOSTILE[4],
    }
    step = {
        "step_number": 1,
        "action": HOSTILE[1],
        "description": text,
        "duration_ms": 12,
        "input_preview": "x" * 700_000 + text,
        "output_preview": json.dumps({"html": text}),
        "error": error,
        "tool_call": {"tool_name": HOSTILE[0], "input_summary": text},
        "llm_call": {"model": text, "provider": text, "purpose": HOSTILE[3]},
        "metadata": {HOSTILE[0]: text, "__proto__": {"hit": 7}, "cost_usd": "1e9"},
    }
    return run(
        HOSTILE[0] + HOSTILE[5],
        description=text,
        input_summary=text,
        output_summary="y" * 200_000,
        expected_outcome={"task_objective": text, "constraints": [text]},
        sections={HOSTILE[0]: {HOSTILE[1]: text}, "customer": {"customer_name": text}},
        steps=[
            step,
            {**step, "input_preview": text, "llm_call": None, "action": "toString"},
        ],
        errors=[error],
        llm_usage={"model": text, "calls": [{"model": text, "prompt_tokens": 3}]},
        environment={
            "framework": text,
            "custom_tags": {HOSTILE[0]: text, "gen_ai.agent.name": HOSTILE[1]},
        },
    )
