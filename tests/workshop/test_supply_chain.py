"""What is installed is known, and has no known holes."""

from __future__ import annotations

import importlib.util
import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

packaging = pytest.importorskip("packaging.requirements")
yaml_text = (Path(__file__).parents[2] / ".github/workflows/release.yml").read_text(
    "utf-8"
)
try:
    import tomllib
except ImportError:  # Python 3.10
    tomllib = pytest.importorskip("tomli")

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
LOCK = (ROOT / "requirements" / "workshop.txt").read_text("utf-8")
PINNED = re.findall(r"(?m)^([\w.-]+)==([^\s;\\]+)", LOCK)

FIXED = {
    "anyio": "4.4",  # a race of threads that crashes: its changelog
    "h11": "0.16",  # CVE-2025-43859: chunked bodies that are read differently
    "httpx": "0.23",  # CVE-2021-41945: addresses that are read differently
    "protobuf": "6.33.5",  # CVE-2025-4565, CVE-2026-0994: recursion
    "starlette": "0.49.1",  # CVE-2025-54121, CVE-2025-62727: CPU by a Range header
    "uvicorn": "0.11.7",  # CVE-2020-7694, CVE-2020-7695: log and header injection
}
"""The first release without a known hole, with the last one that was found."""


def list_requirements():
    extras = PROJECT["project"]["optional-dependencies"]
    texts = [
        *PROJECT["project"]["dependencies"],
        *(t for e in extras.values() for t in e),
    ]
    return [packaging.Requirement(text) for text in texts]


@pytest.mark.parametrize("name", FIXED)
def test_lower_bounds_are_above_the_last_fix(name):
    """No version with a known hole satisfies what we require."""
    from packaging.version import Version  # noqa: PLC0415 - optional

    (required,) = (each for each in list_requirements() if each.name == name)
    (least,) = (spec.version for spec in required.specifier if spec.operator == ">=")
    assert Version(least) >= Version(FIXED[name])


def test_the_lock_has_every_requirement_within_its_bounds():
    """`tox run -e lock` writes it."""
    pinned = {name.lower(): version for name, version in PINNED}
    for each in list_requirements():
        if each.name != PROJECT["project"]["name"]:
            assert each.specifier.contains(pinned[each.name.lower()]), each


@pytest.mark.parametrize("name", ["all", "workshop"])
def test_everything_in_the_lock_has_hashes(name):
    """A package index that was taken over cannot replace a file."""
    lock = (ROOT / "requirements" / f"{name}.txt").read_text("utf-8")
    entries = re.split(r"(?m)^(?=[\w.-]+==)", lock)[1:]
    assert len(entries) > 15
    assert "://" not in "".join(entries)
    assert all("--hash=sha256:" in entry for entry in entries)


@pytest.fixture
def audit():
    """`requirements/audit.py`, with pages of a server on loopback."""
    spec = importlib.util.spec_from_file_location(
        "audit", ROOT / "requirements" / "audit.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            name = self.path.split("/")[2]
            holes = [{"id": "PYSEC-1", "aliases": ["CVE-1"], "fixed_in": ["2"]}]
            withdrawn = [{"id": "PYSEC-2", "withdrawn": "2026-01-01T00:00:00Z"}]
            page = {
                "info": {"version": "1.0"},
                "vulnerabilities": holes if name == "bad" else withdrawn,
            }
            self.send_response(404 if name == "unknown" else 200)
            self.end_headers()
            self.wfile.write(json.dumps(page).encode())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    module.PAGE = f"http://127.0.0.1:{server.server_port}/pypi/{{}}/json"
    yield module
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("lock", "expected"),
    [
        pytest.param("good==1.0\n", (0, "1 of 1 packages checked"), id="none-known"),
        pytest.param(
            "bad==1.0\ngood==1.0\n", (1, "bad 1.0: PYSEC-1 (CVE-1)"), id="known"
        ),
        pytest.param("good==1.0\nbad==0.9\n", (0, "not checked"), id="not-the-latest"),
        pytest.param("unknown==1.0\n", (2, "0 of 1 packages checked"), id="no-page"),
    ],
)
def test_the_audit_fails_for_a_known_hole(audit, lock, expected, tmp_path, capsys):
    """What could not be checked is never reported as free of holes."""
    path = tmp_path / "lock.txt"
    path.write_text(lock, "utf-8")
    code, line = expected
    assert audit.main([str(path)]) == code
    assert line in capsys.readouterr().out


def test_a_release_is_built_once_and_has_no_token():
    """What is tested is what is published, by an identity instead of a secret."""
    assert yaml_text.count("python -m build") == 1
    assert "--installpkg dist/*.whl" in yaml_text
    assert "attest-build-provenance" in yaml_text
    assert "id-token: write" in yaml_text
    assert "secrets." not in yaml_text
    assert "pull_request" not in yaml_text


def test_the_threat_model_names_tests_that_exist():
    """A promise is held by the tests that the page names."""
    page = (ROOT / "docs/explanation/threat-model.md").read_text("utf-8")
    named = set(re.findall(r"`([\w/]+/test_\w+\.py)`", page))
    assert len(named) > 10
    assert [each for each in named if not (ROOT / "tests" / each).exists()] == []
