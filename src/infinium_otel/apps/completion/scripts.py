"""The scripts that complete a command line, for bash, zsh and fish."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from infinium_otel.apps.cli import PROGRAM

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from infinium_otel.apps.completion.words import CommandWords, Word

BASH = """\
# Completion of infinium-otel for bash 3.2 and newer.
_infinium_otel() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    local command= words= i
    # bash takes --from=x as three words.
    if [[ $cur == = ]]; then
        cur=
    elif [[ $prev == = ]]; then
        prev=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        -*) ;;
        *) command=${COMP_WORDS[i]}; break ;;
        esac
    done
    # Without words, bash completes the names of files.
    COMPREPLY=()
    case "$command $prev" in
@VALUES@
    *)
        case "$command $cur" in
@WORDS@
        esac
        ;;
    esac
    [[ -n $words ]] && COMPREPLY=($(compgen -W "$words" -- "$cur"))
    return 0
}
complete -o default -F _infinium_otel infinium-otel
"""

ZSH = """\
#compdef infinium-otel
# Completion of infinium-otel for zsh: a file _infinium-otel in a folder of $fpath, or
# evaluated after compinit.
_infinium_otel() {
    local curcontext=$curcontext state line
    typeset -A opt_args
    _arguments -C '(- *)--help[show the help]' '(- *)--version[show the version]' \\
        '1: :->command' '*:: :->arguments'
    case $state in
    command)
        local -a commands
        commands=(
@COMMANDS@
        )
        _describe command commands
        ;;
    arguments)
        case $line[1] in
@ARGUMENTS@
        esac
        ;;
    esac
}
if [[ $funcstack[1] == _infinium-otel ]]; then
    _infinium_otel "$@"
else
    compdef _infinium_otel infinium-otel
fi
"""

FISH = """\
# Completion of infinium-otel for fish.
complete -c infinium-otel -f
complete -c infinium-otel -n __fish_use_subcommand -l help -d 'show the help'
complete -c infinium-otel -n __fish_use_subcommand -l version -d 'show the version'
@LINES@
"""


def write_bash(commands: Sequence[CommandWords]) -> str:
    """The script for bash."""
    values = [
        _write_case([f'"{command.name} {name}"' for name in word.names], word.choices)
        for command in commands
        for word in command.options
        if word.takes_value
    ]
    names = [command.name for command in commands]
    words = [
        _write_case(['" -"*'], ["--help", "--version"]),
        _write_case(['" "*'], names),
    ]
    for command in commands:
        options = [name for word in command.options for name in word.names]
        choices = [each for word in command.positionals for each in word.choices]
        words.append(_write_case([f'"{command.name} -"*'], options))
        if choices:
            words.append(_write_case([f'"{command.name} "*'], choices))
    return BASH.replace("@VALUES@", "\n".join(values)).replace(
        "@WORDS@", "\n".join(f"    {line}" for line in words)
    )


def _write_case(patterns: Iterable[str], words: Sequence[str]) -> str:
    action = f"words={shlex.quote(' '.join(words))}" if words else ""
    return f"    {' | '.join(patterns)}) {action} ;;"


def write_zsh(commands: Sequence[CommandWords]) -> str:
    """The script for zsh."""
    described = [shlex.quote(f"{command.name}:{command.help}") for command in commands]
    arguments = []
    for command in commands:
        specs = [spec for word in command.options for spec in _to_zsh_options(word)]
        specs += map(_to_zsh_positional, command.positionals)
        lines = " \\\n                ".join(map(shlex.quote, specs))
        arguments.append(
            f"        {command.name})\n            _arguments {lines}\n            ;;"
        )
    return ZSH.replace(
        "@COMMANDS@", "\n".join(f"            {each}" for each in described)
    ).replace("@ARGUMENTS@", "\n".join(arguments))


def _to_zsh_options(word: Word) -> Iterator[str]:
    others = "" if word.repeats else f"({' '.join(word.names)})"
    value = f":value:{_to_zsh_values(word)}" if word.takes_value else ""
    for name in word.names:
        # The value of a long option may follow after an equals sign.
        joined = "=" if value and name.startswith("--") else ""
        repeats = "*" if word.repeats else ""
        yield f"{others}{repeats}{name}{joined}[{_escape_zsh(word.help)}]{value}"


def _to_zsh_positional(word: Word) -> str:
    repeats = "*" if word.repeats else ""
    return f"{repeats}:{_escape_zsh(word.help)}:{_to_zsh_values(word)}"


def _to_zsh_values(word: Word) -> str:
    if word.choices:
        return f"({' '.join(word.choices)})"
    return "_files" if word.is_path else " "


def _escape_zsh(text: str) -> str:
    return re.sub(r"([\[\]:\\])", r"\\\1", text)


def write_fish(commands: Sequence[CommandWords]) -> str:
    """The script for fish."""
    lines = []
    for command in commands:
        start = ["-n", "__fish_use_subcommand", "-a", command.name, "-d", command.help]
        lines.append(_to_fish_line(start))
        condition = f"__fish_seen_subcommand_from {command.name}"
        for word in command.options:
            options = ["-n", condition, *_to_fish_names(word.names)]
            if word.takes_value:
                options += _to_fish_values(word)
            lines.append(_to_fish_line([*options, "-d", word.help]))
        lines += [
            _to_fish_line(["-n", condition, *_to_fish_values(word)[1:]])
            for word in command.positionals
            if word.choices or word.is_path
        ]
    return FISH.replace("@LINES@", "\n".join(lines))


def _to_fish_names(names: Iterable[str]) -> list[str]:
    """`-l long` and `-s s`."""
    found = []
    for name in names:
        is_long = name.startswith("--")
        found += ["-l" if is_long else "-s", name.lstrip("-")]
    return found


def _to_fish_values(word: Word) -> list[str]:
    if word.choices:
        return ["-x", "-a", " ".join(word.choices)]
    return ["-r", "-F"] if word.is_path else ["-x"]


def _to_fish_line(words: Iterable[str]) -> str:
    quoted = (_quote_fish(word) for word in words)
    return " ".join(("complete", "-c", PROGRAM, *quoted))


def _quote_fish(word: str) -> str:
    """Quote *word*, where a backslash quotes only a quote and itself."""
    if re.fullmatch(r"[\w.-]+", word):
        return word
    return "'" + word.replace("\\", "\\\\").replace("'", "\\'") + "'"


WRITERS = {"bash": write_bash, "zsh": write_zsh, "fish": write_fish}
