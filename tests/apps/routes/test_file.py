"""The file of `--routes`: what it means, and how its mistakes are reported."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

import pytest

from infinium_otel.apps import routes
from infinium_otel.apps.routes.file import read_routes
from infinium_otel.config import Config
from infinium_otel.delivery.sender import Sender
from infinium_otel.errors import ConfigurationError, MissingExtraError
from support.spans import span

if sys.version_info < (3, 11):
    pytest.importorskip("tomli")

ID = "11111111-2222-4333-8444-555555555555"
WITH_DEFAULT = Config(agent_id=ID, agent_secret="default-secret")
AGENTS = f"""
[agents.shop]
agent_id = "{ID}"
secret_file = "shop.secret"
"""


@pytest.fixture
def write(tmp_path):
    """Writes a file of routes beside a secret."""
    secret = tmp_path / "shop.secret"
    secret.touch(0o600)
    secret.write_text("shops-own-secret\n")

    def write(text):
        path = tmp_path / "routes.toml"
        path.write_text(text)
        return str(path)

    return write


def find_mistakes(path, config=WITH_DEFAULT):
    with pytest.raises(ConfigurationError) as caught:
        read_routes(path, config)
    return [each.removeprefix(path) for each in caught.value.mistakes]


def test_a_whole_file(write):
    """Agents with their secrets, rules in order, and the default agent."""
    found = read_routes(
        write(
            AGENTS
            + """
[[rules]]
name = "health checks"
span = { "http.route" = ["/healthz", "/livez"] }
drop = true

[[rules]]
resource = { "service.name" = "shop-*" }
agent = "shop"
sample = 0.25
should_send = "operator:truth"

[[rules]]
[rules.resource]
deployment.environment.name = "staging"
service.instance = 3
"""
        ),
        WITH_DEFAULT,
    )
    assert found.agents["shop"].agent_id == ID
    assert found.agents["shop"].secret.reveal() == "shops-own-secret"
    assert found.router.names == ("health checks", "rule 2", "rule 3")
    assert found.has_default
    drop, shop, staging = found.router._rules
    assert drop.drop
    assert drop.fits(span("r", attributes={"http.route": "/livez"}))
    assert (shop.agent, shop.share) == ("shop", 0.25)
    assert shop.fits(span("r", resource={"service.name": "shop-eu"}))
    assert shop.should_send is not None
    at = {"deployment.environment.name": "staging", "service.instance": 3}
    assert staging.fits(span("r", resource=at))
    assert not staging.fits(span("r", resource={**at, "service.instance": 4}))
    assert "shops-own-secret" not in repr(found)


RULE = '\n[[rules]]\nresource = { a = "b" }\n'


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("[agent.shop]\n" + RULE, ", line 1: agent: unknown (did you mean agents?)"),
        (
            RULE + 'agnet = "shop"\n' + AGENTS,
            ", line 4: rules[1].agnet: unknown (did you mean agent?)",
        ),
        (
            RULE + "colour = 1\n",
            ", line 4: rules[1].colour: unknown; known are name, resource, span, agent, "
            "drop, sample, should_send",
        ),
        (
            AGENTS + RULE + RULE + 'agent = "shopp"\n',
            ", line 11: rules[2].agent: there is no [agents.shopp] (did you mean shop?)",
        ),
        (
            RULE + "sample = 10\n",
            "rules[1].sample: must be a share of the runs, 0 to 1",
        ),
        (RULE + "sample = true\n", "rules[1].sample: must be a share"),
        (RULE + "drop = 1\n", ", line 4: rules[1].drop: must be true or false"),
        (
            RULE + "sample = 0.5\ndrop = true\n",
            ", line 4: rules[1].sample: has no effect beside drop = true",
        ),
        (
            "\n[[rules]]\ndrop = true\n" + RULE,
            ", line 5: rules[2]: never used: the rule before it has no conditions",
        ),
        (
            RULE + 'name = "x"\n' + RULE + 'name = "x"\n',
            ", line 8: rules[2].name: x is the name of another rule",
        ),
        (RULE + "name = 3\n", ", line 4: rules[1].name: must be a text"),
        (
            '\n[[rules]]\nspan = "x"\n',
            ", line 3: rules[1].span: must be a table of attributes",
        ),
        (
            '\n[[rules]]\nspan = { "a.b" = [] }\n',
            "rules[1].span: a.b must be a text, a number, a boolean, or a list of these",
        ),
        (
            "\n[[rules]]\n[rules.span]\na = [1979-05-27]\n",
            ", line 3: rules[1].span: a must be a text",
        ),
        ("[rules]\na = 1\n", ", line 1: rules: there must be rules: [[rules]]"),
        ("rules = [1]\n", "rules[1]: must be a table: [[rules]]"),
        ("", ": rules: there must be rules: [[rules]]"),
        ("agents = 3\n" + RULE, ", line 1: agents: must be tables: [agents.NAME]"),
        ("[agents]\nshop = 3\n" + RULE, "agents.shop: must be a table: [agents.NAME]"),
        (
            '[agents.shop]\nagent_id = "x"\nsecret_file = "shop.secret"\n' + RULE,
            ", line 2: agents.shop.agent_id: ",
        ),
        (
            f'[agents.shop]\nagent_id = "{ID}"\nsecret = "s"\n' + RULE,
            ", line 3: agents.shop.secret: unknown (did you mean secret_file?)",
        ),
        (
            f'[agents.shop]\nagent_id = "{ID}"\n' + RULE,
            ", line 1: agents.shop.secret_file: missing",
        ),
        (
            f'[agents.shop]\nagent_id = "{ID}"\nsecret_file = 3\n' + RULE,
            ", line 3: agents.shop.secret_file: must be a text",
        ),
        (
            f'[agents."shop"]\nagent_id = "{ID}"\nsecret_file = "gone"\n' + RULE,
            ", line 3: agents.shop.secret_file: gone: No such file or directory",
        ),
        (
            RULE + 'should_send = "hooks"\n',
            'rules[1].should_send: must be the import path of a function: "module:name"',
        ),
        (
            RULE + 'should_send = "no_such_module:keep"\n',
            "no_such_module cannot be imported (ModuleNotFoundError: ",
        ),
        (RULE + 'should_send = "os:keep"\n', "should_send: os has no function keep"),
        (RULE + 'should_send = "os:name"\n', "should_send: must be callable"),
        (RULE + "sample = \n", ": not TOML: Invalid value (at line 4, column 10)"),
        ("x = " + "[" * 100_000, ": not TOML: "),
    ],
)
def test_mistakes(write, text, mistake):
    """Each is reported with its line and key, and the most similar known name."""
    assert mistake in "\n".join(find_mistakes(write(text)))


def test_all_mistakes_at_once(write):
    """Not one after the other."""
    text = "[[rules]]\nsampel = 0.1\n\n[[rules]]\ndrop = 'yes'\n"
    first, second, third = find_mistakes(write(text))
    assert "sampel" in first
    assert "line 4: rules[2]: never used" in second
    assert "line 5: rules[2].drop" in third


def test_a_rule_without_an_agent_needs_a_default_one(write):
    """Only what drops runs needs none."""
    path = write(AGENTS + RULE + "\n[[rules]]\nspan = { a = 1 }\ndrop = true\n")
    (mistake,) = find_mistakes(path, Config())
    assert mistake.startswith(", line 6: rules[1]: needs an agent, or drop = true")
    assert not read_routes(
        write(AGENTS + RULE + 'agent = "shop"\n'), Config()
    ).has_default


def test_python_without_toml(write, monkeypatch):
    """Before Python 3.11 an extra reads it; the error names it."""
    monkeypatch.setitem(sys.modules, "tomllib", None)
    monkeypatch.setitem(sys.modules, "tomli", None)
    with pytest.raises(MissingExtraError, match=r"infinium-otel\[routes\]"):
        read_routes(write(RULE), WITH_DEFAULT)


def test_each_agent_has_a_spool_of_its_own(write, tmp_path):
    """Or its tasks would be sent with the credentials of another one."""
    config = WITH_DEFAULT.but(spool=str(tmp_path / "spool.db"))
    other = "99999999-2222-4333-8444-555555555555"
    found = read_routes(
        write(AGENTS.replace(ID, other) + RULE + 'agent = "shop"\n'), config
    )
    made = {}

    def make(each, name):
        made[name] = each
        return Sender(each, label=name)

    senders = routes.make_senders(config, found, make)
    assert list(senders) == ["", "shop"]
    assert made["(default)"] == config
    assert made["shop"].spool == f"{config.spool}.{other}"
    assert made["shop"].agent_secret.reveal() == "shops-own-secret"


def test_the_folder_of_the_file_is_where_secrets_are(write, monkeypatch, tmp_path):
    """Not the working directory, which a service manager sets."""
    path = write(AGENTS + RULE + 'agent = "shop"\n')
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert read_routes(path, Config()).agents["shop"].secret


def test_the_file_of_the_documentation(write, tmp_path):
    """It is accepted, with and without a default agent."""
    page = (Path(__file__).parents[3] / "docs/howto/routes.md").read_text("utf-8")
    text = page.partition("```toml\n")[2].partition("```")[0]
    support = tmp_path / "support.secret"
    support.touch(0o600)
    support.write_text("of support")
    for config in (Config(), WITH_DEFAULT):
        found = read_routes(write(text), config)
        assert found.router.names == ("load tests", "rule 2", "rule 3")
        assert set(found.agents) == {"shop", "support"}


def test_interpretations_are_those_of_the_default_agent(write, caplog):
    """The log reports for how many agents none are fetched; without them, nothing."""
    args = Namespace(routes=write(AGENTS + RULE + 'agent = "shop"\n'))
    assert routes.load(args, WITH_DEFAULT)
    assert not caplog.messages
    assert routes.load(args, WITH_DEFAULT.but(verdicts=True))
    (text,) = caplog.messages
    assert text.endswith("not for those of the 1 others")
    assert routes.load(Namespace(routes=None), WITH_DEFAULT) is None


def test_a_secret_that_cannot_be_used_is_refused(write, tmp_path):
    """With the line that refers to it."""
    path = write(AGENTS + RULE + 'agent = "shop"\n')
    (tmp_path / "shop.secret").write_text("")
    (mistake,) = find_mistakes(path)
    assert mistake.startswith(", line 4: agents.shop.secret_file: ")
    assert mistake.endswith("shop.secret is empty")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"\xaa\xff" * 50, "printable ASCII", id="binary"),
        pytest.param(b"short", "at least 8 characters", id="short"),
    ],
)
def test_a_secret_that_no_header_can_hold(write, tmp_path, content, message):
    """The mistake names the agent, its line and the file, not a setting."""
    (tmp_path / "shop.secret").write_bytes(content)
    (found,) = find_mistakes(write(AGENTS + '[[rules]]\nagent = "shop"\n'))
    assert found.startswith(", line 4: agents.shop.secret_file: shop.secret: ")
    assert message in found


def test_a_file_that_is_no_text(tmp_path):
    """It is a mistake like another, with the place."""
    path = tmp_path / "routes.toml"
    path.write_bytes(b"[rules]\n\xaa")
    assert find_mistakes(str(path)) == [", byte 9: not UTF-8"]
