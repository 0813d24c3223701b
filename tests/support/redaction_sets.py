"""The sets of credentials and harmless texts, and hostile texts, for the redaction.

`tests/data/redaction/generate.py` makes both sets.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "data" / "redaction"
Redact = Callable[[str], str]


def repeat(piece: str, size: int) -> str:
    """A text of *size* characters, all *piece*."""
    return (piece * (size // len(piece) + 1))[:size]


PIECES = (
    "a", '"', "'", "\\", '\\"', "=", ":", "://", "://a:", "://a:b@", "eyJ", "eyJa.", "eyJ-", "_", "-", "_-",
    "_a-", ".", "-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----\nAAAA",
    "---- BEGIN", "key=", "pwd=", "pwd=x ", "password=", 'password="', "password='x ", 'password=\\"',
    "token=a ", "token: ", "token=\n", "token ", "pass,", "authorization:", "authorization: a b\n", "cookie=a", 'cookie: "a=',
    "bearer ", "bearer aaaaaaa1 ", "sk-", "sk-a", "sk_live_", "ghp_", "s.", "1/0", "A", "AK", "AAAA", "AAAAAAAAAAAAAAAAAAAAAAA ",
    "&sig=", "?key=aaaaaaa1", "=a&sig", "[", "{", "password=[", 'passwords=["', 'passwords=["a","', 'passwords=["a",',
    "xoxb-", "0.", "pat.", "-us", ":AA", "Q~", "JQQJ99", "$2a$", "$6$", "hooks.slack.com/services/",
    " -p a1aaaaa", " -u a:", "login('a',", "auth=('", "echo a | ", "\n", " ", "\t", "é", "İ", "password=a,", "password=a,b;c&", "password= ",
    "name=password value=", "<password>", "%22password%22%3A%22", "\\u0022password\\u0022:\\u0022",
    "password: str = ", "secret=secret(", "api_key=os.environ[", "a" * 500 + "_", "$ANSIBLE_VAULT;1.1;AES256", "$ANSIBLE_VAULT;1.1;AES256\n" + "a" * 30,
    "_aaaaaaaa", "_A1b2C3d4e5", "Aa1_", "PuTTY-User-Key-File-2:", "Private-Lines: 1\nAAAA: a ", ":5432:a:a:", "jdbc:oracle:thin:a/", "/webhooks/111111111111111111/",
    "<password ", "<token>a1aaaaa", '"value": "a", "name": ', '"name": "password", "b": "c", ', '"key": {"value": "a1"', "name='token' content='a'",
    'form-data; name="token"\n\n', "setx token ", 'setkey("a1', "key=%s' 'a1", "a,token\n", "a,token\n1,a1aaaaaaa\n", "a|key|", "insert into a (key) values ",
    "insert into a (key) values ('a1", "('a1aaaaaa'),", "7z x -p", "ldapaa -w ", "auth default a ", "]:25 a:", "a:b@tcp(", "a:", '"kty" "d":"', ":::", "/reset-password/aaaaaaaa",
    "seed phrase: aaa aaa ", "USER a\n", "LS0tLS1CRUdJTiBQUklWQVRF", "token \x1b[1m", "key: >\n", "tokens:\n  - a1aaaaa\n", "password (", "api key is ", "пароль: ", 'password = "a1" -> ',
    "pbkdf2_a$111$", "jwt.sign(a", "printf", "echo a:b | chpasswd", "set_password('a', ", '"a": {',
)  # fmt: skip


def make_hostile_texts(size: int) -> dict[str, str]:
    """Texts of *size* characters that are meant to take long, by a short name."""
    texts = {piece[:28]: repeat(piece, size) for piece in PIECES}
    nested = '{"password": "x1"}'
    while len(nested) < size:
        nested = json.dumps({"body": nested})
    texts["JSON in JSON"] = nested[:size]
    texts["growing backslashes"] = "".join(
        "password=" + "\\" * (n % 65) + '"' for n in range(size // 45)
    )
    texts["all pieces"] = repeat("".join(PIECES), size)
    names = "token=a key:b secret=c password:d auth=e pwd=f code=g "
    texts["all names"] = repeat(names, size)
    return texts


def survives(secret: str, text: str) -> bool:
    """Whether *secret* is in *text*, whole or by half."""
    if secret in text:
        return True
    half = len(secret) // 2
    return len(secret) >= 24 and (secret[:half] in text or secret[half:] in text)


def load(name: str) -> list[dict[str, Any]]:
    """The rows of one set: "credentials" or "harmless"."""
    rows: list[dict[str, Any]] = json.loads(
        (FOLDER / f"{name}.json").read_text("utf-8")
    )
    return rows


def find_missed(redact: Redact) -> list[dict[str, Any]]:
    """The credentials of which something stays."""
    return [
        {**row, "after": after}
        for row in load("credentials")
        for after in (redact(row["text"]),)
        if any(survives(secret, after) for secret in row["secret"])
    ]


def find_touched(redact: Redact) -> list[dict[str, Any]]:
    """The harmless texts that are changed."""
    return [
        {**row, "after": after}
        for row in load("harmless")
        for after in (redact(row["text"]),)
        if after != row["text"]
    ]
