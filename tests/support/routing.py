"""Files of routes for two agents, and a service that knows both."""

from __future__ import annotations

import json

from infinium_otel.testing import FakeInfinium

SHOP = "99999999-2222-4333-8444-555555555555"
SECRET = "shops-own-secret"
RULES = f"""
[agents.shop]
agent_id = "{SHOP}"
secret_file = "shop.secret"

[[rules]]
name = "probes"
span = {{ "http.route" = "/healthz" }}
drop = true

[[rules]]
name = "shop"
resource = {{ "service.name" = "shop-*" }}
agent = "shop"

[[rules]]
name = "bulk"
resource = {{ "service.name" = "bulk" }}
sample = 0
"""
WITHOUT_DEFAULT = {"INFINIUM_AGENT_ID": "", "INFINIUM_AGENT_SECRET": ""}


def make_fake():
    """A service that knows the agent of the settings, and the shop's."""
    return FakeInfinium(more_agents={SHOP: SECRET})


def write_routes(folder, text=RULES):
    """Write the file and the secret it refers to; returns its path."""
    secret = folder / "shop.secret"
    secret.touch(0o600)
    secret.write_text(SECRET)
    path = folder / "routes.toml"
    path.write_text(text)
    return str(path)


def resource(service):
    """A resource of OTLP/JSON."""
    value = {"stringValue": service}
    return {"attributes": [{"key": "service.name", "value": value}]}


def tasks_by_agent(fake):
    """Names of the stored tasks, by the agent that sent them."""
    found: dict[str, set[str]] = {}
    for request in fake.requests:
        if request.status != 201:
            continue
        found.setdefault(request.headers["x-agent-id"], set()).add(
            json.loads(request.body)["name"]
        )
    return found
