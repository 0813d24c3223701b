"""A recorded run as a script: the model's answers, the tools' results, what to check."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects.lenient_json import loads
from infinium_otel.mapping.content_texts import find_answer, find_newest, find_question
from infinium_otel.mapping.decoded_content import DecodedContent
from infinium_otel.redaction import truncate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from infinium_otel.apps.replay.recorded_run import RecordedRun
    from infinium_otel.dialects.messages import Message
    from infinium_otel.models.runs import RunSpan

MAX_ANSWERS = 500
MAX_RESULTS = 500
MAX_TEXT = 100_000
"""Characters of an answer or a result; a longer one is cut, and the file says so."""
MAX_INPUT = 200
CUT = "..."
_STATUS = re.compile(r"\b([45]\d\d)\b")


@dataclass(slots=True)
class ScriptedAnswer:
    """One model call."""

    span: RunSpan
    text: str | None = None
    tools: list[tuple[str, dict[str, Any], str | None]] = field(default_factory=list)
    input: str | None = None
    model: str | None = None
    requested_model: str | None = None
    tokens: tuple[int, int] = (0, 0)
    status: int = 200
    error: str = ""


@dataclass(slots=True)
class ScriptedResult:
    """One tool call."""

    span: RunSpan
    name: str
    arguments: dict[str, Any] | None
    result: Any
    error: tuple[str, str] | None


@dataclass(slots=True)
class RunScript:
    """A run to be written as a test.

    Args:
        failure: the type of the error with which the run ended; None if it did not.
        notes: what was not recorded or is cut, and so is not in the test: a sentence each.
    """

    question: str
    answers: list[ScriptedAnswer]
    results: list[ScriptedResult]
    failure: str | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def final_text(self) -> str | None:
        """The text of the last answer, if that requested no tool and did not fail."""
        last = self.answers[-1] if self.answers else None
        ends = last is not None and not last.tools and last.status < 400
        return last.text if last and ends else None

    @property
    def is_sequential(self) -> bool:
        """Whether no tool ran while another did."""
        spans = [each.span.record for each in self.results]
        pairs = pairwise(spans)
        return all(after.start_ns >= before.end_ns for before, after in pairs)


def make_script(recorded: RecordedRun) -> RunScript:
    """The script of a recorded run."""
    run = recorded.run
    calls = [step for step in run.steps if step.kind == "llm"]
    calls = [step for step in calls if not step.normalized.replayed]
    tools = [step for step in run.steps if step.kind == "tool"]
    notes = _note_cuts(len(calls), len(tools))
    answers = [_make_answer(call) for call in calls[:MAX_ANSWERS]]
    results = [_make_result(tool) for tool in tools[:MAX_RESULTS]]
    _add_requests(answers, results, is_cut=recorded.is_cut)
    failure = run.root.failure
    question = _find_question(run.root, calls)
    script = RunScript(
        question, answers, results, failure.type if failure else None, notes
    )
    notes += _note_missing(script, is_cut=recorded.is_cut)
    _limit_texts(script)
    return script


def _make_answer(step: RunSpan) -> ScriptedAnswer:
    span = step.normalized
    content = DecodedContent(span.output, "assistant", joins_pieces=True)
    message = content.find_last(_is_answer)
    answer = ScriptedAnswer(
        step,
        input=_find_input(step),
        model=span.model or span.model_requested,
        requested_model=span.model_requested or span.model,
    )
    if message is not None:
        answer.text = message.text or None
        answer.tools = [
            (call.name, _to_arguments(call.arguments) or {}, call.id)
            for call in message.tool_calls
            if not call.by_provider
        ]
    elif span.output is not None:
        answer.text = find_answer(content)
    if span.usage is not None:
        answer.tokens = (span.usage.input or 0, span.usage.output or 0)
    if step.failure is not None:
        answer.status = _find_status(step)
        answer.error = step.failure.message or step.failure.type
    return answer


def _is_answer(message: Message) -> bool:
    return message.role == "assistant" and bool(message.text or message.tool_calls)


def _find_input(step: RunSpan) -> str | None:
    """The beginning of the newest message of a call's input; None if unknown."""
    if step.normalized.input is None:
        return None
    newest = find_newest(DecodedContent(step.normalized.input, "user"))
    return truncate(newest, MAX_INPUT) if newest else None


def _find_status(step: RunSpan) -> int:
    """The HTTP status of a failed call, which the code or the message may contain."""
    failure = step.failure
    status = step.normalized.http_status
    if status is not None and 400 <= status < 600:
        return status
    for text in (failure.code, failure.message) if failure else ():
        match = _STATUS.search(text or "")
        if match:
            return int(match[1])
    return 500


def _to_arguments(value: Any) -> dict[str, Any] | None:
    found = loads(value)
    return dict(found) if isinstance(found, dict) else None


def _make_result(step: RunSpan) -> ScriptedResult:
    span, failure = step.normalized, step.failure
    return ScriptedResult(
        step,
        name=span.tool_name or step.record.name,
        arguments=_to_arguments(span.arguments),
        result=span.result if isinstance(span.result, str) else _to_plain(span.result),
        error=(failure.type, failure.message or "") if failure else None,
    )


def _to_plain(value: Any) -> Any:
    """A result as JSON has it; of a message in some format its text."""
    found = loads(value)
    return list(found) if isinstance(found, tuple) else found


def _find_question(root: RunSpan, calls: Sequence[RunSpan]) -> str:
    for span in (root, *calls[:1]):
        if span.normalized.input is not None:
            found = find_question(DecodedContent(span.normalized.input, "user"))
            if found:
                return found
    return ""


# -- what was not recorded -----------------------------------------------------------


def _add_requests(
    answers: Sequence[ScriptedAnswer],
    results: Sequence[ScriptedResult],
    *,
    is_cut: bool,
) -> None:
    """Let an answer of which nothing is known request the tools that ran after it.

    In a task, an answer contains the requests as text, `name(arguments)`.
    """
    for index, answer in enumerate(answers):
        until = (
            answers[index + 1].span.record.start_ns
            if index + 1 < len(answers)
            else None
        )
        after = [
            result
            for result in results
            if result.span.record.start_ns >= answer.span.record.start_ns
            and (until is None or result.span.record.start_ns < until)
        ]
        is_unknown = answer.text is None and not answer.tools
        if answer.status >= 400 or not (is_cut or is_unknown):
            continue
        requested = [
            r for r in after if is_unknown or f"{r.name}(" in (answer.text or "")
        ]
        answer.tools = [(r.name, r.arguments or {}, None) for r in requested]
        if requested and answer.text:
            lines = answer.text.split("\n")
            names = tuple(f"{result.name}(" for result in requested)
            kept = [line for line in lines if not line.startswith(names)]
            answer.text = "\n".join(kept) or None


def _note_cuts(calls: int, tools: int) -> list[str]:
    notes = []
    if calls > MAX_ANSWERS:
        notes.append(f"of {calls:,} model calls only the first {MAX_ANSWERS} are here")
    if tools > MAX_RESULTS:
        notes.append(f"of {tools:,} tool calls only the first {MAX_RESULTS} are here")
    return notes


def _note_missing(script: RunScript, *, is_cut: bool) -> Iterator[str]:
    if is_cut:
        yield (
            "this was written from a task, whose long texts are cut; write it from the "
            "spans for the whole texts"
        )
    if not script.question:
        yield "the question was not recorded"
    ok = [answer for answer in script.answers if answer.status < 400]
    empty = sum(1 for answer in ok if answer.text is None and not answer.tools)
    if empty:
        yield f"{empty} of {len(ok)} answers were not recorded: fill them in"
    unknown = sum(1 for r in script.results if r.result is None and r.error is None)
    if unknown:
        yield (
            f"{unknown} of {len(script.results)} results of tools were not recorded: "
            "fill them in"
        )
    bare = sum(1 for result in script.results if result.arguments is None)
    if bare:
        yield f"the arguments of {bare} of {len(script.results)} tool calls are not known"
    if empty or unknown or bare or not script.question:
        yield "capture content in the instrumentation to have them"


def _limit_texts(script: RunScript) -> None:
    long = 0
    for answer in script.answers:
        if answer.text and len(answer.text) > MAX_TEXT:
            answer.text, long = truncate(answer.text, MAX_TEXT), long + 1
    for result in script.results:
        if isinstance(result.result, str) and len(result.result) > MAX_TEXT:
            result.result, long = truncate(result.result, MAX_TEXT), long + 1
    if long:
        script.notes.append(f"{long} texts are cut to {MAX_TEXT:,} characters")
