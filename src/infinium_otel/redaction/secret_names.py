"""Names that a secret follows, and values that are not secrets in spite of them."""

from __future__ import annotations

import re
from enum import IntEnum
from string import digits, punctuation

from infinium_otel.records.caching import cache_names


class Claim(IntEnum):
    """What a name implies about its value."""

    NOTHING = 0
    RANDOM = 1
    """A secret if the value is long and looks random: `stripe_key`, `auth`."""
    MIXED = 2
    """A secret if the value is not a plain word or a number: `token`, `pass`."""
    SECRET = 3
    """A secret unless the value is a placeholder: `api_key`, `client_secret`."""
    PASSWORD = 4
    """As `SECRET`; the value may be short, a number, or have spaces."""
    HEADER = 5
    """`Authorization`, whose value is a scheme and the secret."""
    COOKIE = 6
    """`Cookie` and `Set-Cookie`, whose values are pairs."""


_WORDS = re.compile(r"[A-Z]+(?![a-z])[0-9]*|[A-Z]?[a-z]+[0-9]*|[0-9]+")
_BEHIND = frozenset(
    "prod production dev development test testing live staging stage sandbox base64 b64 "
    "value confirm confirmation new old current previous plain plaintext string raw "
    "default primary secondary backup text base a b".split()
)
"""Words that may follow a secret's name and change nothing."""

_PASSWORDS = "password passwd passphrase passcode pwd passwort kennwort senha mnemonic pswd bindpw".split()
_PASS = frozenset(
    "db my user root admin smtp ftp mysql ssh login mail email redis pg sudo require ssh become rpc store key bind ldap imap ftp proxy account".split()
)
FOREIGN_PASSWORDS = (
    "contrase\xf1a", "mot de passe", "пароль", "密码", "密碼", "パスワード", "비밀번호",
    "wachtwoord", "hasło", "lösenord",
)  # fmt: skip
"""`password` in other languages; Spanish, French, Russian, Chinese, Japanese and so on."""

_TOKENS = frozenset(
    "access refresh auth id session bearer security api bot oauth oauth2 user service "
    "secret personal deploy identity app client admin private authentication jwt csrf "
    "xsrf vault github gitlab npm slack pypi hf sas webhook device registration write "
    "read upload publish authorization server account master x web reset".split()
)
_NO_TOKENS = frozenset(
    "next page continuation sync cursor cancel cancellation eos bos pad unk special stop "
    "mask sep cls max min num total input output prompt completion cached reasoning first "
    "last start end new per image audio text prediction used remaining n reserved budget "
    "non bad forced suppress decoder encoder resume previous prev paging pagination "
    "scroll delta change marker skip unknown padding begin the this a each every one "
    "pages nextpage".split()
)
_KEYS = frozenset(
    "api access secret private account signing encryption auth master license licence "
    "subscription function functions service admin storage shared sharedaccess app "
    "application client shared session host server ssh deploy integration write ingest "
    "insert consumer webhook bot pass rapid rapidapi decrypt decryption crypto cipher aes "
    "hmac jwt wallet signature activation ingestion instrumentation role anon master "
    "developer dev personal agent x verification routing rest".split()
)
_NO_KEYS = frozenset(
    "primary foreign public partition sort cache idempotency object s3 row hash dedup "
    "group routing shard lookup index map known issue project job candidate composite "
    "unique natural surrogate range event message item entity record redis bucket blob "
    "storage file path field column dict json config feature flag translation i18n "
    "locale metric label tag host registry hotkey arrow shortcut enter the a any one "
    "pub publishable trace span thread conversation run task tool call prompt".split()
)
_CODES = frozenset(
    "auth authorization device oauth backup recovery verification mfa otp security grant "
    "2fa sms".split()
)


@cache_names(maxsize=4096)
def classify_name(name: str) -> Claim:
    """What *name* implies about its value; names may be in any spelling."""
    if name.lower().endswith(FOREIGN_PASSWORDS):
        return Claim.MIXED
    words = [word.lower() for word in _WORDS.findall(name[-80:])]
    while len(words) > 1 and (words[-1] in _BEHIND or words[-1].isdigit()):
        words.pop()
    if not words:
        return Claim.NOTHING
    last, before = words[-1].rstrip(digits), words[-2] if len(words) > 1 else ""
    if last.endswith("s") and not last.endswith("ss"):
        last = last[:-1]
    return _classify_words(last, before)


def _classify_words(last: str, before: str) -> Claim:
    if last.endswith(tuple(_PASSWORDS)) or (last, before) == ("phrase", "seed"):
        return Claim.PASSWORD
    if last in ("pass", "pw") or (last.endswith("pass") and last[:-4] in _PASS):
        return Claim.MIXED if last in ("pass", "pw") and not before else Claim.SECRET
    if (last, before) in (("data", "key"), ("id", "secret")):
        return Claim.RANDOM
    if last in _WHOLE:
        return _WHOLE[last]
    for ending, classify in _ENDINGS.items():
        if last.endswith(ending):
            return classify(last[: -len(ending)] or before, glued=last != ending)
    return Claim.NOTHING


def _classify_token(before: str, *, glued: bool) -> Claim:
    if before in _NO_TOKENS:
        return Claim.NOTHING
    if before.endswith(tuple(_TOKENS)) if glued else before in _TOKENS:
        return Claim.SECRET
    return Claim.MIXED


def _classify_key(before: str, *, glued: bool) -> Claim:
    if before.endswith(("api", "secret", "private")) or before in _KEYS:
        return Claim.SECRET
    if glued or not before or before in _NO_KEYS:
        return Claim.NOTHING
    return Claim.RANDOM


def _classify_secret(before: str, *, glued: bool) -> Claim:  # noqa: ARG001 - as the others
    return Claim.SECRET if before else Claim.MIXED


def _classify_code(before: str, *, glued: bool) -> Claim:  # noqa: ARG001 - as the others
    return Claim.MIXED if before in _CODES else Claim.NOTHING


_ENDINGS = {
    "token": _classify_token,
    "key": _classify_key,
    "secret": _classify_secret,
    "code": _classify_code,
}
_WHOLE = {
    "authorization": Claim.HEADER,
    "masterauth": Claim.SECRET,
    "cookie": Claim.COOKIE,
    "auth": Claim.RANDOM,
    "credential": Claim.RANDOM,
    "cred": Claim.RANDOM,
    "jwt": Claim.RANDOM,
    "csrf": Claim.RANDOM,
    "xsrf": Claim.RANDOM,
    "sas": Claim.RANDOM,
    "bearer": Claim.MIXED,
    "psk": Claim.PASSWORD,
    "pat": Claim.MIXED,
    "otp": Claim.MIXED,
    "totp": Claim.MIXED,
    "verifier": Claim.RANDOM,
    "webhook": Claim.RANDOM,
    "sessionid": Claim.RANDOM,
    "sessid": Claim.RANDOM,
    "phpsessid": Claim.RANDOM,
    "jsessionid": Claim.RANDOM,
}

_STOP = frozenset(
    "none null nil true false undefined string str int integer number boolean bool bytes "
    "any object array list dict required optional text hidden secret password passwd pwd "
    "pass token key apikey secretstr env environment prompt ask invalid missing expired "
    "incorrect wrong valid ok yes no basic bearer digest set unset unknown disabled "
    "enabled n/a na empty default file keychain keyring plain plaintext sha256 sha512 "
    "bcrypt argon2 md5 hashed hash see not is the a an your this that must and or for "
    "include same-origin omit changeme change_me change-me changeit redacted masked "
    "removed secure protected private public invalid_token unauthorized forbidden denied "
    "rejected revoked mandatory varchar char uuid base64 jwt oauth oauth2 saml ldap iam "
    "api self auto manual never always todo tbd tba foo bar baz placeholder dummy example "
    "value data name user username email self.password write-only writeonly readonly "
    "fail failed pass passed error success skip skipped on off function async await "
    "const let var passwort kennwort new old current input output void unique "
    "authentication authorization encrypted credentials credential secrets passwords "
    "tokens keys enum confirmed hashed nullable uuidv4 email strong weak float type field column select".split()
)
"""Values that are words about secrets, types and states."""

_TALK = frozenset(
    "the your a an is are must to of for please enter be and in or not password passwords "
    "passwort token tokens key keys with that this should at least no has was from choose "
    "required invalid incorrect forgot confirm new old current repeat create it used "
    "characters long which can will when if use any too short minimum votre mot ihr ihre su de clave ключ".split()
)
"""Words of sentences and labels, which are rare in passwords."""

_EMPTY = re.compile(r"""[*x.•\-_#●·…?0\\\s"'~=+/|:,;!]*""", re.IGNORECASE)
_PLACEHOLDER = re.compile(
    r"""\[(?:redact|withheld|filter|hidden|mask|remov|secure|secret|omit|scrub|\.\.\.)
    |<[^<>\n]{0,80}>|<[a-z_]|&lt;
    |[$%\#@]\{|\$\(|\$\[|\{\{|\{%|%\(|%[sdrv]\b|<%
    |\{[a-z_][a-z0-9_.!:\[\]'"()]{0,60}\}
    |my[-_]?(?:super[-_]?)?(?:api|secret|password|token|key|access)
    |(?:your|insert|replace|enter|put|add|example|placeholder|dummy|fake|sample|
       some|any|the|todo|changeme|change[_-]?me|fixme|secret-?here|abc123$|foobar)
      (?:[-_\s.<\[]|$|[a-z]{0,10}[-_](?:key|token|secret|password|here))
    |(?:op|vault|ssm|secretref|keyring|keychain|aws-sm|gcp-sm|doppler|env|file|arn|
       awsssm|azurekeyvault|secretsmanager|sops|https?|data|kms|pass|akv|bws):
    |env\.|ref\+|enc\[|@microsoft\.keyvault|!(?:vault|ref|sub|env|secret|getatt)
    |projects/[^/\s]+/secrets/|process\.env|os\.environ|import\.meta
    |(?:\.{1,2}|~)/|/(?:run|etc|home|var|path|usr|opt|tmp|secrets?|vault|root|mnt|srv|
       users|app|work|data|workspace|dev|proc|private|keys?|certs?|ssl)/
    |[a-z]:\\|/\^|\#\#[a-z]|▁
    |[a-z]{2,12}-[0-9]\.[0-9](?:-[a-z-]{1,24})?$
    """,
    re.VERBOSE,
)
_SHELL_NAME = re.compile(
    r"[$%](?:[A-Z_][A-Z0-9_]*|[a-z_]+)%?(?::?[-?+].*)?|[:@?&][a-z_]+"
)
_MASKED = re.compile(
    r"\*{3}|\.{3}|…|x{4}|X{4}|•{2}|_here\b|-here\b|[Yy](?:our|OUR)[-_]"
)
_IDENTIFIER = re.compile(r"[A-Za-z_$][A-Za-z_]*(?:(?:\.|::|->|\?\.)[A-Za-z_]+)*")
_CAMEL = re.compile(r"[A-Za-z]+")
_NAMELIKE = re.compile(r"(?i)pass(?:word|wd|phrase)?|pwd|token|secret|key|cred|auth")
_DATE = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ].*)?|v?[0-9]+(?:\.[0-9]+)+\S{0,8}"
)
_RUNS = re.compile(r"[A-Za-z0-9]{12,}")
_DIGIT, _LETTER = re.compile(r"[0-9]"), re.compile(r"[^\W\d_]")
_SIGN = re.compile(r"[!@#$%^&*+=?~|/\\<>{}\[\]()]")


LONGEST_WORD = 200
"""A longer text without a space is not a placeholder, a name or a sentence."""


def is_placeholder(value: str) -> bool:
    """Whether *value* only represents a secret: empty, masked, a reference, a lookup."""
    if len(value) > LONGEST_WORD:
        return False
    lowered = value.lower()
    if value.isalnum() and len(set(lowered)) > 2:  # the others have signs or one letter
        written = _PLACEHOLDER.match(lowered) or "xxxx" in value or "XXXX" in value
        return lowered in _STOP or bool(written)
    return bool(
        lowered.rstrip(".!,;:?") in _STOP
        or len(set(lowered)) <= 2
        or _PLACEHOLDER.match(lowered)
        or _MASKED.search(value)
        or _EMPTY.fullmatch(value)
        or _SHELL_NAME.fullmatch(value)
    )


def looks_random(text: str) -> bool:
    """Whether a run of letters in *text* has digits among them, as generated ones have."""
    return any(
        _DIGIT.search(run) and _LETTER.search(run) and len(set(run)) >= 6
        for run in _RUNS.findall(text)
    )


def _has_all_letters(text: str) -> bool:
    """Whether a text of some length has letters of both cases and digits."""
    return len(text) >= 24 and bool(
        _DIGIT.search(text) and text.lower() != text and text.upper() != text
    )


def is_mixed(value: str) -> bool:
    """Whether *value* is neither a word, a number, a date nor a version."""
    if _DATE.fullmatch(value):
        return False
    letters = _LETTER.search(value)
    if letters and (_DIGIT.search(value) or _SIGN.search(value)):
        return True
    return (
        len(value) >= 20
        and value.isalpha()
        and not (value.islower() or value.isupper() or value.istitle())
    )


def is_secret(value: str, claim: Claim, *, quoted: bool) -> bool:
    """Whether a *value* after a name with *claim* is a secret."""
    if is_placeholder(value) or claim is Claim.NOTHING or _is_label(value):
        return False
    if " " in value.strip():
        return _is_secret_phrase(value, claim)
    if claim is Claim.RANDOM:
        return len(value) >= 16 and (looks_random(value) or _has_all_letters(value))
    if claim is Claim.MIXED:
        return (
            len(value) >= 6
            and value.isascii()
            and is_mixed(value)
            and not _is_code(value, quoted=quoted)
        )
    if _LETTER.search(value) is None:
        return claim is Claim.PASSWORD and len(value) >= (3 if quoted else 4)
    return not _is_code(value, quoted=quoted)


def _is_label(value: str) -> bool:
    """Whether it is a word of another language: the label of a form, `Contraseña`."""
    return value.isalpha() and not value.isascii()


def _is_secret_phrase(value: str, claim: Claim) -> bool:
    words = value.split()
    bare = [word.strip(punctuation) for word in words]
    mixed = any(len(word) >= 6 and is_mixed(word) for word in bare)
    if claim in (Claim.PASSWORD, Claim.SECRET):
        talks = any(word.lower() in _TALK for word in bare)
        return mixed or not talks
    return False


def _is_code(value: str, *, quoted: bool) -> bool:
    """Whether a value is the name of something: `config.password`, `user_token`."""
    if not _IDENTIFIER.fullmatch(value):
        return False
    if quoted:
        return bool(_NAMELIKE.search(value)) and ("_" in value or value.islower())
    return "_" in value or "." in value or bool(_NAMELIKE.search(value))
