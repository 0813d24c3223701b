"""The kinds of credentials that are recognized by a prefix.

There is no credential here, real or invented: examples are made of a row's prefix and a
filler of its letters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import cycle, islice

GITLEAKS = "gitleaks: config/gitleaks.toml"
TRUFFLEHOG = "trufflehog: pkg/detectors"
LISTS = "public secret-scanner lists"
DOCS = "the vendor's documentation"
"""Where the prefix is listed. The first two were checked on 29 November 2026, by the prefix;
which kinds exist is taken from there, the patterns are our own."""

ALNUM = "A-Za-z0-9"
HEX = "A-Fa-f0-9"
UPPER = "A-Z0-9"
WORD = r"A-Za-z0-9_\-"
DOTTED = r"A-Za-z0-9_.\-"
BASE64 = r"A-Za-z0-9+/=_\-"
_FILLER = "q7LdM2xT9vRkWa4HbN8s4f1ec09ad72b5386"


@dataclass(frozen=True, slots=True)
class Prefixed:
    """A kind of credential that is recognized by how it begins.

    Args:
        prefixes: separated by spaces; each ends where the random part begins.
        letters: what the random part consists of, as in a pattern's class.
        least: how many of these there are, at least.
        sure: whether the prefix is enough; if not, the rest must look random.
    """

    kind: str
    prefixes: str
    letters: str
    least: int
    source: str
    sure: bool = True

    @property
    def example(self) -> str:
        """A text of this shape that is not a credential."""
        letters = re.findall(f"[{self.letters}]", _FILLER)
        filler = islice(cycle(letters), self.least)
        return self.prefixes.split()[0] + "".join(filler)


PREFIXED: tuple[Prefixed, ...] = (
    # AI providers, their tools and vector stores
    Prefixed("OpenAI, DeepSeek, Moonshot or other `sk-` key", "sk-", WORD, 20,
             GITLEAKS, sure=False),
    Prefixed("Anthropic", "sk-ant-", WORD, 16, GITLEAKS),
    Prefixed("OpenAI project, service or admin", "sk-proj- sk-svcacct- sk-admin- sess-", WORD,
             20, TRUFFLEHOG, sure=False),
    Prefixed("OpenRouter", "sk-or-v1-", HEX, 20, TRUFFLEHOG),
    Prefixed("Langfuse", "sk-lf- pk-lf-", WORD, 16, TRUFFLEHOG),
    Prefixed("Helicone", "sk-helicone- pk-helicone-", WORD, 16, LISTS),
    Prefixed("Stability, LiteLLM, ElevenLabs or other `sk_` key", "sk_", ALNUM, 24,
             GITLEAKS, sure=False),
    Prefixed("Amazon Bedrock", "ABSK bedrock-api-key-", BASE64, 32, GITLEAKS),
    Prefixed("xAI", "xai-", WORD, 24, TRUFFLEHOG, sure=False),
    Prefixed("Groq", "gsk_", ALNUM, 24, TRUFFLEHOG),
    Prefixed("Perplexity", "pplx-", ALNUM, 24, GITLEAKS),
    Prefixed("Hugging Face", "hf_ api_org_", ALNUM, 28, GITLEAKS),
    Prefixed("Replicate", "r8_", ALNUM, 20, TRUFFLEHOG),
    Prefixed("Together", "tgp_v1_", WORD, 24, LISTS),
    Prefixed("Fireworks", "fw_", ALNUM, 20, LISTS, sure=False),
    Prefixed("Cerebras", "csk-", ALNUM, 24, LISTS, sure=False),
    Prefixed("NVIDIA", "nvapi-", WORD, 24, TRUFFLEHOG),
    Prefixed("Voyage", "pa-", WORD, 32, GITLEAKS, sure=False),
    Prefixed("Jina", "jina_", WORD, 24, LISTS, sure=False),
    Prefixed("LangSmith", "lsv2_pt_ lsv2_sk_ ls__", WORD, 24, TRUFFLEHOG, sure=False),
    Prefixed("Pinecone", "pcsk_", WORD, 24, TRUFFLEHOG),
    Prefixed("Tavily", "tvly-", WORD, 16, LISTS, sure=False),
    Prefixed("Firecrawl", "fc-", HEX, 24, LISTS, sure=False),
    Prefixed("Apify", "apify_api_", ALNUM, 24, TRUFFLEHOG),
    Prefixed("LlamaCloud", "llx-", WORD, 24, LISTS, sure=False),
    Prefixed("E2B", "e2b_", HEX, 24, LISTS),
    Prefixed("Browserbase", "bb_live_ bb_test_", WORD, 16, LISTS),
    Prefixed("Composio", "ak_", WORD, 16, TRUFFLEHOG, sure=False),
    Prefixed("Mem0", "m0-", ALNUM, 24, LISTS, sure=False),
    Prefixed("Cartesia", "sk_car_", WORD, 20, LISTS, sure=False),
    Prefixed("Friendli", "flp_", ALNUM, 20, LISTS, sure=False),
    Prefixed("Logfire", "pylf_v1_ pylf_v2_", WORD, 20, LISTS),
    Prefixed("Braintrust", "bt-st-", WORD, 24, LISTS, sure=False),
    Prefixed("Modal", "ak- as-", ALNUM, 20, GITLEAKS, sure=False),
    # Clouds and hosts
    Prefixed("AWS access key id", "AKIA ASIA ABIA ACCA AGPA AIDA AROA ANPA", UPPER, 16, GITLEAKS),
    Prefixed("Google API key", "AIza", WORD, 30, GITLEAKS),
    Prefixed("Google key of an account", "AQ.Ab8", WORD, 24, LISTS),
    Prefixed("Google OAuth token", "ya29.", DOTTED, 16, TRUFFLEHOG),
    Prefixed("Google OAuth client secret", "GOCSPX-", WORD, 20, LISTS),
    Prefixed("Google OAuth refresh token", "1//0", WORD, 24, LISTS),
    Prefixed("Google storage key id", "GOOG1E GOOG", UPPER, 20, LISTS),
    Prefixed("DigitalOcean", "dop_v1_ doo_v1_ dor_v1_", HEX, 32, GITLEAKS),
    Prefixed("Cloudflare origin CA key", "v1.0-", WORD, 40, GITLEAKS),
    Prefixed("Cloudflare", "cfut_ cfat_ cfk_", WORD, 24, TRUFFLEHOG),
    Prefixed("Heroku", "HRKU-", WORD, 30, GITLEAKS),
    Prefixed("Fly.io", "fo1_ fm1_ fm1a_ fm1r_ fm2_", BASE64, 24, GITLEAKS),
    Prefixed("Vercel", "vcp_ vci_ vca_ vcr_ vck_ vercel_blob_rw_", WORD, 20, LISTS),
    Prefixed("Netlify", "nfp_ nfc_ nfo_ nfb_ nfu_", ALNUM, 30, TRUFFLEHOG),
    Prefixed("Supabase", "sbp_ sb_secret_", WORD, 20, TRUFFLEHOG),
    Prefixed("Render", "rnd_", ALNUM, 20, LISTS),
    Prefixed("Neon, Xata", "napi_ xau_", ALNUM, 20, LISTS, sure=False),
    Prefixed("PlanetScale", "pscale_tkn_ pscale_oauth_ pscale_pw_", DOTTED, 24, GITLEAKS),
    Prefixed("Alibaba Cloud", "LTAI", ALNUM, 12, GITLEAKS, sure=False),
    Prefixed("Tencent Cloud", "AKID", ALNUM, 28, LISTS, sure=False),
    Prefixed("Volcengine", "AKLT", ALNUM, 32, LISTS, sure=False),
    Prefixed("Yandex Cloud", "AQVN YCAJ", WORD, 30, GITLEAKS, sure=False),
    Prefixed("Yandex IAM token", "t1.", BASE64 + ".", 80, GITLEAKS, sure=False),
    Prefixed("Scaleway key", "SCW", UPPER, 17, LISTS, sure=False),
    Prefixed("Tailscale", "tskey-", WORD, 16, TRUFFLEHOG),
    Prefixed("Databricks", "dapi dkea", HEX, 32, GITLEAKS),
    Prefixed("ClickHouse", "4b1d", ALNUM, 38, GITLEAKS, sure=False),
    Prefixed("Aiven", "AVNS_", WORD, 12, LISTS),
    Prefixed("MongoDB Atlas", "mdb_sa_sk_ mdb_sa_id_", WORD, 20, LISTS),
    Prefixed("OpenShift", "sha256~", WORD, 40, GITLEAKS),
    Prefixed("Pulumi", "pul-", HEX, 32, GITLEAKS),
    Prefixed("Harness", "pat. sat.", DOTTED, 40, GITLEAKS, sure=False),
    # Code hosts, registries, builders
    Prefixed("GitHub", "ghp_ gho_ ghu_ ghs_ ghr_", ALNUM, 20, GITLEAKS),
    Prefixed("GitHub fine-grained", "github_pat_", "A-Za-z0-9_", 20, GITLEAKS),
    Prefixed("GitLab", "glpat- gldt- glrt- glrtr- glcbt- glptt- glft- glimt- glagent- glsoat- "
             "gloas- glffct- glwt-", DOTTED, 16, GITLEAKS),
    Prefixed("GitLab runner registration", "GR1348941", WORD, 16, GITLEAKS),
    Prefixed("Bitbucket or Atlassian", "ATATT3 ATBB ATCTT3 ATSTT3", BASE64, 20, GITLEAKS),
    Prefixed("npm", "npm_", ALNUM, 30, GITLEAKS),
    Prefixed("PyPI", "pypi-AgE pypi-", WORD, 40, GITLEAKS),
    Prefixed("RubyGems", "rubygems_", HEX, 32, GITLEAKS),
    Prefixed("crates.io", "cio", ALNUM, 32, TRUFFLEHOG),
    Prefixed("NuGet", "oy2", "a-z0-9", 40, LISTS),
    Prefixed("Docker Hub", "dckr_pat_ dckr_oat_", WORD, 20, TRUFFLEHOG),
    Prefixed("Clojars", "CLOJARS_", ALNUM, 40, GITLEAKS),
    Prefixed("JFrog", "AKCp cmVmd", ALNUM, 40, GITLEAKS, sure=False),
    Prefixed("Packagist", "packagist_", ALNUM, 32, LISTS, sure=False),
    Prefixed("CircleCI", "CCIPAT_ CCIPRJ_", WORD, 24, TRUFFLEHOG),
    Prefixed("Buildkite", "bkua_ bkaa_ bkct_", WORD, 24, TRUFFLEHOG),
    Prefixed("SonarQube", "squ_ sqp_ sqa_", ALNUM, 32, GITLEAKS, sure=False),
    Prefixed("Snyk", "snyk_", DOTTED, 24, LISTS, sure=False),
    Prefixed("Sourcegraph", "sgp_ slk_", WORD, 32, GITLEAKS),
    Prefixed("Octopus Deploy", "API-", UPPER, 25, GITLEAKS, sure=False),
    Prefixed("Cursor", "crsr_ key_", HEX, 48, GITLEAKS, sure=False),
    Prefixed("Tuist, Depot", "tuist_ depot_", WORD, 24, LISTS, sure=False),
    Prefixed("Infracost", "ico-", ALNUM, 32, GITLEAKS),
    # Chat and bots
    Prefixed("Slack", "xoxb- xoxp- xoxa- xoxr- xoxs- xoxo- xoxe- xoxc- xoxd- xoxe.xoxp- "
             "xoxe.xoxb- xapp- xwfp-", "A-Za-z0-9%-", 10, GITLEAKS),
    Prefixed("Discord webhook, Mattermost, Rocket.Chat", "mfa.", WORD, 60, LISTS),
    # Payments and shops
    Prefixed("Stripe, Clerk, Paystack", "sk_live_ sk_test_ rk_live_ rk_test_ sk_prod_ "
             "pk_live_ pk_test_ whsec_ pk_prod_", BASE64, 16, TRUFFLEHOG),
    Prefixed("Square", "sq0atp- sq0csp- sq0idp-", WORD, 22, GITLEAKS),
    Prefixed("Square access token", "EAAA", WORD, 56, GITLEAKS, sure=False),
    Prefixed("PayPal", "access_token$production$ access_token$sandbox$", "a-z0-9$", 24, LISTS),
    Prefixed("Shopify", "shpat_ shpca_ shppa_ shpss_ shpua_ shptka_ shprt_", HEX, 20, GITLEAKS),
    Prefixed("Razorpay", "rzp_live_ rzp_test_", ALNUM, 12, TRUFFLEHOG),
    Prefixed("Plaid", "access-sandbox- access-development- access-production- "
             "link-sandbox- public-production-", WORD, 30, LISTS),
    Prefixed("Flutterwave", "FLWSECK_TEST- FLWSECK- FLWPUBK_TEST- FLWPUBK-", ALNUM, 16, GITLEAKS),
    Prefixed("Adyen", "AQE", ALNUM + "+/=.-", 60, LISTS, sure=False),
    Prefixed("GoCardless, Lob, Duffel", "live_ test_ live_pub_ test_pub_ duffel_live_ "
             "duffel_test_", WORD, 26, GITLEAKS, sure=False),
    Prefixed("Shippo", "shippo_live_ shippo_test_", HEX, 32, TRUFFLEHOG),
    Prefixed("EasyPost", "EZAK EZTK", ALNUM, 40, GITLEAKS),
    Prefixed("Mollie", "live_ test_ access_", ALNUM, 30, GITLEAKS, sure=False),
    Prefixed("Polar, Lemon Squeezy, Paddle", "polar_oat_ polar_pat_ pdl_live_apikey_ "
             "pdl_sdbx_apikey_ pdl_ntfset_", WORD, 24, LISTS),
    Prefixed("Coinbase, Asaas, Checkout.com", "sk_sbox_ $aact_", WORD, 24, LISTS),
    # Mail and messages
    Prefixed("SendGrid", "SG.", DOTTED, 40, GITLEAKS, sure=False),
    Prefixed("Mailgun", "key- pubkey-", HEX, 32, GITLEAKS),
    Prefixed("Brevo", "xkeysib- xsmtpsib-", WORD, 40, GITLEAKS),
    Prefixed("MailerSend", "mlsn.", HEX, 40, LISTS),
    Prefixed("Resend", "re_", "A-Za-z0-9_", 24, TRUFFLEHOG, sure=False),
    Prefixed("Twilio", "SK", "a-f0-9", 32, LISTS),
    Prefixed("Intercom", "dG9rO", BASE64, 50, LISTS),
    Prefixed("Klaviyo", "pk_", HEX, 34, TRUFFLEHOG, sure=False),
    # Observability
    Prefixed("New Relic", "NRAK- NRII- NRJS- NRIQ- NRRA- NRBR- NRSP-", WORD, 19, GITLEAKS),
    Prefixed("Sentry", "sntrys_ sntryu_ sntrya_ sntryi_", BASE64, 32, GITLEAKS),
    Prefixed("Grafana", "glc_ glsa_ eyJrIjoi", BASE64, 32, GITLEAKS),
    Prefixed("Honeycomb", "hcaik_ hcxik_ hcalk_ hcxlk_ hcamk_ hcxmk_ hcbik_", ALNUM, 20, LISTS),
    Prefixed("Dynatrace", "dt0c01. dt0s01. dt0s02. dt0s16.", DOTTED, 24, GITLEAKS),
    Prefixed("Datadog", "ddapp_ ddpat_ pub", ALNUM, 32, GITLEAKS, sure=False),
    Prefixed("PagerDuty, Axiom", "xaat- xapt- pdus+ pdeu+", WORD, 20, LISTS),
    Prefixed("Checkly, Statsig, PostHog", "cu_ secret- console- phx_ phs_ phc_", ALNUM, 32,
             GITLEAKS, sure=False),
    Prefixed("LaunchDarkly", "sdk- api- mob-", "a-f0-9-", 36, GITLEAKS, sure=False),
    # Vaults
    Prefixed("HashiCorp Vault", "hvs. hvb. hvr.", WORD, 20, GITLEAKS),
    Prefixed("HashiCorp Vault, old", "s. b.", ALNUM, 24, LISTS, sure=False),
    Prefixed("Doppler", "dp.pt. dp.st. dp.ct. dp.sa. dp.scim. dp.audit.", DOTTED, 24, GITLEAKS),
    Prefixed("1Password service account", "ops_eyJ", BASE64, 40, GITLEAKS),
    Prefixed("1Password secret key", "A3-", UPPER + "-", 30, GITLEAKS),
    Prefixed("Infisical", "st.", DOTTED, 50, TRUFFLEHOG, sure=False),
    Prefixed("age", "AGE-SECRET-KEY-1 AGE-PLUGIN-", UPPER + "-", 20, GITLEAKS),
    Prefixed("Authress, WorkOS, Stytch, Descope", "sc_ ext_ scauth_ secret-live- "
             "secret-test- sk_test_a2V5Xz sk_live_a2V5Xz", BASE64 + ".", 30, GITLEAKS, sure=False),
    Prefixed("Bitwarden", "0.", DOTTED + ":+/=", 60, LISTS, sure=False),
    # Work, design, data
    Prefixed("Notion", "ntn_ secret_", ALNUM, 36, GITLEAKS),
    Prefixed("Linear", "lin_api_ lin_oauth_ lin_wh_", ALNUM, 24, GITLEAKS),
    Prefixed("Figma", "figd_ figu_ figo_ figor_", WORD, 24, LISTS),
    Prefixed("HubSpot", "pat-na1- pat-na2- pat-eu1- pat-ap1-", "a-f0-9-", 30, TRUFFLEHOG),
    Prefixed("Airtable", "pat", ALNUM + ".", 60, GITLEAKS, sure=False),
    Prefixed("Asana", "1/ 2/", "0-9/:a-f", 40, LISTS, sure=False),
    Prefixed("Postman", "PMAK- PMAT-", WORD, 24, GITLEAKS),
    Prefixed("Typeform", "tfp_", DOTTED, 32, GITLEAKS),
    Prefixed("Contentful", "CFPAT-", WORD, 32, TRUFFLEHOG),
    Prefixed("ReadMe", "rdme_", ALNUM, 32, GITLEAKS),
    Prefixed("Prefect", "pnu_ pnb_", ALNUM, 30, GITLEAKS),
    Prefixed("Dropbox", "sl. sl.u. sl.B", WORD, 60, GITLEAKS, sure=False),
    Prefixed("Frame.io", "fio-u-", BASE64, 30, GITLEAKS),
    Prefixed("Mapbox", "sk.eyJ pk.eyJ tk.eyJ", DOTTED, 30, LISTS),
    Prefixed("Facebook, Instagram", "EAAC EAAB EAAG EAAD EAAM IGQV IGQW", ALNUM, 50, LISTS),
    Prefixed("Twitter bearer", "AAAAAAAAAAAAAAAAAAAAA", ALNUM + "%+/=", 30, LISTS),
    Prefixed("LinkedIn, Google OAuth code", "WPL_AP1. 4/0A", DOTTED, 16, LISTS),
    Prefixed("Adobe", "p8e-", ALNUM, 32, GITLEAKS),
    Prefixed("Defined Networking", "dnkey-", WORD, 40, GITLEAKS),
    Prefixed("Cal.com, Calendly", "cal_live_ cal_test_", ALNUM, 24, LISTS, sure=False),
    Prefixed("Ngrok", "ak_ cr_", ALNUM, 26, TRUFFLEHOG, sure=False),
    Prefixed("Canva, Miro, Ramp, Mercury", "cnvca ramp_sec_ secret-token:", DOTTED + ":/", 30,
             TRUFFLEHOG, sure=False),
    Prefixed("SettleMint", "sm_aat_ sm_pat_ sm_sat_", ALNUM, 16, GITLEAKS),
    Prefixed("42 intra", "s-s4t2ud- s-s4t2af-", HEX, 40, GITLEAKS),
    Prefixed("Scalingo", "tk-us-", WORD, 40, GITLEAKS),
    Prefixed("Crypto wallet, extended key", "xprv zprv yprv", ALNUM, 90, LISTS),
    Prefixed("Ory", "ory_at_ ory_pat_ ory_rt_ ory_ac_", DOTTED, 24, DOCS),
    Prefixed("Zuplo", "zpka_", ALNUM + "_", 32, DOCS),
    Prefixed("Trigger.dev", "tr_dev_ tr_prod_ tr_stg_ tr_preview_ tr_pat_", ALNUM, 20, DOCS,
             sure=False),
    Prefixed("Inngest", "signkey-prod- signkey-test- signkey-branch-", HEX, 32, DOCS),
    Prefixed("Elastic Cloud", "essu_ essa_", BASE64, 24, DOCS, sure=False),
    Prefixed("Docker Swarm", "SWMTKN-1-", "a-z0-9-", 40, DOCS),
    Prefixed("Matrix", "syt_", ALNUM + "_", 24, DOCS, sure=False),
    Prefixed("n8n", "n8n_api_", ALNUM, 32, DOCS, sure=False),
    Prefixed("Retool, Hex", "retool_ hxtp_", ALNUM, 24, DOCS, sure=False),
    Prefixed("Gemini, for a session", "auth_tokens/", WORD, 24, DOCS, sure=False),
    Prefixed("Luma", "luma-", "0-9a-f-", 60, DOCS),
    Prefixed("Twitch chat", "oauth:", "a-z0-9", 30, DOCS, sure=False),
    Prefixed("JSON web token of 1Password, Kubernetes", "k8s-aws-v1.", WORD, 40, LISTS),
)  # fmt: skip
"""What a credential begins with. `sure=False`: the rest must look random as well."""
