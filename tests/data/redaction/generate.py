"""Make the redaction's test sets: credentials.json and harmless.json.

    python generate.py

The tables are shapes.json, forms.json and lookalikes.json, and the second round of an
attack, made without a look at the search: surroundings.json and near_misses.json. Every value is drawn from a
seeded generator after the shape that the source of its row describes: nothing is real, and
a second run writes the same files. In a shape `{A20}` is 20 letters and digits, and so on
with the alphabets below; `{uuid}` is one, and `{a0}` is nothing: it splits what a scanner
would take for a real key. In a form the secret is between « and ». Random values always
contain digits and letters of both cases, as nearly all real ones do.
"""

from __future__ import annotations

import json
import random
import re
import sys
from pathlib import Path
from string import ascii_letters, ascii_lowercase, ascii_uppercase, digits
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Callable

SEED = 20261129
HERE = Path(__file__).parent
ALPHABETS = {
    "A": ascii_letters + digits,
    "W": ascii_letters + digits + "_-",
    "H": "0123456789abcdef",
    "L": ascii_lowercase + digits,
    "U": ascii_uppercase + digits,
    "T": ascii_uppercase + "234567",
    "D": digits,
    "B": ascii_letters + digits + "+/",
    "a": ascii_lowercase,
}


def _load(name: str) -> Any:
    return json.loads((HERE / f"{name}.json").read_text("utf-8"))


SHAPES: list[list[str]] = _load("shapes")["rows"]
"""Kind, name of the variable, shape and source of credentials that a name may show.

The name is "" where the shape says enough; with a "!" only the name shows the kind.
"""
FORMS: list[list[str]] = _load("forms")["rows"]
"""Kind, place, form and source of credentials that the text around them shows."""
SURROUNDINGS: list[list[str]] = _load("surroundings")["rows"]
"""Kind, place and form, as in the manual of the tool, format or language of the place."""
NEAR_MISSES: list[list[str]] = _load("near_misses")["rows"]
"""Kind and text of what is none."""
LOOKALIKES: dict[str, Any] = _load("lookalikes")
"""What looks like a credential and is none: shapes, and texts by their kind."""


class Drawn(random.Random):
    """Random values of a shape."""

    def fill(self, shape: str) -> str:
        """A value of *shape*."""
        return re.sub(r"\{(uuid|[A-Za-z][0-9]+)\}", self._part, shape)

    def _part(self, match: re.Match[str]) -> str:
        what = match[1]
        if what == "uuid":
            return str(UUID(int=self.getrandbits(128), version=4))
        letters, count = ALPHABETS[what[0]], int(what[1:])
        while True:
            text = "".join(self.choices(letters, k=count))
            if self._is_likely(text, letters):
                return text

    @staticmethod
    def _is_likely(text: str, letters: str) -> bool:
        if len(text) < 8 or letters in (digits, ascii_lowercase):
            return True
        has_digit = any(c.isdigit() for c in text)
        edges = text[0].isalnum() and text[-1].isalnum()
        return has_digit and edges and any(c.isalpha() for c in text)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _camel(name: str) -> str:
    first, *rest = name.lower().replace("-", "_").split("_")
    return first + "".join(word.title() for word in rest)


NAMED: dict[str, Callable[[str, str], str]] = {
    "argument JSON": lambda n, s: _json({"region": "eu-west-1", n.lower(): s, "n": 3}),
    "camel JSON": lambda n, s: _json({"user": "ada", _camel(n): s}),
    ".env file": lambda n, s: f'APP_ENV=prod\nexport {n}="{s}"\nPORT=8080\n',
    ".env file, bare": lambda n, s: (
        f"DEBUG=0\n{n}={s if ' ' not in s else _json(s)}\nLOG=info"
    ),
    "YAML": lambda n, s: (
        f"service:\n  name: web\n  {n.lower()}: '{s}'\n  replicas: 2\n"
    ),
    "YAML, bare": lambda n, s: (
        f"{n.lower()}: {s if ' ' not in s else _json(s)}\nport: 5432\n"
    ),
    "Python source": lambda n, s: (
        f'client = Client(\n    {n.lower()}="{s}",\n    timeout=30,\n)'
    ),
    "Python repr": lambda n, s: f"Settings(host='db', {n.lower()}='{s}', retries=3)",
    "JS source": lambda n, s: (
        f"const client = new Client({{ {_camel(n)}: '{s}', retries: 2 }});"
    ),
    "header dump": lambda n, s: (
        f"GET /v1/items HTTP/1.1\r\nHost: api.example.com\r\nX-{n.title().replace('_', '-')}: {s}\r\nAccept: */*"
    ),
    "shell": lambda n, s: f"$ export {n}='{s}' && python run.py --fast",
    "JSON in JSON": lambda n, s: _json({"body": _json({n.lower(): s, "page": 1})}),
    "JSON in JSON in JSON": lambda n, s: _json(
        {"result": _json({"body": _json({n.lower(): s})})}
    ),
    "env list of Kubernetes": lambda n, s: (
        f'        - name: {n}\n          value: "{s}"\n        - name: PORT\n          value: "80"'
    ),
    "terraform": lambda n, s: (
        f'variable "x" {{}}\nresource "app" "web" {{\n  {n.lower()}   = "{s}"\n}}'
    ),
    "traceback": lambda n, s: (
        f"Traceback (most recent call last):\n  File \"app.py\", line 3, in <module>\n    run({n.lower()}='{s}')\nValueError: bad region"
    ),
    "log line": lambda n, s: (
        f"2026-11-29T10:00:00Z INFO config loaded {n.lower()}={s if ' ' not in s else _json(s)} workers=4"
    ),
}
UNNAMED: dict[str, Callable[[str], str]] = {
    "tool result": lambda s: f"Found in the vault entry: {s}\nLast rotated 3 days ago.",
    "prompt": lambda s: f"Please call the service with {s} and list my projects.",
    "exception message": lambda s: (
        f"AuthenticationError: Incorrect key provided: {s}. See the docs."
    ),
    "list in JSON": lambda s: _json({"values": ["a", s], "total": 2}),
    "log line": lambda s: f"[worker-3] WARN retrying with credential {s} (attempt 2)",
    "address": lambda s: (
        f"GET https://api.example.com/v1/items?limit=5&cred={s}&page=2 200"
    ),
    "markdown": lambda s: f"The key is `{s}`, keep it safe.",
    "escaped newline": lambda s: _json({"output": f"ok\n{s}\ndone"}),
    "JSON in JSON": lambda s: _json({"content": _json({"stdout": f"line\n{s}\n"})}),
}


def make_credentials() -> list[dict[str, Any]]:
    """Every kind in contexts of its own."""
    drawn = Drawn(SEED)
    rows = []
    for kind, variable, shape, _ in SHAPES:
        only_named = variable.endswith("!")
        name = variable.rstrip("!")
        contexts: list[tuple[str, Callable[[str, str], str]]] = []
        if name:
            contexts += drawn.sample(sorted(NAMED.items()), 2 if only_named else 1)
        if not only_named:
            contexts += [
                (where, lambda n, s, make=make: make(s))  # type: ignore[misc]
                for where, make in drawn.sample(
                    sorted(UNNAMED.items()), 1 if name else 2
                )
            ]
        for where, make in contexts:
            secret = drawn.fill(shape)
            rows.append(_credential(kind, make(name, secret), [secret], where))
    rows += [_of_form(drawn, kind, where, form) for kind, where, form, _ in FORMS]
    rows += [_of_form(drawn, *row) for row in SURROUNDINGS]
    return rows


def _of_form(drawn: Drawn, kind: str, where: str, form: str) -> dict[str, Any]:
    if form.startswith("@"):
        _, depth, name, shape = form.split("@")
        secret = drawn.fill(shape)
        text = _json({name: secret, "n": 1})
        for _ in range(3 if depth == "deep" else 4):
            text = _json({"body": text})
        return _credential(kind, text, [secret], where)
    filled = drawn.fill(form)
    secrets = re.findall("«(.*?)»", filled, re.DOTALL)
    return _credential(kind, re.sub("[«»]", "", filled), secrets, where)


def _credential(kind: str, text: str, secret: list[str], where: str) -> dict[str, Any]:
    return {"kind": kind, "text": text, "secret": secret, "where": where}


def make_harmless() -> list[dict[str, str]]:
    """What looks like a credential and is none, or speaks of them."""
    drawn = Drawn(SEED + 1)
    made = [{"kind": k, "text": drawn.fill(s)} for k, s in LOOKALIKES["shapes"]]
    texts = LOOKALIKES["texts"].items()
    made += [{"kind": k, "text": text} for k, group in texts for text in group]
    return made + [{"kind": k, "text": drawn.fill(text)} for k, text in NEAR_MISSES]


def main() -> None:
    """Write both sets."""
    for name, rows in (
        ("credentials", make_credentials()),
        ("harmless", make_harmless()),
    ):
        text = json.dumps(rows, indent=1, ensure_ascii=False)
        (HERE / f"{name}.json").write_text(text + "\n", encoding="utf-8")
        sys.stdout.write(
            f"{name}: {len(rows)} of {len({row['kind'] for row in rows})} kinds\n"
        )


if __name__ == "__main__":
    main()
