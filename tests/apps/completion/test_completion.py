"""`infinium-otel completion`, in the shells that are installed."""

from __future__ import annotations

import os
import pty
import re
import select
import shlex
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from infinium_otel.apps import cli
from infinium_otel.apps.completion import SHELLS
from infinium_otel.apps.completion.words import list_commands

INSTALLED = [shell for shell in SHELLS if shutil.which(shell)]


@pytest.fixture
def scripts(tmp_path, capsys, monkeypatch):
    """The scripts as files in the working directory, beside two others."""
    monkeypatch.chdir(tmp_path)
    for shell in SHELLS:
        assert cli.main(["completion", shell]) == 0
        (tmp_path / f"script.{shell}").write_text(capsys.readouterr().out, "utf-8")
    (tmp_path / "other run.jsonl").touch()
    return tmp_path


@pytest.mark.parametrize("shell", SHELLS)
def test_every_option_is_in_every_script(shell, scripts):
    """Each command and each of its options occurs in the script."""
    text = (scripts / f"script.{shell}").read_text("utf-8")
    words = set(re.findall(r"[\w-]+", text))
    for command in list_commands():
        assert command.name in words
        for option in command.options:
            names = [n.lstrip("-") if shell == "fish" else n for n in option.names]
            assert set(names) <= words, (command.name, option.names)


def complete_bash(line):
    """The words that bash offers at the end of *line*."""
    words = line.split(" ")
    split = [
        part for word in words for part in re.split("(=)", word) if part or not word
    ]
    program = f"""
        . script.bash
        COMP_WORDS=({" ".join(map(shlex.quote, split))})
        COMP_CWORD={len(split) - 1}
        _infinium_otel
        printf '%s\\n' "${{COMPREPLY[@]}}"
        complete -p infinium-otel >/dev/null
    """
    bash = ["bash", "--noprofile", "--norc", "-c", program]
    done = subprocess.run(bash, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split()


def complete_fish(line):
    """The words that fish offers."""
    program = f"source script.fish; complete -C {shlex.quote(line)}"
    fish = ["fish", "--no-config", "-c", program]
    home = {**os.environ, "HOME": ".", "XDG_CONFIG_HOME": "."}
    done = subprocess.run(fish, capture_output=True, text=True, check=True, env=home)
    return [each.partition("\t")[0] for each in done.stdout.splitlines()]


ZSH = """
PROMPT=
autoload -U compinit
compinit -D -u
. ./script.zsh
compadd() {  # prints what is offered: a list would be for eyes
    case " ${@[1,(i)(-|--)]} " in *" -"[OAD]" "*) builtin compadd "$@"; return ;; esac
    local -a found
    builtin compadd -A found "$@"
    print -l -- "" $found
    builtin compadd "$@"
}
comppostfuncs=(finish)
finish() { print "do""ne"; exit }
print "re""ady"
"""


def complete_zsh(line):
    """The words that zsh offers, in a terminal of its own."""
    Path("setup.zsh").write_text(ZSH, "utf-8")
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ |= {"TERM": "dumb", "COLUMNS": "200", "HOME": "."}
        os.execvp("zsh", ["zsh", "-f", "-i"])
    try:
        os.write(terminal, b". ./setup.zsh\n")
        read_until(terminal, "ready")
        os.write(terminal, f"{line}\t".encode())
        return read_until(terminal, "done").split()
    finally:
        os.close(terminal)
        os.kill(pid, 9)
        os.waitpid(pid, 0)


def read_until(terminal, end):
    """What the terminal shows, up to *end*."""
    shown = ""
    deadline = time.monotonic() + 60
    while end not in shown:
        assert time.monotonic() < deadline, shown
        if select.select([terminal], [], [], 1)[0]:
            shown += os.read(terminal, 65536).decode("utf-8", "replace")
    return shown


COMPLETE = {"bash": complete_bash, "fish": complete_fish, "zsh": complete_zsh}


@pytest.mark.parametrize(
    ("line", "expected", "other"),
    [
        ("infinium-otel ", {"runs", "show", "serve", "completion"}, "--limit"),
        ("infinium-otel runs --s", {"--search", "--session", "--since"}, "--limit"),
        ("infinium-otel convert --from ", {"auto", "otlp", "letta"}, "convert-none"),
        ("infinium-otel completion ", {"bash", "zsh", "fish"}, "auto"),
        ("infinium-otel doctor --", {"--offline", "--json"}, "--limit"),
    ],
    ids=["commands", "options", "choices", "positional", "flags"],
)
@pytest.mark.parametrize("shell", INSTALLED)
def test_words_are_offered(shell, line, expected, other, scripts):
    """The shell offers what fits there, and nothing that does not."""
    offered = COMPLETE[shell](line)
    assert expected <= set(offered), offered
    assert other not in offered


@pytest.mark.parametrize("shell", set(INSTALLED) & {"bash", "fish"})
def test_values_after_an_equals_sign(shell, scripts):
    """The value of `--from=` is completed as that of `--from`."""
    offered = COMPLETE[shell]("infinium-otel convert --from=o")
    assert [each.rpartition("=")[2] for each in offered] == ["otlp"]


def test_files_are_left_to_bash(scripts):
    """Where a file belongs, the function offers nothing, so that bash offers files."""
    assert complete_bash("infinium-otel convert ") == []
    assert complete_bash("infinium-otel convert --output ") == []


@pytest.mark.parametrize("shell", set(INSTALLED) & {"fish"})
def test_files_in_fish(shell, scripts):
    """Where a file belongs, files are offered, also with a space in the name."""
    assert "other run.jsonl" in COMPLETE[shell]("infinium-otel convert o")[0].replace(
        "\\", ""
    )
