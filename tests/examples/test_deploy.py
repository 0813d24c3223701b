"""`examples/deploy`: what it starts exists, and its numbers fit together."""

from __future__ import annotations

import configparser
import json
import re
import shlex
from pathlib import Path

import pytest

from infinium_otel.apps import cli
from infinium_otel.config import Config
from infinium_otel.config.config import find_unknown_variables

yaml = pytest.importorskip("yaml")

FOLDER = Path(__file__).parents[2] / "examples" / "deploy"
DOCUMENTS = {
    each["kind"]: each
    for each in yaml.safe_load_all((FOLDER / "consume.yaml").read_text("utf-8"))
}
POD = DOCUMENTS["StatefulSet"]["spec"]["template"]["spec"]
(CONTAINER,) = POD["containers"]


def read_unit():
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read(FOLDER / "infinium-consume.service", "utf-8")
    return parser


def read_image():
    """The instructions of the Dockerfile, by name; the last of each."""
    text = (FOLDER / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    return dict(re.findall(r"(?m)^([A-Z]+) +(.*)$", text))


def parse(arguments):
    """The arguments of a command, as the command line itself reads them."""
    return cli.build_parser("consume").parse_args(arguments)


COMMANDS = {
    "kubernetes": CONTAINER["args"],
    "systemd": shlex.split(read_unit()["Service"]["ExecStart"])[1:],
    "docker": json.loads(read_image()["CMD"]),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_is_valid(name):
    """Its options exist, and it serves probes."""
    args = parse(COMMANDS[name])
    assert args.command == "consume"
    assert args.listen.endswith(":9464")


def test_a_stop_leaves_time_to_deliver():
    """The grace is longer than the drain, in both."""
    assert (
        POD["terminationGracePeriodSeconds"]
        >= 2 * parse(COMMANDS["kubernetes"]).drain_s
    )
    unit = read_unit()["Service"]
    assert int(unit["TimeoutStopSec"]) >= 2 * parse(COMMANDS["systemd"]).drain_s


def test_nothing_runs_as_root():
    """Neither the image, nor the pod, nor the unit."""
    assert read_image()["USER"] == str(POD["securityContext"]["runAsUser"]) != "0"
    assert POD["securityContext"]["runAsNonRoot"]
    for container in (CONTAINER, *POD["initContainers"]):
        assert not container["securityContext"]["allowPrivilegeEscalation"]
    assert read_unit()["Service"]["DynamicUser"] == "yes"


def test_the_pods_fit_together():
    """Selectors, ports and probes name what exists."""
    labels = DOCUMENTS["StatefulSet"]["spec"]["template"]["metadata"]["labels"]
    assert DOCUMENTS["Service"]["spec"]["selector"] == labels
    assert DOCUMENTS["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    (port,) = CONTAINER["ports"]
    assert port["containerPort"] == int(parse(CONTAINER["args"]).listen.split(":")[1])
    for probe, path in (("livenessProbe", "/livez"), ("readinessProbe", "/readyz")):
        assert CONTAINER[probe]["httpGet"] == {"path": path, "port": port["name"]}
    target = DOCUMENTS["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]
    assert target["name"] == DOCUMENTS["StatefulSet"]["metadata"]["name"]


def test_the_settings_exist():
    """Every variable is one of ours, with a valid value; the bounds fit into memory."""
    given = {each["name"]: each.get("value", "") for each in CONTAINER["env"]}
    secrets = {"INFINIUM_AGENT_ID": "11111111-2222-4333-8444-555555555555"}
    config = Config.from_env({**given, **secrets, "INFINIUM_AGENT_SECRET": "x" * 8})
    assert find_unknown_variables(given) == {}
    held = config.max_open_bytes + config.max_queued_bytes
    assert held < 2**30 * 0.6


def test_scaling_follows_a_metric_that_exists():
    """The seconds of lag, by the name that Prometheus shows."""
    pytest.importorskip("prometheus_client")
    (metric,) = DOCUMENTS["HorizontalPodAutoscaler"]["spec"]["metrics"]
    name = metric["pods"]["metric"]["name"]
    from infinium_otel.apps.consume import telemetry  # noqa: PLC0415 - needs the extra

    dotted = name.removesuffix("_seconds").replace("_", ".")
    source = Path(telemetry.__file__).read_text("utf-8")
    assert f'"{dotted.removeprefix("infinium.consumer.")}"' in source


def test_the_collector_keeps_traces_together():
    """By trace id, into the topic that `consume` reads, in a format it reads."""
    found = yaml.safe_load((FOLDER / "collector-kafka.yaml").read_text("utf-8"))
    kafka = found["exporters"]["kafka"]
    assert kafka["partition_traces_by_id"] is True
    assert kafka["traces"]["topic"] == parse(["consume", "--brokers", "x"]).topic
    assert kafka["traces"]["encoding"] == "otlp_proto"
    (pipeline,) = found["service"]["pipelines"].values()
    for kind in ("receivers", "processors", "exporters"):
        assert set(pipeline[kind]) <= set(found[kind])
