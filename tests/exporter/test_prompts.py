"""use_prompt(): what the spans inside the block get, and the task they become."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from infinium_otel import (
    InfiniumClient,
    InfiniumSpanProcessor,
    PromptContent,
    PromptSpanProcessor,
    spans_to_tasks,
    task_to_dict,
    use_prompt,
)
from infinium_otel.exporter import prompts

ID = "22222222-3333-4444-8555-666666666666"
GREETING = PromptContent(ID, "greeting", 3, "Hi {{name}}, {{x}}", "2026-01-01")
OTHER = PromptContent(ID[::-1], "other", 1, "Bye", "2026-01-01")
CHAT = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"}
TOOL = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "f"}
AGENT = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "helper"}


@pytest.fixture
def spans():
    """A tracer whose spans get prompts, and a function that gives them by name."""
    memory = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(PromptSpanProcessor())
    provider.add_span_processor(SimpleSpanProcessor(memory))
    tracer = provider.get_tracer("t")

    def ended():
        return {span.name: span for span in memory.get_finished_spans()}

    return tracer, ended


def names(span):
    found = (span.attributes or {}).get("infinium.prompt.name", ())
    return (found,) if isinstance(found, str) else found


def call(tracer, name, attributes=CHAT):
    with tracer.start_as_current_span(name, attributes=attributes):
        pass


def test_the_block(spans):
    """Spans inside have id, name, version and the variables' names; those outside none."""
    tracer, ended = spans
    call(tracer, "before")
    with use_prompt(GREETING, {"name": "Ada", "x": "SECRET"}) as prompt:
        call(tracer, "inside")
    call(tracer, "after")
    assert prompt.rendered_content == "Hi Ada, SECRET"
    found = ended()
    assert {k: v for k, v in found["inside"].attributes.items() if k not in CHAT} == {
        "infinium.prompt.id": ID,
        "infinium.prompt.name": "greeting",
        "infinium.prompt.version": 3,
        "infinium.prompt.variables": "name,x",
        "infinium.prompt.fetched_at": "",
    }
    assert found["before"].attributes == found["after"].attributes == CHAT


@pytest.mark.parametrize(
    ("prompt", "variables", "text"),
    [
        pytest.param(GREETING, None, GREETING.content, id="as-it-is"),
        pytest.param(GREETING, {}, GREETING.content, id="no-variables"),
        pytest.param(GREETING, {"name": 7}, "Hi 7, {{x}}", id="unknown-is-kept"),
        pytest.param(
            PromptContent(ID, "g", 1, "{{a}}", "", "done"), None, "done", id="rendered"
        ),
        pytest.param(
            PromptContent(ID, "g", 1, "{{a}}", "", "done"), {"a": 1}, "1", id="anew"
        ),
    ],
)
def test_the_text(prompt, variables, text):
    """The text is rendered with the variables given, else as it was."""
    with use_prompt(prompt, variables) as used:
        assert used.rendered_content == text
        assert used.prompt_id == ID


def test_nested_blocks(spans):
    """A span has the prompts of all blocks around it, the outermost first."""
    tracer, ended = spans
    with use_prompt(GREETING):
        with use_prompt(OTHER):
            call(tracer, "both")
        call(tracer, "outer")
    found = ended()
    assert names(found["both"]) == ("greeting", "other")
    assert found["both"].attributes["infinium.prompt.version"] == (3, 1)
    assert names(found["outer"]) == ("greeting",)


def test_an_exception_ends_the_block(spans):
    """The block is over however it ends."""
    tracer, ended = spans
    with pytest.raises(KeyError), use_prompt(GREETING):
        raise KeyError("x")
    call(tracer, "after")
    assert names(ended()["after"]) == ()


def test_concurrent_tasks(spans):
    """Each coroutine has its own prompt, also in the threads that asyncio starts."""
    tracer, ended = spans

    async def work(prompt, name):
        with use_prompt(prompt):
            await asyncio.sleep(0)
            call(tracer, name)
            await asyncio.to_thread(call, tracer, f"{name} in a thread")

    async def main():
        await asyncio.gather(work(GREETING, "a"), work(OTHER, "b"))

    asyncio.run(main())
    found = ended()
    assert names(found["a"]) == names(found["a in a thread"]) == ("greeting",)
    assert names(found["b"]) == names(found["b in a thread"]) == ("other",)


def test_threads(spans):
    """A thread has the prompt if the context is passed to it (mlflow/mlflow#17148)."""
    tracer, ended = spans
    with use_prompt(GREETING), ThreadPoolExecutor(1) as pool:
        passed = contextvars.copy_context()
        pool.submit(passed.run, call, tracer, "passed").result()
        plain = threading.Thread(target=call, args=(tracer, "plain"))
        plain.start()
        plain.join()
    found = ended()
    assert names(found["passed"]) == ("greeting",)
    assert names(found["plain"]) == ()


def test_a_generator_closed_elsewhere(spans, caplog):
    """A block in a stream that is closed in another context ends in silence.

    Source: open-telemetry/opentelemetry-python#2606.
    """
    tracer, ended = spans

    def stream():
        with use_prompt(GREETING):
            yield 1

    generator = stream()
    contextvars.copy_context().run(next, generator)
    generator.close()
    call(tracer, "after")
    assert names(ended()["after"]) == ()
    assert caplog.text == ""


def test_an_async_generator_that_is_abandoned(spans, caplog):
    """The loop closes it in a copy of its context, where nothing can be undone: silently.

    Source: google/adk-python#4894, agentscope-ai/agentscope#2076 (a stream that is left early logs
    an error of OpenTelemetry).
    """
    tracer, ended = spans

    async def stream():
        with use_prompt(GREETING):
            yield 1
            call(tracer, "never")

    async def take_one():
        async for _ in stream():
            break

    async def main():
        await asyncio.create_task(take_one())
        call(tracer, "after")

    asyncio.run(main())
    assert names(ended()["after"]) == ()
    assert "never" not in ended()
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("prompt", "variables", "message"),
    [
        pytest.param(None, None, "needs a prompt of get_prompt, not None", id="none"),
        pytest.param("Hi", None, "not 'Hi'", id="a-text"),
        pytest.param(PromptContent, None, "needs a prompt", id="the-class"),
        pytest.param(GREETING, "Ada", "needs variables as a mapping", id="no-mapping"),
    ],
)
def test_what_is_no_prompt(prompt, variables, message):
    """It is refused before the block, with what is needed."""
    with pytest.raises(TypeError, match=message), use_prompt(prompt, variables):
        pytest.fail("the block must not begin")


def test_bounds(spans, caplog, monkeypatch):
    """Only the innermost eight prompts are written, which is logged once."""
    monkeypatch.setattr(prompts.usage, "exceeded", False)
    tracer, ended = spans
    made = [PromptContent(ID, "n" * 999, each, "", "") for each in range(1, 11)]

    def nest(left):
        if left:
            with use_prompt(left[0]):
                nest(left[1:])
        else:
            call(tracer, "inside")

    nest(made)
    span = ended()["inside"]
    assert span.attributes["infinium.prompt.version"] == tuple(range(3, 11))
    assert set(map(len, names(span))) == {200}, "long names are cut"
    assert [each.levelname for each in caplog.records] == ["WARNING"]


@pytest.mark.parametrize("version", [None, "x", -1, True, 2**70])
def test_a_version_that_is_none(spans, version):
    """A prompt without a valid version is used, and its version is unknown."""
    tracer, ended = spans
    with use_prompt(PromptContent(ID, "greeting", version, "", "")):
        call(tracer, "inside")
    [task] = spans_to_tasks(ended().values())
    [used] = task_to_dict(task)["prompt_studio"]["prompts_used"]
    assert used["version"] is None


@dataclass
class VendorsPrompt:
    """The fields of infinium-o2's class, which is not ours."""

    prompt_id: str
    name: str
    version: int
    content: str
    created_at: str
    rendered_content: str | None = None


def test_the_vendors_prompt(spans):
    """A prompt of the vendor's client works as well."""
    tracer, ended = spans
    with use_prompt(VendorsPrompt(ID, "theirs", 2, "{{a}}", ""), {"a": "b"}) as used:
        call(tracer, "inside")
    assert isinstance(used, VendorsPrompt)
    assert used.rendered_content == "b"
    assert names(ended()["inside"]) == ("theirs",)


def test_nothing_is_written_before_the_first_use(spans, monkeypatch):
    """As long as no prompt was used, a span's start looks at no context."""
    monkeypatch.setattr(prompts.usage, "began", False)
    monkeypatch.setattr(prompts, "get_prompts", None)
    tracer, ended = spans
    call(tracer, "inside")
    assert ended()["inside"].attributes == CHAT


def test_on_the_wire(fake):
    """Fetched, rendered, used: the task that arrives names the versions, each once."""
    prompt_id = fake.add_prompt("greeting", "Hi {{name}}", "Hello {{name}}")
    with InfiniumClient(**fake.settings) as client:
        first = client.get_prompt(prompt_id, "fake-prompt-key", 1, {"name": "Ada"})
        newest = client.get_prompt(prompt_id, "fake-prompt-key")
    provider = TracerProvider(shutdown_on_exit=False)
    processor = InfiniumSpanProcessor(**fake.settings)
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("t")
    with tracer.start_as_current_span("run", attributes=AGENT):
        with use_prompt(first) as old:
            call(tracer, "chat 1")
            call(tracer, "tool", TOOL)
        with use_prompt(newest, {"name": "Ada", "tone": "warm"}):
            call(tracer, "chat 2")
            call(tracer, "chat 3")
    processor.shutdown()
    [task] = fake.tasks
    assert fake.complaints == []
    assert old.rendered_content == "Hi Ada"
    used = task["prompt_studio"]["prompts_used"]
    assert all(each.pop("fetched_at").endswith("Z") for each in used)
    shared = {
        "prompt_id": prompt_id,
        "prompt_name": "greeting",
        "source": "prompt_studio",
    }
    assert used == [
        {**shared, "version": 1, "variables_used": ["name"]},
        {**shared, "version": 2, "variables_used": ["name", "tone"]},
    ]
    by_name = {step["metadata"]["otel.span_name"]: step for step in task["steps"]}
    versions = {
        name: [each["version"] for each in step["metadata"].get("prompts", ())]
        for name, step in by_name.items()
    }
    assert versions == {
        "chat 1": [1],
        "tool": [],
        "chat 2": [2],
        "chat 3": [2],
    }
    assert task["environment"]["custom_tags"]["prompt.greeting"] == "1, 2"
