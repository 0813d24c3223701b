"""A consumer with `--routes`, as a process."""

from __future__ import annotations

import pytest

from infinium_otel.apps import cli
from infinium_otel.apps.consume.dead_letters import read_dead_letter
from support.kafka import consuming, stop
from support.otlp_requests import agent_span, protobuf, traces
from support.routing import (
    SHOP,
    make_fake,
    resource,
    tasks_by_agent,
    write_routes,
)


def message(service, number, **members):
    span = agent_span(number, **members)
    return protobuf(traces(span, resource=resource(service)))


def test_two_agents_and_what_is_committed(broker, tmp_path):
    """Each run goes to its agent; what a rule drops is committed like the rest."""
    broker.write(
        message("shop-eu", 1),
        message("bulk", 2),
        message("bank", 3),
        message("bulk", 4, status={"code": 2}),
    )
    with (
        make_fake() as fake,
        consuming(broker, fake, "--routes", write_routes(tmp_path)) as process,
    ):
        assert fake.wait_for_tasks(3, timeout_s=60)
        assert broker.wait_for_commit(4)
        code, errors = stop(process)
    assert (code, errors) == (0, "Runs not in the share of their rule: 1\n")
    assert tasks_by_agent(fake) == {SHOP: {"run 1"}, fake.agent_id: {"run 3", "run 4"}}


def test_a_refused_agent_holds_back_its_commits_only(broker, tmp_path):
    """Its run is not committed; the other agent's are delivered meanwhile."""
    broker.write(message("bank", 1), message("shop-eu", 2), message("bank", 3))
    with make_fake() as fake:
        fake.more_agents[SHOP] = "another secret"
        routes = write_routes(tmp_path)
        with consuming(broker, fake, "--routes", routes) as process:
            assert fake.wait_for_tasks(2, timeout_s=60)
            _, errors = stop(process)
        assert broker.committed() < 2
        assert "refused the credentials of the agent shop (401)" in errors
        fake.more_agents[SHOP] = "shops-own-secret"
        with consuming(broker, fake, "--routes", routes) as process:
            assert fake.wait_for_tasks(3, timeout_s=60)
            assert broker.wait_for_commit(3)
            assert stop(process) == (0, "")
    assert fake.tasks[-1]["name"] == "run 2"


def test_a_refused_agent_does_not_hold_up_the_group(broker, tmp_path):
    """With dead letters its runs go there, with its id, and all is committed."""
    broker.write(message("bank", 1), message("shop-eu", 2), message("bank", 3))
    letters = tmp_path / "dead"
    options = ("--dead-letters", str(letters), "--max-retry-minutes", "0")
    with make_fake() as fake:
        fake.more_agents[SHOP] = "another secret"
        routes = ("--routes", write_routes(tmp_path))
        with consuming(broker, fake, *routes, *options) as process:
            assert fake.wait_for_tasks(2, timeout_s=60)
            assert broker.wait_for_commit(3)
            code, errors = stop(process)
    assert code == 1
    assert "Tasks not delivered: 1" in errors
    letter = read_dead_letter(letters.read_bytes())
    assert (letter.agent_id, letter.reason) == (SHOP, "credentials refused")


@pytest.mark.parametrize("command", ["consume --brokers 127.0.0.1:9", "gateway"])
def test_a_file_with_a_mistake_is_refused(command, tmp_path, capsys, monkeypatch):
    """Before anything is read, in one line and with exit code 2."""
    monkeypatch.setenv("INFINIUM_AGENT_ID", "")
    path = write_routes(tmp_path, "[[rules]]\nagnet = 'shop'\n")
    assert cli.main([*command.split(), "--routes", path]) == 2
    error = capsys.readouterr().err
    assert f"{path}, line 2: rules[1].agnet: unknown (did you mean agent?)" in error
    assert error.count("\n") == 1
