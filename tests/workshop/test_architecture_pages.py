"""The pages about the architecture match the code."""

import re
from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "infinium_otel"
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
WIRE = (ROOT / "docs" / "explanation" / "from-span-to-wire.md").read_text("utf-8")


def test_contributing_lists_every_entry_of_the_package():
    """The table has each module and folder of the package, which are sixteen at most."""
    listed = re.findall(r"^\| `([\w.]+)/?` \|", CONTRIBUTING, re.MULTILINE)
    entries = [
        path.name
        for path in PACKAGE.iterdir()
        if path.name not in ("__init__.py", "__main__.py", "__pycache__", "py.typed")
    ]
    assert sorted(listed) == sorted(entries)
    assert len(entries) <= 16


def test_contributing_has_the_layers_that_are_checked():
    """The layers are those of the linter's contract."""
    linter = ConfigParser()
    linter.read(ROOT / ".importlinter")
    layers = linter["importlinter:contract:layers"]["layers"].split("\n")
    shown = "\n".join(f"    {layer}" for layer in layers if layer[:1] not in ("", "("))
    assert shown in CONTRIBUTING


def test_the_way_of_a_span_names_what_exists():
    """The modules, classes and functions of the table are in the code."""
    rows = re.findall(r"^\| [^|]+ \| `([\w.]+)` \| (.+) \|$", WIRE, re.MULTILINE)
    code = "\n".join(path.read_text("utf-8") for path in PACKAGE.rglob("*.py"))
    assert rows
    for module, names in rows:
        folder = PACKAGE / module.replace(".", "/")
        assert folder.is_dir(), folder
        for name in re.findall(r"`(\w+)`", names):
            assert re.search(rf"^(class|def) {name}\b", code, re.MULTILINE), name
