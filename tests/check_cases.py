"""Check the tasks that infinium-otel makes of cases from public reports.

    python tests/check_cases.py [FOLDER] [--case NNN] [-v]

A case is NNN-name.json (OTLP/JSON spans), NNN-name.logs.json where it has log records,
and NNN-name.expect.json, what is right: {"why", "source", "config", "checks"}; `config`
(optional) holds settings for `Config`. A check is one of

    {"tasks": 2}                              so many tasks
    {"task": 0, "at": PATH, "is": 200}        this value; null: there is nothing
    {"task": 0, "at": PATH, "near": 0.065}    this number, give or take `within` (1e-6)
    {"task": 0, "at": PATH, "between": [1, 2]}            one of those or between them
    {"task": 0, "at": PATH, "matches": "a, ?b"}           the pattern is in the text
    {"task": 0, "count": PATH, "is": 1}       so many values or items; also `between`
    {"task": 0, "at": PATH, "anywhere": "x"}  x is in a text or key below PATH (without
    {"task": 0, "at": PATH, "nowhere": "x"}   `at`: in the task); nowhere: it is not
    {"either": [CHECK, [CHECK, CHECK]]}       one of them holds; of a list: all of it

Tasks are counted by start, from 0; "*" is each of them. PATH: `llm_usage.model`, with
`steps[*]` for every item, `[?error]` for those that have it, `[?tool_call.tool_name=f]`
for those where it is f, `['gen_ai.agent.name']` for a key with dots; `[*]` and `[?...]`
give a list. `anywhere` passes over ids, times and capitals, and takes a number as one
whole value. `near` may be a price to look up: {"model", "provider", "time", "usage"}.
"""

import argparse
import json
import re
import sys
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path

from infinium_otel import Config, load_otlp, spans_to_tasks, task_to_dict

CASES = Path(__file__).with_name("data") / "cases"
PART = re.compile(r"(\w+)|\[(.*?)\]")
ID_OR_TIME = re.compile(r"(trace|span)_ids?$|_time$|_datetime$")


def holds(check: dict | list, tasks: list[dict]) -> bool:
    """Whether a check is met; of a list of checks, whether all are."""
    if isinstance(check, list):
        return all(holds(each, tasks) for each in check)
    if "either" in check:
        return any(holds(each, tasks) for each in check["either"])
    if "tasks" in check:
        return len(tasks) == check["tasks"]
    if unknown := check.keys() - OPERATORS.keys() - {"task", "at", "count", "within"}:
        raise ValueError(f"no such check: {', '.join(sorted(unknown))}")
    chosen = tasks if check["task"] == "*" else tasks[check["task"] :][:1]
    tests = [(OPERATORS[name], check[name]) for name in check if name in OPERATORS]
    within = check.get("within", 1e-6)
    met = (test(found(check, t), x, within) for t in chosen for test, x in tests)
    return bool(chosen and tests) and all(met)


def found(check: dict, task: dict) -> object:
    """What a check looks at in a task: a value, a list of values, or their number."""
    value = at(task, check.get("count", check.get("at", "")))
    if "count" not in check:
        return value
    return len(value) if isinstance(value, list) else int(value is not None)


def at(value: object, path: str) -> object:
    """The value at a path; None if there is none."""
    values, several = [value], False
    for name, bracket in PART.findall(path):
        if name or bracket.startswith("'"):
            key = name or bracket.strip("'")
            values = [v[key] for v in values if isinstance(v, dict) and key in v]
            continue
        several = True
        inner, _, wanted = bracket[1:].partition("=")
        items = [item for v in values if isinstance(v, list) for item in v]
        having = [item for item in items if at(item, inner) is not None]
        values = [item for item in having if wanted in ("", str(at(item, inner)))]
    return values if several else next(iter(values), None)


def _near(value: object, wanted: float | dict, within: float) -> bool:
    if isinstance(wanted, dict):
        from genai_prices import Usage, calc_price  # an extra; few cases ask for it

        when = datetime.fromisoformat(wanted["time"])
        more = {"provider_id": wanted["provider"], "genai_request_timestamp": when}
        price = calc_price(Usage(**wanted["usage"]), wanted["model"], **more)
        wanted = float(price.total_price)
    return isinstance(value, (int, float)) and abs(value - wanted) <= within


def _contains(value: object, wanted: str | float) -> bool:
    if isinstance(wanted, str):
        return any(wanted.casefold() in str(v).casefold() for v in _leaves(value))
    return str(wanted) in map(str, _leaves(value))


def _leaves(value: object) -> list[object]:
    if isinstance(value, list):
        return [leaf for item in value for leaf in _leaves(item)]
    if isinstance(value, dict):
        inside = {k: v for k, v in value.items() if not ID_OR_TIME.search(k)}
        return [*inside, *(leaf for v in inside.values() for leaf in _leaves(v))]
    return [] if value is None else [value]


OPERATORS = {
    "is": lambda value, wanted, _: value == wanted,
    "near": _near,
    "between": lambda value, ends, _: value is not None and ends[0] <= value <= ends[1],
    "matches": lambda value, wanted, _: bool(re.search(wanted, str(value or ""))),
    "anywhere": lambda value, wanted, _: _contains(value, wanted),
    "nowhere": lambda value, wanted, _: not _contains(value, wanted),
}


def has_prices() -> bool:
    """Whether the extra `cost` is installed: without it no task has a cost."""
    return find_spec("genai_prices") is not None


def tasks_of(case: Path, settings: dict) -> list[dict]:
    """The tasks made of a case, by start."""
    files = [case, case.with_suffix(".logs.json")]
    records = [each for file in files if file.exists() for each in load_otlp(file)]
    tasks = map(task_to_dict, spans_to_tasks(records, config=Config(**settings)))
    return sorted(tasks, key=lambda t: at(t, "sections.time_tracking.start_time") or "")


def read_case(file: Path) -> tuple[Path, dict, list[dict]]:
    """The case of an expectation's file, what is expected, and its tasks."""
    expected = json.loads(file.read_text("utf-8"))
    case = file.with_name(file.name.replace(".expect", ""))
    return case, expected, tasks_of(case, expected.get("config", {}))


def main() -> int:
    """Check the cases; print which are wrong, and how many are right."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?", default=CASES)
    parser.add_argument("--case", default="", metavar="NNN", help="only this one")
    parser.add_argument("-v", "--verbose", action="store_true", help="with the reasons")
    parser.add_argument("--min", type=float, default=100, metavar="PERCENT")
    args = parser.parse_args()
    if not has_prices():
        parser.exit(2, "prices are needed: pip install -e '.[cost]'\n")
    files, right = sorted(args.folder.glob(f"{args.case}*.expect.json")), 0
    for file in files:
        case, expected, tasks = read_case(file)
        wrong = [check for check in expected["checks"] if not holds(check, tasks)]
        right += not wrong
        if wrong or args.verbose:
            failed = json.dumps(wrong, ensure_ascii=False) if wrong else "right"
            print(f"{case.stem}: {failed}")
        if wrong and args.verbose:
            print(f"    {expected['why']}\n    Source: {expected['source']}")
            seen = [found(c, task) for c in wrong if "task" in c for task in tasks]
            print(f"    Found: {json.dumps(seen, ensure_ascii=False)[:2000]}")
    share = 100 * right / max(len(files), 1)
    print(f"{right} of {len(files)} cases right ({share:.1f} %)")
    return 0 if share >= args.min else 1


if __name__ == "__main__":
    sys.exit(main())
