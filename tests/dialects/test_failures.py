"""What went wrong, as the exceptions and statuses of any language report it."""

from __future__ import annotations

import pytest

from infinium_otel.dialects import read
from support.records import assert_fields, event, exception_event, read_span, tool

NODE_STACK = "\n    at run (/app/x.mjs:3:14)\n    at process.processTicks (node:1)"


def js_event(kind=None, message=None, name="Error", stack=NODE_STACK):
    """What OpenTelemetry's JavaScript SDK records of an error with a `code`."""
    return event(
        "exception",
        {
            "exception.type": kind,
            "exception.message": message,
            "exception.stacktrace": stack and f"{name}: {message}{stack}",
        },
    )


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        pytest.param(
            js_event("429", "too many", "GenkitError"),
            ("GenkitError", "too many", "429"),
            id="a-status-as-type",
        ),
        pytest.param(
            js_event("rate_limit_exceeded", "slow", "RateLimitError"),
            ("RateLimitError", "slow", "rate_limit_exceeded"),
            id="a-vendors-code-as-type",
        ),
        pytest.param(
            js_event("ECONNREFUSED", "connect ECONNREFUSED ::1"),
            ("ECONNREFUSED", "connect ECONNREFUSED ::1", "ECONNREFUSED"),
            id="a-code-beside-a-class-that-says-nothing",
        ),
        pytest.param(
            js_event("503", "down", stack=None),
            ("error", "down", "503"),
            id="a-status-alone",
        ),
        pytest.param(
            js_event("Error", "Error: 429 Rate limit reached"),
            ("Error", "429 Rate limit reached", "429"),
            id="prefix-and-leading-status",
        ),
        pytest.param(
            js_event("Error", "TypeError: x is not a function"),
            ("TypeError", "x is not a function", None),
            id="the-class-in-the-message",
        ),
        pytest.param(
            js_event(None, f"TypeError: no x{NODE_STACK}", stack=None),
            ("TypeError", "no x", None),
            id="the-whole-stack-as-message",
        ),
        pytest.param(
            js_event("429", "UNAUTHENTICATED: 401 Incorrect key", stack=None),
            ("error", "UNAUTHENTICATED: 401 Incorrect key", "429"),
            id="the-type-before-the-message",
        ),
        pytest.param(
            exception_event("socket.timeout", "timed out"),
            ("socket.timeout", "timed out", None),
            id="a-python-class-in-lower-case",
        ),
        pytest.param(
            exception_event("java.lang.IllegalStateException", "no key"),
            ("java.lang.IllegalStateException", "no key", None),
            id="java",
        ),
        pytest.param(
            exception_event("*core.GenkitError", "RESOURCE_EXHAUSTED: quota"),
            ("*core.GenkitError", "RESOURCE_EXHAUSTED: quota", None),
            id="go",
        ),
    ],
)
def test_an_exception_of_any_language(record, expected):
    """The class is the type, its code is the code, the message is only the message."""
    found = read_span({}, status="error", events=(record,)).failure
    assert (found.type, found.message, found.code) == expected


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("Error code: 401 - Incorrect API key", "401"),
        ("429 Rate limit reached", "429"),
        ("429 status code (no body)", "429"),
        ("RESOURCE_EXHAUSTED: 429 Quota exceeded", "429"),
        ("HTTP 429 (requests: rate_limit_exceeded)", "429"),
        ("HTTP/1.1 503 Service Unavailable", "503"),
        ("Request failed with status code 404", "404"),
        ("error, status code: 429, status: 429 Too Many Requests", "429"),
        ('POST "https://x/v1": 429 Too Many Requests {"a": 1}', "429"),
        ("[GoogleGenerativeAI Error]: [503 Service Unavailable] busy", "503"),
        ("API Error: 529 overloaded", "529"),
        ("503 upstream unavailable", "503"),
        ("500 items are too many", None),
        ("400 items are too many", None),
        ("Room 404 was not found", None),
        ("512 tokens are the limit", None),
        ("no city", None),
    ],
)
def test_a_status_in_a_message(message, code):
    """A status that a client puts into its message is the code; any number is not."""
    found = read_span({}, status="error", events=(exception_event("E", message),))
    assert found.failure.code == code


@pytest.mark.parametrize(
    ("stack", "message"),
    [
        pytest.param(
            "Traceback\nValueError: no city\n\nThe above exception was the direct cause "
            "of the following exception:\n\nTraceback\nToolError: failed",
            "failed (caused by ValueError: no city)",
            id="python",
        ),
        pytest.param(
            "ToolError: failed\n\tat A.b(A.java:1)\n"
            "Caused by: java.net.ConnectException: refused\n\tat C.d(C.java:2)",
            "failed (caused by ConnectException: refused)",
            id="java",
        ),
        pytest.param(
            "ToolError: failed\n    at x.js:1:1 {\n  [cause]: TypeError: no x\n    at y",
            "failed (caused by TypeError: no x)",
            id="javascript",
        ),
        pytest.param(
            "ToolError: failed\n ---> System.IO.IOException: gone\n   at A.B()",
            "failed (caused by IOException: gone)",
            id="dotnet",
        ),
    ],
)
def test_the_innermost_cause(stack, message):
    """An exception whose message hides its cause shows the cause."""
    found = read_span({}, events=(exception_event("ToolError", "failed", stack),))
    assert found.failure.message == message


@pytest.mark.parametrize("first", [0, 1], ids=["cause-first", "wrapper-first"])
def test_a_cause_and_its_wrapper_on_one_span(first):
    """Of two exceptions, one of which quotes the other, the quoted one is the failure."""
    events = [
        exception_event("LookupError", "no city"),
        exception_event("ToolExecutionError", "tool failed: no city"),
    ]
    ordered = (events[first], events[1 - first])
    found = read_span({}, status="error", events=ordered).failure
    assert_fields(found, type="LookupError", wrapper="ToolExecutionError")


def test_two_exceptions_that_have_nothing_in_common():
    """The last exception is the failure."""
    events = (exception_event("A", "a was handled"), exception_event("B", "gone"))
    found = read_span({}, status="error", events=events).failure
    assert_fields(found, type="B", wrapper=None)


@pytest.mark.parametrize(
    "more",
    [
        {"events": (exception_event("asyncio.exceptions.CancelledError", ""),)},
        {"events": (exception_event("System.OperationCanceledException", "stop"),)},
        {
            "events": (
                exception_event("java.util.concurrent.CancellationException", ""),
            )
        },
        {"events": (exception_event("AbortError", "This operation was aborted"),)},
        {"events": (exception_event("*errors.errorString", "rpc: context canceled"),)},
        {"attributes": {"error.type": "cancelled"}},
        {"attributes": {"acme.run.status": "CANCELLED"}},
        {"attributes": {"acme.outcome": "cancelled"}, "status_message": "by a person"},
        {"attributes": {"acme.run.canceled": True}},
        {"attributes": {"gen_ai.response.finish_reasons": ("cancelled",)}},
        {"attributes": {"http.response.status_code": 499, "error.type": "499"}},
        {"events": (exception_event("20", "This operation was aborted"),)},
        {"attributes": {"tool.failure_kind": "cancelled", "success": False}},
    ],
)
def test_a_cancellation_is_not_a_failure(more):
    """Work that was cancelled did not fail, in any language."""
    found = read_span(more.pop("attributes", {}), status="error", **more)
    assert (found.failure, found.cancelled) == (None, True)


@pytest.mark.parametrize("status", ["ok", "unset"])
def test_a_cancellation_that_was_only_recorded(status):
    """A reader that has enough of a stream cancels it; the span's work is done."""
    cancelled = exception_event("asyncio.exceptions.CancelledError", "")
    found = read_span({}, status=status, events=(cancelled,))
    assert (found.cancelled, found.failure) == (None, None)
    attributes = {"acme.run.status": "cancelled"}
    assert read_span(attributes, status="ok").cancelled is None


@pytest.mark.parametrize("attributes", [{"a.cancelled": False}, {"a.result": True}])
def test_a_switch_that_is_off_or_of_another_name(attributes):
    """Only a switch that is named after a cancellation, and is on, reports one."""
    assert read_span(attributes, status="unset").cancelled is None


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        pytest.param(
            "TaskCanceledException",
            "canceled due to the configured HttpClient.Timeout of 100 seconds",
            id="a-time-limit",
        ),
        pytest.param("ConnectionAbortedError", "software caused abort", id="network"),
        pytest.param("ABORTED", "transaction conflict", id="a-conflict"),
        pytest.param("*url.Error", "context deadline exceeded", id="a-deadline"),
    ],
)
def test_what_only_sounds_like_a_cancellation(kind, message):
    """A time limit, a lost connection and a conflict are failures."""
    found = read_span({}, status="error", events=(exception_event(kind, message),))
    assert (found.failure is not None, found.cancelled) == (True, None)


@pytest.mark.parametrize(
    "message",
    [
        "(Interrupt(value='Which date?', id='0f9c'),)",
        "Command(graph='__parent__', goto='hotel')",
        "ParentCommand(Command(goto='hotel'))",
        "GraphInterrupt: [{'value': 'Which date?'}]",
    ],
)
def test_control_flow_that_only_a_message_shows(message):
    """A printed interrupt or command is not a failure."""
    assert read_span({}, status="error", status_message=message).failure is None


def test_a_tool_that_is_called_command():
    """A message that only contains such a word is one."""
    message = "Command not found: Interrupt(value=1)"
    assert read_span({}, status="error", status_message=message).failure is not None


def test_a_response_that_ended_with_an_error():
    """A finish reason `error` outranks a status that is fine."""
    found = read_span(
        {"gen_ai.operation.name": "chat", "gen_ai.response.finish_reasons": ["error"]},
        status="ok",
    )
    assert not found.failure.handled


def test_adks_error_code():
    """A code in ADK's response fails the call, whatever the span's status."""
    response = '{"error_code": "SAFETY", "error_message": "blocked"}'
    found = read_span(
        {"gcp.vertex.agent.llm_response": response}, name="call_llm", status="ok"
    )
    assert_fields(found.failure, message="blocked", code="SAFETY", handled=False)


def test_genkits_agent_in_the_background():
    """An output that reports a failure outranks Genkit's state."""
    output = (
        '{"finishReason": "failed", "error": {"status": "INTERNAL", "message": "no"}}'
    )
    found = read_span(
        {"genkit:type": "action", "genkit:state": "success", "genkit:output": output},
        status="ok",
    )
    assert_fields(found.failure, message="no", handled=False)


def test_an_exception_that_left_the_span():
    """An exception that escaped was not handled, even if no status was set."""
    record = exception_event()
    escaped = event("exception", {**record.attributes, "exception.escaped": "True"})
    assert read_span({}, events=(record,)).failure.handled
    assert not read_span({}, events=(escaped,)).failure.handled


@pytest.mark.parametrize(
    ("events", "status", "retries"),
    [
        pytest.param(
            ("retry", "http.retry.scheduled", "choice"), "ok", 2, id="retries"
        ),
        pytest.param(("request.attempt", "request.attempt"), "ok", 1, id="attempts"),
        pytest.param(("request.attempt",), "ok", None, id="the-only-attempt"),
        pytest.param(("api_error",), "ok", 3, id="numbered-failures"),
        pytest.param(("api_error",), "error", 2, id="the-last-failed-too"),
        pytest.param(("choice",), "ok", None, id="other-events"),
    ],
)
def test_attempts_that_are_events(events, status, retries):
    """Attempts before the last one are retries, not failures."""
    events = tuple(event(name, {"attempt": 3}) for name in events)
    found = read(tool(events=events, status=status))
    assert found.retry_count == retries


def test_why_a_call_was_retried():
    """The types of the errors before each retry are kept, where its event has them."""
    events = (
        event("gen_ai.retry", {"attempt": 1, "error.type": "RateLimitError"}),
        event("gen_ai.retry", {"attempt": 2}),
        event("http.retry", {"exception.type": "TimeoutError"}),
        event("other", {"error.type": "ValueError"}),
    )
    found = read(tool(events=events))
    assert found.retry_count == 3
    assert found.extra["retried_errors"] == ("RateLimitError", "TimeoutError")


TRACEBACK = (
    "Traceback (most recent call last):\n  File 'a.py', line 1\nNameError: no x\n"
)


@pytest.mark.parametrize(
    "attributes",
    [
        {"acme.code_execution.output": TRACEBACK},
        {"gen_ai.tool.name": "run", "gen_ai.tool.call.result": TRACEBACK},
    ],
)
def test_a_traceback_as_the_output_is_the_reason(attributes):
    """A failure without a message takes it from the traceback that the code printed."""
    found = read_span({"error.type": "CodeError", **attributes}, name="execute_code")
    assert (found.failure.type, found.failure.message) == (
        "CodeError",
        "NameError: no x",
    )
    assert found.failure.stack_trace == TRACEBACK.rstrip()


def test_an_output_beside_a_bare_failure_is_not_its_reason():
    """Only a traceback is one."""
    found = read_span({"error.type": "CodeError", "output.value": "Frozen water."})
    assert found.failure.message == "CodeError"


def test_the_exception_that_ends_a_workflow():
    """LlamaIndex ends a workflow that has its result by raising."""
    event = exception_event("llama_index.core.workflow.errors.WorkflowDone", "")
    assert read_span({}, status="error", events=(event,)).failure is None


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        pytest.param('RateLimitError("slow down")', "slow down", id="one-argument"),
        pytest.param("KeyError('city',)", "city", id="python-2"),
        pytest.param("HTTPError(404, 'gone')", "404, 'gone')", id="two-arguments"),
    ],
)
def test_an_exception_printed_as_its_repr(description, expected):
    """The message is the argument of the repr, if that has only one."""
    found = read_span({}, status="error", status_message=description)
    assert found.failure.message == expected


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        pytest.param(
            '{"error": {"type": "RateLimitError", "message": "slow"}}',
            ("RateLimitError", "slow"),
            id="an-object",
        ),
        pytest.param('{"error": "slow"}', ("error", "slow"), id="a-text"),
        pytest.param('{"sum": 3}', ("error", "call failed"), id="none"),
    ],
)
def test_an_error_object_in_place_of_an_output(error, expected):
    """A failed span without a message takes the one in its output."""
    attributes = {"openinference.span.kind": "LLM", "output.value": error}
    found = read_span(attributes, name="call", status="error").failure
    assert (found.type, found.message) == expected


@pytest.mark.parametrize("words", ["undefined", "null", " None ", "[object Object]"])
def test_what_programs_print_without_a_message(words):
    """The name of nothing is no message."""
    found = read_span({}, status="error", status_message=words, name="f").failure
    assert (found.type, found.message) == ("error", "f failed")


@pytest.mark.parametrize(
    "title",
    [
        "413 Request Entity Too Large",
        "413 Content Too Large",  # as Python 3.13 calls it
        "414 Request-URI Too Long",
        "414 URI Too Long",
        "422 Unprocessable Entity",
        "422 Unprocessable Content",
    ],
)
def test_the_status_in_an_error_page(title):
    """Gateways answer with a page whose title is the status."""
    page = f"Unexpected: <html><title>{title}</title></html>"
    found = read_span({}, status="error", status_message=page).failure
    assert found.code == title[:3]
