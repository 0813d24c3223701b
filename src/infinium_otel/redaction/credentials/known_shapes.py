"""The kinds of credentials that are recognized by their whole shape.

There is no credential here, real or invented: an example says what is where, in brackets.
"""

from __future__ import annotations

from dataclasses import dataclass
from string import ascii_letters, digits

from infinium_otel.redaction.credentials.finder import In
from infinium_otel.redaction.credentials.known_prefixes import LISTS


@dataclass(frozen=True, slots=True)
class Shaped:
    """A kind of credential that is recognized by its whole shape.

    Args:
        place: where the mark is looked for.
        mark: a literal in lower case that is there if the pattern matches.
        pattern: begins with a literal, so that searching is fast; its group `secret` is
            what is removed, or the whole match if there is no such group.
        lowered: whether the text is searched in lower case.
        before: letters that are removed too if they are right before the match.
        least: minimum length of the secret, with these.
    """

    kind: str
    place: In
    mark: str
    pattern: str
    example: str
    source: str
    lowered: bool = False
    before: str = ""
    least: int = 0


_RUN = ascii_letters + digits + "_-"
_QUOTED = r"""\\{0,64}["'`]"""
_PAIR = (
    rf"\(\s{{0,8}}(?:{_QUOTED})[^\n\"']{{1,128}}(?:{_QUOTED}),\s{{0,8}}"
    rf"(?:{_QUOTED})(?P<secret>[^\n\"'\\]{{1,256}})(?:{_QUOTED})"
)
_JWT = (
    r"(?P<secret>[A-Za-z0-9_-]{8,8192}"
    r"\.(?:eyJ)?[A-Za-z0-9_-]{4,8192}(?:\.[A-Za-z0-9_-]{0,8192}){0,3})"
)


def _in_url(kind: str, mark: str, pattern: str, example: str) -> Shaped:
    """A kind in an address or a header, whose case does not matter."""
    return Shaped(kind, In.RUN, mark, pattern, example, LISTS, lowered=True)


def _in_text(
    kind: str, mark: str, pattern: str, example: str, source: str = LISTS
) -> Shaped:
    """A kind in a command, a file or code, whose case does not matter."""
    return Shaped(kind, In.TEXT, mark, pattern, example, source, lowered=True)


SHAPED: tuple[Shaped, ...] = (
    Shaped("JSON web token, whole or cut", In.RUN, "eyj",
           rf"J(?<=eyJ)(?<![A-Za-z0-9_-]eyJ){_JWT}",
           "eyJ(header).eyJ(claims).(signature)", "RFC 7519", before="ey"),
    Shaped("JSON web token behind an escape", In.RUN, "eyj",
           rf"J(?<=\\neyJ){_JWT}",
           "(escaped newline)eyJ(header).eyJ(claims).(signature)", "RFC 7519", before="ey"),
    Shaped("AWS secret beside its key id", In.RUN, "akia",
           r"K(?<=AK)IA[A-Z0-9]{16}[\"']?[\s,:;|/]{1,4}[\"']?"
           r"(?P<secret>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+])",
           "AKIA(16),(40)", LISTS),
    Shaped("Azure application secret", In.RUN, "q~",
           r"Q~(?<=[0-9]Q~)(?P<secret>[A-Za-z0-9_.~-]{30,40})",
           "(3 letters)8Q~(34)", LISTS, before=_RUN + "~."),
    Shaped("Azure key with a mark in it", In.RUN, "",
           r"(?:JQQJ99|\+ASt|AzCa|ACDb|AzSe|APIM|AzFu|AIoT|AZDO)"
           r"(?P<secret>[A-Za-z0-9+/]{4,120}={0,2})",
           "(52 or 84 letters with the mark)", LISTS, before=_RUN + "+/", least=44),
    Shaped("Terraform Cloud", In.RUN, ".atlasv1.", r"\.atlasv1\.(?P<secret>[A-Za-z0-9_-]{40,128})",
           "(14).atlasv1.(67)", LISTS, before=_RUN),
    _in_url("Slack webhook or workflow", "hook",
            r"hooks.slack.com\\{0,8}/(?:services|workflows|triggers)\\{0,8}/"
            r"(?P<secret>[a-z0-9/\\_-]{16,256})",
            "https://hooks.slack.com/services/T0/B0/(24)"),
    _in_url("Discord webhook", "hook",
            r"/webhooks/[0-9]{15,22}/(?P<secret>[a-z0-9_-]{30,128})",
            "https://discord.com/api/webhooks/(id)/(68)"),
    _in_url("Sumo Logic source", "sumologic",
            r"sumologic.com/receiver/v1/http/(?P<secret>[a-z0-9_=-]{40,256})",
            "https://endpoint1.collection.sumologic.com/receiver/v1/http/(60)"),
    _in_url("Teams webhook", "hook",
            r"webhook.office.com/webhookb2/(?P<secret>[a-z0-9@/_-]{30,512})",
            "https://(tenant).webhook.office.com/webhookb2/(path)"),
    _in_url("Webhook of Zapier, Make, IFTTT, n8n, Pipedream", "hook",
            r"hook(?:s.zapier.com/hooks/catch/|.(?:eu|us)[0-9].make.com/"
            r"|s.pipedream.com/)(?P<secret>[a-z0-9/_-]{10,128})",
            "https://hooks.zapier.com/hooks/catch/(path)"),
    _in_url("IFTTT key", "/with/key/", r"/with/key/(?P<secret>[a-z0-9_-]{16,64})",
            "https://maker.ifttt.com/trigger/x/with/key/(43)"),
    Shaped("Telegram bot", In.RUN, ":aa",
           r":AA(?<=[0-9]{8}:AA)(?P<secret>[A-Za-z0-9_-]{32,36})",
           "(10 digits):AA(33)", LISTS, before="0123456789"),
    Shaped("Discord bot", In.RUN, "",
           r"\.(?<=[A-Za-z0-9_-]{24}\.)[A-Za-z0-9_-]{6}\."
           r"(?P<secret>[A-Za-z0-9_-]{27,40})(?![A-Za-z0-9_-])",
           "(24).(6).(38)", LISTS, before=_RUN),
    Shaped("Ably", In.RUN, ":",
           r":(?<=[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{6}:)(?P<secret>[A-Za-z0-9_-]{43})(?![A-Za-z0-9_-])",
           "(6).(6):(43)", "ably.com/docs: API key format"),
    Shaped("Convex deploy key", In.TEXT, "|",
           r"(?:prod|dev|preview|project):[a-z0-9:_-]{3,128}\|"
           r"(?P<secret>(?=[A-Za-z+/_-]{0,64}[0-9])[A-Za-z0-9+/_-]{32,512}={0,2})",
           "prod:(deployment)|(base64)", "npmjs.com: convex, its CLI"),
    Shaped("Roblox session", In.TEXT, "-do-not-share-this",
           r"\|WARNING:-DO-NOT-SHARE-THIS[^|\s]{0,160}\|_(?P<secret>[A-Za-z0-9._=-]{40,4096})",
           "_|WARNING:-DO-NOT-SHARE-THIS(text)|_(hex)", "github.com/klNuno/accshift: wiki"),
    Shaped("Cohere, beside its name", In.TEXT, "cohere",
           r"[Cc](?:ohere|OHERE)[^\n]{0,40}?[\s\"'`(=:](?=[a-z0-9]{0,39}[A-Z])(?=[A-Za-z]{0,39}[0-9])"
           r"(?P<secret>[A-Za-z0-9]{40})(?![A-Za-z0-9])",
           'cohere.Client("(40)")', "docs.cohere.com: the SDK's client"),
    Shaped("Mailchimp", In.RUN, "-us", r"-us(?<=[a-f0-9]{32}-us)(?P<secret>[0-9]{1,2})\b",
           "(32 of hex)-us1", LISTS, before="abcdef0123456789"),
    Shaped("Crypt or htpasswd hash", In.RUN, "$",
           r"\$(?:2[abxy]\$[0-9]{2}\$(?P<secret>[./A-Za-z0-9]{40,60})"
           r"|(?:1|5|6|y|gy|7|apr1|argon2[a-z]{1,2}|scrypt|pbkdf2[a-z0-9-]{0,12})\$"
           r"[./A-Za-z0-9=,+$-]{20,200})",
           "$6$(salt)$(hash)", "man 5 crypt"),
    Shaped("Address of a Sentry project", In.RUN, "://", r"://(?P<secret>[a-f0-9]{32})(?::[a-f0-9]{32})?@",
           "https://(32 of hex)@o1.ingest.sentry.io/1", LISTS),
    Shaped("Token as a user in an address", In.RUN, "://",
           r"://(?P<secret>[A-Za-z0-9_~-]{20,256})@(?=[A-Za-z0-9])",
           "https://(token)@github.com/x/y", LISTS),
    Shaped("Oracle address", In.RUN, "jdbc:oracle:",
           r"jdbc:oracle:[a-z]{3,5}:[a-z0-9_$#]{1,64}/(?P<secret>[^\s\"'@]{1,128})@",
           "jdbc:oracle:thin:scott/(password)@//db:1521/x", "Oracle's JDBC guide",
           lowered=True),
    _in_text("File .pgpass", ":",
             r":(?:5432|6432|6543|5433|\*):[a-z0-9_.*-]{1,64}:[a-z0-9_.*@-]{1,64}:"
             r"(?P<secret>[^\s\"']{1,256})",
             "db:5432:app:me:(password)", "PostgreSQL's manual"),
    _in_text("curl -u, --user", " -",
             r" -(?:u|-user)[ =]{0,2}[\"']?[a-z0-9_.@+\\/-]{0,128}:"
             r"(?!//)(?P<secret>[^\s\"'$<{*:][^\s\"']{2,256})",
             "curl -u me:(password)"),
    _in_text("Password of a command", "pass",
             r" -p ?(?<=sshpass -p )[\"']?(?P<secret>[^\s\"'$<{*][^\s\"']{0,256})",
             "sshpass -p (password)"),
    _in_text("Password of docker login", "login",
             r"login [^\n]{0,80}? -p[ =]{0,2}[\"']?(?P<secret>[^\s\"'$<{*-][^\s\"']{5,256})",
             "docker login -p (password)"),
    _in_text("Password of redis-cli", "redis-cli",
             r"redis-cli [^\n]{0,80}?-a [\"']?(?P<secret>[^\s\"'$<{*-][^\s\"']{3,256})",
             "redis-cli -a (password)"),
    _in_text("Password of mysql", "mysql",
             r"mysql[a-z]{0,8} [^\n]{0,80}?-p(?P<secret>[^\s\"'$<{*=-][^\s\"']{3,256})",
             "mysql -u me -p(password)"),
    _in_text("SQL", "identified by", r"identified by (?:password )?(?:\\{0,64}[\"'])(?P<secret>[^\"'\\\n]{1,256})",
             "IDENTIFIED BY '(password)'", "MySQL's manual"),
    _in_text("SQL, password in quotes", "pass",
             r"password\s{1,4}\\{0,64}'(?P<secret>[^'\\\n]{1,256})\\{0,64}'",
             "ALTER USER me PASSWORD '(password)'", "PostgreSQL's manual"),
    _in_text("File .netrc", "pass",
             r"login\s{1,8}[^\s]{1,128}\s{1,8}password\s{1,8}(?P<secret>[^\s\"'\\]{1,256})",
             "machine x login me password (password)", "man netrc"),
    _in_text("User and password of a call", "auth", rf"auth(?:=|entication=)?{_PAIR}",
             "auth=('me', '(password)')", "requests' manual"),
    _in_text("User and password of a login", "login", rf"\.login{_PAIR}",
             "smtp.login('me', '(password)')", "Python's smtplib"),
    _in_text("User and password echoed", "echo", r"echo [\"']?(?P<secret>[^\s|\"'$]{4,128})[\"']? ?\| ?"
             r"(?:sudo -s|[^|\n]{1,80}--password-stdin)",
             "echo (password) | sudo -S", "man sudo"),
    _in_url("Honeycomb's header", "x-honeycomb-team", r"x-honeycomb-team\\{0,64}[\"']?[:=,]\s{0,4}\\{0,64}[\"']?"
            r"(?P<secret>[a-z0-9_]{20,80})", "X-Honeycomb-Team: (22)"),
    Shaped("Ansible vault", In.TEXT, "$",
           r"\$ANSIBLE_VAULT;[0-9.]{3};AES256(?P<secret>(?:[\s\\nr]{0,16}[0-9a-f]{20,80}){1,512})",
           "$ANSIBLE_VAULT;1.1;AES256 (lines of hex)", LISTS),
)  # fmt: skip
"""Credentials of a shape, most of them in an address or a command."""
