"""`--listen`: metrics and probes on a port of their own."""

from __future__ import annotations

import httpx
import pytest

from infinium_otel.apps.observe.probe_server import Probes, listening
from infinium_otel.apps.observe.samples import Sample
from infinium_otel.errors import InfiniumError, MissingExtraError

pytest.importorskip("prometheus_client")
pytest.importorskip("uvicorn")

SAMPLES = [
    Sample("infinium.runs.open", "gauge", "{run}", "Open runs.", {"": 3}),
    Sample("infinium.attempts", "counter", "{request}", "Sent.", {"200": 5}, "status"),
    Sample("infinium.runs.open.age", "gauge", "s", "Age.", {"": 1.5}),
]


class Process:
    """What is probed: its problems can be set."""

    stalled = unready = ""

    def probes(self):
        return Probes(lambda: SAMPLES, lambda: self.stalled, lambda: self.unready)


@pytest.fixture
def process():
    return Process()


@pytest.fixture
def client(process):
    with (
        listening("127.0.0.1:0", process.probes()) as url,
        httpx.Client(base_url=url) as client,
    ):
        yield client


def test_metrics_have_prometheus_names_and_units(client):
    """Prometheus's own parser reads every sample with its name, unit and label."""
    parser = pytest.importorskip("prometheus_client.parser")
    reply = client.get("/metrics")
    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith("text/plain; version=")
    families = parser.text_string_to_metric_families(reply.text)
    found = {(s.name, *s.labels.values()): s.value for f in families for s in f.samples}
    assert found["infinium_runs_open",] == 3
    assert found["infinium_attempts_total", "200"] == 5
    assert found["infinium_runs_open_age_seconds",] == 1.5


def test_openmetrics_is_served_to_who_accepts_it(client):
    """Prometheus asks for OpenMetrics by default."""
    reply = client.get("/metrics", headers={"accept": "application/openmetrics-text"})
    assert reply.headers["content-type"].startswith("application/openmetrics-text")
    assert reply.text.endswith("# EOF\n")


@pytest.mark.parametrize(
    ("path", "problem"), [("/livez", "stalled"), ("/readyz", "unready")]
)
def test_a_probe_reports_the_problem(client, process, path, problem):
    """200 while all is well; else 503 and the reason."""
    assert (client.get(path).status_code, client.get(path).text) == (200, "ok\n")
    setattr(process, problem, "full")
    assert (client.get(path).status_code, client.get(path).text) == (503, "full\n")


def test_on_loopback_only_names_of_loopback_are_served(client):
    """A web page cannot read the numbers under a name of its own."""
    assert client.get("/metrics", headers={"host": "evil.example"}).status_code == 421


def test_without_an_address_nothing_is_served(process):
    """`--listen` is not given by default."""
    with listening(None, process.probes()) as url:
        assert url is None


@pytest.mark.parametrize("text", ["", "9464", ":9464", "127.0.0.1", "::1:9464", "a:b"])
def test_an_address_must_have_host_and_port(text, process):
    """The error shows how to write it."""
    with (
        pytest.raises(InfiniumError, match="is not HOST:PORT"),
        listening(text, process.probes()),
    ):
        pass


def test_without_the_extra_the_error_names_it(process, monkeypatch):
    """The error for a missing extra has the `pip install` command."""
    monkeypatch.setitem(__import__("sys").modules, "prometheus_client", None)
    name = "infinium_otel.apps.observe.exposition"
    monkeypatch.delitem(__import__("sys").modules, name, raising=False)
    with (
        pytest.raises(MissingExtraError, match=r"infinium-otel\[metrics\]"),
        listening("127.0.0.1:0", process.probes()),
    ):
        pass
