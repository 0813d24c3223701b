"""Input in which nothing is: all of it, or one file of several."""

from __future__ import annotations

import gzip
import json

import pytest

from infinium_otel.apps import cli
from support.otlp_requests import span, traces


def convert(capsys, *arguments):
    """The exit code, the output and the messages."""
    code = cli.main(["convert", "--include", "all", *map(str, arguments)])
    return code, *capsys.readouterr()


@pytest.mark.parametrize(
    "content", [b"", b" \n", b"\xef\xbb\xbf\n", gzip.compress(b"")],
    ids=["empty", "blank", "byte-order-mark", "gzip"],
)  # fmt: skip
def test_all_of_it(content, tmp_path, capsys):
    """What should have written it has failed; the output is not touched.

    Source: aryamthecodebreaker/FixMap#461, hassanhabib/The-Standard-Agent#359 (a gate that
    had read nothing passed).
    """
    path, kept = tmp_path / "an empty file", tmp_path / "kept.jsonl"
    path.write_bytes(content)
    kept.write_text("before", "utf-8")
    code, out, messages = convert(capsys, path, "-o", kept)
    assert (code, out) == (2, "")
    assert messages == (
        f"infinium-otel convert: {path} is empty: there is nothing to convert\n"
    )
    assert kept.read_text("utf-8") == "before"
    code, _, messages = convert(capsys, "--to", "hud", path, path)
    assert code == 2
    assert messages.endswith("are empty: there is nothing to convert\n")


def test_nothing_to_send(fake, tmp_path, capsys, monkeypatch):
    """Nor is anything delivered: the exit code is that of a failure."""
    for name, value in fake.settings.items():
        monkeypatch.setenv(f"INFINIUM_{name.upper()}", str(value))
    path = tmp_path / "empty"
    path.touch()
    code, _, messages = convert(capsys, "--send", "--spool", tmp_path / "s.db", path)
    assert code == 2
    assert "is empty" in messages
    assert fake.requests == []


def test_one_of_several_files(tmp_path, capsys):
    """A rotated file may be empty, which is counted."""
    empty, full = tmp_path / "empty", tmp_path / "full"
    empty.touch()
    full.write_text(json.dumps(traces(span(startTimeUnixNano="1"))), "utf-8")
    code, out, messages = convert(capsys, empty, full)
    assert (code, out.count("\n")) == (0, 1)
    assert ", empty files: 1" in messages


def test_a_request_without_spans(tmp_path, capsys):
    """It is an input like another: the Collector writes such."""
    path = tmp_path / "spans.json"
    path.write_text(json.dumps(traces()), "utf-8")
    code, out, messages = convert(capsys, path)
    assert (code, out) == (0, "")
    assert messages.startswith("documents: 1, records: 0")
