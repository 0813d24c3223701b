"""Spans rebuilt from public reports give the tasks that are right for them.

A case names its source (`owner/repo#N`) and what is right; `tests/check_cases.py` says
what a check can state, and prints what is wrong.
"""

from __future__ import annotations

import pytest

import check_cases
from check_cases import CASES, holds, read_case

FILES = sorted(CASES.glob("*.expect.json"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name.partition(".")[0])
def test_a_case_from_a_public_report(file):
    """Every check of the case holds."""
    _, expected, tasks = read_case(file)
    if "cost" in str(expected["checks"]):
        pytest.importorskip("genai_prices")  # the extra `cost`
    assert [check for check in expected["checks"] if not holds(check, tasks)] == []


def test_cases_need_the_prices(monkeypatch, capsys):
    """Without the extra `cost` the program prints how to install it, and no results."""
    monkeypatch.setattr(check_cases, "has_prices", lambda: False)
    monkeypatch.setattr("sys.argv", ["check_cases.py"])
    with pytest.raises(SystemExit) as ended:
        check_cases.main()
    assert ended.value.code == 2
    assert "pip install -e '.[cost]'" in capsys.readouterr().err
