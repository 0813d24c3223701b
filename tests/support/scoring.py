"""Compares the tasks of a recording with what really happened, fact by fact.

A *fact* is an entry of the truth's `recordable` part (`recordable_with_logs` where log
records were recorded): it is somewhere in the telemetry, so a mapping can find it. A
*wrong* is something reported that is not true: a doubled or invented call, a total that does
not add up, a failure shown as success.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from infinium_otel import load_otlp, spans_to_tasks, task_to_dict

if TYPE_CHECKING:
    from support.corpus import Recording

PREVIEW = 60  # characters of a text that must be found where the text belongs
# The keys that identify a separate call: a client's silent retry shares its only span with the attempt that succeeded.
OWN = {
    "prompt_tokens",
    "completion_tokens",
    "response_text",
    "response_tool_calls",
    "error_type",
    "error_message",
}


def norm(text: object) -> str:
    if not isinstance(text, str):
        text = json.dumps(text, ensure_ascii=False, sort_keys=True, default=str)
    return "".join(text.split()).replace('\\"', '"').replace("'", '"').lower()


def holds(haystack: object, needle: object) -> bool:
    """Whether the haystack contains the beginning of the text, apart from white space, case and quoting."""
    return bool(haystack) and norm(needle)[:PREVIEW] in norm(haystack)


def holds_arguments(haystack: object, arguments: object) -> bool:
    if not haystack:
        return False
    if isinstance(arguments, dict):
        return all(
            holds(haystack, str(v))
            for v in arguments.values()
            if isinstance(v, (str, int, float))
        )
    return holds(haystack, arguments)


def anywhere(part: object, needle: object) -> bool:
    return holds(json.dumps(part, ensure_ascii=False), needle)


def number_in(part: object, wanted: int) -> bool:
    """Whether a number is somewhere inside (metadata may nest)."""
    if isinstance(part, dict):
        return any(number_in(v, wanted) for v in part.values())
    if isinstance(part, list):
        return any(number_in(v, wanted) for v in part)
    return (
        not isinstance(part, bool)
        and isinstance(part, (int, float, str))
        and str(part) == str(wanted)
    )


class Score:
    def __init__(self) -> None:
        self.found = self.facts = 0
        self.misses: list[str] = []
        self.wrongs: list[str] = []

    @property
    def percent(self) -> float:
        return 100 * self.found / max(1, self.facts)

    def __str__(self) -> str:
        found = f"{self.found:5}/{self.facts:<5} {self.percent:6.2f} %"
        return f"{found}   wrong {len(self.wrongs)}"

    def fact(self, ok: bool, what: str) -> None:
        self.facts += 1
        self.found += bool(ok)
        if not ok:
            self.misses.append(what)

    def wrong(self, bad: bool, what: str) -> None:
        if bad:
            self.wrongs.append(what)

    def add(self, other: Score, prefix: str) -> None:
        self.found += other.found
        self.facts += other.facts
        self.misses += [f"{prefix}: {m}" for m in other.misses]
        self.wrongs += [f"{prefix}: {w}" for w in other.wrongs]


def step_error(step: dict) -> dict:
    return step.get("error") or (step.get("tool_call") or {}).get("error") or {}


def pair(
    expected: list[dict], got: list[dict], likeness
) -> list[tuple[dict, dict | None]]:
    """Pair each expected entry with the most alike step, best pairs first; order breaks ties."""
    ranked = sorted(
        (
            (-likeness(e, g), abs(i - j), i, j)
            for i, e in enumerate(expected)
            for j, g in enumerate(got)
        ),
    )
    mine: dict[int, int] = {}
    for _, _, i, j in ranked:
        if i not in mine and j not in mine.values():
            mine[i] = j
    return [(e, got[mine[i]] if i in mine else None) for i, e in enumerate(expected)]


def llm_likeness(e: dict, step: dict) -> int:
    call = step["llm_call"]
    return (
        3
        * (
            e.get("prompt_tokens") is not None
            and call.get("prompt_tokens") == e["prompt_tokens"]
        )
        + 3
        * (
            e.get("completion_tokens") is not None
            and call.get("completion_tokens") == e["completion_tokens"]
        )
        + (call.get("model") in (e.get("model"), e.get("response_model")))
        + (
            bool(e.get("error_message") or e.get("error_type"))
            == bool(step_error(step))
        )
        + (
            e.get("response_text") is not None
            and holds(step.get("output_preview"), e["response_text"])
        )
    )


def tool_likeness(e: dict, step: dict) -> int:
    call = step["tool_call"]
    return (
        4 * (call.get("tool_name") == e.get("name"))
        + 2
        * (
            e.get("arguments") is not None
            and holds_arguments(call.get("input_summary"), e["arguments"])
        )
        + 2
        * (
            e.get("result") is not None
            and holds(call.get("output_summary"), e["result"])
        )
        + (
            bool(e.get("error_message") or e.get("error_type"))
            == bool(step_error(step))
        )
    )


def call_signature(step: dict) -> tuple:
    call = step["llm_call"]
    return (
        call.get("prompt_tokens"),
        call.get("completion_tokens"),
        bool(step_error(step)),
    )


def without_copies(tasks: list[dict]) -> list[dict]:
    """Drop the task of a call that a second instrumentation reports in a separate trace.

    Where two instrumentations do not nest (their spans share no trace), nothing but the response id ties the two, and the
    second may have left long before: telling the call twice is then not held against a mapping.
    """
    kept: list[dict] = []
    reported: list[tuple] = []
    for task in sorted(tasks, key=lambda t: -len(t.get("steps", []))):
        calls = [call_signature(s) for s in task.get("steps", []) if s.get("llm_call")]
        if len(task.get("steps", [])) == 1 and len(calls) == 1 and calls[0] in reported:
            reported.remove(calls[0])
            continue
        kept.append(task)
        reported += calls
    return kept


def score_llm_calls(  # noqa: C901 - a branch per kind of fact
    score: Score, truth: dict, known: dict, tasks: list[dict]
) -> None:
    steps = [s for t in tasks for s in t.get("steps", []) if s.get("llm_call")]
    expected = [e for e in known["llm_calls"] if OWN & e.keys()]
    score.wrong(
        len(steps) > len(truth["llm_calls"]),
        f"{len(steps)} LLM calls reported, {len(truth['llm_calls'])} happened",
    )
    for n, (e, step) in enumerate(pair(expected, steps, llm_likeness), 1):
        where = f"llm call {n}"
        if step is None:
            for key in e:
                score.fact(False, f"{where}: {key} (no such step)")
            continue
        call, error = step["llm_call"], step_error(step)
        for key, value in e.items():
            if key in ("prompt_tokens", "completion_tokens", "provider", "temperature"):
                ok = call.get(key) == value
            elif key in ("model", "response_model"):
                ok = call.get("model") == value or anywhere(step.get("metadata"), value)
            elif key in ("cached_tokens", "cache_creation_tokens", "reasoning_tokens"):
                ok = number_in(step.get("metadata"), value)
            elif key == "response_text":
                ok = not value or holds(step.get("output_preview"), value)
            elif key == "response_tool_calls":
                ok = all(holds(step.get("output_preview"), c["name"]) for c in value)
            elif key in ("error_type", "error_message", "exception_type"):
                ok = anywhere(error, value)
            elif key == "error_status":
                ok = (
                    number_in(error, value)
                    or number_in(step.get("metadata"), value)
                    or anywhere(error, str(value))
                )
            else:
                ok = anywhere(step, value)
            score.fact(ok, f"{where}: {key} = {value!r}")


def score_totals(score: Score, truth: dict, known: dict, tasks: list[dict]) -> None:
    """llm_usage over all tasks equals the sum over the calls, where the telemetry has every call's tokens; never far more."""
    usage = [t.get("llm_usage") or {} for t in tasks]
    for key in ("prompt_tokens", "completion_tokens"):
        happened = sum(c.get(key) or 0 for c in truth["llm_calls"])
        reported = sum(u.get(key) or 0 for u in usage)
        whole = all(
            not c.get(key) or key in k
            for c, k in zip(truth["llm_calls"], known["llm_calls"], strict=True)
        )
        if happened and whole:
            score.fact(
                reported == happened,
                f"llm_usage.{key} = {happened} (reported {reported})",
            )
        score.wrong(
            reported > 1.2 * happened + 5,
            f"llm_usage.{key}: {reported} reported, {happened} happened",
        )


def score_tools(score: Score, truth: dict, known: dict, tasks: list[dict]) -> None:
    steps = [s for t in tasks for s in t.get("steps", []) if s.get("tool_call")]
    named = [
        s
        for s in steps
        if s["tool_call"].get("tool_name") in {c["name"] for c in truth["tool_calls"]}
    ]
    score.wrong(
        len(named) > len(truth["tool_calls"]),
        f"{len(named)} tool calls reported, {len(truth['tool_calls'])} happened",
    )
    expected = [e for e in known["tool_calls"] if e and e.get("name")]
    for n, (e, step) in enumerate(pair(expected, steps, tool_likeness), 1):
        where = f"tool call {n}"
        if step is None:
            for key in e:
                score.fact(False, f"{where}: {key} (no such step)")
            continue
        call, error = step["tool_call"], step_error(step)
        for key, value in e.items():
            if key == "name":
                ok = call.get("tool_name") == value
            elif key == "arguments":
                ok = holds_arguments(call.get("input_summary"), value)
            elif key == "result":
                ok = holds(call.get("output_summary"), value)
            elif key in ("error_type", "error_message", "exception_type"):
                ok = anywhere(error, value)
            else:
                ok = anywhere(step, value)
            score.fact(ok, f"{where}: {key} = {value!r}")
        failed = bool(e.get("error_type") or e.get("error_message"))
        score.wrong(
            failed and not error,
            f"{where} ({call.get('tool_name')}): failed, reported as success",
        )


def score_task(score: Score, truth: dict, known: dict, tasks: list[dict]) -> None:
    if known.get("root_input") is not None:
        score.fact(
            any(holds(t.get("input_summary"), known["root_input"]) for t in tasks),
            "input_summary",
        )
    if known.get("root_output") is not None:
        score.fact(
            any(holds(t.get("output_summary"), known["root_output"]) for t in tasks),
            "output_summary",
        )
    for agent in known.get("agents", []):
        score.fact(any(anywhere(t, agent) for t in tasks), f"agent {agent!r}")
    errors = [e for t in tasks for e in t.get("errors", [])]
    for e in known.get("errors", []):
        for key, value in e.items():
            if isinstance(value, str):
                score.fact(
                    any(anywhere(x, value) for x in errors),
                    f"errors: {key} = {value!r}",
                )
    if not truth.get("errors") and not truth["spans"].get("with_error_status"):
        score.wrong(bool(errors), f"{len(errors)} errors reported, none happened")
    score.wrong(any(known["llm_calls"]) and not tasks, "no task at all")


SHELLS = (
    "role",
    "content",
    "messages",
    "user_prompt",
    "_state",
    "update",
    "error_code",
    "files",
    "type",
    "parts",
)


def score_reading(score: Score, truth: dict, known: dict, tasks: list[dict]) -> None:
    """What a person sees first and no count shows."""
    for side in ("input", "output"):
        score_summary(score, side, known.get(f"root_{side}"), tasks)
    score_requests(score, truth, tasks)
    for task in tasks:
        score_root(score, task)
    if known.get("agents"):
        score_agents(score, truth, tasks)
    if len(truth.get("errors") or ()) == 1:
        score_recovery(score, truth["errors"][0], tasks)


def score_summary(score: Score, side: str, text: object, tasks: list[dict]) -> None:
    """A text is not shown inside the JSON it was sent in."""
    shown = [t[f"{side}_summary"].lstrip() for t in tasks if t.get(f"{side}_summary")]
    if isinstance(text, str) and text and text[0] not in "{[(":
        bad = [
            each
            for each in shown
            if each.startswith(("{", "[{"))
            and any(f'"{mark}"' in each for mark in SHELLS)
        ]
        is_all = bool(bad) and len(bad) == len(shown)
        score.wrong(is_all, f"{side}_summary is a shell: {bad[:1]}")


def score_requests(score: Score, truth: dict, tasks: list[dict]) -> None:
    """A request for a tool that ran is not what the run answered."""
    continued = any(not e.get("recovered") for e in truth.get("errors") or []) or (
        truth["spans"].get("traces", 1) == 1 and truth.get("root_output")
    )
    # An output tool, which is never run, may well be the answer.
    ran = {call["name"] for call in truth["tool_calls"]}
    requested = {
        each["name"]
        for call in truth["llm_calls"]
        for each in call.get("response_tool_calls") or []
        if continued and each["name"] in ran
    }
    for task in tasks:
        output = task.get("output_summary") or ""
        bad = [
            name
            for name in requested
            if output.startswith((f"{name}(", f"{name}{{"))
            and name not in (truth.get("root_output") or "")
        ]
        score.wrong(
            bool(bad), f"output_summary is a request for a tool: {output[:60]!r}"
        )


def score_root(score: Score, task: dict) -> None:
    """The task is not a step of itself, unless it is a call."""
    tags = (task.get("environment") or {}).get("custom_tags") or {}
    root = tags.get("otel.root_span_id")
    repeated = [
        step
        for step in task.get("steps", [])
        if (step.get("metadata") or {}).get("otel.span_id") == root
        and not step.get("llm_call")
        and not step.get("tool_call")
    ]
    score.wrong(bool(root and repeated), "the task is also a step of itself")


def score_agents(score: Score, truth: dict, tasks: list[dict]) -> None:
    """Calls are not attributed only to agents that took no part."""
    reported = {
        (step.get("metadata") or {}).get("gen_ai.agent.name")
        for task in tasks
        for step in task.get("steps", [])
        if step.get("llm_call")
    } - {None}
    strange = reported - set(truth.get("agents") or ()) - {truth.get("app")}
    score.wrong(
        bool(strange) and not reported & set(truth["agents"]),
        f"calls attributed to {sorted(strange)}, agents were {truth['agents']}",
    )


def score_recovery(score: Score, error: dict, tasks: list[dict]) -> None:
    """The only error is recoverable if the run went on, and only then."""
    if not error.get("message"):
        return
    recovered = bool(error.get("recovered"))
    bad = [
        each
        for task in tasks
        for each in task.get("errors", [])
        if holds(each.get("message"), error["message"])
        and bool(each.get("recoverable")) != recovered
    ]
    what = "fatal, the run went on" if recovered else "recovered, the run failed"
    score.wrong(bool(bad), f"error reported as {what}")


def score_recording(recording: Recording) -> Score:
    """Score the mapping of *recording*."""
    truth = recording.truth
    known = truth.get("recordable_with_logs") if recording.logs else None
    known = known or truth["recordable"]
    with tempfile.TemporaryDirectory() as folder:
        records = load_otlp(*recording.write(Path(folder)))
    tasks = [json.loads(json.dumps(task_to_dict(t))) for t in spans_to_tasks(records)]
    score = Score()
    once = without_copies(tasks) if truth["spans"].get("traces", 1) > 1 else tasks
    for part in (score_llm_calls, score_totals, score_tools):
        part(score, truth, known, once)
    score_task(score, truth, known, tasks)
    score_reading(score, truth, known, tasks)
    return score
