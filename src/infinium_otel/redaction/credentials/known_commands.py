"""The kinds of credentials that commands, protocols and files of settings have in a place.

There is no credential here, real or invented: an example says what is where, in brackets.
"""

from __future__ import annotations

from infinium_otel.redaction.credentials.finder import In
from infinium_otel.redaction.credentials.known_shapes import Shaped

_WORD = r"[\"']?(?P<secret>[^\s\"'$<{*-][^\s\"']{2,256})"
_PRIVATE_BEGINNINGS = (
    "BQUklWQVRF|BSU0EgUFJJVkFUR|BFQyBQUklWQVRF|BPUEVOU1NI|BFTkNSWVBURUQ|BEU0EgUFJJ"
)
"""What follows `-----BEGIN` in base64: PRIVATE, RSA, EC, OPENSSH, ENCRYPTED, DSA."""


def _command(kind: str, mark: str, pattern: str, example: str, source: str) -> Shaped:
    """A password of a command, whose case does not matter."""
    return Shaped(kind, In.TEXT, mark, pattern, example, source, lowered=True)


def _line(kind: str, mark: str, pattern: str, example: str, source: str) -> Shaped:
    """A password in a line of a protocol or a file, in this case."""
    return Shaped(kind, In.TEXT, mark, pattern, example, source)


def _run(kind: str, mark: str, pattern: str, example: str, source: str) -> Shaped:
    """A secret in an address or a hash, without spaces, whose case does not matter."""
    return Shaped(kind, In.RUN, mark, pattern, example, source, lowered=True)


def _exact_run(kind: str, mark: str, pattern: str, example: str, source: str) -> Shaped:
    """A secret without spaces, in this case."""
    return Shaped(kind, In.RUN, mark, pattern, example, source)


COMMANDS: tuple[Shaped, ...] = (
    _command("zip -P", " -", rf"zip -p {_WORD}", "unzip -P (password)", "man unzip"),
    _command("7z -p", " -", rf"7za? [axelt] [^\n]{{0,80}}? -p{_WORD}", "7z x a.7z -p(password)",
             "7-Zip's manual"),
    _command("ldapsearch -w", " -", rf"ldap[a-z]{{2,8}} [^\n]{{0,160}}? -w {_WORD}",
             "ldapsearch -w (password)", "man ldapsearch"),
    _command("mongodump -p", " -", rf"mongo[a-z]{{0,8}} [^\n]{{0,160}}? -p {_WORD}",
             "mongodump -p (password)", "mongodb.com/docs/database-tools"),
    _command("sqlcmd -P", " -", rf"sqlcmd [^\n]{{0,160}}? -p {_WORD}", "sqlcmd -P (password)",
             "learn.microsoft.com: sqlcmd"),
    _command("sqlplus", "sqlplus", r"sqlplus [a-z0-9_$#]{1,64}/(?P<secret>[^\s\"'@$<{][^\s\"'@]{0,127})",
             "sqlplus me/(password)@db", "Oracle's SQL*Plus guide"),
    _command("smbclient -U", " -", r"smbclient [^\n]{0,160}? -u [a-z0-9_\\.-]{1,64}%(?P<secret>[^\s\"']{1,128})",
             "smbclient -U me%(password)", "man smbclient"),
    _command("HTTPie -a", " -", r"https? -a [\"']?[a-z0-9_.@-]{1,64}:(?P<secret>[^\s\"'$<{][^\s\"']{2,256})",
             "http -a me:(password)", "httpie.io/docs"),
    _command("curl --proxy-user", " -", r"--proxy-user[ =][\"']?[^\s\"':]{1,64}:(?P<secret>[^\s\"'$<{][^\s\"']{2,256})",
             "curl --proxy-user me:(password)", "man curl"),
    _command("nuget push -k", " -", rf"nuget push [^\n]{{0,160}}? -k {_WORD}",
             "dotnet nuget push -k (key)", "learn.microsoft.com: dotnet nuget push"),
    _command("sonar.login", " -", r"sonar\.login=(?P<secret>[a-z0-9_]{20,128})",
             "-Dsonar.login=(40)", "docs.sonarsource.com"),
    _command("rabbitmqctl", "rabbitmqctl", rf"rabbitmqctl (?:add_user|change_password) \S{{1,64}} {_WORD}",
             "rabbitmqctl add_user me (password)", "rabbitmq.com/docs"),
    _command("htpasswd -b", " -", rf"htpasswd -[a-z]{{0,4}}b[a-z]{{0,4}} [^\n]{{1,120}}? {_WORD}(?:\s|$)",
             "htpasswd -nb me (password)", "httpd.apache.org: htpasswd"),
    _command("net user", "net user", rf"net user [a-z0-9_.-]{{1,64}} {_WORD}(?: /add|\s{{0,4}}$)",
             "net user me (password) /add", "learn.microsoft.com: net user"),
    _command("chpasswd", "pass", r"echo [\"']?[a-z0-9_.-]{1,64}:(?P<secret>[^\s|\"'$]{4,128})[\"']? ?\| ?(?:sudo )?chpasswd",
             "echo me:(password) | chpasswd", "man chpasswd"),
    _command("passwd --stdin", "pass", r"echo [\"']?(?P<secret>[^\s|\"'$]{4,128})[\"']? ?\| ?(?:sudo )?passwd --stdin",
             "echo (password) | passwd --stdin", "man passwd"),
    _command("expect", "expect", r"send [\\\"']{1,4}(?<=[\"'])(?P<secret>[^\s\"'\\$]{4,128})\\{1,4}r",
             'expect "password:"; send "(password)\\r"', "man expect"),
    _command("Redis, AUTH", "auth", r"auth default (?P<secret>[^\s\"']{4,256})",
             "AUTH default (password)", "redis.io: AUTH"),
    _command("Redis, ACL", "setuser", r"setuser \S{1,64} [^\n]{0,120}?>(?P<secret>[^\s\"']{1,256})",
             "ACL SETUSER me on >(password)", "redis.io: ACL SETUSER"),
    _command("SNMP community", "snmp-server", r"snmp-server community (?P<secret>[^\s\"']{4,64}) r[ow]",
             "snmp-server community (name) RO", "cisco.com: snmp-server community"),
    _command("Unseal key", "key", r"unseal key [0-9]{1,2}: (?P<secret>[a-z0-9+/=]{20,128})",
             "Unseal Key 1: (44)", "developer.hashicorp.com: operator init"),
    _command("SQL, function", "pass", r"password\(\\{0,8}'(?P<secret>[^'\\\n]{1,256})\\{0,8}'\)",
             "= PASSWORD('(password)')", "MySQL's manual"),
    _command("SQL Server login", "pass", r"password\s{0,4}=\s{0,4}n'(?P<secret>[^'\\\n]{1,256})'",
             "WITH PASSWORD = N'(password)'", "learn.microsoft.com: CREATE LOGIN"),
    _command("User and password of a call", "networkcredential",
             r"networkcredential\(\"[^\"\n]{0,128}\", {0,4}\"(?P<secret>[^\"\n]{1,256})\"",
             'NetworkCredential("me", "(password)")', "learn.microsoft.com: NetworkCredential"),
    _command("keyring.set_password", "pass",
             r"set_password\((?:[\"'][^\"'\n]{0,128}[\"'], {0,4}){2}[\"'](?P<secret>[^\"'\n]{1,256})[\"']",
             "keyring.set_password('x', 'me', '(password)')", "keyring's manual"),
    _command("DBI", "dbi:", r"\"dbi:[^\"\n]{1,256}\", {0,4}[\"'][^\"'\n]{0,128}[\"'], {0,4}[\"'](?P<secret>[^\"'\n]{1,256})[\"']",
             'DBI->connect("dbi:Pg:x", "me", "(password)")', "metacpan.org: DBI"),
    _command("Key of a signed token", "jwt", r"jwt\.(?:sign|verify|encode|decode)\([^\n\"']{1,160}, {0,4}[\"'](?P<secret>[^\"'\n]{8,512})[\"']",
             "jwt.sign(claims, '(key)')", "npmjs.com: jsonwebtoken"),
    _command("Go MySQL address", "@tcp(", r":(?=[^\s\"'@:/]{1,128}@tcp\()(?P<secret>[^\s\"'@:/]{1,128})",
             "me:(password)@tcp(db:3306)/x", "github.com/go-sql-driver/mysql"),
    _command("Postfix SASL", "]:", r"\]:[0-9]{2,5}\s{1,8}[^\s:\"',]{1,64}:(?P<secret>[^\s\"',]{1,128})(?:\s|$)",
             "[smtp.example.com]:587 me:(password)", "postfix.org: SASL"),
    _command("Composer", "auth", r"-oauth[\"']: {0,4}{\s{0,40}[\"'][^\"'\n]{1,128}[\"']: {0,4}[\"'](?P<secret>[^\"'\n]{8,256})[\"']",
             '{"github-oauth": {"github.com": "(40)"}}', "getcomposer.org: authentication"),
    _command("Yarn", "auth", r"npmauthident: {0,4}[\"']?[^\s\"':]{1,64}:(?P<secret>[^\s\"']{1,256})",
             "npmAuthIdent: me:(password)", "yarnpkg.com: yarnrc"),
    _command("Azure storage keys", "key", r"keyname[\"'][^{}]{0,160}[\"']value[\"']: {0,4}[\"'](?P<secret>[a-z0-9+/]{40,90}={0,2})",
             '{"keyName": "key1", "value": "(88)"}', "learn.microsoft.com: az storage account keys"),
    _run("SAML", "samlre", r"saml(?:response|request)[\"']?[=:] {0,4}[\"']?(?P<secret>[a-z0-9+/%=]{40,8192})",
             "SAMLResponse=(base64)", "OASIS: SAML 2.0 bindings"),
    _command("Recovery phrase", "phrase", r"(?:seed|recovery) phrase(?: is)?: {0,4}(?P<secret>(?:[a-z]{3,8} ){11,23}[a-z]{3,8})\b",
             "seed phrase: (12 words)", "BIP 39"),
    _command("One-time code", "code", r" code(?<=(?:tion|rity|time|ogin) code)(?: is|:) (?P<secret>[0-9]{4,8})\b",
             "Your verification code is (6 digits)", "RFC 6238"),
    _command("Network of a phone", "wifi:", r"wifi:[^\n\"']{0,128}?;p:(?P<secret>[^;\n]{1,64});",
             "WIFI:T:WPA;S:home;P:(password);;", "github.com/zxing/zxing: barcode contents"),
    _run("Calendar", "/private-", r"/private-(?P<secret>[0-9a-f]{32})/", "/ical/me/private-(32)/basic.ics",
             "support.google.com: secret address"),
    _run("Webhook by its path", "hook/", r"/(?:web)?hook/(?P<secret>[0-9a-f]{8}-[0-9a-f-]{27})",
             "/bot/v2/hook/(uuid)", "open.feishu.cn: custom bots"),
    _run("Unleash", ":", r":[a-z0-9_-]{2,32}\.(?P<secret>[0-9a-f]{56,64})(?![0-9a-z])", "*:production.(64)",
         "docs.getunleash.io: API tokens"),
    _run("Secret by its path", "/secret/", r"/secret/(?P<secret>[a-z0-9]{28,128})(?![a-z0-9/_-])", "/secret/(62)",
         "onetimesecret.com/docs"),
    _run("Check by its path", "hc-ping.com/", r"hc-ping\.com/(?P<secret>[0-9a-z-]{20,64})",
             "https://hc-ping.com/(uuid)", "healthchecks.io/docs"),
    _run("Link that resets a password", "password", r"/(?:reset[_-]password|password[_-]reset)/(?P<secret>[a-z0-9_.-]{20,512})",
             "/reset-password/(token)", "OWASP: forgot password"),
    _run("Link that logs in", "magic-link", r"/magic-link/(?P<secret>[a-z0-9_.-]{20,512})", "/magic-link/(token)",
             "OWASP: authentication"),
    _command("MD5 of PostgreSQL", '"md5', r"\"md5(?P<secret>[0-9a-f]{32})\"", '"me" "md5(32)"', "PgBouncer's manual"),
    _run("SCRAM", "scram-sha-", r"scram-sha-(?:1|256|512)\$[0-9]{3,7}:(?P<secret>[a-z0-9+/=]{8,64}\$[a-z0-9+/=:]{40,256})",
             "SCRAM-SHA-256$4096:(salt)$(keys)", "RFC 5803"),
    _command("Argon2", "argon2", r"argon2[a-z]{1,2}\$v=[0-9]{1,3}\$m=[0-9]{1,8},t=[0-9]{1,4},p=[0-9]{1,3}\$(?P<secret>[a-z0-9+/$=]{30,256})",
             "$argon2id$v=19$m=65536,t=3,p=4$(salt)$(hash)", "RFC 9106"),
    _run("Django's PBKDF2", "pbkdf2_", r"pbkdf2_[a-z0-9]{3,8}\$[0-9]{3,8}\$(?P<secret>[a-z0-9]{8,64}\$[a-z0-9+/=]{20,128})",
             "pbkdf2_sha256$600000$(salt)$(hash)", "docs.djangoproject.com: passwords"),
    _run("NT hash", ":::", r":[0-9]{3,6}:[0-9a-f]{32}:(?P<secret>[0-9a-f]{32}):::", "me:500:(32):(32):::",
             "learn.microsoft.com: NTLM"),
    _command("Cisco secret", "secr", r"secret [0-9] (?P<secret>\$[0-9]\$[a-z0-9./$]{20,128})", "enable secret 9 $9$(hash)",
             "cisco.com: enable secret"),
    _line("BIND key", "secr", r"secret \"(?P<secret>[A-Za-z0-9+/]{16,128}={0,2})\";", 'secret "(44)";', "bind9.readthedocs.io"),
    _line("SMTP AUTH", "auth", r"AUTH (?:PLAIN|LOGIN) (?P<secret>[A-Za-z0-9+/]{10,512}={0,2})", "AUTH PLAIN (base64)", "RFC 4954"),
    _line("IMAP LOGIN", "login", r"LOGIN [^\s\"]{1,64} \"(?P<secret>[^\"\n]{1,128})\"", 'a1 LOGIN me "(password)"', "RFC 9051"),
    _line("FTP and POP3", "pass", r"USER [^\s]{1,64}\r?\n(?:[^\n]{0,120}\n){0,2}PASS (?P<secret>[^\s]{1,128})",
          "USER me, PASS (password)", "RFC 959"),
    _line("Key of a JSON Web Key", '"kty"', r"\"(?:d|p|q|dp|dq|qi|k)\"\s{0,4}:\s{0,4}\"(?P<secret>[A-Za-z0-9_-]{40,2048})\"",
          '{"kty": "RSA", "d": "(base64)"}', "RFC 7518"),
    _exact_run("Private key in base64", "ls0tls1crudjti", rf"LS0tLS1CRUdJTi(?:{_PRIVATE_BEGINNINGS})(?P<secret>[A-Za-z0-9+/=]{{24,16384}})",
          "(base64 of a PEM block)", "RFC 7468"),
    _exact_run("Registries of Docker in base64", "eyjhdxrocyi6", r"eyJhdXRocyI6(?P<secret>[A-Za-z0-9+/=]{24,16384})",
          "(base64 of auths)", "kubernetes.io/docs"),
)  # fmt: skip
"""Passwords that have no name before them, but a command, a word or a mark around them."""
