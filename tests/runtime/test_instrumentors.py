"""The instrumentors of AI libraries: one per library, by a stated order."""

from __future__ import annotations

import logging
import sys
import textwrap
from importlib.metadata import version

import pytest

from infinium_otel.apps.doctor.instrumentations import check_versions
from infinium_otel.runtime import instrumentors
from infinium_otel.runtime.instrumentors import (
    activate,
    advise,
    find_instrumentors,
    switch_content_on,
)

OFFICIAL = "opentelemetry-instrumentation-genai-magic"
CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
OPT_IN = "OTEL_SEMCONV_STABILITY_OPT_IN"

CODE = """
class Instrumentor:
    _instance = None
    is_instrumented_by_opentelemetry = False
    def __init__(self):
        type(self)._instance = self
    def _check_dependency_conflicts(self):
        return {conflict}
    def instrument(self, **providers):
        {effect}
        self.providers = providers
        self.is_instrumented_by_opentelemetry = True
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Installs a package with an instrumentor: (distribution, library, ...) -> module."""
    monkeypatch.syspath_prepend(tmp_path)
    imported = set(sys.modules)

    def write(name, *requires, conflict=None, effect="pass", metadata=""):
        module = "fake_" + name.replace("-", "_")
        code = CODE.format(conflict=conflict, effect=effect)
        (tmp_path / f"{module}.py").write_text(textwrap.dedent(code))
        info = tmp_path / f"{name.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        lines = [f"Requires-Dist: {each}" for each in requires]
        text = "\n".join([f"Name: {name}", "Version: 1.0", *lines])
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\n{text}\n")
        entry = f"[opentelemetry_instrumentor]\nmagic = {module}:Instrumentor\n"
        (info / "entry_points.txt").write_text(entry)
        return module

    yield write
    for name in set(sys.modules) - imported:
        if name.startswith("fake_"):
            del sys.modules[name]


def names(activated):
    return [each.distribution for each in activated]


@pytest.mark.parametrize(
    ("distribution", "library", "rank"),
    [
        pytest.param(OFFICIAL, "magic", 0, id="official"),
        pytest.param("opentelemetry-instrumentation-magic-v2", "magic", 0, id="v2"),
        pytest.param(
            "opentelemetry-instrumentation-google-genai", "google-genai", 0, id="google"
        ),
        pytest.param(
            "openinference-instrumentation-magic", "magic", 1, id="openinference"
        ),
        pytest.param(
            "opentelemetry-instrumentation-llamaindex",
            "llama-index",
            2,
            id="openllmetry-alias",
        ),
        pytest.param("opentelemetry-instrumentation-flask", None, None, id="no-ai"),
    ],
)
def test_the_family_is_known_by_the_name(install, distribution, library, rank):
    """A distribution's name tells what it instruments, and who makes it."""
    install(distribution)
    found = [each for group in find_instrumentors().values() for each in group]
    found = [each for each in found if each.entry_point.module.startswith("fake_")]
    assert [(each.library, each.rank) for each in found] == (
        [(library, rank)] if library else []
    )


class TestActivation:
    def test_the_preferred_one_is_activated(self, install, caplog):
        """One per library, with the providers; a second call does nothing."""
        caplog.set_level(logging.INFO)
        install("openinference-instrumentation-magic")
        module = install(OFFICIAL)
        activated = activate(["magic"], capture_content=False, tracer_provider=1)
        assert names(activated) == [OFFICIAL]
        instance = sys.modules[module].Instrumentor._instance
        assert instance.providers == {"tracer_provider": 1}
        assert activate(["magic"], capture_content=False) == []
        ours = [
            r.getMessage() for r in caplog.records if r.name == instrumentors.__name__
        ]
        assert ours == [f"Activated: {OFFICIAL}"]

    @pytest.mark.parametrize(
        "broken",
        [
            pytest.param({"conflict": "'too old'"}, id="another-version"),
            pytest.param({"effect": "raise ValueError"}, id="it-raises"),
            pytest.param({"requires": "missing-library"}, id="no-library"),
        ],
    )
    def test_the_next_one_replaces_one_that_cannot_work(self, install, broken):
        """A library that is absent or too old, or a failure, is no end."""
        required = broken.pop("requires", "pytest")
        install(OFFICIAL, f"{required}; extra == 'instruments'", **broken)
        install("openinference-instrumentation-magic")
        assert names(activate(["magic"], capture_content=False)) == [
            "openinference-instrumentation-magic"
        ]

    def test_a_library_of_an_unsupported_version_is_reported(self, install, caplog):
        """With a version that works, unless another instrumentor supports this one."""
        install(OFFICIAL, "pytest (<1); extra == 'instruments'", conflict="'too new'")
        assert activate(["magic"], capture_content=False) == []
        installed = version("pytest")
        wanted = (
            f"{OFFICIAL} does not support pytest {installed}: pip install 'pytest (<1)'"
        )
        assert caplog.messages == [wanted]
        install("openinference-instrumentation-magic")
        assert len(activate(["magic"], capture_content=False)) == 1
        assert caplog.messages == [wanted]

    @pytest.mark.parametrize("library", ["pytest", "missing-library"])
    def test_one_of_several_libraries_is_enough(self, install, library):
        """The extra `instruments-any` names alternatives."""
        any_of = "; extra == 'instruments-any'"
        install(OFFICIAL, f"missing{any_of}", f"{library} (<99){any_of}")
        activated = activate(["magic"], capture_content=False)
        assert bool(activated) == (library == "pytest")

    def test_the_instrumentor_s_own_check_decides(self, install):
        """Its package may name libraries that it works without."""
        extra = "; extra == 'instruments'"
        install(OFFICIAL, f"pytest{extra}", f"missing{extra}")
        assert names(activate(["magic"], capture_content=False)) == [OFFICIAL]

    def test_an_active_one_is_kept(self, install):
        """What the program or another vendor activated stays the only one."""
        install(OFFICIAL)
        other = install("openinference-instrumentation-magic")
        __import__(other)
        sys.modules[other].Instrumentor().instrument()
        assert activate(["magic"], capture_content=False) == []

    def test_a_package_can_be_selected(self, install):
        """The name of a distribution overrides the order."""
        install(OFFICIAL)
        install("openinference-instrumentation-magic")
        selected = ["openinference_instrumentation_magic"]
        assert names(activate(selected, capture_content=False)) == [
            "openinference-instrumentation-magic"
        ]

    def test_a_misspelled_name_has_a_suggestion(self, install, caplog):
        """What is installed under a similar name is probably meant."""
        install("openinference-instrumentation-magic")
        assert activate(["magik"], capture_content=False) == []
        assert "magik is installed (did you mean magic?)" in caplog.text

    def test_an_unknown_name_is_logged(self, caplog):
        """With what to install, if that is known."""
        assert activate(["nothing", "dspy"], capture_content=False) == []
        messages = [r.getMessage() for r in caplog.records]
        assert messages == [
            "instrument: no instrumentor of nothing is installed",
            "instrument: no instrumentor of dspy is installed; "
            "pip install openinference-instrumentation-dspy",
        ]

    def test_all_are_selected_by_none(self, install, monkeypatch):
        """None selects every library."""
        install(OFFICIAL)
        found = {"magic": find_instrumentors()["magic"]}
        monkeypatch.setattr(instrumentors, "find_instrumentors", lambda: found)
        assert names(activate(None, capture_content=True)) == [OFFICIAL]


@pytest.mark.parametrize(
    ("scope", "environ", "wanted"),
    [
        pytest.param(
            "opentelemetry.instrumentation.genai.openai",
            {},
            {CAPTURE: "SPAN_ONLY"},
            id="off-by-default",
        ),
        pytest.param(
            "opentelemetry.instrumentation.openai_v2",
            {},
            {CAPTURE: "SPAN_ONLY", OPT_IN: "gen_ai_latest_experimental"},
            id="two-variables",
        ),
        pytest.param(
            "opentelemetry.instrumentation.genai.openai",
            {CAPTURE: "NO_CONTENT"},
            {CAPTURE: "NO_CONTENT"},
            id="the-user-s-choice",
        ),
        pytest.param("openinference.instrumentation.openai", {}, {}, id="on"),
        pytest.param(
            "opentelemetry.instrumentation.openai",
            {"TRACELOOP_TRACE_CONTENT": "false"},
            {"TRACELOOP_TRACE_CONTENT": "false"},
            id="switched-off",
        ),
        pytest.param("unknown.scope", {}, {}, id="unknown"),
    ],
)
def test_content_is_switched_on(scope, environ, wanted):
    """Variables that are unset are set; those that are set are the user's choice."""
    switch_content_on(scope, environ)
    assert environ == wanted


def test_openlit_keeps_its_content(monkeypatch):
    """OpenLIT reads the same variable, and another vocabulary."""
    monkeypatch.setitem(sys.modules, "openlit", sys)
    environ = {}
    switch_content_on("opentelemetry.instrumentation.genai.openai", environ)
    assert environ == {}


class TestAdvice:
    @pytest.fixture(autouse=True)
    def _no_library(self, monkeypatch):
        for module in instrumentors._MODULES:
            monkeypatch.delitem(sys.modules, module, raising=False)

    def test_without_a_library_there_is_none(self):
        """A program without models needs no advice."""
        assert advise() == ""

    def test_what_is_missing_is_named(self, monkeypatch):
        """An imported library without an instrumentor: what to install."""
        monkeypatch.setitem(sys.modules, "dspy", sys)
        assert "pip install openinference-instrumentation-dspy" in advise()

    def test_what_is_inactive_is_named(self, monkeypatch, install):
        """An installed instrumentor that is not active, until it is."""
        monkeypatch.setitem(sys.modules, "dspy", sys)
        install("openinference-instrumentation-dspy")
        assert "To activate openinference-instrumentation-dspy" in advise()
        activate(["dspy"], capture_content=False)
        assert advise() == ""

    @pytest.mark.parametrize("extra", ["instruments", "instruments-any"])
    def test_a_version_that_is_not_supported_is_named(
        self, monkeypatch, install, extra
    ):
        """What was called already is not advised again."""
        monkeypatch.setitem(sys.modules, "dspy", sys)
        requirement = f"pytest<1,>=0.1; extra == '{extra}'"
        install("openinference-instrumentation-dspy", requirement)
        assert advise().endswith("pip install 'pytest<1,>=0.1'")
        assert "register" not in advise()
        found = [(each.message, each.fix) for each in check_versions()]
        message = "openinference-instrumentation-dspy does not support pytest "
        fix = "pip install 'pytest<1,>=0.1'"
        assert (f"{message}{version('pytest')}", fix) in found
