"""register(): one call, which may be repeated."""

from __future__ import annotations

import signal
import sys
from functools import partial

import pytest
from opentelemetry import trace

from infinium_otel import Config, ConfigurationError, register
from infinium_otel.exporter._hooks import list_changes
from support.programs import FAST, environment, run, run_agent, start


def processors(provider):
    return provider._active_span_processor._span_processors


class TestOwnProvider:
    """With `set_global=False` the process is not changed."""

    def test_sends(self, fake):
        """Its runs arrive, and the global provider is not changed."""
        before = trace.get_tracer_provider()
        provider = register(**fake.settings, **FAST, set_global=False)
        run_agent(provider.get_tracer("t"))
        assert provider.force_flush()
        provider.shutdown()
        assert len(fake.tasks) == 1
        assert trace.get_tracer_provider() is before

    def test_keeps_every_attribute(self, fake, monkeypatch):
        """No limit of 128 drops model and kind; the user's own limit is respected."""
        provider = register(**fake.settings, set_global=False)
        assert provider._span_limits.max_span_attributes is None
        provider.shutdown()
        monkeypatch.setenv("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "7")
        provider = register(**fake.settings, set_global=False)
        assert provider._span_limits.max_span_attributes == 7
        provider.shutdown()

    def test_sends_through_a_client(self):
        """A user's client sends, and needs no credentials here."""
        sent = []

        class Client:
            def send_task_data(self, task):
                sent.append(task)

        provider = register(client=Client(), set_global=False)
        run_agent(provider.get_tracer("t"))
        assert provider.force_flush()
        provider.shutdown()
        assert len(sent) == 1

    def test_every_mistake_is_named(self):
        """An invalid configuration fails here, not at the first span."""
        with pytest.raises(ConfigurationError, match=r"(?s)agent_id.*burst"):
            register(agent_id="nobody", agent_secret="x", burst=-1)


GLOBAL = [
    pytest.param("", id="none-there"),
    pytest.param("trace.set_tracer_provider(TracerProvider())", id="provider-there"),
    pytest.param(
        "from opentelemetry import _logs\n"
        "from opentelemetry.sdk._logs import LoggerProvider\n"
        "_logs.set_logger_provider(LoggerProvider())",
        id="logs-there",
    ),
]


@pytest.mark.parametrize("first", GLOBAL)
def test_twice_changes_nothing(fake, first):
    """A second call with the same configuration adds nothing; each run is sent once."""
    program = f"""
from opentelemetry._logs import get_logger_provider
{first}
p = register()
assert register() is p is trace.get_tracer_provider()
assert len(p._active_span_processor._span_processors) == 1
logs = get_logger_provider()._multi_log_record_processor._log_record_processors
assert len(logs) == 1, logs
run_agent(p.get_tracer("t"))
assert p.force_flush()
"""
    assert run(fake, program) == (0, "", "")
    assert len(fake.tasks) == 1


def test_again_after_a_shutdown(fake):
    """After a shutdown a new processor is created."""
    program = """
    p = register()
    for processor in p._active_span_processor._span_processors:
        processor.shutdown()
    register()
    run_agent(p.get_tracer("t"))
    assert p.force_flush()
    """
    code, _, _ = run(fake, program)
    assert code == 0
    assert len(fake.tasks) == 1


NO_CREDENTIALS = {"INFINIUM_AGENT_ID": "", "INFINIUM_AGENT_SECRET": ""}


class TestEnabled:
    """A program without credentials runs as if there were no `register()`."""

    def test_missing_credentials_are_logged_once(self, fake):
        """One line; the provider is not changed, and none becomes global."""
        program = """
        before = trace.get_tracer_provider()
        for _ in range(2):
            run_agent(register().get_tracer("t"))
        assert trace.get_tracer_provider() is before
        trace.set_tracer_provider(TracerProvider())
        assert register() is trace.get_tracer_provider()
        assert not register()._active_span_processor._span_processors
        """
        code, _, complaints = run(fake, program, **NO_CREDENTIALS)
        assert code == 0
        [line] = complaints.splitlines()
        assert line.startswith("No runs are sent to Infinium: agent_id: missing")
        assert "agent_secret" in line

    @pytest.mark.parametrize(
        ("call", "more"),
        [
            pytest.param("enabled=False", {}, id="disabled"),
            pytest.param("enabled=False", NO_CREDENTIALS, id="disabled-without"),
            pytest.param("", {"OTEL_SDK_DISABLED": "true"}, id="sdk-disabled"),
            pytest.param(
                "",
                {"OTEL_SDK_DISABLED": "TRUE", **NO_CREDENTIALS},
                id="sdk-disabled-without",
            ),
        ],
    )
    def test_off_is_quiet(self, fake, call, more):
        """Nothing is sent or printed."""
        program = f"run_agent(register({call}).get_tracer('t'))"
        assert run(fake, program, **more) == (0, "", "")
        assert fake.tasks == []

    def test_true_raises(self, monkeypatch):
        """With `enabled=True` missing credentials are an error, as in the classes."""
        monkeypatch.delenv("INFINIUM_AGENT_ID", raising=False)
        with pytest.raises(ConfigurationError, match="agent_id: missing"):
            register(enabled=True, set_global=False)

    def test_other_values_are_mistakes(self):
        """Three values exist."""
        with pytest.raises(ConfigurationError, match="if-configured"):
            register(enabled="yes", set_global=False)

    @pytest.mark.parametrize("config", [None, Config()], ids=["environment", "config"])
    def test_a_typo_is_a_mistake(self, fake, config):
        """An unknown setting is named, with the most similar one."""
        wanted = r"unknown setting bursts \(did you mean burst\?\)"
        with pytest.raises(ConfigurationError, match=wanted):
            register(config, **fake.settings, bursts=1, set_global=False)

    def test_unknown_variables_are_logged_once(self, fake):
        """A misspelled variable is named, with the most similar one."""
        program = "register(); register(set_global=False)"
        code, _, complaints = run(fake, program, INFINIUM_OTEL_SPOL="x")
        assert (code, complaints) == (
            0,
            "Ignored: unknown setting INFINIUM_OTEL_SPOL "
            "(did you mean INFINIUM_OTEL_SPOOL?)\n",
        )


class TestAgain:
    """A later call replaces the settings; the same call changes nothing."""

    def test_other_settings_replace_the_first(self, fake):
        """One processor, one line in the log, and runs have the later settings."""
        program = """
        import logging
        logging.basicConfig(level=logging.INFO, format="%(message)s")
        p = register()
        with p.get_tracer("t").start_as_current_span("early", attributes=AGENT):
            pass
        assert register(capture_content=False) is p
        assert len(p._active_span_processor._span_processors) == 1
        with p.get_tracer("t").start_as_current_span(
            "late", attributes={**AGENT, "gen_ai.input.messages": "hello"}
        ):
            pass
        assert p.force_flush()
        """
        code, _, complaints = run(fake, program)
        assert code == 0
        assert complaints.count("replace the earlier ones: capture_content\n") == 1
        assert len(fake.tasks) == 2
        assert "hello" not in repr(fake.tasks[1])

    def test_many_changes_add_no_threads(self, fake):
        """The threads of earlier settings end, and every run arrives.

        mlflow/mlflow#25206
        """
        program = """
        p = register()
        for number in range(12):
            run_agent(p.get_tracer("t"), f"run{number}")
            register(timeout_s=10 + number)
        def count():
            return sum("infinium" in each.name for each in threading.enumerate())
        deadline = time.monotonic() + 20
        while count() > 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert count() <= 2, threading.enumerate()
        """
        code, _, complaints = run(fake, program)
        assert code == 0, complaints
        assert len(fake.tasks) == 12

    def test_what_cannot_be_delivered_yet_is_delivered_at_exit(self, fake):
        """The earlier settings deliver what came before, though it takes time."""
        program = """
        p = register()
        run_agent(p.get_tracer("t"), "early")
        register(capture_content=False)
        run_agent(p.get_tracer("t"), "late")
        """
        fake.script(503)
        code, _, _ = run(fake, program)
        assert code == 0
        assert len(fake.tasks) == 2

    def test_a_hook_of_the_same_code_is_the_same(self, fake):
        """A script that Streamlit runs again defines its hooks again."""
        program = """
        code = "p = register(should_send=lambda task: True, redact=lambda k, t: t)"
        for _ in range(3):
            exec(code, globals())
            run_agent(p.get_tracer("t"))
            assert p.force_flush()
        [processor] = p._active_span_processor._span_processors
        assert threading.active_count() <= 3
        """
        assert run(fake, program) == (0, "", "")
        assert len(fake.tasks) == 3

    def test_eight_threads_make_one_provider(self, fake):
        """Calls at the same time agree."""
        program = """
        ready = threading.Barrier(8)
        found = []
        def call():
            ready.wait()
            found.append(register())
        threads = [threading.Thread(target=call) for _ in range(8)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        assert len(found) == 8
        assert set(map(id, found)) == {id(trace.get_tracer_provider())}
        assert len(found[0]._active_span_processor._span_processors) == 1
        run_agent(found[0].get_tracer("t"))
        """
        assert run(fake, program) == (0, "", "")
        assert len(fake.tasks) == 1

    def test_another_client_replaces_the_first(self):
        """A client is the same only if it is the same object."""

        class Client:
            def __init__(self):
                self.sent = []

            def send_task_data(self, task):
                self.sent.append(task)

        first, second = Client(), Client()
        own = trace.get_tracer_provider
        provider = register(client=first, set_global=False)
        try:
            trace.get_tracer_provider = lambda: provider
            register(client=second)
        finally:
            trace.get_tracer_provider = own
        run_agent(provider.get_tracer("t"))
        assert provider.force_flush()
        provider.shutdown()
        assert (len(first.sent), len(second.sent)) == (0, 1)


def make_hook(word):
    return lambda key, text: text.replace(word, "")


def hook(key, text, word="x"):
    return text


HOOKS = [
    pytest.param(make_hook("a"), make_hook("a"), True, id="equal-closure"),
    pytest.param(make_hook("a"), make_hook("b"), False, id="other-closure"),
    pytest.param(hook, make_hook("a"), False, id="other-function"),
    pytest.param(partial(hook, word="a"), partial(hook, word="a"), True, id="partial"),
    pytest.param(partial(hook, word="a"), partial(hook, word="b"), False, id="other"),
    pytest.param(hook, print, False, id="builtin"),
]


@pytest.mark.parametrize(("one", "other", "same"), HOOKS)
def test_hooks_are_compared_by_what_they_do(one, other, same):
    """Code, defaults and enclosed values decide, not the object."""
    changes = list_changes(Config(redact=one), Config(redact=other))
    assert changes == ([] if same else ["redact"])


PROVIDERS = """
from dataclasses import dataclass
from opentelemetry.trace import TracerProvider as Api
class Exporter:
    spans, ended = [], False
    def export(self, spans): self.spans.extend(spans)
    def shutdown(self): self.ended = True
    def force_flush(self, timeout_millis=0): return True
@dataclass
class Unhashable(Api):
    inner: TracerProvider
    def get_tracer(self, *args, **more): return self.inner.get_tracer(*args, **more)
    def add_span_processor(self, each): self.inner.add_span_processor(each)
class Replacing(TracerProvider):
    def add_span_processor(self, *args, replace_default_processor=True):
        assert not replace_default_processor
        super().add_span_processor(*args)
class Closed(Api):
    def get_tracer(self, *args, **more): return trace.NoOpTracer()
"""


class TestOthers:
    """Providers of other vendors; the real ones are in `tests/servers/vendors`."""

    @pytest.mark.parametrize("kind", ["Unhashable(TracerProvider())", "Replacing()"])
    def test_a_vendor_s_provider_is_extended(self, fake, kind):
        """One that cannot be hashed, or that replaces its own processor otherwise."""
        program = f"""
        trace.set_tracer_provider({kind})
        for _ in range(2):
            assert register() is trace.get_tracer_provider()
        run_agent(register().get_tracer("t"))
        """
        assert run(fake, program, first=PROVIDERS_FIRST) == (0, "", "")
        assert len(fake.tasks) == 1

    def test_one_that_takes_no_processor_is_named(self, fake):
        """One warning, with what helps: the returned provider sends."""
        program = """
        trace.set_tracer_provider(Closed())
        assert register() is register()
        run_agent(register().get_tracer("t"))
        """
        code, _, complaints = run(fake, program, first=PROVIDERS_FIRST)
        assert code == 0
        [line] = complaints.splitlines()
        assert "__main__.Closed are not sent" in line
        assert "tracer_provider=register()" in line
        assert len(fake.tasks) == 1


PROVIDERS_FIRST = (
    "from opentelemetry import trace\n"
    "from opentelemetry.sdk.trace import TracerProvider\n" + PROVIDERS
)


class TestNoSpans:
    """A program that calls models without recording any is told what to do."""

    def test_an_imported_library_is_named(self, fake, tmp_path):
        """At exit, with what to install or to activate."""
        (tmp_path / "dspy.py").write_text("")
        path = f"{environment(fake)['PYTHONPATH']}:{tmp_path}"
        code, _, complaints = run(fake, "register()\nimport dspy", PYTHONPATH=path)
        assert code == 0
        [line] = complaints.splitlines()
        assert "No span was recorded" in line
        assert "pip install openinference-instrumentation-dspy" in line

    @pytest.mark.parametrize(
        "program",
        [
            pytest.param("register()", id="no-library"),
            pytest.param("import dspy", id="not-registered"),
            pytest.param(
                "import dspy; run_agent(register().get_tracer('t'))", id="runs"
            ),
        ],
    )
    def test_nothing_is_logged_otherwise(self, fake, program, tmp_path):
        """A program without models, or whose spans arrived, is not disturbed."""
        (tmp_path / "dspy.py").write_text("")
        path = f"{environment(fake)['PYTHONPATH']}:{tmp_path}"
        assert run(fake, program, PYTHONPATH=path) == (0, "", "")

    def test_logfire_that_came_later_is_named(self, fake, tmp_path):
        """Its provider is its own, so nothing arrives."""
        (tmp_path / "logfire.py").write_text(
            "class DEFAULT_LOGFIRE_INSTANCE:\n"
            "    class config:\n        _initialized = True\n"
        )
        path = f"{environment(fake)['PYTHONPATH']}:{tmp_path}"
        program = "register()\nimport logfire"
        _, _, complaints = run(fake, program, PYTHONPATH=path)
        assert "call register() after logfire.configure()" in complaints


@pytest.mark.parametrize("names", ["True", "'magic'", "['magic']"])
def test_instrumentors_are_activated(fake, tmp_path, names):
    """`instrument` activates what is installed, for the provider."""
    info = tmp_path / "opentelemetry_instrumentation_genai_magic-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: opentelemetry-instrumentation-genai-magic\n"
        "Version: 1\n"
    )
    (info / "entry_points.txt").write_text(
        "[opentelemetry_instrumentor]\nmagic = magic:Instrumentor\n"
    )
    (tmp_path / "magic.py").write_text(
        """
class Instrumentor:
    _instance = None
    is_instrumented_by_opentelemetry = False
    def __init__(self):
        type(self)._instance = self
    def _check_dependency_conflicts(self):
        return None
    def instrument(self, tracer_provider):
        type(self).provider = tracer_provider
        self.is_instrumented_by_opentelemetry = True
"""
    )
    program = f"""
    provider = register(instrument={names})
    import magic
    assert magic.Instrumentor.provider is provider
    """
    path = f"{environment(fake)['PYTHONPATH']}:{tmp_path}"
    code, _, complaints = run(fake, program, PYTHONPATH=path, PYTHONWARNINGS="")
    assert (code, complaints) == (0, "")


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal there")
def test_ctrl_c_before_the_first_span_ends_the_program_as_usual(fake):
    """No pipeline is built at exit: an import there makes Python forget the Ctrl-C.

    Source: CPython 3.11, `run_eval_code_obj`: every `exec` of a text, as in dataclasses,
    resets `unhandled_keyboard_interrupt`, and the exit code is 1.
    """
    program = """
    import atexit
    atexit.register(lambda: say("infinium_otel.pipeline.pipeline" in sys.modules))
    register()
    say("ready")
    time.sleep(20)
    """
    with start(fake, program) as child:
        assert child.stdout.readline() == "ready\n"
        child.send_signal(signal.SIGINT)
        output, complaints = child.communicate(timeout=20)
    assert complaints.splitlines()[-1] == "KeyboardInterrupt"
    assert child.returncode == -signal.SIGINT
    assert output == "False\n"
