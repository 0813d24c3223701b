"""Every setting: where it comes from, what it may be, and every mistake at once."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import fields
from typing import Any, get_args, get_type_hints

import pytest

from infinium_otel import Config, ConfigurationError
from infinium_otel.config import (
    Secret,
    Settings,
    find_unknown_variables,
    get_variables,
)

AGENT_ID = "11111111-2222-4333-8444-555555555555"
SECRET = "a-secret-of-mine"


class TestSecret:
    def test_is_shown_nowhere(self):
        """No repr shows the text, also not that of what holds it."""
        config = Config(agent_id=AGENT_ID, agent_secret=SECRET)
        assert SECRET not in repr(config) + str(config.agent_secret)
        assert config.agent_secret.reveal() == SECRET

    def test_is_a_value(self):
        """Equal texts are equal secrets; an empty one is false."""
        assert Secret("a") == Secret("a") != Secret("b")
        assert Secret("a") != "a"
        assert hash(Secret("a")) == hash(Secret("a"))
        assert Secret("a")
        assert not Secret("")

    def test_is_not_pickled(self):
        """A secret cannot be pickled."""
        with pytest.raises(TypeError, match="not pickled"):
            pickle.dumps(Secret("a"))


@pytest.mark.parametrize(
    ("setting", "value", "complaint"),
    [
        pytest.param("agent_id", "not-a-uuid", "UUID", id="agent-id"),
        # What `docker run --env-file` makes of a quoted value: docker/cli#3630.
        pytest.param("agent_id", f'"{AGENT_ID}"', "quotes", id="quoted-id"),
        pytest.param("agent_secret", "'streng-geheim'", "quotes", id="quoted-secret"),
        pytest.param(
            "base_url", '"https://x.example/api/v1"', "quotes", id="quoted-address"
        ),
        pytest.param("agent_secret", 7, "a text", id="secret-no-text"),
        pytest.param("agent_secret", "short", "at least 8", id="secret-short"),
        pytest.param("agent_secret", "with\nnewline", "ASCII", id="secret-odd"),
        pytest.param("base_url", "ftp://x", "http", id="url-scheme"),
        pytest.param("base_url", 7, "http", id="url-no-text"),
        pytest.param("base_url", "http://x:port", "http", id="url-port"),
        pytest.param("base_url", "http://u:p@x", "user name", id="url-password"),
        pytest.param("base_url", "http://x/?q=1", "query", id="url-query"),
        pytest.param("verify_ssl", "yes", "true or false", id="flag"),
        pytest.param("burst", 0, "1 or more", id="too-small"),
        pytest.param("burst", True, "whole number", id="flag-is-no-number"),
        pytest.param("linger_s", float("nan"), "number", id="nan"),
        pytest.param("timeout_s", 0, "above 0", id="not-positive"),
        pytest.param("timeout_s", "1", "above 0", id="text-is-no-number"),
        pytest.param("compression", "zip", "none, gzip", id="choice"),
        pytest.param("spool", "", "path", id="path"),
        pytest.param("redact", "yes", "callable", id="redaction"),
        pytest.param("should_send", 1, "callable", id="hook"),
    ],
)
def test_an_invalid_value_is_named(setting, value, complaint):
    """A mistake names its setting and what is valid."""
    with pytest.raises(ConfigurationError) as raised:
        Config(**{setting: value})
    [mistake] = raised.value.mistakes
    assert mistake.startswith(f"{setting}: ")
    assert complaint in mistake


def test_every_mistake_is_named_at_once():
    """Bad variables, bad arguments, unknown settings and what is missing: one error."""
    environ = {"INFINIUM_OTEL_BURST": "many", "INFINIUM_OTEL_LINGER_S": "long"}
    environ["INFINIUM_VERIFY_SSL"] = "perhaps"
    with pytest.raises(ConfigurationError) as raised:
        Config.from_env(environ, sending=True, nonsense=1, timeout_s=-1)
    reported = {mistake.partition(":")[0] for mistake in raised.value.mistakes}
    wanted = "burst linger_s verify_ssl timeout_s agent_id agent_secret"
    assert reported == {*wanted.split(), "unknown setting nonsense"}


@pytest.mark.parametrize(
    ("environ", "settings", "wanted"),
    [
        pytest.param({}, {}, 20, id="default"),
        pytest.param({"INFINIUM_OTEL_BURST": "5"}, {}, 5, id="variable"),
        pytest.param({"INFINIUM_OTEL_BURST": " "}, {}, 20, id="empty-is-unset"),
        pytest.param({"INFINIUM_OTEL_BURST": "5"}, {"burst": 3}, 3, id="argument"),
        pytest.param(
            {"INFINIUM_OTEL_BURST": "5"}, {"burst": None}, 5, id="none-is-unset"
        ),
    ],
)
def test_an_argument_wins_over_a_variable_over_the_default(environ, settings, wanted):
    """Argument, then environment, then default."""
    assert Config.from_env(environ, **settings).burst == wanted


def test_the_variables_of_a_setting():
    """The vendor's own names for the vendor's settings, INFINIUM_OTEL_ for ours."""
    assert get_variables("agent_id") == ("INFINIUM_AGENT_ID",)
    assert get_variables("linger_s") == ("INFINIUM_OTEL_LINGER_S",)
    with pytest.raises(KeyError):
        get_variables("nonsense")


def test_values_are_read_as_their_type():
    """Flags, numbers and texts of the environment become what the setting is."""
    config = Config.from_env(
        {
            "INFINIUM_VERIFY_SSL": "off",
            "INFINIUM_TIMEOUT": "2.5",
            "INFINIUM_OTEL_SPOOL": "runs.db",
            "INFINIUM_BASE_URL": "http://127.0.0.1:1/api/v1/",
        }
    )
    assert (config.verify_ssl, config.timeout_s) == (False, 2.5)
    assert (config.spool, config.base_url) == ("runs.db", "http://127.0.0.1:1/api/v1")


def test_credentials_are_required_only_to_send():
    """Without credentials a configuration is fine until it has to send."""
    with pytest.raises(ConfigurationError, match="INFINIUM_AGENT_ID"):
        Config().require_credentials()
    config = Config(agent_id=AGENT_ID, agent_secret=SECRET)
    assert config.require_credentials() is config
    assert config.but(burst=7).burst == 7


def test_the_keywords_are_the_fields():
    """`Settings`, which type checkers read, has every field of `Config` and its type."""
    names = {"Secret": Secret, "Callable": Callable, "Any": Any}
    accepted = get_type_hints(Settings, localns=names)
    assert list(accepted) == [field.name for field in fields(Config)]
    for name, held in get_type_hints(Config, localns=names).items():
        text = str if Secret in get_args(held) else None
        wanted = get_args(held | text | None)
        assert set(get_args(accepted[name])) == set(wanted), name


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        pytest.param({"INFINIUM_OTEL_BURST": "1", "HOME": "/"}, {}, id="known"),
        pytest.param(
            {"INFINIUM_OTEL_BURSTS": "1"},
            {
                "INFINIUM_OTEL_BURSTS": "unknown setting INFINIUM_OTEL_BURSTS "
                "(did you mean INFINIUM_OTEL_BURST?)"
            },
            id="misspelled",
        ),
        pytest.param(
            {"INFINIUM_OTEL_ZZZZZZZZ": ""},
            {"INFINIUM_OTEL_ZZZZZZZZ": "unknown setting INFINIUM_OTEL_ZZZZZZZZ"},
            id="nothing-similar",
        ),
        pytest.param(
            {"INFINIUM_BASEURL": "http://x"},
            {
                "INFINIUM_BASEURL": "unknown setting INFINIUM_BASEURL "
                "(did you mean INFINIUM_BASE_URL?)"
            },
            id="a-letter-is-missing",
        ),
        pytest.param(
            {"INFINIUM_HOST": "x"},
            {
                "INFINIUM_HOST": "unknown setting INFINIUM_HOST "
                "(did you mean INFINIUM_BASE_URL?)"
            },
            id="the-name-of-another-tool",
        ),
        pytest.param(
            {"INFINIUM_HOST": "x", "INFINIUM_BASE_URL": "http://x"},
            {},
            id="what-was-meant-is-set",
        ),
        pytest.param(
            {"INFINIUM_AGENT_NAME": "x", "INFINIUM_REGION": "eu"},
            {},
            id="those-of-another-program",
        ),
    ],
)
def test_unknown_variables_are_found(environ, wanted):
    """A variable that is not a setting, and probably meant as one, has a suggestion.

    Source: langfuse/langfuse-docs#2440 and langfuse/opencode-observability-plugin#11, where
    the variable of the address was ignored, so that the default received everything.
    """
    assert find_unknown_variables(environ) == wanted


@pytest.mark.parametrize(
    ("name", "meant"),
    [("api_key", "agent_secret"), ("endpoint", "base_url"), ("bursts", "burst")],
)
def test_an_argument_of_another_tool(name, meant):
    """It is an error that has our name of it."""
    with pytest.raises(ConfigurationError, match=f"{name} .did you mean {meant}?"):
        Config.from_env({}, **{name: "x"})


@pytest.mark.parametrize(
    ("environ", "spool"),
    [
        pytest.param({"HOME": "/home/ada"}, "/home/ada/runs.db", id="home"),
        pytest.param({"USERPROFILE": "C:/Ada"}, "C:/Ada/runs.db", id="windows"),
        pytest.param({}, "~/runs.db", id="unknown"),
    ],
)
def test_the_folder_of_the_user(environ, spool):
    """A quoted `~`, or one in a file of variables, is not made a folder of that name.

    Source: pypa/pipx#94.
    """
    quoted = {**environ, "INFINIUM_OTEL_SPOOL": "~/runs.db"}
    assert Config.from_env(quoted).spool == spool
    assert Config.from_env(environ, spool="~/runs.db").spool == spool
    assert Config.from_env({**environ, "INFINIUM_OTEL_SPOOL": "~x.db"}).spool == "~x.db"
