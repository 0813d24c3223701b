"""Each failure once, where it happened, with its outcome."""

from __future__ import annotations

import json

import pytest

from infinium_otel import Config
from support.records import agent, chat, exception_event, make_span, task_of, tool


def erring(make, *args, message="no city", kind="ValueError", stack=None, **more):
    event = exception_event(kind, message, stack)
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
    """A parent that failed for its own reason keeps its failure."""
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
            [make_span("w", None, WORKFLOW, end=9), erring(chat, "c", "w", end=9)],
            False,
            id="a-frame-that-is-always-fine",
        ),
        pytest.param(
            [
                make_span(
                    "w", None, WORKFLOW | {"gen_ai.output.messages": SAID}, end=9
                ),
                erring(chat, "c", "w"),
            ],
            True,
            id="a-frame-that-has-an-answer",
        ),
        pytest.param(
            [
                make_span("w", None, WORKFLOW, end=9),
                erring(agent, "a", "w", end=2, message="x"),
                erring(chat, "c", "a"),
                chat("d", "w", start=3),
            ],
            True,
            id="a-frame-that-went-on",
        ),
        pytest.param(
            [
                make_span("w", None, WORKFLOW, end=9),
                chat("d", "w"),
                erring(chat, "c", "w", start=3),
            ],
            False,
            id="work-before-is-none-after",
        ),
        pytest.param(
            [make_span("mine", end=9), erring(chat, "c", "mine")],
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
            id="a-call-that-ran-its-tools-and-concluded",
        ),
        pytest.param(
            [
                chat("c", attributes={"gen_ai.output.messages": ASKS}, end=9),
                erring(tool, "t", "c", start=8),
            ],
            False,
            id="a-call-that-requested-the-tool",
        ),
        pytest.param(
            [chat("c", end=9), erring(tool, "t", "c", start=8)],
            False,
            id="a-call-without-an-answer",
        ),
    ],
)
def test_what_shows_recovery(spans, recoverable):
    """A success around a failure counts only if the run must have continued for it."""
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


def test_another_message_without_a_type_above_is_its_own():
    """Two failures of unknown type are one only if their messages are."""
    task = task_of(
        agent("root", status="error", status_message="too many turns"),
        tool("t", "root", status="error", status_message="no city"),
    )
    assert {e.message for e in task.errors} == {"too many turns", "no city"}


def test_a_frame_without_a_message_above_is_no_failure_of_its_own():
    """A bare status repeats what failed last below it."""
    task = task_of(
        agent("root", status="error"),
        tool("t", "root", status="error", status_message="no city"),
    )
    assert [e.message for e in task.errors] == ["no city"]


def test_retries_are_counted():
    """Earlier failures of the same work under the same parent are its retries."""
    task = task_of(
        agent("root"),
        *(erring(tool, f"t{n}", "root", start=n) for n in range(3)),
        erring(tool, "other", "root", tool="g", start=4),
    )
    assert [e.retry_count for e in task.errors] == [0, 1, 2, 0]


def test_an_echo_of_a_failure():
    """A message that only repeats a failure below is not a failure itself."""
    task = task_of(
        agent("root", status="error", status_message="Error in agent run"),
        erring(chat, "c", "root"),
    )
    assert [e.message for e in task.errors] == ["no city"]


@pytest.mark.parametrize(
    ("message", "steps"),
    [
        pytest.param(
            "no city", ["Called f: no city (wrapped in KeyError)"], id="an-echo"
        ),
        pytest.param("lost", ["turn: lost", "Called f: no city"], id="its-own"),
    ],
)
def test_a_frame_that_failed(message, steps):
    """A frame is a step for its own failure, not for one inside it."""
    frame = {"gen_ai.operation.name": "agent_step"}
    task = task_of(
        agent("root"),
        erring(
            make_span, "turn", "root", frame, end=5, message=message, kind="KeyError"
        ),
        erring(tool, "t", "turn"),
    )
    assert [s.description for s in task.steps] == steps


def test_the_reason_is_one_line():
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
    """The end of a stack trace shows where it happened."""
    stack = "Traceback\n" + "x" * 9_000 + "\nValueError: here"
    task = task_of(agent("root"), erring(tool, "t", "root", stack=stack))
    kept = task.steps[0].error.stack_trace
    assert len(kept) == 4_000
    assert kept.startswith("...")
    assert kept.endswith("ValueError: here")


def test_a_root_that_fails_alone_is_the_tasks_error():
    """A failure of the root that is on no step is in the list, with its stack trace."""
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


def test_without_content_only_the_length_of_a_reason_is_sent():
    """With content off a message is its length, and no stack is sent."""
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
    """A tool result that is an error makes the call a failed one."""
    task = task_of(
        agent("root"),
        tool("t", "root", attributes={"gen_ai.tool.call.result": result}),
    )
    error = task.steps[0].tool_call.error
    assert (error.message if error else None) == message


def test_a_wordless_failure_takes_the_answers_words():
    """If a span reports only a type, the message comes from the result."""
    attributes = {"gen_ai.tool.call.result": "no such city", "error.type": "Oops"}
    task = task_of(
        agent("root"), tool("t", "root", attributes=attributes, status="error")
    )
    assert task.errors[0].message == "no such city"


def test_a_wordless_failure_without_words_stays_its_type():
    """An empty result adds nothing."""
    attributes = {"gen_ai.tool.call.result": '""', "error.type": "Oops"}
    task = task_of(
        agent("root"), tool("t", "root", attributes=attributes, status="error")
    )
    assert task.errors[0].message == "Oops"


def test_an_unknown_spans_failure_is_found():
    """A span of an unknown dialect still reports its error."""
    task = task_of(agent("root"), erring(make_span, "odd", "root"))
    assert task.errors[0].error_type == "ValueError"
    assert task.steps[0].description == "odd: no city"


def test_a_failure_inside_a_call_is_on_the_call():
    """A plain span inside a failed call or tool is part of it."""
    frame = {"gen_ai.operation.name": "attempt"}
    task = task_of(
        agent("root"),
        erring(chat, "c", "root"),
        erring(make_span, "run", "c", frame),
        erring(tool, "t", "root", start=3, message="no date"),
        erring(make_span, "mine", "t", start=3, message="no date"),
    )
    errors = {step.description: step.error is not None for step in task.steps}
    assert errors == {
        "Asked gpt-4o (helper): no city": True,
        "Called f: no date": True,
        "mine": False,
    }


@pytest.mark.parametrize(
    ("more", "count"),
    [
        pytest.param({"start": 0.5}, 1, id="at-one-time"),
        pytest.param({"start": 5, "end": 6}, 2, id="later"),
        pytest.param({"start": 0.5, "message": "gone"}, 2, id="another-message"),
    ],
)
def test_one_failure_in_two_branches(more, count):
    """A span beside a failed call that failed with the same is not another failure."""
    task = task_of(
        agent("root"), erring(chat, "c", "root"), erring(make_span, "m", "root", **more)
    )
    assert len(task.errors) == count


def test_two_calls_that_failed_alike():
    """Two calls at one time that fail with one message are two failures."""
    task = task_of(
        agent("root"), erring(chat, "c", "root"), erring(chat, "d", "root", start=0.5)
    )
    assert len(task.errors) == 2


@pytest.mark.parametrize(
    ("later", "messages"),
    [
        pytest.param((), ["no city"], id="nothing-after"),
        pytest.param(
            (chat("d", "root", start=4),), ["500", "no city"], id="work-that-succeeded"
        ),
    ],
)
def test_a_bare_status_above_a_failure(later, messages):
    """A server's or an agent's status without a message repeats what ended it."""
    server = {"http.request.method": "POST", "error.type": "500"}
    task = task_of(
        make_span("root", None, server, kind="server", status="error", end=10),
        erring(chat, "c", "root"),
        *later,
    )
    assert sorted(e.message for e in task.errors) == messages


@pytest.mark.parametrize(
    ("upper", "message"),
    [
        pytest.param("app.PipelineError", "no city (wrapped in PipelineError)", id="a"),
        pytest.param("ValueError", "no city", id="the-same"),
        pytest.param("Error", "no city", id="no-class-of-its-own"),
        pytest.param("429", "no city", id="a-status"),
    ],
)
def test_the_exception_an_application_saw(upper, message):
    """The class in which a failure was passed on stands beside it."""
    task = task_of(
        erring(agent, "root", kind=upper, message="step 1: no city"),
        erring(chat, "c", "root"),
    )
    assert [(e.error_type, e.message) for e in task.errors] == [("ValueError", message)]


def test_a_type_that_only_a_span_above_knows():
    """A call that has only a message takes the type and the code from above."""
    task = task_of(
        erring(
            agent, "root", kind="RateLimitError", attributes={"error.code": "quota"}
        ),
        chat("c", "root", status="error", status_message="no city"),
    )
    assert [(e.error_type, e.message, e.error_code) for e in task.errors] == [
        ("RateLimitError", "no city", "quota")
    ]


def test_an_agent_that_returns_the_failure():
    """An output that is only the failure's message shows that the run failed."""
    message = "Rate limit reached for requests"
    output = json.dumps([{"role": "assistant", "content": message}])
    task = task_of(
        agent("root", attributes={"gen_ai.output.messages": output}),
        erring(chat, "c", "root", message=f"Error code: 429 - {message}"),
    )
    assert [e.recoverable for e in task.errors] == [False]


CANCELLED = {"status": "error", "events": (exception_event("CancelledError", ""),)}


@pytest.mark.parametrize(
    ("spans", "cancelled"),
    [
        pytest.param([agent("root", **CANCELLED), chat("c", "root")], True, id="a-run"),
        pytest.param(
            [agent("root"), tool("t", "root", **CANCELLED), chat("c", "root", start=3)],
            False,
            id="a-part-that-the-run-went-on-without",
        ),
        pytest.param(
            [
                erring(agent, "root"),
                erring(tool, "t", "root"),
                tool("u", "root", **CANCELLED),
            ],
            False,
            id="after-a-failure",
        ),
    ],
)
def test_a_run_that_was_cancelled(spans, cancelled):
    """A cancelled run has a tag; work that was cancelled is marked on its step."""
    task = task_of(*spans)
    assert ("cancelled" in task.environment.custom_tags) is cancelled
    marked = [s for s in task.steps if s.metadata.get("cancelled")]
    assert len(marked) == (0 if cancelled else 1)


def attempt(key, status, start, *, failed=True, **more):
    attributes = {"http.request.method": "POST", "http.response.status_code": status}
    more |= {"status": "error"} if failed else {}
    return make_span(key, "c", attributes, start=start, end=start + 0.5, **more)


@pytest.mark.parametrize(
    ("message", "events", "statuses", "error"),
    [
        pytest.param(
            "fetch failed", (exception_event("KeyError", "bad key"),), (429, 401),
            ("KeyError", "bad key", "401"), id="a-message-below",
        ),
        pytest.param("fetch failed", (), (429, 503), ("error", "fetch failed", "503"),
                     id="a-status-below"),
        pytest.param("out of money", (exception_event("KeyError", "bad key"),), (402,),
                     ("error", "out of money", "402"), id="its-own-message"),
        pytest.param("fetch failed", (), (200,), ("error", "fetch failed", None),
                     id="no-failed-request"),
    ],
)  # fmt: skip
def test_a_call_failed_as_its_last_request(message, events, statuses, error):
    """Clients report a failed request below a call that only says that it failed."""
    *before, last = statuses
    task = task_of(
        chat("c", tokens=None, status="error", status_message=message, end=9),
        *(attempt(f"h{n}", status, n) for n, status in enumerate(before)),
        attempt("h9", last, 8, failed=last >= 400, events=events),
    )
    found = [(e.error_type, e.message, e.error_code) for e in task.errors]
    assert found == [error]


def test_a_handled_failure_is_not_the_requests():
    """An exception that a call recorded and survived stays as it is."""
    task = task_of(
        chat("c", events=(exception_event("TimeoutError", "TimeoutError"),), end=9),
        attempt("h", 500, 1, events=(exception_event("KeyError", "bad key"),)),
        attempt("i", 200, 3, failed=False),
    )
    assert [e.message for e in task.errors] == ["TimeoutError"]


@pytest.mark.parametrize(
    ("upper", "errors"),
    [
        pytest.param({}, [("ValueError", "no city")], id="its-own"),
        pytest.param({"kind": "Error", "message": "Error"},
                     [("Error", "Error")], id="also-bare"),
    ],
)  # fmt: skip
def test_a_call_without_words_failed_as_its_run(upper, errors):
    """An error within a stream reaches only the handler of the run, which ended by it."""
    task = task_of(
        erring(agent, "root", end=9, **upper),
        chat("c", "root", tokens=None, status="error", start=1),
    )
    assert [(e.error_type, e.message) for e in task.errors][:1] == errors
    assert not any(e.recoverable for e in task.errors)


def test_a_run_that_failed_later_keeps_its_reason():
    """Work that succeeded after the call shows that the run ended by something else."""
    task = task_of(
        erring(agent, "root", end=9),
        chat("c", "root", tokens=None, status="error", start=1),
        tool("t", "root", start=4),
    )
    assert {e.message for e in task.errors} == {"no city", "c failed"}


def test_a_failure_that_reached_the_root_ended_the_run():
    """Spans between that look fine do not show that it was recovered from."""
    task = task_of(
        erring(agent, "root", end=9),
        chat("outer", "root", start=1, end=8),
        make_span("step", "outer", start=2, end=7),
        erring(chat, "c", "step", start=3),
    )
    assert [e.recoverable for e in task.errors] == [False]


@pytest.mark.parametrize(("status", "recoverable"), [(200, True), (502, False)])
def test_what_a_server_answered(status, recoverable):
    """A request that was answered with an error failed, whatever its span's status is."""
    server = {"http.request.method": "POST", "http.response.status_code": status}
    task = task_of(
        make_span("root", None, server, kind="server", end=10),
        erring(chat, "c", "root"),
    )
    assert [e.recoverable for e in task.errors] == [recoverable]


def test_failed_spans_named_like_calls_are_calls():
    """An attempt without tokens is known by the call that is named like it."""
    model = {"llm.provider": "openai", "llm.model": "gpt-4o"}
    used = model | {"llm.usage.prompt_tokens": 8, "llm.usage.completion_tokens": 1}
    failed = {"status": "error", "status_message": "429 Too Many Requests"}
    task = task_of(
        make_span("root", None, end=9),
        make_span("a", "root", model, name="llm.request", start=1, **failed),
        make_span("b", "root", used, name="llm.request", start=3),
        make_span("c", "root", model, name="other", start=5, **failed),
        make_span("d", "root", {}, name="llm.request", start=7, **failed),
    )
    assert [step.llm_call is not None for step in task.steps] == [
        True, True, False, False
    ]  # fmt: skip
