"""What the doctor finds in the SDK's settings, and in those of its launcher."""

from __future__ import annotations

from pathlib import Path

import pytest

from infinium_otel.apps.doctor import (
    launcher,
    sdk,
)
from support.doctor import CAPTURE, GENAI, OPENAI_V2, OPENINFERENCE, level_and_fix


@pytest.mark.parametrize(
    ("installed", "environ", "expected"),
    [
        pytest.param({}, {}, ["ok"], id="nothing-flat"),
        pytest.param(GENAI, {}, ["ok"], id="json-attributes"),
        pytest.param(OPENINFERENCE, {}, ["warning"], id="flat"),
        pytest.param(
            OPENINFERENCE, {"OTEL_ATTRIBUTE_COUNT_LIMIT": "20000"}, ["ok"], id="raised"
        ),
        pytest.param(
            OPENINFERENCE,
            {"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "200"},
            ["warning"],
            id="too-low",
        ),
        pytest.param(
            OPENINFERENCE,
            {"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "many"},
            ["warning"],
            id="no-number",
        ),
        pytest.param(
            GENAI,
            {"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "1000"},
            ["ok", "warning"],
            id="texts-cut",
        ),
    ],
)
def test_limits_that_lose_attributes(installed, environ, expected):
    """Flattened conversations exceed 128 attributes, and the oldest are dropped."""
    found = list(sdk.check_limits(installed, environ))
    assert [finding.level for finding in found] == expected


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        pytest.param({}, [], id="no-texts-anywhere"),
        pytest.param({CAPTURE: "true"}, ["warning"], id="logs-go-nowhere"),
        pytest.param(
            {CAPTURE: "true", "OTEL_LOGS_EXPORTER": "otlp,infinium"}, ["ok"], id="to-us"
        ),
    ],
)
def test_log_export_is_required_for_texts_in_logs(environ, expected):
    """A span exporter never receives log records."""
    found = list(sdk.check_log_export(OPENAI_V2, environ))
    assert [finding.level for finding in found] == expected


@pytest.mark.parametrize(
    ("exporters", "environ", "level"),
    [
        pytest.param({}, {}, "error", id="not-installed"),
        pytest.param({"infinium": "other:X"}, {}, "error", id="somebody-elses"),
        pytest.param({"infinium": "infinium_otel.exporter:X"}, {}, "note", id="unused"),
        pytest.param(
            {"infinium": "infinium_otel.exporter:X"},
            {"OTEL_TRACES_EXPORTER": "infinium"},
            "ok",
            id="used",
        ),
    ],
)
def test_the_sdk_finds_and_uses_the_exporter(exporters, environ, level):
    """The SDK finds exporters by entry point, and a variable selects them."""
    *versions, finding = sdk.check_entry_points({}, exporters, {}, environ)
    assert finding.level == level
    assert versions[0].message.endswith("not installed")


@pytest.mark.parametrize(
    ("environ", "level", "fix"),
    [
        pytest.param(
            {"OTEL_SDK_DISABLED": "TRUE"}, "error", "unset OTEL_SDK_DISABLED", id="off"
        ),
        pytest.param(
            {"OTEL_TRACES_SAMPLER": "always_off"},
            "error",
            "unset OTEL_TRACES_SAMPLER",
            id="never",
        ),
        pytest.param(
            {
                "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
                "OTEL_TRACES_SAMPLER_ARG": "0.05",
            },
            "warning",
            "unset OTEL_TRACES_SAMPLER OTEL_TRACES_SAMPLER_ARG",
            id="a-share",
        ),
    ],
)
def test_variables_that_keep_spans_from_being_recorded(environ, level, fix):
    """Nothing else shows that no run can arrive.

    Source: langfuse/langfuse#8452, open-telemetry/opentelemetry-python#3851.
    """
    (finding,) = sdk.check_recording(environ)
    assert (finding.level, finding.fix) == (level, fix)


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_SDK_DISABLED": "false"},
        {"OTEL_TRACES_SAMPLER": "always_on", "OTEL_TRACES_SAMPLER_ARG": "0.1"},
        {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "1.0"},
    ],
)
def test_variables_with_which_all_spans_are_recorded(environ):
    """They are not worth a line."""
    assert list(sdk.check_recording(environ)) == []


ZERO_CODE = (
    "export OTEL_TRACES_EXPORTER=infinium OTEL_LOGS_EXPORTER=infinium "
    "OTEL_METRICS_EXPORTER=none"
)


@pytest.mark.parametrize(
    ("configurators", "environ", "fix"),
    [
        pytest.param(["distro"], {}, ZERO_CODE, id="installed"),
        pytest.param(
            [],
            {},
            f"pip install opentelemetry-distro && {ZERO_CODE}",
            id="not-installed",
        ),
        pytest.param(
            ["distro"],
            {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_METRICS_EXPORTER": "prometheus"},
            "export OTEL_TRACES_EXPORTER=otlp,infinium OTEL_LOGS_EXPORTER=infinium",
            id="other-exporters-stay",
        ),
    ],
)
def test_the_fix_of_an_unused_exporter_is_complete(configurators, environ, fix):
    """After the one command `opentelemetry-instrument` sends runs."""
    exporters = {"infinium": "infinium_otel.exporter:X"}
    *_, found = sdk.check_entry_points({}, exporters, configurators, environ)
    assert (found.level, found.fix) == ("note", fix)


INFINIUM = {"OTEL_TRACES_EXPORTER": "console, infinium"}
SET = {**INFINIUM, "OTEL_LOGS_EXPORTER": "infinium", "OTEL_METRICS_EXPORTER": "none"}
GRPC = {"OTEL_METRICS_EXPORTER": ["otlp_proto_grpc"]}
HTTP = {"OTEL_METRICS_EXPORTER": ["otlp_proto_http"]}
NO_METRICS = ("error", "export OTEL_METRICS_EXPORTER=none")
NO_LOGS = ("error", "export OTEL_LOGS_EXPORTER=infinium")
NO_DISTRO = ("warning", "pip install opentelemetry-distro")


@pytest.mark.parametrize(
    ("configurators", "exporters", "environ", "expected"),
    [
        pytest.param([], {}, {}, [], id="not-selected"),
        pytest.param(["distro"], {}, SET, [], id="complete"),
        pytest.param([], {}, SET, [NO_DISTRO], id="no-distro"),
        pytest.param(["distro"], {}, INFINIUM, [NO_LOGS, NO_METRICS], id="only-traces"),
        pytest.param(["distro"], GRPC, INFINIUM, [NO_LOGS], id="otlp-is-installed"),
        pytest.param(
            ["distro"], HTTP, INFINIUM, [NO_LOGS, NO_METRICS], id="other-protocol"
        ),
        pytest.param(
            ["distro"],
            HTTP,
            {**INFINIUM, "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "http/protobuf"},
            [NO_LOGS],
            id="http-is-selected",
        ),
    ],
)
def test_what_the_launcher_needs(configurators, exporters, environ, expected):
    """Something must read the variables, and what they select must be installed."""
    found = launcher.check_launcher(configurators, exporters, environ)
    assert level_and_fix(found) == expected


def test_zero_code_is_documented_as_the_doctor_fixes_it():
    """README and the page on it contain every variable."""
    root = Path(__file__).parents[3]
    for page in ("README.md", "docs/howto/zero-code.md"):
        text = " ".join((root / page).read_text("utf-8").split())
        assert ZERO_CODE.removeprefix("export ") in text
        assert "opentelemetry-distro" in text
