"""A gateway with `--routes`, as a process."""

from __future__ import annotations

import re

import httpx
import pytest

from support.gateway import running_gateway
from support.otlp_requests import agent_span, traces
from support.routing import (
    RULES,
    SHOP,
    WITHOUT_DEFAULT,
    make_fake,
    resource,
    tasks_by_agent,
    write_routes,
)
from support.waiting import wait_until

pytest.importorskip("uvicorn")

FAILED = {"status": {"code": 2}}
QUICK = {"INFINIUM_OTEL_TASK_PER": "root"}


def post(gateway, service, *spans):
    request = traces(*spans, resource=resource(service))
    response = httpx.post(f"{gateway.url}/v1/traces", json=request, timeout=30)
    assert response.status_code == 200


def read_stats(gateway):
    return httpx.get(f"{gateway.url}/healthz").json()["stats"]


def test_two_agents_in_one_process(tmp_path):
    """By service; probes dropped, failed ones sampled always; counted by rule."""
    listen = ("--listen", "127.0.0.1:0")
    pytest.importorskip("prometheus_client")
    with (
        make_fake() as fake,
        running_gateway(
            fake, "--routes", write_routes(tmp_path), *listen, **QUICK
        ) as gateway,
    ):
        assert gateway.addresses["Routes"] == "3 rules, 1 agents and a default agent"
        probe = {"key": "http.route", "value": {"stringValue": "/healthz"}}
        kinds = agent_span(6)["attributes"]
        post(gateway, "shop-eu", agent_span(1))
        post(gateway, "bank", agent_span(2))
        post(gateway, "bulk", agent_span(3), agent_span(4, **FAILED))
        post(gateway, "bank", agent_span(6, attributes=[*kinds, probe]))
        assert fake.wait_for_tasks(3, timeout_s=30)
        wait_until(lambda: read_stats(gateway)["tasks_filtered"] == 2)
        assert tasks_by_agent(fake) == {
            SHOP: {"run 1"},
            fake.agent_id: {"run 2", "run 4"},
        }
        assert read_stats(gateway)["rules"] == {
            "probes": {"dropped_by_rule": 1},
            "shop": {"sent": 1},
            "bulk": {"sampled_out": 1, "sent": 1},
            "(none)": {"sent": 1},
        }
        probes = re.match(r"http://\S+:\d+", gateway.addresses["Probes"]).group()
        lines = httpx.get(f"{probes}/metrics").text.splitlines()
        assert 'infinium_routes_sent_total{rule="shop"} 1.0' in lines
        assert 'infinium_routes_dropped_total{rule="probes"} 1.0' in lines
        assert 'infinium_routes_sampled_out_total{rule="bulk"} 1.0' in lines
        assert 'infinium_agent_tasks_delivered_total{agent="shop"} 1.0' in lines
        assert 'infinium_agent_accepted{agent="(default)"} 1.0' in lines
        assert gateway.stop() == 0
    assert "Runs dropped by a rule of --routes: 1\n" in gateway.stderr
    assert "Runs not in the share of their rule: 1\n" in gateway.stderr
    assert fake.complaints == []


def test_without_a_default_agent(tmp_path):
    """Runs that no rule fits are dropped, with one line and a count."""
    rules = RULES.partition('[[rules]]\nname = "bulk"')[0]
    with (
        make_fake() as fake,
        running_gateway(
            fake,
            "--routes",
            write_routes(tmp_path, rules),
            **QUICK | WITHOUT_DEFAULT,
        ) as gateway,
    ):
        for number in (1, 2, 3):
            post(gateway, "bank", agent_span(number))
        post(gateway, "shop-us", agent_span(4))
        assert fake.wait_for_tasks(1, timeout_s=30)
        wait_until(lambda: read_stats(gateway)["tasks_filtered"] == 3)
        assert gateway.stop() == 0
    assert tasks_by_agent(fake) == {SHOP: {"run 4"}}
    assert gateway.stderr.count("No rule of --routes fits trace") == 1
    assert "(no rule fits, and there is no default agent): 3\n" in gateway.stderr


def test_a_spool_for_each_agent(tmp_path):
    """What an outage kept is sent later with the right credentials."""
    spool = {"INFINIUM_OTEL_SPOOL": str(tmp_path / "spool.db")}
    path = write_routes(tmp_path)
    with make_fake() as fake:
        fake.always(503)
        with running_gateway(fake, "--routes", path, **QUICK, **spool) as gateway:
            post(gateway, "shop-eu", agent_span(1))
            post(gateway, "bank", agent_span(2))
            wait_until(lambda: read_stats(gateway)["tasks_queued"] == 2)
            gateway.stop()
        assert "Tasks waiting" in gateway.stderr
        fake.always(None)
        with running_gateway(fake, "--routes", path, **QUICK, **spool) as gateway:
            post(gateway, "shop-eu", agent_span(3))
            post(gateway, "bank", agent_span(4))
            assert fake.wait_for_tasks(4, timeout_s=30)
            assert gateway.stop() == 0
    stored = tasks_by_agent(fake)
    assert stored == {SHOP: {"run 1", "run 3"}, fake.agent_id: {"run 2", "run 4"}}
    assert (tmp_path / f"spool.db.{SHOP}").stat().st_mode & 0o077 == 0
