"""Each failure once, where it happened, with what came of it."""

from __future__ import annotations

import json

import pytest

from infinium_otel import Config
from support.told import agent, chat, raised, task_of, told, tool


def erring(make, *args, message="no city", kind="ValueError", stack=None, **more):
    event = raised(kind, message, stack)
    return make(*args, status="error", events=(event,), **more)


@pytest.mark.parametrize(
    "upper",
    [
        pytest.param({"message": "no city"}, id="same-message"),
        pytest.param({"message": "tool failed: no city"}, id="quoted-above"),
        pytest.param({"message": "no"}, id="cut-above"),
        pytest.param({"message": "gave up", "stack": "T\nValueError: no city"},
                     id="same-last-line"),
        pytest.param({"message": "ValueError", "stack": " "}, id="bare-type"),
    ],
)  # fmt: skip
def test_one_failure_on_every_ancestor_is_one(upper):
    """The deepest span keeps it; copies above only mark their steps as failed."""
    task = task_of(
        erring(agent, "root", **upper),
        erring(tool, "t", "root", message="no city", stack="T\nValueError: no city"),
    )
    assert [e.message for e in task.errors] == ["no city"]


def test_another_failure_above_is_its_own():
    """A parent that failed for its own reason tells it."""
    task = task_of(
        erring(agent, "root", message="out of budget", kind="BudgetError"),
        erring(tool, "t", "root"),
    )
    assert {e.error_type for e in task.errors} == {"BudgetError", "ValueError"}


@pytest.mark.parametrize(
    ("root_failed", "later", "recoverable"),
    [
        pytest.param(False, False, True, id="parent-went-on"),
        pytest.param(True, False, False, id="all-failed"),
        pytest.param(True, True, True, id="tried-again"),
    ],
)
def test_recovery_follows_from_what_came_after(root_failed, later, recoverable):
    """Recoverable: an ancestor ended well, or the same was done again and worked."""
    root = erring(agent, "root", message="x") if root_failed else agent("root")
    spans = [root, erring(tool, "t", "root")]
    spans += [tool("u", "root", start=3)] if later else []
    errors = {e.message: e for e in task_of(*spans).errors}
    assert errors["no city"].recoverable is recoverable


WORKFLOW = {"gen_ai.operation.name": "invoke_workflow"}
SAID = json.dumps([{"role": "assistant", "content": "It is warm."}])
ASKS = json.dumps(
    [{"role": "assistant", "tool_calls": [{"function": {"name": "f"}, "id": "c"}]}]
)


@pytest.mark.parametrize(
    ("spans", "recoverable"),
    [
        pytest.param(
            [told("w", None, WORKFLOW, end=9), erring(chat, "c", "w", end=9)],
            False,
            id="a-frame-that-is-always-fine",
        ),
        pytest.param(
            [
                told("w", None, WORKFLOW | {"gen_ai.output.messages": SAID}, end=9),
                erring(chat, "c", "w"),
            ],
            True,
            id="a-frame-that-has-an-answer",
        ),
        pytest.param(
            [
                told("w", None, WORKFLOW, end=9),
                erring(agent, "a", "w", end=2, message="x"),
                erring(chat, "c", "a"),
                chat("d", "w", start=3),
            ],
            True,
            id="a-frame-that-went-on",
        ),
        pytest.param(
            [
                told("w", None, WORKFLOW, end=9),
                chat("d", "w"),
                erring(chat, "c", "w", start=3),
            ],
            False,
            id="work-before-is-none-after",
        ),
        pytest.param(
            [told("mine", end=9), erring(chat, "c", "mine")],
            True,
            id="a-span-of-the-users-own",
        ),
        pytest.param(
            [tool("t", end=9), erring(chat, "c", "t")],
            True,
            id="a-tool-that-managed-without",
        ),
        pytest.param(
            [
                chat("c", attributes={"gen_ai.output.messages": SAID}, end=9),
                erring(tool, "t", "c"),
            ],
            True,
            id="a-call-that-ran-its-tools-and-answered",
        ),
        pytest.param(
            [
                chat("c", attributes={"gen_ai.output.messages": ASKS}, end=9),
                erring(tool, "t", "c", start=8),
            ],
            False,
            id="a-call-that-asked-for-the-tool",
        ),
        pytest.param(
            [chat("c", end=9), erring(tool, "t", "c", start=8)],
            False,
            id="a-call-without-an-answer",
        ),
    ],
)
def test_who_knows_of_recovery(spans, recoverable):
    """What is around a failure is proof only if it could not be had the run died."""
    errors = {e.message: e for e in task_of(*spans).errors}
    assert errors["no city"].recoverable is recoverable


def test_another_tool_is_no_second_try():
    """Under a run that failed, only the same tool's later success is recovery."""
    task = task_of(
        erring(agent, "root", message="x"),
        erring(tool, "t", "root", tool="f"),
        tool("u", "root", tool="g", start=3),
    )
    assert [e.recoverable for e in task.errors] == [False, False]


def test_retries_are_counted():
    """Earlier failures of the same work under the same parent are its retries."""
    task = task_of(
        agent("root"),
        *(erring(tool, f"t{n}", "root", start=n) for n in range(3)),
        erring(tool, "other", "root", tool="g", start=4),
    )
    assert [e.retry_count for e in task.errors] == [0, 1, 2, 0]


def test_an_echo_of_a_failure():
    """Words that only say that something below failed are no failure of their own."""
    task = task_of(
        agent("root", status="error", status_message="Error in agent run"),
        erring(chat, "c", "root"),
    )
    assert [e.message for e in task.errors] == ["no city"]


@pytest.mark.parametrize(
    ("message", "steps"),
    [
        pytest.param("no city", ["Called f: no city"], id="an-echo"),
        pytest.param("lost", ["turn: lost", "Called f: no city"], id="its-own"),
    ],
)
def test_a_frame_that_failed(message, steps):
    """A frame is a step for a failure of its own, not for what it holds."""
    frame = {"gen_ai.operation.name": "agent_step"}
    task = task_of(
        agent("root"),
        erring(told, "turn", "root", frame, end=5, message=message, kind="KeyError"),
        erring(tool, "t", "turn"),
    )
    assert [s.description for s in task.steps] == steps


def test_the_reason_stands_in_one_line():
    """A message of many lines is one line of a step's description."""
    reason = "it failed:\n\nComponent: 'llm'\n  Error: slow down"
    task = task_of(agent("root"), erring(chat, "c", "root", message=reason))
    assert task.steps[0].description.endswith(
        ": it failed: Component: 'llm' Error: slow down"
    )
    assert task.errors[0].message == reason


def test_a_step_carries_the_stack_and_the_list_does_not_repeat_it():
    """`errors` holds each once, without the stack where a step has it."""
    task = task_of(agent("root"), erring(tool, "t", "root"))
    assert task.steps[0].error.stack_trace.startswith("Traceback")
    assert task.errors[0].stack_trace is None


def test_a_long_stack_keeps_its_end():
    """The end of a stack says where it happened."""
    stack = "Traceback\n" + "x" * 9_000 + "\nValueError: here"
    task = task_of(agent("root"), erring(tool, "t", "root", stack=stack))
    kept = task.steps[0].error.stack_trace
    assert len(kept) == 4_000
    assert kept.startswith("...")
    assert kept.endswith("ValueError: here")


def test_a_root_that_fails_alone_is_the_tasks_error():
    """A failure of the root that no step tells is in the list, stack and all."""
    task = task_of(erring(agent, "root"), chat("c", "root"))
    assert task.errors[0].stack_trace
    assert not task.errors[0].recoverable


def test_many_failures_below_do_not_hide_one_above():
    """A span above is compared with a bounded number of failures below it."""
    below = [
        erring(tool, f"t{n}", "root", message=f"reason {n}", start=n) for n in range(12)
    ]
    task = task_of(erring(agent, "root", message="gave up", kind="E", end=20), *below)
    assert len(task.errors) == 13


def test_without_content_only_the_length_of_a_reason_is_told():
    """With content off a message is its length, and no stack is told."""
    task = task_of(
        agent("root"), erring(tool, "t", "root"), config=Config(capture_content=False)
    )
    assert task.errors[0].message == "[7 characters]"
    assert task.steps[0].error.stack_trace is None


@pytest.mark.parametrize(
    ("result", "message"),
    [
        pytest.param('{"status": "error", "error_message": "no"}', "no", id="status"),
        pytest.param('{"isError": true, "content": [{"type": "text", "text": "no"}]}',
                     "no", id="mcp"),
        pytest.param('{"is_error": true}', "the tool reported an error", id="wordless"),
        pytest.param('{"error": "no"}', "no", id="nothing-but-an-error"),
        pytest.param('{"output": {"kwargs": {"status": "error", "content": "no"}}}',
                     "no", id="wrapped"),
        pytest.param('{"error": null, "result": 3}', None, id="no-error"),
        pytest.param('{"errors": 3, "status": "success"}', None, id="word-only"),
        pytest.param("an error in prose", None, id="prose"),
        pytest.param('["error"]', None, id="a-list"),
        pytest.param(
            '{"output": {"output": {"output": {"output": {"is_error": true}}}}}',
            None, id="too-deep",
        ),
    ],
)  # fmt: skip
def test_an_answer_can_be_an_error(result, message):
    """A tool's answer that says it is an error makes the call a failed one."""
    task = task_of(
        agent("root"),
        tool("t", "root", attributes={"gen_ai.tool.call.result": result}),
    )
    error = task.steps[0].tool_call.error
    assert (error.message if error else None) == message


def test_a_wordless_failure_takes_the_answers_words():
    """Where only a type is told, the answer says what went wrong."""
    attributes = {"gen_ai.tool.call.result": "no such city", "error.type": "Oops"}
    task = task_of(
        agent("root"), tool("t", "root", attributes=attributes, status="error")
    )
    assert task.errors[0].message == "no such city"


def test_a_wordless_failure_without_words_stays_its_type():
    """An answer that says nothing adds nothing."""
    attributes = {"gen_ai.tool.call.result": '""', "error.type": "Oops"}
    task = task_of(
        agent("root"), tool("t", "root", attributes=attributes, status="error")
    )
    assert task.errors[0].message == "Oops"


def test_an_unknown_spans_failure_is_found():
    """A span of no known dialect still tells its error."""
    task = task_of(agent("root"), erring(told, "odd", "root"))
    assert task.errors[0].error_type == "ValueError"
    assert task.steps[0].description == "odd: no city"
