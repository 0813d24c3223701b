"""What the doctor finds, and what it says mends it."""

from __future__ import annotations

import json
import time
from email.utils import formatdate

import pytest

from infinium_otel.apps import cli, doctor
from infinium_otel.apps.doctor import endpoint, instrumentations, sdk, settings, spool
from infinium_otel.apps.doctor.findings import Finding, as_json, as_lines
from infinium_otel.config import Config
from infinium_otel.delivery.spool import Spool
from infinium_otel.testing import Fault

ID, SECRET = "11111111-2222-4333-8444-555555555555", "streng-geheim"
GOOD = {"INFINIUM_AGENT_ID": ID, "INFINIUM_AGENT_SECRET": SECRET}
CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
LATEST = {"OTEL_SEMCONV_STABILITY_OPT_IN": "http,gen_ai_latest_experimental"}
GENAI = {"opentelemetry-instrumentation-genai-openai": "1.3b0"}
OPENAI_V2 = {"opentelemetry-instrumentation-openai-v2": "2.4b0"}
OPENINFERENCE = {"openinference-instrumentation-openai": "0.1.66"}
OPENLLMETRY = {"opentelemetry-instrumentation-langchain": "0.62.4"}


def level_and_mend(findings):
    return [(finding.level, finding.mend) for finding in findings]


# -- configuration ---------------------------------------------------------------------


def test_settings_are_told_with_their_sources():
    """Each setting that was made, and those that matter, with where it comes from."""
    environ = {**GOOD, "INFINIUM_TIMEOUT": "5", "INFINIUM_OTEL_SPOOL": "/tmp/x.db"}
    config, found = settings.configuration(environ)
    assert config.timeout_s == 5
    said = [finding.says for finding in found]
    assert said == [
        f"agent_id = {ID} (from INFINIUM_AGENT_ID)",
        "agent_secret = *** (from INFINIUM_AGENT_SECRET)",
        "base_url = https://platform.i42m.ai/api/v1 (default)",
        "timeout_s = 5.0 (from INFINIUM_TIMEOUT)",
        "spool = /tmp/x.db (from INFINIUM_OTEL_SPOOL)",
        "include = agents (default)",
    ]


@pytest.mark.parametrize(
    ("environ", "says", "mend"),
    [
        pytest.param(
            {"INFINIUM_AGENT_SECRET": SECRET},
            "agent_id: missing",
            "export INFINIUM_AGENT_ID=00000000-0000-0000-0000-000000000000",
            id="no-id",
        ),
        pytest.param(
            {"INFINIUM_AGENT_ID": ID},
            "agent_secret: missing",
            "export INFINIUM_AGENT_SECRET=...",
            id="no-secret",
        ),
        pytest.param(
            {**GOOD, "INFINIUM_OTEL_BURST": "-1"},
            "burst: must be",
            "export INFINIUM_OTEL_BURST=20",
            id="bad-number",
        ),
        pytest.param(
            {**GOOD, "INFINIUM_OTEL_GATEWAY_TOKEN": "kurz"},
            "gateway_token: must have",
            "unset INFINIUM_OTEL_GATEWAY_TOKEN",
            id="no-default-to-offer",
        ),
    ],
)
def test_a_mistake_comes_with_the_command_that_mends_it(environ, says, mend):
    """Nothing can be sent with a mistake in the settings, so it is an error."""
    config, found = settings.configuration(environ)
    assert config is None
    assert level_and_mend(found) == [("error", mend)]
    assert found[0].says.startswith(says)


def test_a_slip_of_the_pen_is_found():
    """A variable that looks like ours and is none is pointed at."""
    _, found = settings.configuration({**GOOD, "INFINIUM_OTEL_SPOL": "x"})
    assert level_and_mend(found)[0] == ("warning", "unset INFINIUM_OTEL_SPOL")


# -- endpoint --------------------------------------------------------------------------


def asked(fake, *faults, now=time.time, **changes):
    fake.script(*faults)
    return endpoint.endpoint(Config(**{**fake.settings, **changes}), now)


def test_an_endpoint_that_works_is_told_so(fake):
    """It answers, accepts the credentials, and our clocks agree; nothing is stored."""
    found = asked(fake)
    assert {finding.level for finding in found} == {"ok"}
    assert "accepts the credentials (404)" in found[1].says
    assert "clock agrees" in found[2].says
    assert fake.tasks == []


@pytest.mark.parametrize(
    ("fault", "level", "says"),
    [
        pytest.param(401, "error", "refuses the credentials (401)", id="401"),
        pytest.param(403, "error", "refuses the credentials (403)", id="403"),
        pytest.param(503, "warning", "fails at the moment (503)", id="503"),
        pytest.param(200, "ok", "accepts the credentials (200)", id="200"),
    ],
)
def test_what_the_status_means(fake, fault, level, says):
    """401 and 403 are about the credentials, 5xx passes."""
    finding = asked(fake, fault)[1]
    assert finding.level == level
    assert says in finding.says


def reply_dated(date):
    head = f"HTTP/1.1 404 Not Found\r\nDate: {date}\r\nContent-Length: 0\r\n\r\n"
    return Fault(breaks="raw", body=head.encode())


@pytest.mark.parametrize(
    ("skew_s", "level", "says"),
    [
        pytest.param(0, "ok", "agrees", id="right"),
        pytest.param(600, "warning", "600 s ahead", id="ahead"),
        pytest.param(-600, "warning", "600 s behind", id="behind"),
    ],
)
def test_a_clock_that_is_wrong_is_found(fake, skew_s, level, says):
    """Runs are shown at the time this machine says, so it had better be right."""
    dated = reply_dated(formatdate(1_700_000_000, usegmt=True))
    finding = asked(fake, dated, now=lambda: 1_700_000_000.0 + skew_s)[2]
    assert finding.level == level
    assert says in finding.says


def test_a_date_that_is_none_says_nothing(fake):
    """A reply without a readable date is no finding about the clock."""
    assert len(asked(fake, reply_dated("yesterday"))) == 2


def test_an_endpoint_that_is_not_there_is_an_error(fake):
    """The finding names the address and how it failed, and shows no secret."""
    fake.close()
    (finding,) = asked(fake)
    assert finding.level == "error"
    assert finding.mend == f"curl -sv {fake.base_url}"
    assert "ConnectError" in finding.says
    assert fake.agent_secret not in str(finding)


# -- instrumentations ------------------------------------------------------------------


def content_of(installed, environ):
    (row,) = instrumentations.found(installed).values()
    return row.content(environ)


@pytest.mark.parametrize(
    ("installed", "environ", "expected"),
    [
        pytest.param(GENAI, {}, "nowhere", id="genai-default"),
        pytest.param(GENAI, {CAPTURE: "true"}, "nowhere", id="genai-true-is-refused"),
        pytest.param(GENAI, {CAPTURE: "span_only"}, "span", id="genai-span"),
        pytest.param(GENAI, {CAPTURE: "SPAN_AND_EVENT"}, "span", id="genai-both"),
        pytest.param(GENAI, {CAPTURE: "EVENT_ONLY"}, "logs", id="genai-event"),
        pytest.param(OPENAI_V2, {}, "nowhere", id="v2-default"),
        pytest.param(OPENAI_V2, {CAPTURE: "true"}, "logs", id="v2-true"),
        pytest.param(OPENAI_V2, {CAPTURE: "SPAN_ONLY"}, "nowhere", id="v2-not-opted"),
        pytest.param(
            OPENAI_V2, {**LATEST, CAPTURE: "SPAN_ONLY"}, "span", id="v2-opted-in"
        ),
        pytest.param(OPENINFERENCE, {}, "span", id="openinference-default"),
        pytest.param(
            OPENINFERENCE,
            {"OPENINFERENCE_HIDE_OUTPUTS": "True"},
            "nowhere",
            id="hidden",
        ),
        pytest.param(OPENLLMETRY, {}, "span", id="openllmetry-default"),
        pytest.param(
            OPENLLMETRY, {"TRACELOOP_TRACE_CONTENT": "false"}, "nowhere", id="tl-off"
        ),
        pytest.param({"anthropic": "2.11.0"}, {}, "nowhere", id="anthropic-default"),
        pytest.param(
            {"anthropic": "2.11.0"},
            {"ANTHROPIC_OPEN_TELEMETRY_TRACES_CONTENT_MODE": "content"},
            "span",
            id="anthropic-content",
        ),
        pytest.param({"google-adk": "2.13.0"}, {}, "span", id="adk-default"),
        pytest.param({"openlit": "1.45.0"}, {}, "by code", id="openlit"),
        pytest.param(
            {"opentelemetry-instrumentation-openai-agents-v2": "0.1.0"},
            {},
            "by code",
            id="agents-v2",
        ),
        pytest.param({"mcp": "2.3.0"}, {}, "nowhere", id="mcp"),
        pytest.param({"autogen-core": "0.7.5"}, {}, "nowhere", id="autogen"),
    ],
)
def test_where_texts_of_messages_go(installed, environ, expected):
    """Each package has variables of its own, with meanings of its own."""
    assert content_of(installed, environ) == expected


@pytest.mark.parametrize(
    "installed",
    [
        pytest.param({"anthropic": "1.9.0"}, id="client-that-emits-nothing"),
        pytest.param({"opentelemetry-instrumentation-httpx": "0.66b2"}, id="no-llm"),
        pytest.param({"openinference-semantic-conventions": "0.1"}, id="only-names"),
    ],
)
def test_what_is_no_instrumentation_of_llms(installed):
    """A name that begins alike, or a version that emits nothing, is none."""
    assert instrumentations.found(installed) == {}


def test_an_instrumentation_that_keeps_texts_back_is_pointed_at():
    """The finding says what is recorded, what is not, and which command changes it."""
    (finding,) = instrumentations.instrumentations(OPENAI_V2, {})
    assert finding.level == "warning"
    assert "cached and reasoning tokens" in finding.says
    assert finding.mend == (
        "export OTEL_SEMCONV_STABILITY_OPT_IN=gen_ai_latest_experimental "
        f"{CAPTURE}=SPAN_ONLY"
    )


@pytest.mark.parametrize(
    ("installed", "environ", "says"),
    [
        pytest.param(OPENINFERENCE, {}, "texts on spans", id="span"),
        pytest.param(OPENAI_V2, {CAPTURE: "true"}, "in log records only", id="logs"),
        pytest.param({"openlit": "1.45.0"}, {}, "as set in code", id="code"),
        pytest.param(
            {"mcp": "2.3.0"}, {}, "no texts of messages", id="nothing-changes-it"
        ),
    ],
)
def test_an_instrumentation_is_told_with_where_its_texts_are(installed, environ, says):
    """What cannot be changed here is no warning."""
    (finding,) = instrumentations.instrumentations(installed, environ)
    assert finding.level == "ok"
    assert finding.says.endswith(says)


def test_a_value_that_means_nothing_is_found():
    """`true` is what other packages take; these say no texts to it."""
    *_, finding = instrumentations.instrumentations(GENAI, {CAPTURE: "True"})
    assert level_and_mend([finding]) == [("warning", f"export {CAPTURE}=SPAN_ONLY")]
    (only,) = instrumentations.instrumentations(OPENAI_V2, {CAPTURE: "true"})
    assert only.level == "ok"


@pytest.mark.parametrize(
    ("installed", "mend"),
    [
        pytest.param({}, None, id="nothing-installed"),
        pytest.param(
            {"openai": "3.0", "langchain-core": "1.0"},
            "pip install opentelemetry-instrumentation-genai-openai "
            "opentelemetry-instrumentation-genai-langchain",
            id="clients",
        ),
    ],
)
def test_an_environment_without_any_is_pointed_at(installed, mend):
    """Without an instrumentation nothing is recorded; what to install depends."""
    found = instrumentations.instrumentations(installed, {})
    assert level_and_mend(found) == [("warning", mend)]


# -- the SDK ---------------------------------------------------------------------------


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
    """Flattened conversations outgrow 128 attributes, and the oldest are evicted."""
    found = list(sdk.limits(installed, environ))
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
def test_a_logs_bridge_is_asked_for_where_it_is_needed(environ, expected):
    """A span exporter never sees log records."""
    found = list(sdk.logs_bridge(OPENAI_V2, environ))
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
def test_the_way_from_the_sdk_to_us(exporters, environ, level):
    """The SDK finds exporters by entry point, and is told by a variable."""
    *versions, finding = sdk.entry_points({}, exporters, environ)
    assert finding.level == level
    assert versions[0].says.endswith("not installed")


def test_dialects_that_others_add():
    """A dialect of another distribution is named with where it comes from."""
    (finding,) = sdk.dialects({"acme": "acme_otel:dialect"})
    assert finding.says == "dialect acme is added by acme_otel:dialect"


# -- the spool -------------------------------------------------------------------------


def test_no_spool_is_worth_a_note():
    """Tasks that wait in memory do not survive their process."""
    (finding,) = spool.spool(None)
    assert finding.level == "note"


def test_a_spool_needs_its_folder(tmp_path):
    """A folder that is missing keeps nothing safe; the file is made when needed."""
    (good,) = spool.spool(str(tmp_path / "spool.db"))
    (bad,) = spool.spool(str(tmp_path / "no" / "spool.db"))
    assert [good.level, bad.level] == ["ok", "error"]
    assert bad.mend == f"mkdir -p -m 700 {tmp_path / 'no'}"


def test_what_is_in_the_spool(tmp_path):
    """How many tasks wait; those that were refused are pointed at."""
    path = str(tmp_path / "spool.db")
    tasks = Spool(path, 10**6)
    for key in "abc":
        tasks.put(key, b"{}", 1)
    assert [finding.says for finding in spool.spool(path)] == [
        f"tasks waiting in {path}: 3"
    ]
    tasks.refuse(tasks.take(time.time()), "422", "no name")
    tasks.close()
    waiting, refused = spool.spool(path)
    assert waiting.says.endswith(": 2")
    assert level_and_mend([refused]) == [
        ("warning", f"infinium-otel spool {path} list")
    ]


def test_a_spool_that_cannot_be_used_is_an_error(tmp_path):
    """A damaged file, or another program's, is left as it is."""
    path = tmp_path / "other.db"
    path.write_bytes(b"no database" * 100)
    (finding,) = spool.spool(str(path))
    assert level_and_mend([finding]) == [("error", f"mv {path} {path}.other")]
    assert [each.name for each in tmp_path.iterdir()] == ["other.db"]


# -- the command -----------------------------------------------------------------------


FINDINGS = [
    Finding("One", "ok", "fine"),
    Finding("One", "error", "broken", "mend it"),
    Finding("Two", "warning", "odd"),
]


def test_findings_as_a_person_reads_them():
    """Under headings, each with the command that mends it, and a summary."""
    assert "\n".join(as_lines(FINDINGS)) == (
        "One\n"
        "  ok      fine\n"
        "  error   broken\n"
        "          mend: mend it\n"
        "\nTwo\n"
        "  warning odd\n"
        "\n1 errors, 1 warnings"
    )


def test_findings_as_json():
    """The same as an object, with counts by level."""
    document = as_json(FINDINGS)
    assert document["counts"] == {"ok": 1, "note": 0, "warning": 1, "error": 1}
    assert document["findings"][1] == {
        "topic": "One",
        "level": "error",
        "says": "broken",
        "mend": "mend it",
    }


@pytest.fixture
def environ(monkeypatch, fake):
    """Only our variables, and those of an endpoint that works."""
    for name in ("OTEL_TRACES_EXPORTER", "OTEL_LOGS_EXPORTER", "INFINIUM_OTEL_SPOOL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in fake.settings.items():
        monkeypatch.setenv(f"INFINIUM_{name.upper()}", value)
    return monkeypatch


def test_a_healthy_setup_exits_0(environ, fake, capsys):
    """Everything is looked at, and no secret is shown."""
    assert cli.main(["doctor"]) == 0
    shown = capsys.readouterr().out
    for topic in ("Configuration", "Delivery", "Endpoint", "Instrumentations", "SDK"):
        assert topic in shown
    assert "0 errors" in shown
    assert fake.agent_secret not in shown


def test_a_setup_that_cannot_send_exits_1(environ, capsys):
    """The exit code says that something keeps runs from arriving; `--json` what."""
    environ.delenv("INFINIUM_AGENT_ID")
    assert cli.main(["doctor", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["counts"]["error"] == 1


def test_offline_asks_nobody(environ, fake):
    """`--offline` looks at this machine only."""
    assert cli.main(["doctor", "--offline"]) == 0
    assert fake.requests == []


def test_what_is_installed_is_read_from_the_environment():
    """Names are normalised, so that the table finds them."""
    installed = doctor.installed()
    assert installed["opentelemetry-sdk"]
    assert not [name for name in installed if "_" in name or name != name.lower()]
    assert doctor.entry_points("opentelemetry_traces_exporter")["infinium"]
