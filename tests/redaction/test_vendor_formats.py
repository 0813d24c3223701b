"""Formats that vendors document, and words that only look like them.

Each credential is made here of its format: none is real.
"""

from __future__ import annotations

import pytest

from infinium_otel.redaction import REDACTED, remove_credentials

MIXED = "q7LdM2xT9vRkWa4HbN8sQ3fYc1ZpUe6G"
HEX = "4f1ec09ad72b53864f1ec09ad72b5386"
LOW = "q7ldm2xt9vrkwa4hbn8sq3fyc1zpue6g"
UUID = "d9dd448d-dc18-44ba-ad8f-6ab412df09ac"


@pytest.mark.parametrize(
    "secret",
    [
        pytest.param(f"ory_at_{MIXED}.{MIXED}", id="ory"),
        pytest.param(f"zpka_{LOW}_f9ddcad0", id="zuplo"),
        pytest.param(f"tr_dev_{MIXED[:20]}", id="trigger-dev"),
        pytest.param(f"signkey-prod-{HEX * 2}", id="inngest"),
        pytest.param(f"essu_{MIXED}{MIXED}==", id="elastic-cloud"),
        pytest.param(f"SWMTKN-1-{LOW}{LOW[:18]}-{LOW[:25]}", id="docker-swarm"),
        pytest.param(f"syt_YWRh_{MIXED[:20]}_IVr6Th", id="matrix"),
        pytest.param(f"n8n_api_{MIXED}{MIXED[:8]}", id="n8n"),
        pytest.param(f"retool_{MIXED}", id="retool"),
        pytest.param(f"auth_tokens/{HEX}{HEX}", id="gemini-session"),
        pytest.param(f"luma-{UUID}-{UUID}", id="luma"),
        pytest.param(f"oauth:{LOW[:30]}", id="twitch-chat"),
        pytest.param(f"{MIXED}{MIXED}{MIXED[:12]}AZDO{MIXED[:4]}", id="azure-devops"),
        pytest.param(f"I2E_JQ.OqUdfg:{MIXED}{MIXED[:11]}", id="ably"),
        pytest.param(f"prod:qualified-jaguar-123|{MIXED}{MIXED}==", id="convex"),
        pytest.param(f"preview:a-team:a-project|{MIXED}{MIXED}=", id="convex-preview"),
        pytest.param(
            "_|WARNING:-DO-NOT-SHARE-THIS.--Sharing-this-will-allow-someone-to-log-in-as-"
            f"you-and-to-steal-your-ROBUX-and-items.|_{HEX.upper() * 4}",
            id="roblox",
        ),
        pytest.param(f'cohere.Client("{MIXED}{MIXED[:8]}")', id="cohere-client"),
        pytest.param(f"the Cohere key {MIXED}{MIXED[:8]}", id="cohere-in-prose"),
        pytest.param(
            f"https://endpoint4.collection.sumologic.com/receiver/v1/http/{MIXED}{MIXED}==",
            id="sumo-logic",
        ),
    ],
)
def test_a_documented_format_is_found(secret):
    """In a plain sentence, without a name that says what it is."""
    cleaned = remove_credentials(f"Then it printed {secret} and went on.")
    assert REDACTED in cleaned
    assert secret[-16:] not in cleaned
    assert cleaned.startswith("Then it printed")
    assert cleaned.endswith("and went on.")


@pytest.mark.parametrize(
    "text",
    [
        "ory_pat_ is the prefix of Ory's tokens",
        "tr_dev_environment is set, tr_prod_environment_of_the_team too",
        "signkey-prod is shown in the dashboard",
        "luma-dream-machine-1.6-2026-01-01",
        "retool_dashboard_for_customers_overview_2026",
        "n8n_api_reference_documentation_of_the_workflows",
        "hxtp_project_overview_page_of_the_team",
        "docker swarm join-token worker prints SWMTKN-1-...",
        "auth_tokens/list returned 3",
        "oauth: see the guide of the chat",
        "sytycd_season_12_finale_with_all_the_dancers",
        "https://endpoint4.collection.sumologic.com/receiver/v1/http/",
        "AZDO is short for Azure DevOps",
        f"the Cohere SDK at commit {HEX}4f1ec09a",
        f"not beside its name: {MIXED}{MIXED[:8]}",
        "version-1.2-beta1:all-of-the-tables",
        "prod:start|build-and-deploy-the-whole-of-the-application",
        "the cookie begins with _|WARNING:-DO-NOT-SHARE-THIS",
        "Authorization: ApiKey base64",
        "Authorization: ApiKey base64(id:api_key)",
        "Authorization: ApiKey base64-encoded",
    ],
)
def test_words_that_look_like_one_stay(text):
    """A prefix alone, or one that a word follows, is no credential."""
    assert remove_credentials(text) == text
