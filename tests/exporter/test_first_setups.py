"""Set-ups that newcomers of such exporters reported, each with what happens here."""

from __future__ import annotations

from support.programs import run, start
from support.waiting import wait_until

UNSET = {"INFINIUM_AGENT_ID": "", "INFINIUM_AGENT_SECRET": ""}


def test_credentials_that_are_loaded_after_a_first_call(fake):
    """A second call, behind `load_dotenv()`, sends; imports read no variable.

    Source: deepset-ai/haystack-core-integrations#794.
    """
    program = f"""
    register()
    os.environ.update(
        INFINIUM_AGENT_ID={fake.agent_id!r}, INFINIUM_AGENT_SECRET={fake.agent_secret!r}
    )
    run_agent(register().get_tracer("t"))
    """
    code, _, complaints = run(fake, program, **UNSET)
    assert code == 0
    assert complaints.count("No runs are sent") == 1
    assert len(fake.tasks) == 1


def test_a_cell_of_a_notebook_that_does_not_end(fake):
    """A run arrives soon after its root has ended, without a flush and without an exit.

    Source: traceloop/openllmetry#65, traceloop/openllmetry#1813.
    """
    program = """
    run_agent(register().get_tracer("t"))
    print("cell", flush=True)
    input()
    """

    with start(fake, program) as child:
        assert child.stdout.readline() == "cell\n"
        wait_until(lambda: fake.tasks)
        assert child.poll() is None
        child.communicate("\n", timeout=60)
    assert child.returncode == 0


def test_a_library_that_sets_a_provider_when_it_is_imported_later(fake):
    """It gets OpenTelemetry's own warning, and our provider stays.

    Source: huggingface/transformers#39115, AgentOps-AI/agentops#789.
    """
    program = """
    provider = register()
    trace.set_tracer_provider(TracerProvider())
    run_agent(trace.get_tracer("t"))
    assert provider.force_flush()
    """
    code, _, complaints = run(fake, program)
    assert code == 0
    assert complaints.splitlines() == [
        "Overriding of current TracerProvider is not allowed"
    ]
    assert len(fake.tasks) == 1


def test_a_wrong_secret_does_not_stop_the_program(fake):
    """The service's answer is logged with what it means, and the program goes on.

    Source: traceloop/openllmetry#1820, NousResearch/hermes-agent#87054: one crashed, the
    other reported nothing at all.
    """
    program = """
    run_agent(register().get_tracer("t"))
    print("goes on")
    """
    fake.script(*[401] * 50)
    code, output, complaints = run(fake, program)
    assert (code, output) == (0, "goes on\n")
    assert complaints.count("Infinium refused the agent's credentials (401)") == 1


def test_calls_in_a_thread_pool_with_the_context(fake):
    """`copy_context().run` keeps them in the run; without it each is a task of its own.

    Source: langchain-ai/langsmith-sdk#771.
    """
    program = """
    from concurrent.futures import ThreadPoolExecutor
    from contextvars import copy_context

    tracer = register().get_tracer("t")

    def call(attributes={"gen_ai.operation.name": "chat"}):
        tracer.start_span("chat", attributes=attributes).end()

    for submit in (lambda pool: pool.submit(copy_context().run, call),
                   lambda pool: pool.submit(call)):
        with tracer.start_as_current_span("run", attributes=AGENT):
            with ThreadPoolExecutor() as pool:
                submit(pool)
    """
    assert run(fake, program) == (0, "", "")
    assert sorted(len(task.get("steps") or ()) for task in fake.tasks) == [0, 1, 1]


def test_a_response_that_is_streamed_after_the_handler(fake):
    """A span inside the generator encloses the calls that are made while it is read.

    Source: langfuse/langfuse#8216, pydantic/pydantic-ai#4173.
    """
    program = """
    tracer = register().get_tracer("t")

    def stream():
        with tracer.start_as_current_span("run", attributes=AGENT):
            for part in "ab":
                call = {"gen_ai.operation.name": "chat"}
                tracer.start_span("chat", attributes=call).end()
                yield part

    def handler():
        return stream()

    assert list(handler()) == ["a", "b"]
    """
    assert run(fake, program) == (0, "", "")
    (task,) = fake.tasks
    assert len(task["steps"]) == 2
